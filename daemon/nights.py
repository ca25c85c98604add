"""The jobs of the night. Each is loaded when it is due: what is done once a day takes no memory of the rest of it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

from daemon.house import House
from daemon.keeping.daily import Daily, Errand, OnceADay
from daemon.keeping.jobs import folder_of, jobs_of
from daemon.recipes import recipes_of
from daemon.reports.daily import briefings_of
from daemon.scheduling import Calendar
from daemon.watches import WatchList
from remediation.ports import Ports

OPPORTUNITIES = 4  # UTC, after the copy of the store
SHIPPED = 5
REVIEW, MONDAY = 7, 0  # the weekly review: its hour, and its day


def calendar_of(house: House, ports: Ports, watches: WatchList) -> AbstractContextManager[object]:
    """The jobs, which one of the daemons on this store runs."""
    ledger, settings = house.ledger, ports.settings
    once = OnceADay(ledger.checkpoints, ledger.audit, house.clock, by=house.home.name)
    jobs = (
        *jobs_of(settings, ledger, folder_of(settings, house.home.folder.parent)),
        *_improvements(house, ports, watches),
        *recipes_of(ports, ledger.checkpoints),
        *briefings_of(ports, ledger),
        *_reviews(house, ports),
        *_shipped(house, ports, watches),
    )
    calendar = Calendar()
    calendar.every_quarter(lambda stopped: once.look(jobs, stopped))
    return calendar


def _improvements(house: House, ports: Ports, watches: WatchList) -> tuple[Daily, ...]:
    """The look for what could be better, where any is wanted."""

    def load() -> Iterable[Daily]:
        from daemon.improvements import improvements_of

        return improvements_of(ports, house.ledger.cases, house.ledger.checkpoints, watches.listed)

    wanted = ports.settings.budget.opportunities_per_week
    return (_later("opportunities", OPPORTUNITIES, load),) if wanted else ()


def _shipped(house: House, ports: Ports, watches: WatchList) -> tuple[Daily, ...]:
    """The look at what people shipped."""

    def load() -> Iterable[Daily]:
        from daemon.shipped import shipped_of

        return (shipped_of(ports, house.ledger.checkpoints, watches.listed, house.metrics),)

    return (_later("shipped", SHIPPED, load),)


def _later(name: str, hour: int, load: Callable[[], Iterable[Daily]]) -> Daily:
    """The job of that name, built by what `load` imports."""

    def work(errand: Errand) -> Mapping[str, str]:
        [job] = load()
        return job.work(errand)

    return Daily(name=name, hour=hour, work=work)


def _reviews(house: House, ports: Ports) -> tuple[Daily, ...]:
    """The weekly review of what may be done unasked. What it is made of is loaded when it is due."""

    def work(errand: Errand) -> Mapping[str, str]:
        del errand
        if ports.now.weekday() != MONDAY:
            return {"because": "it is told on Mondays"}
        from daemon.authority import trust_of
        from daemon.scope_review import told

        ledger = house.ledger
        trust = trust_of(ports.settings, ports.forge, ledger, house.clock)
        return told(ports, ledger.outbox, trust, ledger.trust.marks())

    return (Daily(name="scope-review", hour=REVIEW, work=work),)
