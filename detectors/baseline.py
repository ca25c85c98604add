"""Baseline: what is normal for each series of a signal, by statistics that a past incident cannot pull along.

A reading is expected at `level + weekly[day of the week] + profile[time of day]`, within a band of its own width on
either side:

level     the median of the last three days, so that a lasting shift is the new normal after a day and a half
weekly    how far that weekday lay from its week, in the middle of all weeks; used only where it lowers the mean error
          of days below 0.7 of the error without it, the last week being forecast from those before it
profile   the median for each five minutes of the day, over all days; used only where it lowers the median error below
          0.7 of the error without it, each half of the days being forecast from the other half
band      `width` robust standard deviations of the errors that this forecast would have made, for each time of day
          (and its neighbours), upward and downward apart; never below half of those of the whole day
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from cases.telemetry import DAY, Floats, Mask, Millis, SeriesBlock
from detectors.robust import median, resolution, scales
from detectors.runs import step_of

Key = tuple[tuple[str, str], ...]
Places = npt.NDArray[np.intp]

WIDTH = 5.0
"""Half the band in standard deviations. Five with three confirming samples keep two quiet weeks quiet, also when the
noise is correlated or has heavy tails (measured in the tests)."""

DUST = 0.01
"""How far a series that was practically always zero must move to be more than dust, in the query's own unit: 1% of
requests, or one event in a hundred seconds. A history of nothing but zeros gives no unit of its own to go by."""

SMALLEST_CHANGE = 0.005
"""The narrowest half of a band, as a share of the expected value: constants are not that constant."""

HISTORY_POINTS = 4_032
"""What a baseline is learnt from at most: two weeks, five minutes apart, as fine as the times of day it tells apart."""

LEARN_AGAIN = timedelta(minutes=1)
"""How soon to try again while there is not enough history."""

PAYS = 0.7
LEVEL_DAYS = 3
LEAST_WEEKS = 2  # before these have been seen, a day of the week is not known
LEAST_DAYS = 3  # before these have been seen, a time of day is not known
_LEAST_IN_BIN = 20
_DAY = DAY // timedelta(milliseconds=1)
_WEEK = 7  # days
_BIN = 5 * 60 * 1000
_NEIGHBOURS = 1  # bins on either side that lend their errors
_ROWS = 16  # series at a time: folded into times of day, 16 of them are 8 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What is normal for the series of one signal. Made by `fit`, asked by `expected`.

    labels     one mapping a series, length S
    warm       bool [S]: enough history to know what is normal
    level      float64 [S]; weekly float64 [S, 7]: offset by day of the week, in UTC, a Thursday first
    profile, up, down   float64 [S, B]: offset and half-widths by time of day; all in the signal's unit
    bin_ms     the length of one time of day; B of them are a day
    floor      float64 [S]: 0 for a series that was never negative, else minus infinity: the band goes no lower
    until      the newest time of the history, in epoch milliseconds; 0 for an empty one
    partial    why the history is not whole, or "": then no series is warm
    """

    labels: tuple[Mapping[str, str], ...]
    warm: Mask
    level: Floats
    weekly: Floats
    profile: Floats
    up: Floats
    down: Floats
    bin_ms: int
    floor: Floats
    until: int
    partial: str = ""


