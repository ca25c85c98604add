"""The one place that builds the daemon, and takes it down last-in first-out.

The command line, the tests and the demo all use it: `with running(settings) as app: app.cycle.run()`.

What stands as long as the process does is the house (`daemon.house`). In it lives one daemon after the other, each with
settings of its own: see `daemon.reload`.
"""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases.case import Case
from cases.diagnosis import Commit, Suspect
from cases.errors import TemporaryError
from cases.incident import Incident
from cases.ports import Clock, Sandbox, SignalSource
from cases.steps import StepResult
from cases.stores import Levers
from cases.telemetry import Deploy
from config.settings import Settings
from daemon.alerts.addresses import OWN, receivers_of
from daemon.alerts.delivery import Delivery
from daemon.alerts.hours import Hours
from daemon.alerts.labels import Labels
from daemon.alerts.last_resort import LastResort
from daemon.alerts.told import SOURCE, ToldAlerts
from daemon.api.inside import STUCK_S, inside
from daemon.authority import trust_of
from daemon.build import Outside, outside_of, with_ledger
from daemon.chores import chores_of, tail_in
from daemon.cycle import Cycle, Pulse
from daemon.fellows import Fellows, digest
from daemon.home import Home
from daemon.house import House, housed
from daemon.invariants.policy import policy_digest
from daemon.ledger.ledger import Ledger
from daemon.levers import levers_of
from daemon.nights import calendar_of
from daemon.observe.health import version_of
from daemon.observe.metrics import Metrics
from daemon.observe.spans import Traces
from daemon.observe.traces import tracer_of
from daemon.poll import Poll
from daemon.pool import pool_kept
from daemon.quarantine import LedgerQuarantine
from daemon.watchdog import watching
from daemon.watches import WatchList
from daemon.worker import Worker
from remediation.ports import Ports

if TYPE_CHECKING:
    from daemon.alerts.enrich import Enrichment
    from daemon.alerts.silenced import Silenced
    from daemon.tail import Tail

log = logging.getLogger("trackwalker.app")


