"""What a daemon does beside polling and its cases: kill rules, comments, logs, heartbeats; and the nightly jobs."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from cases.errors import PermanentError, TemporaryError
from cases.ports import Levers
from daemon.alerts.last_resort import LastResort
from daemon.beside import Chore
from daemon.cycle import Pulse
from daemon.fellows import BEAT, Fellows, digest
from daemon.heed import Heed
from daemon.house import House
from daemon.kills import Kills
from daemon.observe.health import Vitals
from daemon.pool import pool_of
from daemon.standings import RecipeStandings
from daemon.tail import Tail
from daemon.watches import WatchList
from remediation.ports import Ports

log = logging.getLogger("trackwalker.chores")

REAP = timedelta(hours=1)
SHOW = timedelta(minutes=10)
PREPARE = timedelta(hours=1)
COSTS = timedelta(hours=1)
POOL = timedelta(minutes=1)


def chores_of(
    house: House, ports: Ports, levers: Levers, fellows: Fellows, last_resort: LastResort, pulse: Pulse
) -> tuple[Chore, ...]:
    """The chores of a daemon in the house, under the settings of `ports`."""
    ledger, metrics, every = house.ledger, house.metrics, ports.settings.cycle
    kills = Kills(ports=ports, cases=ledger.cases, outbox=ledger.outbox, levers=levers)
    heed = Heed(ports=ports, cases=ledger.cases, levers=levers)
    vitals = Vitals(
        store=ledger, config=digest(ports.settings), others=lambda _: fellows.others, metrics=metrics, clock=ports.clock
    )

    def beat() -> None:
        fellows.beat(tuple(sorted(pulse.in_hand)))
        last_resort.ledger_back()  # it was written just now

    chores = [
        Chore(name="kills", every=every, work=kills.once),
        Chore(name="heed", every=every, work=heed.once),
        Chore(name="beat", every=BEAT, work=beat),
        Chore(name="vitals", every=BEAT, work=vitals.once),
    ]
    standing = RecipeStandings(ledger.checkpoints)
    chores.append(Chore(name="recipes", every=SHOW, work=lambda: metrics.recipes(standing.ok(ports.settings))))
    chores.append(Chore(name="prepare", every=PREPARE, work=_prepared(ports)))
    if ports.model is not None:
        from daemon.money import Money

        money = Money(
            ports=ports, spend=ledger.spend, cases=ledger.cases, outbox=ledger.outbox, checkpoints=ledger.checkpoints
        )
        chores += [
            Chore(name="budget", every=every, work=money.stop),
            Chore(name="costs", every=COSTS, work=money.spike),
        ]
    chores.append(Chore(name="reap", every=REAP, work=_reaped(ports)))
    if (pool := pool_of(ports.sandbox)) is not None:
        chores.append(Chore(name="pool", every=POOL, work=pool.tend))
    if isinstance(ports.logs, Tail):
        chores.append(Chore(name="tail", every=every, work=_followed(ports.logs, house)))
    return tuple(chores)


def _prepared(ports: Ports) -> Callable[[], object]:
    """Images for the lock files as they are now, so that no case waits for one."""

    def prepare() -> None:
        from daemon.recipes import prepared

        for repository in ports.settings.repositories:
            if not repository.setup and repository.sandbox.registry is None:
                continue
            try:
                prepared(repository, ports)
            except (TemporaryError, PermanentError) as error:
                log.warning("the image of %s cannot be prepared now: %s", repository.name, error)

    return prepare


def _reaped(ports: Ports) -> Callable[[], object]:
    """Containers that could not be removed when their trial ended, or that are past their deadline."""

    def reap() -> None:
        try:
            if gone := ports.sandbox.reap():
                log.info("reaped %d containers", gone)
        except (TemporaryError, PermanentError) as error:
            log.warning("containers that were left behind cannot be looked for: %s", error)

    return reap


def _followed(tail: Tail, house: House) -> Callable[[], object]:
    def follow() -> None:
        with house.metrics.stage("tail"):
            tail.once()

    return follow


def calendar_of(house: House, ports: Ports, watches: WatchList) -> AbstractContextManager[object]:
    """The jobs of the night, which one of the daemons on this store runs."""
    from daemon.improvements import improvements_of
    from daemon.keeping.daily import OnceADay
    from daemon.keeping.jobs import folder_of, jobs_of
    from daemon.recipes import recipes_of
    from daemon.scheduling import Calendar

    ledger, settings = house.ledger, ports.settings
    once = OnceADay(ledger.checkpoints, ledger.audit, house.clock, by=house.home.name)
    jobs = (
        *jobs_of(settings, ledger, folder_of(settings, house.home.folder.parent)),
        *improvements_of(ports, ledger.checkpoints, watches.listed),
        *recipes_of(ports, ledger.checkpoints),
    )
    calendar = Calendar()
    calendar.every_quarter(lambda stopped: once.look(jobs, stopped))
    return calendar
