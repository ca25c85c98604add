"""An always-valid interrupted time series: what a deploy did to a series whose season and noise are known.

    y = season · b + trend + controls · c + θ · anomaly + δ · deploy + Σ g · other deploys + u,    u an AR(p) process

Season, controls, AR and scale are learnt on the history; everything is whitened, exactly across the warm-up and every
gap; whitened residuals are clipped; then each reading refits all of it, by the innovations of the normal equations, so
that the path over all looks costs little more than one of them. The standard error is charged for the misfit that the
days of the history have shown. Sources: Box and Tiao (1975), "Intervention analysis"; Jones (1980) for gaps; Robbins
(1970) for the evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from inference.autoregression import fit_ar, whiten
from inference.grid import DAY, Grid
from inference.scatter import widths
from inference.season import WEEK, Season

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CLIP = 4.0  # whitened residuals beyond this many deviations count as this many
_MAD = 1.4826
_WILD = 50.0  # readings are kept within this many robust deviations of the history's middle
_PASSES = 2
_BLOCK = 64  # looks that are taken at once
_VAGUE = 1e-4  # precision of another deploy's step beforehand, in deviations: it may be anything
_REAL_TREND = 3.0  # standard errors from which a trend of the history is taken to go on
_FEWEST = 200  # calm readings without which season and noise cannot both be known
_SHARE = 0.3  # of the places that a history must fill
_FOR_OWN_SPREAD = 8  # readings after the deploy that may say that they scatter wider than the history
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is asked of a grid.

    deploy   epoch ms; `warm` when the warm-up is over
    onset    of the anomaly that was active at the deploy, None where there was none; `ramp` ms of it are left out
    masked   stretches [start, end) that are left out, as an anomaly that had ended
    others   epoch ms of other deploys that may have moved the series
    """

    season: Season
    deploy: float
    warm: float
    onset: float | None = None
    ramp: float = 0.0
    masked: Sequence[tuple[float, float]] = ()
    others: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """The looks of a watch, one a reading after the warm-up; everything on the even scale of the series.

    places   of the grid [L]
    base     what season and controls say for each look [L]
    theta    the anomaly's height [L], 0 where none is on
    gram     for each look the innovations' products [L, C, C] of (y, deploy, anomaly, *others, y unclipped), unit noise
    scale    innovations' standard deviation; `sd` the marginal one of the calm history
    charge   κ, by which variances are multiplied; `wilder` [L] the same for a scatter that grew since the deploy
    order    the number of AR lags
    level    the middle of the calm history
    calm     the calm history without its season: places and values, for whoever asks what the anomaly looked like
    """

    places: npt.NDArray[np.int64]
    base: Floats
    gram: Floats
    scale: float
    sd: float
    charge: float
    wilder: Floats
    order: int
    level: float
    season: Season
    controls: int
    anomalous: bool
    others: int
    flat: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.places)

    def steps(self, columns: Sequence[int], weights: Sequence[float], *, clipped: bool = True) -> tuple[Floats, Floats]:
        """The estimate and standard error at each look of Σ weights · step, with the steps in `columns` free.

        Columns: 1 the deploy, 2 the anomaly where there is one, then the others. What is not `clipped` says how large
        an effect may be, never that there is one.
        """
        chosen = np.array(columns)
        inner = self.gram[:, chosen[:, None], chosen[None, :]].copy()
        inner[:, np.arange(len(chosen)), np.arange(len(chosen))] += _VAGUE * (self.scale / self.sd) ** 2
        contrast = np.asarray(weights, dtype=np.float64)
        solved = _solved(inner, np.broadcast_to(contrast, (len(inner), len(chosen))))
        estimate = self.scale * np.sum(solved * self.gram[:, chosen, 0 if clipped else -1], axis=1)
        variance = np.sum(solved * contrast, axis=1)
        return estimate, self.scale * np.sqrt(np.maximum(variance, _TINY) * self.charge * self.wilder)

    def likelihood(self, column: int, beside: Sequence[int] = ()) -> Floats:
        """How much likelier (ln) the readings are with a step in that column than without, at each look."""
        free = [*beside, column]
        more = _explained(self.gram, free)
        less = _explained(self.gram, list(beside)) if beside else np.zeros(len(self.gram))
        return 0.5 * (more - less) / (self.charge * self.wilder)


def _explained(gram: Floats, free: Sequence[int]) -> Floats:
    chosen = np.array(free)
    inner = gram[:, chosen[:, None], chosen[None, :]].copy()
    inner[:, np.arange(len(chosen)), np.arange(len(chosen))] += _TINY
    pull = gram[:, chosen, 0]
    explained: Floats = np.sum(pull * _solved(inner, pull), axis=1)
    return explained


def _solved(squares: Floats, columns: Floats) -> Floats:
    """Each of the squares [L, C, C] against its column [L, C]."""
    if squares.shape[1] == 1:
        return columns / squares[:, :, 0]
    return np.linalg.solve(squares, columns[..., None])[..., 0].astype(np.float64)


