"""How much a count says: the range that the true rate or share lies in with 95% confidence, by the exact methods."""

from scipy.special import betaincinv, gammaincinv

_TAIL = 0.025


def rate_range(count: int, exposure: float) -> tuple[float, float]:
    """Of events that come one by one: how many there are in one unit of exposure, when `count` were seen in `exposure`.

    Garwood's interval of a Poisson mean. Raises ValueError without exposure.
    """
    if exposure <= 0:
        raise ValueError("no rate can be told from no exposure")
    low = float(gammaincinv(count, _TAIL)) if count else 0.0
    return low / exposure, float(gammaincinv(count + 1, 1 - _TAIL)) / exposure


def share_range(hits: int, of: int) -> tuple[float, float]:
    """Of which share `hits` are out of `of`: the interval of Clopper and Pearson; anything at all where `of` is 0."""
    if not of:
        return 0.0, 1.0
    low = float(betaincinv(hits, of - hits + 1, _TAIL)) if hits else 0.0
    high = float(betaincinv(hits + 1, of - hits, 1 - _TAIL)) if hits < of else 1.0
    return low, high