def history_step(history: timedelta, step: timedelta) -> timedelta:
    """The distance of the points that a baseline is learnt from: that of the readings, or wider where they are many."""
    return max(step, timedelta(seconds=-(-history.total_seconds() // HISTORY_POINTS)))


def key_of(labels: Mapping[str, str]) -> Key:
    """What tells one series of a signal from another."""
    return tuple(sorted(labels.items()))


def fit(history: SeriesBlock, *, warm_up: timedelta, width: float = WIDTH, dust: float = DUST) -> Baseline:
    """Learn what is normal from a history that ends before what is to be judged.

    A series whose samples make up less than `warm_up` of time is not warm, and none is when the history is partial.
    Infinities are refused with a ValueError: a source turns them into missing samples.
    """
    values, times = np.where(history.missing, np.nan, history.values), history.times
    if bool(np.any(np.isinf(values))):
        raise ValueError(f"the history of {history.signal.key} has infinite values")
    days = _Days.of(times)
    present = np.sum(~history.missing, axis=1)
    warm = (present > 0) & (present * step_of(times) >= warm_up / timedelta(milliseconds=1))
    profile = _profile(values, days)
    flat = values - profile[:, days.bins]
    weekly = _weekly(flat, days)
    flat -= weekly[:, days.day % _WEEK]
    level = median(flat[:, times > times[-1] - LEVEL_DAYS * _DAY]) if len(times) else np.full(len(values), np.nan)
    up, down = _half_widths(values, flat, days, width)
    size = np.abs(level[:, None] + profile)
    least = np.maximum(SMALLEST_CHANGE * size, resolution(values)[:, None])
    up, down = np.maximum(up, least), np.maximum(down, least)
    return Baseline(
        labels=history.labels,
        warm=warm & np.isfinite(level) & (not history.partial),
        level=level,
        weekly=weekly,
        profile=profile,
        up=np.where(up > 0, up, dust),
        down=np.where(down > 0, down, dust),
        bin_ms=days.bin_ms,
        floor=np.where(np.any(values < 0, axis=1), -np.inf, 0.0),
        until=int(times[-1]) if len(times) else 0,
        partial=history.partial,
    )


def expected(baseline: Baseline, times: Millis) -> tuple[Floats, Floats, Floats]:
    """(low, middle, high) at epoch milliseconds [T], each float64 [S, T]; NaN where nothing is known."""
    bins = times % _DAY // baseline.bin_ms
    weekday = (times // _DAY).astype(np.intp) % _WEEK
    middle = baseline.level[:, None] + baseline.weekly[:, weekday] + baseline.profile[:, bins]
    middle[~baseline.warm] = np.nan
    low = np.maximum(middle - baseline.down[:, bins], np.minimum(baseline.floor[:, None], middle))
    return low, middle, middle + baseline.up[:, bins]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Days:
    """A time axis folded into days.

    bins    the time of day of each time; day its day since 1970
    span_ms the length of the axis, of which a day is asked by `count`; step that from one time to the next
    folded  [B, K]: the places on the axis that fall on each time of day, -1 where there are fewer than K
    """

    bins: Places
    day: Places
    span_ms: int
    step: int
    bin_ms: int
    folded: Places

    @classmethod
    def of(cls, times: Millis) -> "_Days":
        """Fold it. A step longer than five minutes makes longer bins, of which a whole number is a day."""
        wanted = max(_BIN, step_of(times))
        count = max(1, _DAY // wanted)
        bin_ms = -(-_DAY // count)
        bins = (times % _DAY // bin_ms).astype(np.intp)
        day = (times // _DAY).astype(np.intp)
        order = np.argsort(bins, kind="stable")
        sizes = np.bincount(bins, minlength=count)
        rank = np.arange(len(bins)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        folded = np.full((count, int(np.max(sizes, initial=0))), -1, dtype=np.intp)
        folded[bins[order], rank] = order
        span_ms = int(times[-1] - times[0]) + step_of(times) if len(times) else 0
        return cls(bins=bins, day=day, span_ms=span_ms, step=step_of(times), bin_ms=bin_ms, folded=folded)

    @property
    def count(self) -> int:
        """How many days the axis spans."""
        return self.span_ms // _DAY

    def fold(self, values: Floats, neighbours: int = 0) -> Floats:
        """[S, T] as [S, B, K]: the samples by time of day, with those of as many times of day on either side."""
        padded = np.concatenate([values, np.full((len(values), 1), np.nan)], axis=1)
        around = [np.roll(self.folded, shift, axis=0) for shift in range(-neighbours, neighbours + 1)]
        gathered: Floats = padded[:, np.concatenate(around, axis=1)]
        return gathered


def _profile(values: Floats, days: _Days) -> Floats:
    """The offset from the level by time of day [S, B]: zero where it does not pay."""
    profile = np.zeros((len(values), len(days.folded)))
    if days.count < LEAST_DAYS:
        return profile
    centred = values - median(values)[:, None]
    even = days.day % 2 == 0
    for rows in _blocks(len(values)):
        block = centred[rows]
        offsets = median(days.fold(block))
        from_even = median(days.fold(np.where(even, block, np.nan)))
        from_odd = median(days.fold(np.where(even, np.nan, block)))
        errors = np.abs(block - np.where(even, from_odd[:, days.bins], from_even[:, days.bins]))
        plain = np.where(np.isnan(errors), np.nan, np.abs(block))  # judged on the same samples
        pays_all_day = median(errors) < PAYS * median(plain)
        in_bin = days.fold(errors)
        enough = np.sum(~np.isnan(in_bin), axis=-1) >= _LEAST_IN_BIN
        pays_then = enough & (median(in_bin) < PAYS * median(days.fold(plain)))
        profile[rows] = np.where(pays_all_day[:, None] | pays_then, offsets, 0.0)
    return profile


def _weekly(flat: Floats, days: _Days) -> Floats:
    """The offset from the level by day of the week [S, 7]: zero where it does not pay, or before two whole weeks."""
    nothing = np.zeros((len(flat), _WEEK))
    if days.count < LEAST_WEEKS * _WEEK - 1:
        return nothing
    half = _DAY // (2 * days.step)  # what a day must have to count
    dates = days.day[0] + np.flatnonzero(np.bincount(days.day - days.day[0]) >= half)
    dates = dates[-(len(dates) // _WEEK * _WEEK) :]
    if len(dates) < LEAST_WEEKS * _WEEK or int(dates[-1] - dates[0]) != len(dates) - 1:
        return nothing  # where a day is missing, another weekday stands in its place
    levels = np.stack([median(flat[:, days.day == date]) for date in dates.tolist()], axis=-1)
    levels = levels.reshape(len(flat), len(dates) // _WEEK, _WEEK)  # of no series at all -1 would be unknown
    off = levels - median(levels)[:, :, None]
    before, last = median(np.swapaxes(off[:, :-1], 1, 2)), off[:, -1]
    # The mean, as a weekend is two days of seven; NaN, where a series was not there on some day, pays nothing.
    pays = np.mean(np.abs(last - before), axis=1) < PAYS * np.mean(np.abs(last), axis=1)
    offsets = nothing.copy()
    offsets[:, dates[:_WEEK] % _WEEK] = median(np.swapaxes(off, 1, 2))
    return np.where(pays[:, None], offsets, 0.0)


def _half_widths(values: Floats, flat: Floats, days: _Days, width: float) -> tuple[Floats, Floats]:
    """(upward, downward) halves of the band by time of day [S, B], from the errors the forecast would have made."""
    errors = flat - _levels_then(flat, days)
    shape = (len(values), len(days.folded))
    up, down = np.empty(shape), np.empty(shape)
    for rows in _blocks(len(values)):
        all_day = scales(errors[rows])
        if days.count < LEAST_DAYS:
            up[rows], down[rows] = all_day[0][:, None], all_day[1][:, None]
            continue
        then = scales(days.fold(errors[rows], _NEIGHBOURS))
        up[rows] = np.fmax(then[0], all_day[0][:, None] / 2)
        down[rows] = np.fmax(then[1], all_day[1][:, None] / 2)
    return width * up, width * down


def _levels_then(flat: Floats, days: _Days) -> Floats:
    """The level [S, T] that a forecast of each day would have had: the median of the three days before it.

    A series' first day has none before it and is measured against its own: days on the axis without a sample of the
    series are no days before it.
    """
    levels = np.full(flat.shape, np.nan)
    for day in sorted(set(days.day.tolist())):  # np.unique would import numpy.ma: 4 MB in an idle daemon
        mine = days.day == day
        before = median(flat[:, (days.day < day) & (days.day >= day - LEVEL_DAYS)])
        levels[:, mine] = np.where(np.isnan(before), median(flat[:, mine]), before)[:, None]
    return levels


def _blocks(rows: int) -> list[slice]:
    return [slice(first, first + _ROWS) for first in range(0, rows, _ROWS)]
