"""Telemetry: does each source answer, does it keep enough history, does each watch have fresh readings."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock, SignalSource
from cases.telemetry import SeriesBlock, Sight, Signal
from config import duration
from config.settings import Settings
from daemon.choosing import needs_history
from daemon.exits import DONE
from daemon.listing import Watch
from daemon.preflight.finding import Finding, asked, short

LOOK_BACK = timedelta(minutes=10)
MOST_NAMED = 5
MOST_LEARNT = 50
"""Watches whose history is read, to say which detector looks at them: weeks of each take their time."""
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


@dataclass(slots=True, kw_only=True)
class Reached:
    """What the telemetry came to: the sources, and the services that are watched."""

    sources: Mapping[str, SignalSource] = field(default_factory=dict[str, SignalSource])
    services: tuple[str, ...] = ()


def findings(settings: Settings, clock: Clock, reached: Reached) -> Iterator[Finding]:
    """Ask each source, then for the readings of each watch. Fills `reached`."""
    from daemon.build import services_of, sources_of

    reached.services = services_of(settings)
    try:
        reached.sources = sources_of(settings)
    except (PermanentError, TemporaryError) as error:
        yield short("signals", "secrets can be read", str(error))
        return
    for name, source in reached.sources.items():
        answers = asked(f"source {name}", "answers", source.probe)
        yield answers
        if name in {one.name for one in settings.signals.prometheus} and not answers.status:
            yield asked(f"source {name}", "keeps the history that is learnt from", partial(_kept, source, settings))
    yield from _others(settings)
    yield from _watches(settings, clock, reached)


def _others(settings: Settings) -> Iterator[Finding]:
    from daemon.alerts.enrich import alertmanager_of
    from daemon.tail import loki_of

    for loki in settings.signals.loki:
        source = loki_of(loki)
        yield asked(f"logs {loki.name}", "answers", source.probe)
        source.close()
    if settings.signals.alertmanager is not None:
        alertmanager = alertmanager_of(settings)
        yield asked("alertmanager", "answers", alertmanager.probe)
        alertmanager.close()


def _watches(settings: Settings, clock: Clock, reached: Reached) -> Iterator[Finding]:
    from daemon.watches import WatchList

    watches = WatchList(settings, reached.sources, clock)
    current = watches.current()
    reached.services = tuple(dict.fromkeys(watch.signal.service for watch in current))
    for title, why in watches.blind().items():
        yield asked(title, "can be listed", partial(_raised, why))
    unmatched = watches.unmatched()
    if unmatched:
        named = "; ".join(f"{one.what}: {one.because}" for one in unmatched[:MOST_NAMED])
        more = f"; and {len(unmatched) - MOST_NAMED} more" if len(unmatched) > MOST_NAMED else ""
        yield short("watch", "all that is imported comes to a service", f"{named}{more}; `discover` lists all")
    learnt = 0
    for watch in current:
        ask = partial(_reads, watch.signal, reached.sources, settings, clock.now())
        fresh = asked(f"watch {watch.signal.key}", "has fresh readings", ask)
        yield fresh
        learnt += needs_history(watch)
        if fresh.status == DONE and (not needs_history(watch) or learnt <= MOST_LEARNT):
            ask = partial(_judged, watch, reached.sources, settings, clock.now())
            yield asked(f"watch {watch.signal.key}", "is judged by", ask)
        if fresh.status == DONE and watch.limit is not None:
            ask = partial(_limited, watch, reached.sources, settings, clock.now())
            yield asked(f"watch {watch.signal.key}", "each series has a limit", ask)


def _raised(why: str) -> str:
    raise TemporaryError(why)


def _reads(signal: Signal, sources: Mapping[str, SignalSource], settings: Settings, now: datetime) -> str:
    from detectors.sight import sight
    from signals.shared import picked

    if signal.source in {one.name for one in settings.signals.loki}:
        from signals.loki.source import asks_for_templates

        if asks_for_templates(signal.query):
            return "counted by the daemon, from the lines that it reads"
    block = picked(sources[signal.source].read(signal, now - LOOK_BACK, now, settings.detection.step), signal)
    state = sight(block, now, settings.detection.stale_after)
    if state.sight is not Sight.FRESH:
        raise PermanentError(f"{state.sight}: {state.because}")
    return f"{len(block.labels)} series" + (f", reads {state.value:.4g}" if state.value is not None else "")


def _judged(watch: Watch, sources: Mapping[str, SignalSource], settings: Settings, now: datetime) -> str:
    """Which detector, and why: read from as much history as a daemon learns from."""
    from daemon.choosing import facts_of, told
    from detectors.baseline import history_step
    from signals.shared import picked

    if not needs_history(watch):
        return told(watch, ())
    wanted, signal = settings.detection, watch.signal
    step, end = history_step(wanted.history, wanted.step), now - wanted.recent
    history = picked(sources[signal.source].read(signal, end - wanted.history, end, step), signal)
    return told(watch, facts_of(history, wanted.warm_up))


def _limited(watch: Watch, sources: Mapping[str, SignalSource], settings: Settings, now: datetime) -> str:
    """Whether each series has a limit, and what they are."""
    from daemon.fillings import beside
    from signals.shared import picked

    def read(signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        return picked(sources[signal.source].read(signal, start, end, step), signal)

    step = settings.detection.step
    block = read(watch.signal, now - LOOK_BACK, now, step)
    limits = beside(watch.limit, block, now, step, read)
    if len(limits) < len(block.labels):
        raise PermanentError(
            f"{len(block.labels) - len(limits)} of {len(block.labels)} series have none: let the query of `limit` "
            "give one series with the same labels for each, or a single one for all"
        )
    least, most = min(limits.values(), default=0.0), max(limits.values(), default=0.0)
    return f"{least:.4g}" if least == most else f"from {least:.4g} to {most:.4g}"


def _kept(source: SignalSource, settings: Settings) -> str:
    """How long a Prometheus keeps samples. Others that speak its API often do not tell."""
    from signals.prometheus import PrometheusSource

    wanted = settings.detection.history
    if not isinstance(source, PrometheusSource):
        return "not asked"
    try:
        told = source.api("status/runtimeinfo", "how long it keeps samples")
    except (TemporaryError, PermanentError):
        return f"it does not tell; see that it is {duration.format(wanted)} or more (detection.history)"
    fields = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    said = str(fields.get("storageRetention", ""))
    kept = retention(said)
    if kept is None:
        return f"it does not tell a time; see that it is {duration.format(wanted)} or more (detection.history)"
    if kept < wanted:
        raise PermanentError(
            f"it keeps {said}, and detection.history is {duration.format(wanted)}: normal would be learnt from less; "
            "keep more (--storage.tsdb.retention.time), or shorten detection.history"
        )
    return f"{said}; detection.history is {duration.format(wanted)}"


def retention(said: str) -> timedelta | None:
    """The time in `15d`, `1w1d` or `15d or 10GiB`; None where there is none."""
    word = said.partition(" ")[0]
    parts = _PART.findall(word)
    if not parts or "".join(number + unit for number, unit in parts) != word:
        return None
    return sum((int(number[:6]) * _UNITS[unit] for number, unit in parts), timedelta()) or None
