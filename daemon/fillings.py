"""What fills up, as the daemon sees it: each watch with a limit is looked at once an hour, over days of its history."""

import logging
import zlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from cases.anomaly import Anomaly
from cases.errors import PermanentError, SourceDown
from cases.ports import Clock
from cases.telemetry import Direction, SeriesBlock
from daemon.budgets import Read
from daemon.listing import Watch
from detectors.baseline import LEARN_AGAIN, Key, key_of
from detectors.saturation import detect_saturation

log = logging.getLogger("trackwalker.poll")

EVERY = timedelta(hours=1)
LEAST_REACH = timedelta(days=2)
POINTS = 576
"""Of one history: five minutes apart over two days. A trend is drawn through 64 of them."""

MOST_READS = 8
"""Watches that are looked at in one look of the daemon; those that waited longest come first."""

_JITTER = 0.1  # of an hour, so that what began together does not stay together
_NEWEST = 5  # points of a limit's own query


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What an hourly look at one watch gave, and what it was asked: it stands until the next one.

    due   monotonic seconds
    full  the series that are at their limit already
    """

    asked: Watch
    due: float
    found: tuple[Anomaly, ...] = ()
    full: frozenset[Key] = frozenset()
    ever: bool = False


@dataclass(slots=True, kw_only=True)
class Fillings:
    """Looks ahead. Used by one thread at a time; what it keeps can be read again."""

    clock: Clock
    step: timedelta
    _looked: dict[str, _Looked] = field(default_factory=dict[str, _Looked], init=False)

    def look(self, watches: Iterable[Watch], seen: Container[str], now: datetime, read: Read) -> tuple[Anomaly, ...]:
        """What will reach its limit in time: looked for anew where an hour is over, and the signal can be `seen`."""
        tick = self.clock.monotonic()
        mine = {watch.signal.key: watch for watch in watches if watch.limit is not None}
        self._looked = {
            key: had
            if (had := self._looked.get(key)) is not None and had.asked == watch
            else _Looked(asked=watch, due=float("-inf"))
            for key, watch in mine.items()
        }
        due = sorted((had.due, key) for key, had in self._looked.items() if had.due <= tick and key in seen)
        for _, key in due[:MOST_READS]:
            self._looked[key] = self._anew(self._looked[key], now, tick, read)
        return tuple(anomaly for had in self._looked.values() for anomaly in had.found)

    def waiting(self) -> frozenset[str]:
        """The signals that were not looked at yet, in this life: nothing is known of them, for better or worse."""
        return frozenset(key for key, had in self._looked.items() if not had.ever)

    def still(self, anomaly: Anomaly) -> str:
        """Why the forecast is not over, or "" when it is, and the limit is not reached."""
        key, name = anomaly.signal.key, key_of(anomaly.labels)
        had = self._looked.get(key)
        if had is None or not had.ever:
            return f"it was not looked yet whether {key} fills up"
        if any(key_of(other.labels) == name for other in had.found):
            return f"{key} still goes towards its limit"
        return f"{key} is at its limit" if name in had.full else ""

    def _anew(self, had: _Looked, now: datetime, tick: float, read: Read) -> _Looked:
        watch = had.asked
        try:
            found, full = _found(watch, now, self.step, read)
        except (SourceDown, PermanentError) as error:
            log.warning("%s: whether it fills up cannot be read now: %s", watch.signal.key, error)
            return replace(had, due=tick + LEARN_AGAIN.total_seconds())
        before = {key_of(anomaly.labels): anomaly for anomaly in had.found}
        return _Looked(
            asked=watch,
            due=tick + EVERY.total_seconds() * (1.0 + _JITTER * _place(watch.signal.key)),
            found=tuple(_since(anomaly, before.get(key_of(anomaly.labels))) for anomaly in found),
            full=full,
            ever=True,
        )


def _since(anomaly: Anomaly, before: Anomaly | None) -> Anomaly:
    """A forecast that stands began when it was first made."""
    if before is None:
        return anomaly
    return replace(anomaly, onset=before.onset, onset_bound_s=before.onset_bound_s, detected=before.detected)


def _found(watch: Watch, now: datetime, step: timedelta, read: Read) -> tuple[list[Anomaly], frozenset[Key]]:
    """What fills up, and what is full."""
    reach = max(LEAST_REACH, 2 * watch.within)
    step = max(step, reach / POINTS // step * step)
    block = read(watch.signal, now - reach, now, step)
    limits = beside(watch.limit, block, now, step, read)
    if block.labels and not limits:
        log.warning("%s: nothing is forecast, as its limit has no series with its labels", watch.signal.key)
    found: list[Anomaly] = []
    full: list[Key] = []
    sign = -1.0 if watch.signal.harm is Direction.DOWN else 1.0
    for row, labels in enumerate(block.labels):
        limit = limits.get(key_of(labels))
        present = np.flatnonzero(~block.missing[row])
        if limit is None or not len(present) or block.partial:
            continue
        one = replace(block, labels=(labels,), values=block.values[[row]], missing=block.missing[[row]])
        found += detect_saturation(one, limit, within=watch.within / timedelta(hours=1))
        if sign * float(block.values[row, present[-1]]) >= sign * limit:
            full.append(key_of(labels))
    return found, frozenset(full)


def beside(
    wanted: float | str | None, block: SeriesBlock, now: datetime, step: timedelta, read: Read
) -> Mapping[Key, float]:
    """The number that goes with each series of a block: the one `wanted`, or what that query says now.

    Of a query it is the series with the same labels, or the only one that there is. A series without one is left out.
    Raises what `read` raises.
    """
    if isinstance(wanted, float):
        return {key_of(labels): wanted for labels in block.labels}
    told = read(replace(block.signal, query=wanted or "", threshold=None), now - _NEWEST * step, now, step)
    if told.partial:
        return {}
    numbers: dict[Key, float] = {}
    for row, labels in enumerate(told.labels):
        values = told.values[row][~told.missing[row] & np.isfinite(told.values[row])]
        if len(values):
            numbers[nameless(labels)] = float(values[-1])
    alone = next(iter(numbers.values())) if len(numbers) == 1 and len(told.labels) == 1 else None
    named = {key_of(labels): numbers.get(nameless(labels), alone) for labels in block.labels}
    return {key: number for key, number in named.items() if number is not None}


def nameless(labels: Mapping[str, str]) -> Key:
    """Two metrics have two names, and the same labels otherwise."""
    return key_of({name: value for name, value in labels.items() if name != "__name__"})


def _place(key: str) -> float:
    """A number from -1 to 1 that is the signal's own."""
    return zlib.crc32(key.encode()) / 2**31 - 1.0