def track(grid: Grid, plan: Plan) -> Track | str:
    """Learn the history of a grid and take every look after the warm-up, or say in a sentence what is missing."""
    times, deployed = grid.times, grid.times >= plan.deploy
    present = np.isfinite(grid.values) & ~_left_out(times, plan)
    controls, kept = _controls(grid, deployed)
    present &= np.all(np.isfinite(controls), axis=1)
    anomalous = np.zeros(len(times)) if plan.onset is None else (times >= plan.onset).astype(np.float64)
    calm = present & ~deployed & (anomalous == 0.0)
    size = int(np.count_nonzero(~deployed & (anomalous == 0.0)))
    if calm.sum() < max(_FEWEST, _SHARE * size):
        return f"only {int(calm.sum())} of {size} readings of the history are there"
    middle, spread = _middle(grid.values[calm])
    if spread <= 0.0:
        return "the history never moved"
    values = np.clip((grid.values - middle) / spread, -_WILD, _WILD)
    learnt = _learn(values, np.column_stack([plan.season.columns(times, plan.deploy), controls]), calm)
    if isinstance(learnt, str):
        return learnt
    trend = (times - plan.deploy) / WEEK
    moving = _learn(values, np.column_stack([learnt.design, trend]), calm)
    if not isinstance(moving, str) and abs(moving.newest) >= _REAL_TREND:
        learnt = moving
    phi, beta, design = learnt.phi, learnt.beta, learnt.design
    steps = [deployed.astype(np.float64)]
    if plan.onset is not None:
        steps.append(anomalous)
    steps += [(times >= other).astype(np.float64) for other in plan.others]
    columns = np.column_stack([values, *steps, design])
    white = whiten(columns, present, phi)
    known = calm[white.places]
    wide = widths(times[white.places], white.rows[:, 0] - white.rows[:, len(steps) + 1 :] @ beta, known)
    cut = _Cut(deployed=deployed, calm=calm, day=DAY / grid.step)
    looks = _looks(white.rows / wide[:, None], white.places, len(steps) + 1, cut)
    if isinstance(looks, str):
        return looks
    seasonal = design @ beta
    after = white.places[deployed[white.places]]
    rest = values - seasonal
    return Track(
        places=after,
        base=middle + spread * seasonal[after],
        gram=looks.gram,
        scale=spread * looks.scale,
        sd=spread * float(np.sqrt(np.mean(np.square(_clipped(rest[calm]))))),
        charge=looks.charge,
        wilder=looks.wilder,
        order=len(phi),
        level=middle,
        season=plan.season,
        controls=kept,
        anomalous=plan.onset is not None,
        others=len(plan.others),
        flat=middle + spread * (rest + beta[0]),
    )


def _left_out(times: Floats, plan: Plan) -> Mask:
    """The warm-up, the ramp of the anomaly, and what is masked."""
    out = (times >= plan.deploy) & (times < plan.warm)
    if plan.onset is not None:
        out |= (times >= plan.onset) & (times < plan.onset + plan.ramp)
    for start, end in plan.masked:
        out |= (times >= start) & (times < end)
    return out


def _controls(grid: Grid, deployed: Mask) -> tuple[Floats, int]:
    """The control columns in deviations, without those that are mostly missing or never moved; and how many."""
    columns: list[Floats] = []
    for column in grid.controls.T:
        before = column[~deployed & np.isfinite(column)]
        since = np.isfinite(column[deployed])
        if len(before) < 0.9 * np.sum(~deployed) or (len(since) and since.mean() < 0.9):  # noqa: PLR2004 - nearly whole
            continue
        middle, spread = _middle(before)
        if spread > 0.0:
            columns.append(np.clip((column - middle) / spread, -_WILD, _WILD))
    return (np.column_stack(columns) if columns else np.empty((len(grid.times), 0))), len(columns)


def _middle(values: Floats) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, _MAD * float(np.median(np.abs(values - middle)))


def _clipped(rest: Floats) -> Floats:
    spread = _MAD * float(np.median(np.abs(rest)))
    return np.clip(rest, -CLIP * spread, CLIP * spread)


def _scatter(innovations: Floats) -> float:
    """Their deviation, where none counts as more than `CLIP` of it.

    The middle alone would take heavy tails for narrow noise, and clip a real step to less than it takes to see it.
    """
    scale = _MAD * float(np.median(np.abs(innovations)))
    for _ in range(_PASSES):
        scale = float(np.sqrt(np.mean(np.square(np.clip(innovations, -CLIP * scale, CLIP * scale)))))
    return scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Learnt:
    """AR coefficients and the design's; `newest`: how many standard errors the last column's is from nothing."""

    design: Floats
    phi: Floats
    beta: Floats
    newest: float


