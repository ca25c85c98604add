"""One series alone: its readings one after the other, each reckoned with plain numbers, where arrays cost more.

It is the way of `block` for a single row, with the same operations in single precision in the same order, so that what
is said and learnt is the same bit by bit. Whatever is not an ordinary reading of a series that has warmed up goes the
long way of `stages`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.engine.calibration import turn_of_span
from detectors.engine.judged import NOTHING, Said
from detectors.engine.moment import APART_MS, BIN_MS, HALF_DAY_MS, LEAST_DAYS, OLD_DAYS
from detectors.engine.pace import DAY_MS, rates
from detectors.engine.records import LEAST_KNOWN, TINY, UNREST, bounded, turn_of_half_day
from detectors.engine.rows import BINS, CHANNELS, Places, Rows
from detectors.engine.samples import HUGE, in_step, step_after
from detectors.engine.season import TOO_FAR
from detectors.engine.stages import Way, advance, assessed

_LEVELS = ("slow", "fast", "scale", "spread", "lasting", "gain", "gate")
_WHOLE = float(HUGE)
_KNOWN = 2  # readings after which the step is known
_ONE = np.float32(1)  # times a plain number: it in single precision, quicker than by its type
_LEAST = 1e-30
_SURELY = 0.01  # natural log: more than single precision can be wrong by


@dataclass(slots=True, eq=False)
class _Parts:
    """What a reading's means take over; see `Moment`. Single numbers."""

    fast: np.float32
    middle: np.float32
    slow: np.float32
    season: np.float32


