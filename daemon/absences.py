"""Absence, as the daemon sees it: signals whose readings stopped, and single series where a watch asks for them.

It costs nothing while all is there: a history is read once something is missing, up to the moment it was last seen.
Where a source has lost the series of every service at once, it is the source, and nothing is said.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from cases.anomaly import Anomaly
from cases.errors import PermanentError, SourceDown
from cases.moments import milliseconds
from cases.telemetry import DAY, Mask, SeriesBlock, Sight, Signal
from config.settings import DetectionSettings
from daemon.budgets import Read
from daemon.listing import Watch
from detectors.absence import detect_absence, steady
from detectors.baseline import Key, history_step, key_of
from detectors.sight import sight

log = logging.getLogger("trackwalker.poll")

LATEST = DAY
"""What was last there longer ago is no news: a daemon that starts says only that the signal is missing."""

QUIET = timedelta(minutes=30)
"""How long a missing signal is left to absence, which takes its time to be sure, before a human hears that it is."""

MOST_READS = 8
"""Histories that are read in one look: in a storm the rest waits for the next."""


@dataclass(slots=True, kw_only=True)
class _Missing:
    """What is known of a signal of which something is missing.

    since    when it was first seen to be; `history` up to then, None while it could not be read
    found    the anomalies of the last look
    """

    since: datetime
    history: SeriesBlock | None = None
    found: tuple[Anomaly, ...] = ()


@dataclass(slots=True, kw_only=True)
class Absences:
    """Looks for absences. Used by one thread at a time; what it keeps can be read again."""

    settings: DetectionSettings
    _missing: dict[str, _Missing] = field(default_factory=dict[str, _Missing], init=False)
    _known: dict[str, set[Key]] = field(default_factory=dict[str, set[Key]], init=False)
    _fresh: set[str] = field(default_factory=set[str], init=False)

    def look(
        self, watches: Iterable[Watch], blocks: Mapping[str, SeriesBlock], now: datetime, read: Read
    ) -> tuple[Anomaly, ...]:
        """What went away, of the signals whose recent readings are there. Blocks are by `Signal.key`."""
        mine = {watch.signal.key: watch for watch in watches if watch.absence != "off"}
        self._missing = {key: had for key, had in self._missing.items() if key in mine}
        self._known = {key: had for key, had in self._known.items() if key in mine}
        sights = {key: sight(block, now, self.settings.stale_after).sight for key, block in blocks.items()}
        dark = self._dark(blocks, sights)
        found: list[Anomaly] = []
        reads = MOST_READS
        for key, watch in mine.items():
            if watch.signal.source in dark or sights.get(key, Sight.BLIND) is Sight.BLIND:
                continue
            if not self._something_missing(watch, blocks[key], sights[key]):
                self._missing.pop(key, None)
                continue
            had = self._missing.setdefault(key, _Missing(since=now))
            if had.history is None and reads:
                reads -= 1
                had.history = self._read(watch.signal, now, read)
            if had.history is not None:
                had.found = _found(watch, had.history, blocks[key], now)
                found += had.found
                self._let_go(watch, had, blocks[key], now)
        return tuple(found)

    def told(self, now: datetime) -> frozenset[str]:
        """The signals that are wholly missing, of which a case tells or may soon: they need not be told of besides."""
        return frozenset(
            key
            for key, had in self._missing.items()
            if had.found or (now - had.since < QUIET and (had.history is None or steady(had.history)))
        )

    def still(self, anomaly: Anomaly, block: SeriesBlock | None) -> str:
        """Why what was absent is not back, or "" when it is: there again, or replaced by another."""
        key, confirm = anomaly.signal.key, self.settings.confirm
        if block is None or block.partial:
            return f"{key} was not read"
        rows = [row for row, labels in enumerate(block.labels) if not anomaly.labels or labels == anomaly.labels]
        if any(_there(block.missing[row], confirm) for row in rows):
            return ""
        had = self._missing.get(key)
        if had is not None and had.history is not None and not had.found and bool((~block.missing).any()):
            known = {key_of(labels) for labels in had.history.labels}
            return "" if key_of(anomaly.labels) in known else f"{key} is still gone"
        return f"{key} is still gone"

    def _something_missing(self, watch: Watch, block: SeriesBlock, seen: Sight) -> bool:
        """Whether all of it is, or, where single series count, one of those that were there before."""
        key = watch.signal.key
        if watch.absence == "all":
            return seen is not Sight.FRESH
        known = self._known.setdefault(key, set())
        known |= _keys(block, len(block.times))
        return seen is not Sight.FRESH or known != _keys(block, self.settings.confirm)

    def _read(self, signal: Signal, now: datetime, read: Read) -> SeriesBlock | None:
        wanted = self.settings
        end = now - wanted.recent
        try:
            return read(signal, end - wanted.history, end, history_step(wanted.history, wanted.step))
        except (SourceDown, PermanentError) as error:
            log.warning("%s: whether it was always there cannot be read now: %s", signal.key, error)
            return None

    def _let_go(self, watch: Watch, had: _Missing, block: SeriesBlock, now: datetime) -> None:
        """Single series that went long ago are known no more: they are no absence, or a case has them."""
        here = _keys(block, self.settings.confirm)
        if watch.absence == "series" and here and now - had.since > LATEST:
            self._known[watch.signal.key] = here
            del self._missing[watch.signal.key]

    def _dark(self, blocks: Mapping[str, SeriesBlock], sights: Mapping[str, Sight]) -> frozenset[str]:
        """The sources that show nothing of any service any more, of two services or more."""
        self._fresh = {key for key in blocks if key in self._fresh or sights[key] is Sight.FRESH}
        services: defaultdict[str, set[str]] = defaultdict(set)
        lit: set[str] = set()
        for key, block in blocks.items():
            if sights[key] is Sight.FRESH:
                lit.add(block.signal.source)
            if key in self._fresh or not self._fresh:
                services[block.signal.source].add(block.signal.service)
        return frozenset(source for source, names in services.items() if len(names) > 1 and source not in lit)


def _found(watch: Watch, history: SeriesBlock, recent: SeriesBlock, now: datetime) -> tuple[Anomaly, ...]:
    before, after = _parted(history, recent)
    if not len(before.times) or milliseconds(now) - int(before.times[-1]) > LATEST // timedelta(milliseconds=1):
        return ()
    found = detect_absence(before, after, confirm=watch.confirm)
    if watch.absence == "series" or len(found) <= 1:
        return found
    return (replace(found[-1], labels={}),)


def _parted(history: SeriesBlock, recent: SeriesBlock) -> tuple[SeriesBlock, SeriesBlock]:
    """The two, parted where the signal was last there: what went before anybody looked has its silence in `history`."""
    there = np.flatnonzero((~history.missing).any(axis=0))
    if bool((~recent.missing).any()) or not len(there):
        return history, recent
    last = int(there[-1]) + 1
    silent = np.concatenate((history.times[last:][history.times[last:] < recent.times[0]], recent.times))
    shape = (len(history.labels), len(silent))
    before = replace(
        history, times=history.times[:last], values=history.values[:, :last], missing=history.missing[:, :last]
    )
    return before, replace(history, times=silent, values=np.full(shape, np.nan), missing=np.ones(shape, dtype=np.bool_))


def _keys(block: SeriesBlock, points: int) -> set[Key]:
    """The series that were there at any of the newest points."""
    return {key_of(labels) for row, labels in enumerate(block.labels) if not block.missing[row, -points:].all()}


def _there(missing: Mask, confirm: int) -> bool:
    """Whether so many of the newest points are there, one of the very newest among them."""
    return int(np.sum(~missing[-2 * confirm :])) >= confirm and not bool(missing[-confirm:].all())
