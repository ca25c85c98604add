"""What a daemon does beside polling and its cases: kill rules, comments, logs, heartbeats (its nights: `nights`)."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from cases.errors import PermanentError, TemporaryError
from cases.stores import Levers
from daemon.alerts.last_resort import LastResort
from daemon.beside import Chore
from daemon.cycle import HEED, Pulse
from daemon.fellows import BEAT, Fellows, digest
from daemon.heed import Heed
from daemon.house import House
from daemon.kills import Kills
from daemon.observe.health import Vitals
from daemon.opportunities import Opportunities
from daemon.pool import pool_of
from daemon.standings import RecipeStandings
from remediation.ports import Ports

if TYPE_CHECKING:
    from daemon.tail import Tail

log = logging.getLogger("trackwalker.chores")

BOARDS = timedelta(minutes=1)
ASKED = timedelta(minutes=10)
REAP = timedelta(hours=1)
SHOW = timedelta(minutes=10)
PREPARE = timedelta(hours=1)
COSTS = timedelta(hours=1)
POOL = timedelta(minutes=1)
PURSUE = timedelta(seconds=30)


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
        Chore(name=HEED, every=every, work=heed.once),
        Chore(name="asked", every=ASKED, work=_answered(ports, house)),
        Chore(name="boards", every=BOARDS, work=_boards(ports, house, levers)),
        Chore(name="shown", every=BOARDS, work=_shown(ports, house, levers)),
        Chore(name="approvals", every=every, work=_asked(ports, house)),
        Chore(name="beat", every=BEAT, work=beat),
        Chore(name="vitals", every=BEAT, work=vitals.once),
    ]
    if any(service.experiments is not None for service in ports.settings.services):
        chores.append(Chore(name="goals", every=PURSUE, work=_pursued(ports, house)))
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
    if (tail := tail_in(ports)) is not None:
        chores.append(Chore(name="tail", every=every, work=_followed(tail, house)))
    return tuple(chores)


def tail_in(ports: Ports) -> "Tail | None":
    """What follows the logs, where any are followed. What mines them is loaded only then."""
    if not ports.settings.signals.loki:
        return None
    from daemon.tail import Tail

    return ports.logs if isinstance(ports.logs, Tail) else None


def _asked(ports: Ports, house: House) -> Callable[[], object]:
    """What was asked of humans; loaded with the first case that could ask anything."""

    def look() -> None:
        ledger = house.ledger
        if active := ledger.cases.active():
            from daemon.approvals import Approvals

            approvals = Approvals(ports=ports, cases=ledger.cases, outbox=ledger.outbox, checkpoints=ledger.checkpoints)
            approvals.look(active)

    return look


def _pursued(ports: Ports, house: House) -> Callable[[], object]:
    """The goals; loaded with the first."""
    from daemon.ledger.goals import LedgerGoals

    goals = LedgerGoals(house.ledger.database)

    def look() -> None:
        if goals.listed():
            from daemon.ledger.portfolios import LedgerPortfolios
            from daemon.pursuing import Pursuing

            portfolios = LedgerPortfolios(house.ledger.database)
            ledger = house.ledger
            Pursuing(ports=ports, cases=ledger.cases, goals=goals, portfolios=portfolios, spend=ledger.spend).once()

    return look


def _answered(ports: Ports, house: House) -> Callable[[], object]:
    """Why pull requests were closed; loaded with the first case."""

    def listen() -> None:
        if house.ledger.cases.listed(limit=1):
            from daemon.asked import Asked

            Asked(ports=ports, cases=house.ledger.cases).once()

    return listen


def _boards(ports: Ports, house: House, levers: Levers) -> Callable[[], object]:
    """The dashboards; loaded with the first case, or the first opportunity."""
    ledger = house.ledger
    opportunities = Opportunities(checkpoints=ledger.checkpoints)

    @cache
    def boards() -> Callable[[], object]:
        from daemon.boards import Boards

        return Boards(ports=ports, cases=ledger.cases, checkpoints=ledger.checkpoints, levers=levers).once

    def look() -> None:
        if ledger.cases.listed(limit=1) or opportunities.all():
            boards()()

    return look


def _shown(ports: Ports, house: House, levers: Levers) -> Callable[[], object]:
    """The issues that show changes; loaded with the first case."""
    ledger = house.ledger

    def look() -> None:
        if ledger.cases.listed(limit=1):
            from daemon.shown import Shown

            Shown(ports=ports, cases=ledger.cases, checkpoints=ledger.checkpoints, levers=levers).once()

    return look


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


def _followed(tail: "Tail", house: House) -> Callable[[], object]:
    def follow() -> None:
        with house.metrics.stage("tail"):
            tail.once()

    return follow
