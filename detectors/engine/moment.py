"""A moment: when the readings of a tick are, and how old their series, and all that follows from these alone.

Most ticks read all rows at one time, of series that are long past learning. Then each of these is one number for all,
an array [1], and what is reckoned from it costs nothing a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.engine.pace import DAY_MS, Floats, Millis, Pace, Rates, Singles, rates
from detectors.engine.rows import BINS, Rows

Mask = npt.NDArray[np.bool_]

OLD_DAYS = 8
"""From then on nothing depends on how long a series has been seen."""

BIN_MS = DAY_MS // BINS
LEAST_DAYS = 2
"""Days of a series before its season may count."""

HALF_DAY_MS = DAY_MS // 2
APART_MS = BIN_MS  # spans turn that much later than half days, so that no tick has to do both for all rows


@dataclass(slots=True, kw_only=True, eq=False)
class Moment:
    """Each [1] when it is the same for all rows, else [N].

    time_of_day       the place of the readings in the season
    season_part       the part of a reading that its time of day takes over
    judged            whether the reading is the first of its time of day, and the season old enough to be judged
    fast, middle, slow, long, daily  the part of a reading that the levels and means take over
    record            what a record loses when a half day is over, natural log
    raw               too early to hold readings down
    early             too early to say anything; unheld: too early to hold records down
    half_day          whether a half day is over; spans: how many spans of de-duplication are
    any_judged, any_raw, any_over   whether that is so, or either of them, for any row
    """

    time_of_day: npt.NDArray[np.intp]
    season_part: Singles
    judged: Mask
    fast: Singles
    middle: Singles
    slow: Singles
    long: Singles
    daily: Singles
    record: Singles
    raw: Mask
    early: Mask
    unheld: Mask
    half_day: Mask
    spans: Millis
    any_judged: bool
    any_raw: bool
    any_over: bool


_COLUMNS = [column.name for column in fields(Moment)][:-3]


def moment(rows: Rows, times: Millis, pace: Pace) -> Moment:
    """The moment of readings at `times` [N], one for each row."""
    speed = rates(pace, rows.step)
    old = _old(speed)
    age = np.array([old]) if float(np.min(rows.age)) >= old else np.minimum(rows.age, old)
    return _moment(_short(times), _short(rows.newest), age, speed, pace)


@lru_cache(maxsize=64)
def shared(time: int, newest: int, step: float, age: float, pace: Pace) -> Moment:
    """The moment of series of one age that have all been read at one time, `newest`, and are now again."""
    speed = rates(pace, np.array([step], dtype=np.float32))
    return _moment(np.array([time]), np.array([newest]), np.array([age]), speed, pace)


def old_from(step: float, pace: Pace) -> float:
    """The readings after which a series of that step is old."""
    return _old(rates(pace, np.array([step], dtype=np.float32)))


def _old(speed: Rates) -> float:
    return float(max(OLD_DAYS * float(np.max(speed.day)), float(np.max(speed.warm))))


def moments(rows: Rows, times: Millis, pace: Pace) -> Iterator[Moment]:
    """The moments [T] of readings of rows that keep step together, of one age or all of them old."""
    speed = rates(pace, rows.step)
    age = np.minimum(rows.age[0] + np.arange(len(times), dtype=np.float64), _old(speed))
    newest = np.append(rows.newest[0], times[:-1])
    whole = _moment(times, newest, age, speed, pace)
    columns = {name: np.broadcast_to(getattr(whole, name), times.shape) for name in _COLUMNS}
    over = whole.half_day | (whole.spans > 0)
    for at in range(len(times)):
        flags = {"any_judged": whole.judged[at], "any_raw": whole.raw[at], "any_over": over[at]}
        here: dict[str, Any] = {name: column[at : at + 1] for name, column in columns.items()}
        yield Moment(**here, **flags)


def _moment(times: Millis, newest: Millis, age: Floats, speed: Rates, pace: Pace) -> Moment:
    bins, before = times // BIN_MS, newest // BIN_MS
    days = np.floor(age / speed.day)
    each = np.maximum(speed.day / BINS, 1.0)  # readings that fall into a time of day
    visits = days * each + times % BIN_MS // (DAY_MS / speed.day)
    part = np.minimum(np.maximum(pace.season_rate / each, 1 / (1 + visits)), 1.0)
    young = np.where(age < OLD_DAYS * speed.day, 1 / (age + 1), 0.0)  # what a plain mean over all would take over
    judged = (bins != before) & (days >= LEAST_DAYS)
    raw = age <= speed.warm / 2
    half_day = (times // HALF_DAY_MS != newest // HALF_DAY_MS) & (age > 0)
    spans = ((times - APART_MS) // speed.keep_ms - (newest - APART_MS) // speed.keep_ms) * (age > 0)
    return Moment(
        time_of_day=bins % BINS,
        season_part=part.astype(np.float32),
        judged=judged,
        fast=np.maximum(speed.fast, young).astype(np.float32),
        middle=np.maximum(speed.middle, young).astype(np.float32),
        slow=np.maximum(speed.slow, young).astype(np.float32),
        long=np.maximum(speed.long, young).astype(np.float32),
        daily=np.maximum(speed.daily, young).astype(np.float32),
        record=speed.record.astype(np.float32),
        raw=raw,
        early=age <= np.maximum(speed.warm / 3, pace.warm),
        unheld=age < speed.warm,
        half_day=half_day,
        spans=spans,
        any_judged=bool(np.any(judged)),
        any_raw=bool(np.any(raw)),
        any_over=bool(np.any(half_day)) or bool(np.any(spans)),
    )


def _short(times: Millis) -> Millis:
    return times[:1] if int(np.min(times)) == int(np.max(times)) else times
