"""The one place that builds the daemon, and takes it down last-in first-out.

The command line, the tests and the demo all use it: `with running(settings) as app: app.cycle.run()`.

What stands as long as the process does is the house: folder, ledger, metrics, port. In it lives one daemon after the
other, each with settings of its own: see `daemon.reload`.
"""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases.case import Case
from cases.ports import Clock, Sandbox
from cases.steps import StepResult
from config.settings import Settings, WebhookSettings
from daemon.alerts.delivery import Delivery
from daemon.alerts.enrich import Enrichment, enrichment_of
from daemon.build import Outside, outside_of, with_ledger
from daemon.cycle import Cycle
from daemon.home import Home, at_home, store_folder
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.metrics import Metrics
from daemon.poll import Poll
from daemon.tail import Tail
from daemon.watchdog import stuck_for, watching
from daemon.watches import WatchList
from daemon.worker import Worker
from remediation.ports import Ports

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from daemon.api.door import Door

log = logging.getLogger("trackwalker.app")

THREADS = 4  # one polls, two work cases, one is free for what is asked meanwhile
HOUSEKEEPING_HOUR = 3  # UTC, when most people sleep
STUCK_S = 60.0  # a loop that turns four times a second and is silent for a minute is dead


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A built daemon."""

    settings: Settings
    home: Home
    clock: Clock
    ledger: Ledger
    ports: Ports
    cycle: Cycle
    metrics: Metrics
    url: str  # where its own HTTP answers


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What outlives a change of the settings."""

    home: Home
    clock: Clock
    ledger: Ledger
    metrics: Metrics
    door: "Door"
    url: str  # where the door is


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
def housed(settings: Settings, clock: Clock) -> Generator[House]:
    """What stays when the settings change: only `store` and `api.listen` of them are looked at."""
    from daemon.api.door import Door
    from daemon.api.server import serving

    with ExitStack() as stack:
        home = stack.enter_context(at_home(store_folder(settings.store)))
        ledger = stack.enter_context(open_ledger(settings.store, clock=clock))
        stack.enter_context(_calendar(ledger, clock))
        door = Door()
        url = stack.enter_context(serving(door, settings.api.listen))
        yield House(home=home, clock=clock, ledger=ledger, metrics=Metrics(), door=door, url=url)


@contextmanager
def living(house: House, settings: Settings, build: Build) -> Generator[App]:
    """A daemon in the house, with these settings. The door leads to it from when it is built.

    Where another one lives in it, that one must have nothing in hand: its claims are taken back. Raises as `running`.
    """
    home, ledger, clock, metrics = house.home, house.ledger, house.clock, house.metrics
    with ExitStack() as stack:
        outside = stack.enter_context(_open(settings, house, build))
        ready(settings, outside.sandbox)
        ledger.cases.take_back(home.name, clock.now())
        ports, watches = _ports(settings, clock, ledger, outside)
        executor: Executor = Inline()
        if settings.runtime.executor == "threads":
            executor = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="trackwalker"))
            # Ends the trials that run, or the threads would be waited for until those are through.
            stack.callback(getattr(outside.sandbox, "close", _nothing))
        enrichment = enrichment_of(settings, ledger, clock)
        if enrichment is not None:
            stack.callback(enrichment.close)
        delivery = Delivery(ledger.outbox, outside.notifiers, enrichment)
        poll = Poll(
            ports=ports,
            cases=ledger.cases,
            outbox=ledger.outbox,
            checkpoints=ledger.checkpoints,
            metrics=metrics,
            watches=watches,
        )
        cycle = _cycle(house, ports, poll, executor, delivery, enrichment)
        stack.enter_context(watching(cycle.pulse, clock, STUCK_S))
        stack.callback(cycle.leave)
        house.door.lead_to(_inside(settings, cycle, ledger, metrics, clock))
        log.info("watching; own health at %s", house.url)
        yield App(
            settings=settings,
            home=home,
            clock=clock,
            ledger=ledger,
            ports=ports,
            cycle=cycle,
            metrics=metrics,
            url=house.url,
        )