def _learn(values: Floats, design: Floats, calm: Mask) -> _Learnt | str:
    """The AR coefficients and the design's, from the calm history alone."""
    whole, end = design, int(np.flatnonzero(calm)[-1]) + 1
    values, design, calm = values[:end], design[:end], calm[:end]  # what follows would only be filtered through
    rows = design[calm]
    beta = _least(rows, values[calm])
    rest = values[calm] - rows @ beta
    beta = _least(rows, rows @ beta + _clipped(rest))
    phi, newest = np.empty(0), 0.0
    for _ in range(_PASSES):
        noise = np.zeros(len(values))
        noise[calm] = _clipped(values[calm] - rows @ beta)
        phi = fit_ar(noise, calm)
        white = whiten(np.column_stack([values, design]), calm, phi).rows
        guess = white[:, 1:] @ beta
        off = white[:, 0] - guess
        if not np.median(np.abs(off)) > _TINY:
            return "more than half of the history never moved"
        clipped = _clipped(off)
        beta = _least(white[:, 1:], guess + clipped)
        last = np.linalg.inv(white[:, 1:].T @ white[:, 1:])[-1, -1]
        newest = float(beta[-1] / np.sqrt(last * np.mean(clipped**2)))
    return _Learnt(design=whole, phi=phi, beta=beta, newest=newest)


def _least(rows: Floats, values: Floats) -> Floats:
    gram = rows.T @ rows
    gram[np.diag_indices_from(gram)] += 1e-9 * np.trace(gram) / len(gram)
    return np.linalg.solve(gram, rows.T @ values).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    deployed: Mask
    calm: Mask
    day: float  # in places


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Looks:
    gram: Floats
    scale: float
    charge: float
    wilder: Floats


def _looks(rows: Floats, places: npt.NDArray[np.int64], extra: int, cut: _Cut) -> _Looks | str:
    """The innovations of y and of every step at each look, after what the history says of the design."""
    before = ~cut.deployed[places]
    calm = cut.calm[places]
    if before.sum() <= rows.shape[1]:
        return "too few readings in a row"
    steps, design = rows[:, :extra].copy(), rows[:, extra:]
    known = np.flatnonzero(np.any(steps[before, 1:] != 0.0, axis=0)) + 1
    regressors = np.column_stack([design, steps[:, known]])
    guess = regressors @ _least(regressors[before], steps[before, 0])
    off = steps[:, 0] - guess
    scale = _scatter(off[calm])
    clipped = np.clip(off, -CLIP * scale, CLIP * scale)
    steps = np.column_stack([steps, steps[:, 0] / scale])
    steps[:, 0] = (guess + clipped) / scale
    gram = design[before].T @ design[before]
    gram[np.diag_indices_from(gram)] += 1e-9 * np.trace(gram) / len(gram)
    precision: Floats = np.linalg.inv(gram).astype(np.float64)
    means = precision @ (design[before].T @ steps[before])
    left = steps[before].T @ (steps[before] - design[before] @ means)
    innovations = _innovations(design[~before], steps[~before], precision, means)
    products = left + np.cumsum(innovations[:, :, None] * innovations[:, None, :], axis=0)
    return _Looks(
        gram=products,
        scale=scale,
        charge=_charge((clipped / scale)[calm], places[calm], cut.day),
        wilder=_wilder(innovations, products),
    )


def _innovations(design: Floats, steps: Floats, precision: Floats, means: Floats) -> Floats:
    """What each reading says that those before it did not, for y and each step: [L, C], in blocks of looks."""
    found = np.empty_like(steps)
    for first in range(0, len(steps), _BLOCK):
        block, rest = design[first : first + _BLOCK], steps[first : first + _BLOCK]
        reach = block @ precision
        lower = np.linalg.cholesky(reach @ block.T + np.eye(len(block)))
        solved = np.linalg.solve(lower, np.column_stack([rest - block @ means, reach]))
        fresh, gain = solved[:, : rest.shape[1]], solved[:, rest.shape[1] :]
        found[first : first + _BLOCK] = fresh
        means = means + gain.T @ fresh
        precision = precision - gain.T @ gain
    return found


def _charge(calm: Floats, places: npt.NDArray[np.int64], day: float) -> float:
    """κ: how many times more the days of the history vary than independent innovations would; at least 1."""
    days = ((places[-1] - places) / day).astype(np.int64)
    sums, counts = np.bincount(days, weights=calm), np.bincount(days)
    whole = counts >= 0.5 * np.median(counts[counts > 0])
    return max(1.0, float(np.mean(sums[whole] ** 2 / counts[whole]) / np.mean(calm**2)))


def _wilder(innovations: Floats, products: Floats) -> Floats:
    """How many times wider the readings since the deploy scatter than the history, at each look; at least 1."""
    from bisect import insort

    shift = products[:, 0, 1] / np.maximum(products[:, 1, 1], _TINY)
    sizes: list[float] = []
    wider = np.ones(len(innovations))
    for place, size in enumerate(np.abs(innovations[:, 0] - shift * innovations[:, 1]).tolist()):
        insort(sizes, size)
        if place + 1 >= _FOR_OWN_SPREAD:
            wider[place] = max(1.0, (_MAD * sizes[place // 2]) ** 2)
    return wider
