"""The one place that builds the daemon, and takes it down last-in first-out.

The command line, the tests and the demo all use it: `with running(settings) as app: app.cycle.run()`.
"""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from cases.ports import Clock, Sandbox
from config.settings import Settings
from daemon.alerts.delivery import Delivery
from daemon.build import Outside, outside_of
from daemon.cycle import Cycle
from daemon.home import Home, at_home, store_folder
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.metrics import Metrics
from daemon.poll import Poll
from daemon.watchdog import stuck_for, watching
from daemon.worker import Worker
from remediation.ports import Ports

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

    with ExitStack() as stack:
        clock = clock or SystemClock()
        home = stack.enter_context(at_home(store_folder(settings.store)))
        ledger = stack.enter_context(open_ledger(settings.store, clock=clock))
        outside = build(settings, home, clock)
        stack.callback(outside.close)
        ready(settings, outside.sandbox)
        ledger.cases.take_back(home.name, clock.now())
        metrics = Metrics()
        ports = _ports(settings, clock, ledger, outside)
        executor: Executor = Inline()
        if settings.runtime.executor == "threads":
            executor = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="trackwalker"))
        delivery = Delivery(ledger.outbox, outside.notifiers)
        cycle = _cycle(settings, ledger, ports, executor, metrics, delivery, home)
        stack.enter_context(watching(cycle.pulse, clock, STUCK_S))
        stack.enter_context(_calendar(ledger, clock))
        url = stack.enter_context(_api(settings, cycle, ledger, metrics, clock))
        log.info("watching %d signals; own health at %s", len(settings.watch), url)
        yield App(
            settings=settings, home=home, clock=clock, ledger=ledger, ports=ports, cycle=cycle, metrics=metrics, url=url
        )


def ready(settings: Settings, sandbox: Sandbox) -> None:
    """Make sure that changes can be tried, before anything is watched, and sweep up what an earlier life left.

    Raises TemporaryError without an engine and PermanentError without an image.
    """
    reaped = sandbox.reap()
    if reaped:
        log.info("reaped %d containers that an earlier life left behind", reaped)
    for image in dict.fromkeys(repository.sandbox.image for repository in settings.repositories):
        sandbox.ready(image)


def _ports(settings: Settings, clock: Clock, ledger: Ledger, outside: Outside) -> Ports:
    from detectors.suspects import rank

    return Ports(
        clock=clock,
        settings=settings,
        signals=outside.sources,
        changes=outside.changes,
        rank=rank,
        forge=outside.forge,
        sandbox=outside.sandbox,
        lessons=ledger.lessons,
        cases=ledger.cases,
        outbox=ledger.outbox,
        receivers=tuple(outside.notifiers),
    )


def _cycle(
    settings: Settings,
    ledger: Ledger,
    ports: Ports,
    executor: Executor,
    metrics: Metrics,
    delivery: Delivery,
    home: Home,
) -> Cycle:
    from remediation.way import step

    return Cycle(
        owner=home.name,
        clock=ports.clock,
        cycle=settings.cycle,
        cases=ledger.cases,
        outbox=ledger.outbox,
        levers=ledger.levers,
        poll=Poll(
            ports=ports, cases=ledger.cases, outbox=ledger.outbox, checkpoints=ledger.checkpoints, metrics=metrics
        ),
        worker=Worker(
            cases=ledger.cases, outbox=ledger.outbox, levers=ledger.levers, ports=ports, metrics=metrics, step=step
        ),
        deliver=delivery,
        executor=executor,
        metrics=metrics,
    )


def _calendar(ledger: Ledger, clock: Clock) -> AbstractContextManager[object]:
    from daemon.scheduling import Calendar

    calendar = Calendar()
    calendar.every_day_at(HOUSEKEEPING_HOUR, lambda: ledger.tidy(clock.now()))
    return calendar


def _api(
    settings: Settings, cycle: Cycle, ledger: Ledger, metrics: Metrics, clock: Clock
) -> AbstractContextManager[str]:
    from daemon.api.routes import Health, routes
    from daemon.api.server import serving

    def health() -> Health:
        pause = ledger.levers.paused()
        return Health(
            stuck=stuck_for(cycle.pulse, clock, STUCK_S),
            blind=cycle.poll.blind(),
            polled=cycle.poll.polled,
            paused=f"{pause.reason} (by {pause.by})" if pause else "",
        )

    return serving(routes(health, metrics.render), settings.api.listen)