@contextmanager
def _open(settings: Settings, house: House, build: Build) -> Generator[Outside]:
    """Every adapter, closed at the end."""
    with ExitStack() as stack:
        bare = build(settings, house.home, house.clock)
        stack.callback(bare.close)
        outside = with_ledger(bare, settings, house.ledger, house.clock)
        stack.pop_all()
        stack.callback(outside.close)
        yield outside


def _nothing() -> None:
    """What is done to close a part that has nothing to close."""


def ready(settings: Settings, sandbox: Sandbox) -> None:
    """Make sure that changes can be tried, before anything is watched, and sweep up what an earlier life left.

    Raises TemporaryError without an engine and PermanentError without an image.
    """
    reaped = sandbox.reap()
    if reaped:
        log.info("reaped %d containers that an earlier life left behind", reaped)
    for image in dict.fromkeys(repository.sandbox.image for repository in settings.repositories):
        sandbox.ready(image)


def _ports(settings: Settings, clock: Clock, ledger: Ledger, outside: Outside) -> tuple[Ports, WatchList]:
    from detectors.suspects import rank
    from signals.recorded import NoLogs
    from signals.shared import shared

    signals = shared(outside.sources, clock, settings.cycle)
    watches = WatchList(settings, signals, clock)
    ports = Ports(
        clock=clock,
        settings=settings,
        signals=signals,
        watched=watches.signals,
        changes=outside.changes,
        rank=rank,
        forge=outside.forge,
        sandbox=outside.sandbox,
        lessons=ledger.lessons,
        cases=ledger.cases,
        outbox=ledger.outbox,
        receivers=tuple(outside.notifiers),
        logs=outside.logs or NoLogs(),
        model=outside.model,
    )
    return ports, watches


def _cycle(
    house: House, ports: Ports, poll: Poll, executor: Executor, delivery: Delivery, enrichment: Enrichment | None
) -> Cycle:
    ledger, metrics = house.ledger, house.metrics
    return Cycle(
        owner=house.home.name,
        clock=ports.clock,
        cycle=ports.settings.cycle,
        cases=ledger.cases,
        outbox=ledger.outbox,
        levers=ledger.levers,
        poll=poll,
        worker=Worker(
            cases=ledger.cases, outbox=ledger.outbox, levers=ledger.levers, ports=ports, metrics=metrics, step=_step
        ),
        deliver=delivery,
        executor=executor,
        metrics=metrics,
        tail=ports.logs if isinstance(ports.logs, Tail) else None,
        enrichment=enrichment,
    )


def _step(case: Case, ports: Ports) -> StepResult:
    """The step of a case's phase. All of remediation is loaded with the first case: an idle daemon needs none of it."""
    from remediation.way import step

    return step(case, ports)


def _calendar(ledger: Ledger, clock: Clock) -> AbstractContextManager[object]:
    from daemon.scheduling import Calendar

    calendar = Calendar()
    calendar.every_day_at(HOUSEKEEPING_HOUR, lambda: ledger.tidy(clock.now()))
    return calendar


def _inside(settings: Settings, cycle: Cycle, ledger: Ledger, metrics: Metrics, clock: Clock) -> "ASGIApp":
    """What the door leads to: it goes by these settings, and tells of this cycle."""
    from daemon.api.proof import Credential
    from daemon.api.routes import Health, routes
    from daemon.api.webhooks import DeployWebhooks

    def health() -> Health:
        pause = ledger.levers.paused()
        return Health(
            stuck=stuck_for(cycle.pulse, clock, STUCK_S),
            blind=cycle.poll.blind(),
            polled=cycle.poll.polled,
            paused=f"{pause.reason} (by {pause.by})" if pause else "",
        )

    told = DeployWebhooks(
        markers=[marker for marker in settings.deploys if isinstance(marker, WebhookSettings)],
        api=settings.api,
        ledger=ledger.deploys,
        clock=clock,
        known=lambda: {
            *(signal.service for signal in cycle.poll.watches.signals()),
            *(service.name for service in settings.services),
        },
    )
    token = None if settings.api.token is None else Credential(secret=settings.api.token, clock=clock)
    return routes(health, metrics.render, token=token, deploys=told)