THREADS = 6  # two work cases, one polls; the others are for what is slow beside: comments, receivers, logs


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A built daemon."""

    settings: Settings
    home: Home
    clock: Clock
    ledger: Ledger
    levers: Levers
    ports: Ports
    cycle: Cycle
    metrics: Metrics
    url: str  # where its own HTTP answers

    @property
    def tail(self) -> "Tail | None":
        """What follows the logs, where any are followed."""
        return tail_in(self.ports)


class Inline(Executor):
    """Runs what it is given at once, in the caller's thread: for debugging, and for stories on a given clock."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - Executor's own signature
        """Run it now; an error is kept for `result()`, as any executor does."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        return future


Build = Callable[[Settings, Home, Clock], Outside]


@contextmanager
def running(settings: Settings, *, clock: Clock | None = None, build: Build = outside_of) -> Generator[App]:
    """Build everything, hand out the app, and close it in reverse.

    `build` makes the adapters: those of the configuration, or a test's or the demo's own. Raises PermanentError for
    what the operator must mend, TemporaryError for a system that is needed and cannot be reached now.
    """
    from daemon.clock import SystemClock

    with housed(settings, clock or SystemClock()) as house, living(house, settings, build) as app:
        yield app


@contextmanager
def living(house: House, settings: Settings, build: Build) -> Generator[App]:
    """A daemon in the house, with these settings. The door leads to it from when it is built.

    Where another one lives in it, that one must have nothing in hand: its claims are taken back. Raises as `running`.
    """
    home, ledger, clock, metrics = house.home, house.ledger, house.clock, house.metrics
    with ExitStack() as stack:
        traces = tracer_of(
            settings, clock=clock, daemon=home.name, version=version_of()[0], dropped=metrics.traces_dropped.inc
        )
        stack.callback(traces.close)
        levers = levers_of(settings, home, ledger.levers, clock)
        outside = stack.enter_context(_open(settings, house, build, levers, traces))
        ready(settings, outside.sandbox)
        house.free()
        ledger.audit.stamp(daemon=home.name, policy=policy_digest(settings))
        _notice_makers(settings, ledger, clock)
        ports, watches = _ports(settings, clock, ledger, outside)
        _relief(ports.signals, metrics)
        executor = stack.enter_context(_executor(settings, house, outside.sandbox))
        pool_kept(outside.sandbox, levers, metrics)
        fellows = Fellows(name=home.name, daemons=ledger.daemons, outbox=ledger.outbox, ports=ports)
        fellows.enter()
        stack.callback(_left, fellows)
        metrics.configured(settings, digest(settings))
        silenced, enrichment = _of_alertmanager(settings, ledger, clock)
        for one in (silenced, enrichment):
            if one is not None:
                stack.callback(one.close)
        poll = Poll(
            ports=ports,
            cases=ledger.cases,
            outbox=ledger.outbox,
            checkpoints=ledger.checkpoints,
            metrics=metrics,
            watches=watches,
            name=home.name,
            hushes=[silenced] if silenced is not None else [],
            told=ToldAlerts(ledger.checkpoints, clock) if settings.alerts.alertmanager.receive else None,
        )
        told = {name: one for name, one in outside.notifiers.items() if name not in OWN}
        last_resort = LastResort(told, clock)
        hours = Hours(labels=Labels(settings=settings, cases=ledger.cases))
        pulse = Pulse(at=clock.monotonic())
        cycle = Cycle(
            owner=home.name,
            clock=clock,
            cycle=settings.cycle,
            cases=ledger.cases,
            outbox=ledger.outbox,
            levers=levers,
            poll=poll,
            worker=Worker(
                cases=ledger.cases,
                outbox=ledger.outbox,
                levers=levers,
                ports=ports,
                metrics=metrics,
                step=_step,
                traces=traces,
            ),
            deliver=Delivery(ledger.outbox, outside.notifiers, enrichment, metrics, hours),
            executor=executor,
            metrics=metrics,
            lease=settings.runtime.lease,
            pulse=pulse,
            chores=chores_of(house, ports, levers, fellows, last_resort, pulse),
            enrichment=enrichment,
            last_resort=last_resort,
        )
        stack.enter_context(calendar_of(house, ports, watches))
        stack.callback(getattr(outside.sandbox, "close", _nothing))  # a nightly trial ends before it is waited for
        stack.enter_context(watching(cycle.pulse, clock, STUCK_S))
        stack.callback(cycle.leave)
        house.door.lead_to(inside(ports, cycle, fellows, ledger, levers, metrics))
        log.info("watching; own health at %s", house.url)
        yield App(
            settings=settings,
            home=home,
            clock=clock,
            ledger=ledger,
            levers=levers,
            ports=ports,
            cycle=cycle,
            metrics=metrics,
            url=house.url,
        )


@contextmanager
def _open(settings: Settings, house: House, build: Build, levers: Levers, traces: Traces) -> Generator[Outside]:
    """Every adapter, closed at the end."""
    with ExitStack() as stack:
        bare = build(settings, house.home, house.clock)
        stack.callback(bare.close)
        outside = with_ledger(bare, settings, house.ledger, house.clock, levers=levers, traces=traces)
        stack.pop_all()
        stack.callback(outside.close)
        yield outside


@contextmanager
def _executor(settings: Settings, house: House, sandbox: Sandbox) -> Generator[Executor]:
    """What work is spread on. At its end the trials that run are ended, or they would be waited for."""
    close: Callable[[], object] = getattr(sandbox, "close", _nothing)
    with house.ending.at_last("ending the trials that run", close):
        if settings.runtime.executor != "threads":
            yield Inline()
            return
        with ThreadPoolExecutor(THREADS, thread_name_prefix="trackwalker") as threads:
            try:
                yield threads
            finally:
                close()


def _nothing() -> None:
    """What is done to close a part that has nothing to close."""


def _left(fellows: Fellows) -> None:
    """Say that it ended; a ledger that cannot be written now finds out by the silence."""
    try:
        fellows.leave()
    except TemporaryError as error:
        log.warning("the ledger does not hear that this daemon ended: %s", error)


def ready(settings: Settings, sandbox: Sandbox) -> None:
    """Make sure that changes can be tried, before anything is watched, and sweep up what an earlier life left.

    Raises TemporaryError without an engine and PermanentError without an image.
    """
    reaped = sandbox.reap()
    if reaped:
        log.info("reaped %d containers that an earlier life left behind", reaped)
    # what is fetched is fetched when it is needed
    for image in dict.fromkeys(image for repository in settings.repositories for image in repository.sandbox.present):
        sandbox.ready(image)


def _ports(settings: Settings, clock: Clock, ledger: Ledger, outside: Outside) -> tuple[Ports, WatchList]:
    from signals.recorded import NoLogs
    from signals.shared import shared

    told = {SOURCE: ToldAlerts(ledger.checkpoints, clock)} if settings.alerts.alertmanager.receive else {}
    signals = shared({**outside.sources, **told}, clock, settings.cycle)
    watches = WatchList(settings, signals, clock)
    ports = Ports(
        clock=clock,
        settings=settings,
        signals=signals,
        watched=watches.signals,
        changes=outside.changes,
        rank=_rank,
        forge=outside.forge,
        sandbox=outside.sandbox,
        lessons=ledger.lessons,
        cases=ledger.cases,
        outbox=ledger.outbox,
        receivers=receivers_of(settings, [name for name in outside.notifiers if name not in OWN]),
        logs=outside.logs or NoLogs(),
        model=outside.model,
        flags=outside.flags,
        measures=outside.measures,
        spent=ledger.spend.of,
        quarantine=LedgerQuarantine(ledger.checkpoints, clock),
        trust=trust_of(settings, outside.forge, ledger, clock),
    )
    return ports, watches


def _notice_makers(settings: Settings, ledger: Ledger, clock: Clock) -> None:
    """See whether another model drafts than in the life before; where none does there is nothing to load."""
    if settings.model.provider != "none":
        from daemon.makers import noticed

        noticed(settings, ledger, clock)


def _rank(
    incident: Incident, repository: str, commits: Sequence[Commit], deploys: Sequence[Deploy]
) -> tuple[Suspect, ...]:
    """The port `Ranker`; loaded with the first case."""
    from detectors.suspects import rank

    return rank(incident, repository, commits, deploys)


def _of_alertmanager(settings: Settings, ledger: Ledger, clock: Clock) -> tuple["Silenced | None", "Enrichment | None"]:
    """Who is asked about silences, and what annotates alerts; loaded only where there is an Alertmanager."""
    if settings.signals.alertmanager is None and not settings.enriches:
        return None, None
    from daemon.alerts.enrich import enrichment_of
    from daemon.alerts.silenced import silenced_of

    return silenced_of(settings, clock), enrichment_of(settings, ledger, clock)


def _relief(signals: Mapping[str, SignalSource], metrics: Metrics) -> None:
    """Let the metrics say what each source is not asked for."""
    from signals.shared import SharedSource

    for name, source in signals.items():
        if isinstance(source, SharedSource):
            metrics.relief.labels(name).set_function(source.relieved)


def _step(case: Case, ports: Ports) -> StepResult:
    """The step of a case's phase. All of remediation is loaded with the first case: an idle daemon needs none of it."""
    from remediation.way import step

    return step(case, ports)
