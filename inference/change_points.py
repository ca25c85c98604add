"""Change points: where the level of a series moved for good, by ranks, on noise that may be autocorrelated.

Four steps, each a function below. *Propose*: rank sums scan the whole series and halves, quarters, … of it that overlap
(seeded intervals: Kovács et al., Biometrika 2023), as if readings were independent. *Learn*: what is left around the
proposed levels shows how far a reading repeats the one before (an AR(1)). *Take back*: readings that repeat each other
are worth fewer, an effective sample size of (1 - phi)/(1 + phi); each proposal is scanned again with that part of each
reading taken out that the one before foretold, the weakest falls first, and the rest is learnt anew. *Date*: between
its neighbours, a change that stands is placed by generalised least squares, where the jump itself counts as well as the
level after it, and the places share its certainty by their likelihoods.

What is assumed: levels that hold for at least 5 readings; noise that is AR(1) with phi ≥ 0 and one scale around each
change; readings a step apart, any distribution (wild single readings are set aside). A season or a drift is no level:
take it out first. It reads a whole series and costs O(n log n), so it is for a trigger and not for each reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

WITHIN = 5
"""A change point is dated to within so many readings."""

SHORTEST = 16
"""A series of fewer finite readings has no change point."""

_LEAST_SIDE = 5  # readings on each side of a change
_LEAST_VARIANCE = 1e-6  # of ranks, far below that of any two that differ
_NEARER = 1e-3  # of places that are equally certain, the likelier
_PROPOSED = 4.5  # standard deviations of a rank sum, the best of all places: 1 in 1,000 quiet series of 150 has it
_STANDS = 4.0  # the same once the noise is known: fewer places are asked
_CERTAIN = 0.8  # of the likelihood lies within WITHIN
_WILD = 3.0  # usual steps from both neighbours: a reading alone
_MEDIAN_TO_SD = 0.954  # the median size of a difference of two readings, over their standard deviation
_MOST_PHI = 0.98
_WINDOWS = (2, 4, 8, 16)  # parts of the series that are scanned by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """One change of level.

    index      the first reading of the new level lies within `WITHIN` places of this one
    certainty  how much of the likelihood lies there, in [0, 1]
    score      standard deviations of the rank sum, on what readings do not foretell of each other
    before, after  the median reading from the change before to this one, and from this one to the next
    """

    index: int
    certainty: float
    score: float
    before: float
    after: float


def change_points(values: npt.ArrayLike, *, certainty: float = _CERTAIN) -> tuple[ChangePoint, ...]:
    """The changes of level in readings [T], oldest first, of those that can be dated with at least that certainty.

    Readings that are not finite are passed over; `index` counts them. None in a series of fewer than `SHORTEST` finite
    readings, or a constant. Raises ValueError for more than one column.
    """
    readings = np.asarray(values, dtype=np.float64)
    if readings.ndim != 1:
        raise ValueError(f"one series at a time, got {readings.shape}")
    places = np.flatnonzero(np.isfinite(readings))
    if len(places) < SHORTEST:
        return ()
    present = readings[places]
    largest = float(np.max(np.abs(present)))
    if largest == 0.0:
        return ()
    series = _calm(present / largest)  # no square of what is left overflows
    phi, scores, cuts = _standing(series, _proposed(midranks(series)))
    found: list[ChangePoint] = []
    for place, score in enumerate(scores):
        first, cut, last = cuts[place : place + 3]
        index, sure = _dated(series[first:last], cut - first, phi)
        if sure < certainty:
            continue
        at = first + index
        before, after = _median(present[first:at]), _median(present[at:last])
        found.append(ChangePoint(index=int(places[at]), certainty=sure, score=score, before=before, after=after))
    return tuple(found)


def midranks(series: Floats) -> Floats:
    """The ranks of readings [T] from 1 on; equal readings share the mean of theirs."""
    order = series.argsort()
    ordered = series[order]
    ranks: Floats = np.empty(len(series))
    ranks[order] = np.arange(1.0, len(series) + 1.0)
    if bool((ordered[1:] == ordered[:-1]).any()):
        below = np.searchsorted(ordered, series, side="left")
        ranks[:] = (below + np.searchsorted(ordered, series, side="right") + 1) / 2
    return ranks


def rank_sums(ranks: Floats) -> Floats:
    """How far the sum of the first 5 … T - 5 of these ranks [T] is from chance, in its standard deviations.

    float64 [T - 9], zeros where all are equal. The ranks may be those of a longer series: the standard deviation is
    that of sums over the orders in which these ones could have come. Raises ValueError for T < 10.
    """
    count = len(ranks)
    if count < 2 * _LEAST_SIDE:
        raise ValueError(f"rank sums need {2 * _LEAST_SIDE} readings, got {count}")
    centred = ranks - ranks.sum() / count
    variance = float(centred @ centred) / count
    if variance == 0.0:
        return np.zeros(count - 2 * _LEAST_SIDE + 1)
    taken = np.arange(_LEAST_SIDE, count - _LEAST_SIDE + 1.0)
    sums = np.abs(centred.cumsum()[_LEAST_SIDE - 1 : -_LEAST_SIDE])
    far: Floats = sums / np.sqrt(taken * (count - taken) * (variance / (count - 1.0)))
    return far


def _calm(series: Floats) -> Floats:
    """The series with each reading that lies far from both its neighbours brought back to the nearer one."""
    left, middle, right = series[:-2], series[1:-1], series[2:]
    nearest = np.minimum(np.maximum(middle, np.minimum(left, right)), np.maximum(left, right))
    usual = _median(np.abs(series[1:] - series[:-1])) / _MEDIAN_TO_SD or float(np.std(series))
    calm = series.copy()
    calm[1:-1] = np.where(np.abs(middle - nearest) > _WILD * usual, nearest, middle)
    return calm


def _median(series: Floats) -> float:
    half = len(series) // 2
    ordered = np.partition(series, (half - 1, half))  # np.median checks so much that it takes five times as long
    return float(ordered[half]) if len(series) % 2 else float(ordered[half - 1] + ordered[half]) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scans:
    """Every place in every window of a series of one length, one after the other, so that one pass scans them all.

    starts, ends   the windows [W], the series itself first
    first          where each one's places begin [W]
    window         to which window a place belongs [N]
    cut            the readings of the series before it [N]
    share          the part of its window that lies before it [N]
    chance         the standard deviation of a sum of so many ranks, per standard deviation of a rank [N]
    """

    starts: Places
    ends: Places
    first: Places
    window: Places
    cut: Places
    share: Floats
    chance: Floats


@lru_cache(maxsize=64)
def _scans_of(count: int) -> _Scans:
    """Lay them out: windows of one size follow each other at half their width."""
    windows = [(0, count)]
    for parts in _WINDOWS:
        width = -(-count // parts)
        if width < 2 * SHORTEST:
            break
        windows += [
            (begin, begin + width) for begin in np.linspace(0, count - width, 2 * parts - 1).astype(int).tolist()
        ]
    starts, ends = np.array(windows, dtype=np.intp).T
    sizes = ends - starts - 2 * _LEAST_SIDE + 1
    window = np.repeat(np.arange(len(windows)), sizes)
    first = np.cumsum(sizes) - sizes
    taken = np.arange(len(window)) - first[window] + _LEAST_SIDE
    width_of = (ends - starts)[window]
    return _Scans(
        starts=starts,
        ends=ends,
        first=first,
        window=window,
        cut=starts[window] + taken,
        share=taken / width_of,
        chance=np.sqrt(taken * (width_of - taken) / (width_of - 1.0)),
    )


def _proposed(ranks: Floats) -> list[int]:
    """Ends of the series and, between them, where a level may have changed: the most telling scan first."""
    scans = _scans_of(len(ranks))
    summed = np.concatenate(((0.0,), ranks.cumsum()))
    squared = np.concatenate(((0.0,), (ranks * ranks).cumsum()))
    width = scans.ends - scans.starts
    begun = summed[scans.starts]
    whole = summed[scans.ends] - begun
    variance = (squared[scans.ends] - squared[scans.starts]) / width - (whole / width) ** 2
    spread = np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
    sums = summed[scans.cut] - begun[scans.window] - scans.share * whole[scans.window]
    far = np.abs(sums) / (scans.chance * spread[scans.window])
    peaks = np.maximum.reduceat(far, scans.first)
    cuts: list[int] = []
    for window in sorted(np.flatnonzero(peaks >= _PROPOSED).tolist(), key=peaks.__getitem__, reverse=True):
        start, end, first = int(scans.starts[window]), int(scans.ends[window]), int(scans.first[window])
        if not any(start < cut < end for cut in cuts):
            cuts.append(start + _LEAST_SIDE + int(np.argmax(far[first : first + end - start - 2 * _LEAST_SIDE + 1])))
    return [0, *sorted(cuts), len(ranks)]


def _standing(series: Floats, cuts: list[int]) -> tuple[float, list[float], list[int]]:
    """(phi, the scores of the changes that stand, and these with the ends): the weakest is taken back until all do."""
    while len(cuts) > 2:  # noqa: PLR2004 - the two ends
        phi = _repeating(_around_levels(series, cuts), len(cuts) - 1)
        fresh = midranks(series[1:] - phi * series[:-1])
        scores = [float(rank_sums(fresh[first : last - 1]).max()) for first, last in zip(cuts, cuts[2:], strict=False)]
        weakest = int(np.argmin(scores))
        if scores[weakest] >= _STANDS:
            return phi, scores, cuts
        cuts = cuts[: weakest + 1] + cuts[weakest + 2 :]
    return 0.0, [], cuts


def _around_levels(series: Floats, cuts: Sequence[int]) -> Floats:
    return np.concatenate(
        [series[first:last] - series[first:last].sum() / (last - first) for first, last in pairwise(cuts)]
    )


def _repeating(rest: Floats, levels: int) -> float:
    """The lag-1 autocorrelation of what is left around so many levels, corrected for having fitted and sought them."""
    power = float(rest @ rest)
    if power == 0.0:
        return 0.0
    raw = float(rest[1:] @ rest[:-1]) / power
    up = max(raw, 0.0)
    # Each fitted mean takes (1 + phi)/n, the estimate itself 2 phi/n (Kendall, 1954); each cut was sought: 1/n more.
    return min(max(raw + ((1.0 + up) * levels + 2.0 * up + levels - 1) / len(rest), 0.0), _MOST_PHI)


def _dated(segment: Floats, cut: int, phi: float) -> tuple[int, float]:
    """(the first reading of the second level, the certainty that it lies within `WITHIN` of there) in one segment.

    `cut` is the first guess, from which only the scale of the noise is taken.
    """
    count = len(segment)
    rest = _around_levels(segment, (0, cut, count))
    fresh = rest[1:] - phi * rest[:-1]
    variance = float(fresh @ fresh) / (count - 3)
    if variance == 0.0:
        return cut, 1.0
    gain = _gains(segment - segment.sum() / count, phi)[_LEAST_SIDE - 1 : -_LEAST_SIDE + 1] / variance
    likely = np.exp((gain - gain.max()) / 2.0)
    summed = np.zeros(len(gain) + 2 * WITHIN + 1)
    np.cumsum(likely, out=summed[WITHIN + 1 : WITHIN + 1 + len(gain)])
    summed[WITHIN + 1 + len(gain) :] = summed[WITHIN + len(gain)]
    around = (summed[2 * WITHIN + 1 :] - summed[: -2 * WITHIN - 1]) / summed[-1]
    best = int((around + _NEARER * likely).argmax())
    return best + _LEAST_SIDE, min(float(around[best]), 1.0)


def _gains(series: Floats, phi: float) -> Floats:
    """How much of the innovations' sum of squares a step before each reading but the first explains: float64 [T - 1].

    Generalised least squares for an AR(1) in closed form: whitened, a step is one jump of 1 and 1 - phi ever after.
    """
    count, after, start = len(series), 1.0 - phi, 1.0 - phi * phi
    fresh = series[1:] - phi * series[:-1]
    summed = fresh.cumsum()
    later = summed[-1] - summed  # the sum of all innovations after each
    left = np.arange(count - 2.0, -1.0, -1.0)
    level = start + (count - 1) * after * after
    pull = start * series[0] + after * float(summed[-1])
    shared = after + left * after * after
    step = fresh + after * later - shared * pull / level
    gains: Floats = step * step / (1.0 + left * after * after - shared * shared / level)
    return gains
