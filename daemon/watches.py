"""What is watched now: the queries of the configuration, its families by label, and the rules that it imports."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock, SignalSource
from cases.telemetry import Signal
from config.settings import FamilyWatchSettings, ImportWatchSettings, Settings, WatchSettings
from daemon.listing import Family, Import, Listed, Slo, Unmatched, Watch, absence_of
from detectors.burn_rate import Objective

log = logging.getLogger("trackwalker.watches")

AGAIN = timedelta(minutes=5)  # how often the services of a family are looked for
AFTER_FAILURE = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One entry of `watch` that must be looked up: a family, or an import."""

    title: str
    every: timedelta
    look: Callable[[datetime, float], Listed]
    listed: Listed = field(default_factory=Listed)
    failed: str = ""
    due: float = float("-inf")  # monotonic seconds


class WatchList:
    """What is watched. Used by one thread at a time, but for `signals` and `listed`.

    Families and imports are looked up on demand, at most as often as they say. While their source is down the last list
    stands, and `blind` says so: what was never listed is not healthy, it is unknown.
    """

    def __init__(self, settings: Settings, sources: Mapping[str, SignalSource], clock: Clock) -> None:
        self._clock = clock
        self._named = _named(settings)
        self._entries = list(_entries(settings, sources))
        self._said: tuple[Unmatched, ...] = ()
        self._count = -1
        self._watches = self._named

    def signals(self) -> tuple[Signal, ...]:
        """What was watched at the last `current`. May be asked from any thread."""
        return tuple(watch.signal for watch in self._watches)

    def listed(self) -> tuple[Watch, ...]:
        """The same with how each is watched. May be asked from any thread."""
        return self._watches

    def current(self) -> tuple[Watch, ...]:
        """Everything that is watched now, each key once: what is named in the file comes first."""
        for entry in self._entries:
            if self._clock.monotonic() >= entry.due:
                self._refresh(entry)
        watches: dict[str, Watch] = {}
        doubles: list[Unmatched] = []
        for watch in (*self._named, *(watch for entry in self._entries for watch in entry.listed.watches)):
            if watches.setdefault(watch.signal.key, watch) is not watch:
                what = f"{watch.signal.key} of rule {watch.signal.rule}" if watch.signal.rule else watch.signal.key
                doubles.append(Unmatched(what=what, because="another watch has that name: rename it"))
        self._say(len(watches), doubles)
        self._watches = tuple(watches.values())
        return self._watches

    def unmatched(self) -> tuple[Unmatched, ...]:
        """What is not watched, as of the last `current`, sorted."""
        return self._said

    def blind(self) -> dict[str, str]:
        """The entries whose services could not be looked up last time, with the reason."""
        return {entry.title: entry.failed for entry in self._entries if entry.failed}

    def _refresh(self, entry: _Entry) -> None:
        tick = self._clock.monotonic()
        try:
            entry.listed = entry.look(self._clock.now(), tick)
        except (TemporaryError, PermanentError) as error:
            if not entry.failed:
                kept = len(entry.listed.watches)
                log.warning("%s cannot be listed now; the last list stands (%d signals): %s", entry.title, kept, error)
            entry.failed = str(error)
            entry.due = tick + AFTER_FAILURE.total_seconds()
            return
        if entry.failed:
            log.info("%s can be listed again", entry.title)
        entry.failed = ""
        entry.due = tick + entry.every.total_seconds()

    def _say(self, count: int, doubles: Iterable[Unmatched]) -> None:
        """Log what changed, once."""
        found = sorted({*doubles, *(one for entry in self._entries for one in entry.listed.unmatched)})
        for one in found:
            if one not in self._said:
                log.warning("not watched: %s: %s", one.what, one.because)
        if self._entries and (count != self._count or len(found) != len(self._said)):
            log.info("watching %d signals; %d unmatched", count, len(found))
        self._said, self._count = tuple(found), count


def _named(settings: Settings) -> tuple[Watch, ...]:
    """The watches that the file names."""
    listed = [watch for watch in settings.watch if isinstance(watch, WatchSettings)]
    return tuple(
        Watch(
            signal=signal,
            detector=watch.detector,
            confirm=settings.detection.confirm,
            slo=_slo(watch),
            absence=absence_of(watch.absence, watch.harm),
            limit=watch.limit,
            within=watch.within,
            requested=watch.requested,
        )
        for watch, signal in zip(listed, settings.watched(), strict=True)
    )


def _slo(watch: WatchSettings) -> Slo | None:
    wanted = watch.slo
    if wanted is None:
        return None
    objective = Objective(share=wanted.objective / 100, window=wanted.window)
    return Slo(good=wanted.good, total=wanted.total, objective=objective)


def _entries(settings: Settings, sources: Mapping[str, SignalSource]) -> Iterator[_Entry]:
    for place, watch in enumerate(settings.watch):
        if isinstance(watch, FamilyWatchSettings):
            family = Family(watch, settings, sources[settings.source_of(watch)])
            yield _Entry(title=f"watch[{place}] ({watch.name} by {watch.by})", every=AGAIN, look=family.look)
        elif isinstance(watch, ImportWatchSettings):
            imported = Import(watch, settings, sources[settings.source_of(watch)])
            yield _Entry(title=f"watch[{place}] (imported rules)", every=watch.every, look=imported.look)