class Alone:
    """One row, for readings of one series."""

    def __init__(self, rows: Rows, place: int, way: Way) -> None:
        self._rows, self._place, self._way = rows, place, way
        self._here: Places = np.array([place])

    def read(self, times: Sequence[int], values: Sequence[float]) -> list[Said]:
        """What is said of the readings, in order; places are theirs among the given."""
        said: list[Said] = []
        at, turned = 0, False
        while at < len(times):
            at = self._run(times, values, at, said, turned=turned)
            if at < len(times):
                turned = self._turned(times[at], values[at])
                if not turned:
                    said.append(self._long(times[at], values[at]).among(at))
                    at += 1
        return said

    def _turned(self, time: int, value: float) -> bool:
        """Whether a reading is ordinary but for its step, or for a half day or a span that is over: that is learnt."""
        rows, place, here, pace = self._rows, self._place, self._here, self._way.pace
        age, newest = int(rows.age[place]), int(rows.newest[place])
        step = step_after(float(rows.step[place]), time - newest)
        if self._way.counters or age < _KNOWN or step is None or not abs(value - float(rows.origin[place])) < _WHOLE:
            return False
        rows.step[place] = step
        speed = rates(pace, rows.step[place : place + 1])
        keep_ms = int(speed.keep_ms[0])
        spans = (time - APART_MS) // keep_ms - (newest - APART_MS) // keep_ms
        half_day = time // HALF_DAY_MS != newest // HALF_DAY_MS
        if spans or half_day:
            standing = rows.standing_of(here)
            if half_day:
                turn_of_half_day(standing, rows.today[:, here], pace)
                rows.today[:, place] = 0
            if spans:
                seen = rows.seen[:, here]
                known = age > max(float(speed.warm[0]) / 3, pace.warm)
                turn_of_span(standing, seen, np.array([spans]), np.array([known]))
                rows.seen[:, here] = seen
            bounded(standing, pace)
            rows.put_standing(here, standing)
        return True

    def _long(self, time: int, value: float) -> Said:
        """The long way of one reading."""
        if not (np.isfinite(value) and time > int(self._rows.newest[self._place])):
            return NOTHING
        some = self._rows.take(self._here)
        said = advance(some, np.array([time]), np.array([value]), self._way, None)
        self._rows.put(self._here, some)
        return said

    def _run(self, times: Sequence[int], values: Sequence[float], at: int, said: list[Said], *, turned: bool) -> int:  # noqa: C901, PLR0915
        """Take readings from `at` on while they are ordinary. Gives the place of the first that is not."""
        rows, place, pace = self._rows, self._place, self._way.pace
        age, step = int(rows.age[place]), float(rows.step[place])
        speed = rates(pace, rows.step[place : place + 1])
        day, warm, keep_ms = float(speed.day[0]), float(speed.warm[0]), int(speed.keep_ms[0])
        if self._way.counters or age < _KNOWN:
            return at
        fast_part, middle_part, slow_part = float(speed.fast[0]), float(speed.middle[0]), float(speed.slow[0])
        each = max(day / BINS, 1.0)
        season_part = pace.season_rate / each
        part = _Parts(*(_ONE * one for one in (fast_part, middle_part, slow_part, min(season_part, 1.0))))
        slow_last = part.slow
        winsor, pays, judge = np.float32(pace.winsor), np.float32(pace.season_pays), np.float32(pace.season_judge)
        slow, fast, scale, spread, lasting, gain, gate = (getattr(rows, name)[place] for name in _LEVELS)
        most_spike, most_shift, most_unrest = rows.today[:, place]
        spike_from, shift_from, unrest_from = rows.bounds[:, place]
        newest, origin = int(rows.newest[place]), float(rows.origin[place])
        while at < len(times):
            time, value = times[at], values[at]
            if not time > newest or not abs(value) < np.inf:
                at += 1
                continue
            bin_, off = time // BIN_MS, value - origin
            if not turned and not (
                in_step(step, time - newest)
                and abs(off) < _WHOLE
                and time // HALF_DAY_MS == newest // HALF_DAY_MS
                and (time - APART_MS) // keep_ms == (newest - APART_MS) // keep_ms
            ):
                break
            turned = False
            if age < OLD_DAYS * day:
                young = 1 / (age + 1)
                visits = math.floor(age / day) * each + time % BIN_MS // (DAY_MS / day)
                part.season = _ONE * min(max(season_part, 1 / (1 + visits)), 1.0)
                if young > slow_part or age < warm:
                    part.slow = _ONE * max(slow_part, young)
                    part.fast, part.middle = _ONE * max(fast_part, young), _ONE * max(middle_part, young)
                else:
                    part.slow = slow_last
            season = rows.season[bin_ % BINS]
            offset = season[place]
            distance = _ONE * off - slow
            remainder = distance - offset
            if bin_ != newest // BIN_MS and math.floor(age / day) >= LEAST_DAYS:
                gain += (abs(distance) * pays - min(abs(remainder), TOO_FAR * scale) - gain) * judge
                gate = _ONE * (1.0 if gain > 0 else 0.0)
            error = distance - offset * gate
            season[place] = offset + remainder * part.season
            spike, shift = abs(error), abs(fast - slow)
            unrest = max(spread, lasting) / (min(spread, lasting) + TINY)
            most_spike, most_shift = max(most_spike, spike), max(most_shift, shift)
            most_unrest = max(most_unrest, unrest)
            if spike > spike_from or shift > shift_from or unrest > unrest_from:
                early, unheld = age <= max(warm / 3, pace.warm), age < warm
                if self._matters(spike, shift, unrest, early=early):
                    said += self._assessed(at, [spike, shift, unrest], early=early, unheld=unheld)
                spike_from, shift_from, unrest_from = rows.bounds[:, place]
            move = slow + error - fast
            away = abs(move)
            fast += move * part.fast
            spread += (away - spread) * part.middle
            lasting += (away - lasting) * part.slow
            size = spike if age <= warm / 2 else min(spike, scale * winsor)
            slow += max(min(error, size), -size) * part.slow
            scale += (size - scale) * part.slow
            newest = time
            age += 1
            at += 1
        for name, level in zip(_LEVELS, (slow, fast, scale, spread, lasting, gain, gate), strict=True):
            getattr(rows, name)[place] = level
        rows.today[:, place] = most_spike, most_shift, most_unrest
        rows.newest[place], rows.age[place] = newest, age
        return at

    def _matters(self, *shown: np.float32, early: bool) -> bool:
        """Whether channels may set a record, or their score be news: reckoned roughly, so that few are assessed."""
        pace = self._way.pace
        held = self._rows.held[:, self._place].tolist()
        records, typical, wide, (current, _, days) = held[0:3], held[3:6], held[6:9], held[9:]
        share = pace.typical_share if days >= LEAST_KNOWN else 0.0
        total = 0.0
        for channel, size in enumerate(shown):
            log = math.log(max(float(size), _LEAST))
            if channel == UNREST:
                log = math.log(max(log, _LEAST))
            if log > records[channel] - _SURELY:
                return True
            off = (log - typical[channel]) / (wide[channel] + pace.typical_least)
            score = share * min(max(off, -pace.typical_most), pace.typical_most) + log - records[channel]
            total += math.exp(pace.together * score)
        return not early and math.log(total / CHANNELS) > pace.together * (current + pace.news - _SURELY)

    def _assessed(self, at: int, shown: list[np.float32], *, early: bool, unheld: bool) -> list[Said]:
        """What is said of channels that passed a bound, of the reading at that place."""
        channels = np.array(shown, dtype=np.float32)[:, None]
        standing = self._rows.standing_of(self._here)
        score, news = assessed(standing, channels, np.array([early]), np.array([unheld]), self._way.pace)
        self._rows.put_standing(self._here, standing)
        if not len(news):
            return []
        return [Said(places=np.array([at]), score=score, seen=self._rows.seen.T[self._here])]
