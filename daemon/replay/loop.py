"""The whole loop at one moment of the past, by the daemon's own parts, and nothing of it leaves this machine."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cases.case import Case, Hold, Phase
from cases.errors import PermanentError
from cases.events import Approved, Entry, Escalated, Event, Gated, Proved
from cases.moments import iso
from cases.ports import Clock
from cases.steps import Effect, StepResult, StorePlot
from cases.verdict import Check, Claim, Trial, Verdict
from config.settings import ApiSettings, ModelSettings, RuntimeSettings, Settings, WatchSettings
from daemon.app import App, running
from daemon.build import Outside, outside_of
from daemon.home import Home
from daemon.replay.as_of import ChangesAsOf, NoSandbox, ReadOnlyForge, SilentNotifier, StandingClock
from remediation.checks import REPRODUCTION, STILL_PASSES
from remediation.way import step

log = logging.getLogger("trackwalker.replay")

ACTOR = "replay"
LEFT_OUT = "the trial was left out"
ON_THE_WAY = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED})

Build = Callable[[Settings, Home, Clock], Outside]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is replayed. Of several cases at that moment it is the one that has the anomaly of `signal`, if one has."""

    service: str
    at: datetime
    trial: bool = True
    signal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the daemon would have made of the moment.

    case      as far as it came; None when nothing of the service was anomalous
    effects   what it would have asked of the outside, in order; none of it was done
    asked     the question that a human would have had to answer first, or ""
    waiting   why it would not have gone on then, or ""
    picture   the address at which its picture would have been shown, or ""
    unseen    what could not be judged then, with the reason
    others    ids of further cases of the same service at that moment
    """

    wanted: Wanted
    case: Case | None
    effects: tuple[Effect, ...] = ()
    asked: str = ""
    waiting: str = ""
    picture: str = ""
    unseen: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def replay(settings: Settings, wanted: Wanted, *, clock: Clock, build: Build | None = None) -> Replayed:
    """Look at the service's signals as they stood then, and take the case they make as far as a pull request.

    Telemetry, commits and deploys are read up to the moment; no language model is asked, as that costs money: a
    recorded session (`model: {provider: replay}`) answers in its place. Raises PermanentError for a service that
    nothing watches or a moment to come, TemporaryError for a system that is away.
    """
    if wanted.at > clock.now():
        raise PermanentError(f"{iso(wanted.at)} is still to come; --at takes a moment of the past")
    with _at_that_time(settings, wanted, clock, build or adapters(trial=wanted.trial)) as app:
        _reach_sources(app, wanted)
        if app.tail is not None:
            app.tail.once()
        app.cycle.poll.once()
        mine = [case for case in app.ledger.cases.active() if case.service == wanted.service]
        unseen = tuple(f"{key}: {why}" for key, why in sorted(app.cycle.poll.blind().items()))
        if not mine:
            return Replayed(wanted=wanted, case=None, unseen=unseen)
        mine.sort(key=lambda case: _order(case, wanted))
        walked = _walk(app, mine[0], wanted)
        return replace(walked, unseen=unseen, others=tuple(case.id for case in mine[1:]))


@contextmanager
def _at_that_time(settings: Settings, wanted: Wanted, clock: Clock, build: Build) -> Generator[App]:
    """The daemon, on a clock that stands at the moment, with a ledger that goes with the block."""

    def read_only(settings: Settings, home: Home, clock: Clock) -> Outside:
        outside = build(settings, home, clock)
        return replace(
            outside,
            forge=ReadOnlyForge(outside.forge, wanted.at),
            changes=ChangesAsOf(outside.changes, wanted.at),
            notifiers={name: SilentNotifier(name) for name in outside.notifiers},
            sandbox=outside.sandbox if wanted.trial else NoSandbox(),
            model=None,
        )

    with TemporaryDirectory(prefix="trackwalker-replay-") as folder:
        apart = settings.model_copy(
            update={
                "store": f"sqlite:///{Path(folder).resolve()}/replay.db",
                "home": None,
                "watch": _watches(settings, wanted.service),
                "model": free_of_charge(settings.model),
                "alerts": settings.alerts.model_copy(update={"mode": "direct"}),
                "api": ApiSettings(listen="127.0.0.1:0"),
                "runtime": RuntimeSettings(executor="inline"),
            }
        )
        with running(apart, clock=StandingClock(wanted.at, clock), build=read_only) as app:
            yield app


def free_of_charge(model: ModelSettings) -> ModelSettings:
    """A recorded session as it is, and no language model in place of any other."""
    return model if model.provider == "replay" else ModelSettings()


def _watches(settings: Settings, service: str) -> tuple[object, ...]:
    """What watches the service; of families and imported rules it shows only later."""
    kept = tuple(watch for watch in settings.watch if not isinstance(watch, WatchSettings) or watch.service == service)
    if not kept:
        known = ", ".join(sorted({signal.service for signal in settings.watched()}))
        raise PermanentError(f"nothing watches the service {service!r}; watched are: {known}")
    return kept


def _order(case: Case, wanted: Wanted) -> tuple[bool, int, datetime, str]:
    asked = any(anomaly.signal.name == wanted.signal for anomaly in case.anomalies)
    return not asked, case.anomaly.signal.severity.urgency, case.anomaly.onset, case.id


def adapters(*, trial: bool) -> Build:
    """The adapters of the configuration; without a trial, no engine is needed either."""

    def build(settings: Settings, home: Home, clock: Clock) -> Outside:
        if trial:
            return outside_of(settings, home, clock)
        bare = settings.model_copy(update={"sandbox": settings.sandbox.model_copy(update={"runtime": "process"})})
        return outside_of(bare, home, clock, process_sandbox=True)

    return build


def _reach_sources(app: App, wanted: Wanted) -> None:
    """Raise SourceDown, or PermanentError, when what watches the service cannot be read at all."""
    watched = [watch.signal for watch in app.cycle.poll.watches.current()]
    for name in sorted({signal.source for signal in watched if signal.service == wanted.service}):
        source = app.ports.signals.get(name)
        if source is not None:
            log.info("reading %s", source.probe())


def _walk(app: App, case: Case, wanted: Wanted) -> Replayed:
    """Step until there is a pull request, or nothing more to do. Effects are collected and never stored."""
    told = (intent for intent in app.ledger.outbox.notices(wanted.at, limit=100) if intent.case == case.id)
    effects: list[Effect] = [intent.effect for intent in told]
    asked = waiting = ""
    while case.phase in ON_THE_WAY:
        if case.hold is not Hold.NONE:
            because = "the replay goes on, to show what a yes would have brought"
            case = _happened(app, case, Approved(because=because))
            continue
        result = _step(app, case, wanted)
        effects += result.effects
        for event in result.events:
            case = _happened(app, case, event)
            asked = event.reason if isinstance(event, Gated) else asked
        if case.hold is Hold.FROZEN or not result.events:
            waiting = result.waiting or case.hold_reason
            break
    plots = (effect for effect in effects if isinstance(effect, StorePlot))
    picture = next((app.ports.forge.plot_url(plot.repository, plot.path) for plot in plots), "")
    return Replayed(wanted=wanted, case=case, effects=tuple(effects), asked=asked, waiting=waiting, picture=picture)


def _step(app: App, case: Case, wanted: Wanted) -> StepResult:
    """One step; what needs a human ends the way, as in the daemon."""
    if case.phase is Phase.DRAFTED and not wanted.trial:
        return StepResult(events=(Proved(trial=_untried(case, wanted.at)),))
    try:
        return step(case, app.ports)
    except PermanentError as error:
        return StepResult(events=(Escalated(reason=str(error)),))


def _happened(app: App, case: Case, event: Event) -> Case:
    log.info("case %s: %s", case.id, type(event).__name__)
    return app.ledger.cases.add(case.id, Entry(at=app.ports.now, actor=ACTOR, event=event), (), None)


def _untried(case: Case, at: datetime) -> Trial:
    """What stands in for a trial that was left out: it shows nothing, and says so."""
    checks = tuple(
        Check(name=name, verdict=Verdict.INCONCLUSIVE, base="not run", change="not run", detail=LEFT_OUT)
        for name in (REPRODUCTION, STILL_PASSES)
    )
    return Trial(
        change=case.change.number,
        base=case.change.lead.base,
        sandbox=NoSandbox().describe(),
        at=at,
        checks=checks,
        claim=Claim.GUESS,
        seconds=0.0,
        own_seconds=0.0,
    )
