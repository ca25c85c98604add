"""CaseStore: cases with their leases, each write one transaction that the fence guards."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from cases.case import Case
from cases.errors import IllegalStep, PermanentError, Unreadable
from cases.events import Closed, Entry
from cases.leases import Claimed
from cases.lifecycle import advance, opened, repeats
from cases.moments import iso
from cases.ports import Clock
from cases.pull_request_events import Explained
from cases.steps import Effect
from daemon.ledger import audit, history, lessons, outbox, trust
from daemon.ledger.claims import CLOSED, asks, held, next_case, standing, still
from daemon.ledger.database import Database, added
from daemon.ledger.ready import Ready, later
from daemon.ledger.tables import State, cases
from daemon.ledger.tables import effects as promised

if TYPE_CHECKING:
    from daemon.ledger.lesson_vectors import LessonVectors  # numpy, for those who set it

log = logging.getLogger("trackwalker.ledger")

_ONE = update(cases).where(cases.c.id == bindparam("case"))
_TAKE = Ready(
    _ONE.values(fence=bindparam("fence"), lease_owner=bindparam("owner"), lease_until=bindparam("until"), wake=None)
)
_RENEW = Ready(_ONE.values(lease_until=bindparam("until")))
_LET_GO = Ready(_ONE.values(due=bindparam("due"), lease_owner=None, lease_until=None))
_ADVANCE = Ready(_ONE.values({name: bindparam(name) for name in ("due", "phase", "hold", "updated", "version")}))


MOST_ENDED = 20
"""How many closed cases of a service `ended` gives."""
SET_ASIDE = timedelta(minutes=10)
"""How long a case is left alone whose history cannot be read: a newer version, or a restored backup, may read it."""


class LedgerCases:
    """The cases of one ledger (see `cases.ports.CaseStore`). Safe for threads and for several daemons on one store."""

    def __init__(self, database: Database, clock: Clock, vectors: "LessonVectors | None" = None) -> None:
        self._database = database
        self._vectors = vectors  # of lessons, where they are kept
        self._clock = clock
        self._said: set[str] = set()  # the cases that were said to be left out

    def open(self, entry: Entry, effects: Sequence[Effect], due: datetime) -> Case | None:
        """Store a new case; None when an active case with its fingerprint exists already."""
        case = opened(entry)
        same = select(cases.c.id).where(cases.c.fingerprint == case.fingerprint, cases.c.phase != CLOSED)
        with self._database.writing() as connection:
            if connection.execute(same).first():
                return None
            row = {"id": case.id, "service": case.service, "fingerprint": case.fingerprint, "opened": case.opened}
            if not added(connection, cases, {**row, "fence": 0, "due": due, **_summary(case)}):
                if connection.execute(same).first():
                    return None  # another daemon was faster
                raise PermanentError(f"there is a case {case.id} already, of another fingerprint or closed")
            self._record(connection, case, (entry,), effects)
        return case

    def active(self) -> tuple[Case, ...]:
        """Every case that is not closed, oldest first."""
        return self._readable(cases.c.phase != CLOSED)

    def load(self, case_id: str) -> Case:
        """One case. PermanentError when there is none of that id."""
        with self._database.reading() as connection:
            return _rebuilt(connection, case_id)

    def listed(self, limit: int = 100) -> tuple[Case, ...]:
        """The newest cases, whatever their phase, newest first."""
        newest = select(cases.c.id).order_by(cases.c.opened.desc(), cases.c.id.desc()).limit(limit)
        return self._readable(cases.c.id.in_(newest), newest_first=True)

    def ended(self, services: Collection[str]) -> tuple[Case, ...]:
        """The closed cases of these services, newest first: of each the newest `MOST_ENDED`."""
        if not services:
            return ()
        newest = func.row_number().over(
            partition_by=cases.c.service, order_by=(cases.c.opened.desc(), cases.c.id.desc())
        )
        closed = cases.c.phase == CLOSED, cases.c.service.in_(services)
        ranked = select(cases.c.id, newest.label("place")).where(*closed).subquery()
        wanted = select(ranked.c.id).where(ranked.c.place <= MOST_ENDED)
        return self._readable(cases.c.id.in_(wanted), newest_first=True)

    def since(self, moment: datetime) -> tuple[Case, ...]:
        """Every case that something happened to since then, oldest first."""
        return self._readable(cases.c.updated >= moment)

    def _readable(self, condition: ColumnElement[bool], *, newest_first: bool = False) -> tuple[Case, ...]:
        with self._database.reading() as connection:
            return history.rebuild(connection, condition, newest_first=newest_first, unreadable=self._left_out)

    def _left_out(self, case_id: str, error: PermanentError) -> None:
        """Say it once: cases are asked for several times a second."""
        if case_id not in self._said:
            self._said.add(case_id)
            log.error("case %s is left out: %s", case_id, error)

    def claim(self, owner: str, now: datetime, lease: timedelta) -> Claimed | None:
        """Take the longest-due case that nobody holds and that is not held; None when nothing is due.

        A closed case is taken only while it owes the forge an effect. The lease goes by the database's time, and
        `until` by the caller's. Raises Unreadable, with the case set aside, when its history cannot be read.
        """
        with self._database.reading() as connection:  # most looks find nothing: they take no lock
            if next_case(connection, now, self._database.moment(connection, now)) is None:
                return None
        with self._database.writing() as connection:
            lapse = self._database.moment(connection, now)
            case_id = next_case(connection, now, lapse)
            if case_id is None:
                return None
            row = standing(connection, case_id)
            fence = row.fence + 1
            later(connection, _TAKE(case=case_id, fence=fence, owner=owner, until=lapse + lease))
            try:
                case = _rebuilt(connection, case_id)
            except PermanentError as error:
                later(connection, _LET_GO(case=case_id, due=now + SET_ASIDE))
                unreadable = Unreadable(f"case {case_id} is set aside for {SET_ASIDE}: {error}")
            else:
                return Claimed(
                    case=case, owner=owner, fence=fence, until=now + lease, stolen_from=row.lease_owner or ""
                )
        raise unreadable

    def renew(self, claimed: Claimed, now: datetime, lease: timedelta) -> Claimed:
        """Keep the case longer. Raises Fenced when it was lost."""
        with self._database.writing() as connection:
            held(connection, claimed)
            later(connection, _RENEW(case=claimed.case.id, until=self._database.moment(connection, now) + lease))
        return replace(claimed, until=now + lease)

    def commit(
        self, claimed: Claimed, entries: Sequence[Entry], effects: Sequence[Effect], due: datetime | None
    ) -> Claimed:
        """Advance by the entries, store the effects as intents, set when it is due next. Raises Fenced.

        Facts that others added meanwhile (`add`) are kept: the entries follow them.
        """
        with self._database.writing() as connection:
            case = claimed.case
            row = still(claimed, audit.ahead(connection, case.id, asks(claimed, lock=True))[0])
            if row.version != len(case.history):
                case = _rebuilt(connection, case.id)
            for entry in entries:
                case = advance(case, entry)
            later(connection, _ADVANCE(case=case.id, due=_sooner(due, row.wake), **_summary(case)))
            self._record(connection, case, entries, effects)
        return replace(claimed, case=case)

    def add(self, case_id: str, entry: Entry, effects: Sequence[Effect], due: datetime | None) -> Case:
        """Advance a case from outside a step. `due` None keeps what was set.

        What moves the case to another phase or service, or holds it or lets it go, takes the case back from whoever
        works on it: their next write or effect raises Fenced. Other facts leave the lease alone; one that the case has
        already is left out.
        """
        with self._database.writing() as connection:
            row = standing(connection, case_id)
            before = _rebuilt(connection, case_id)
            if before.active and repeats(before, entry.event):
                return before
            case = advance(before, entry)
            if case.fingerprint != before.fingerprint:
                _take_over(connection, case)
            if due is not None:
                _set(connection, case_id, due=due, wake=_sooner(due, row.wake))
            elif not case.active:
                _set(connection, case_id, due=None)  # what was set was for steps, and there are none any more
            if row.lease_owner and _moved(before, case):
                kept = due or row.due or entry.at  # its holder will set none any more
                _set(connection, case_id, due=kept, fence=row.fence + 1, lease_owner=None, lease_until=None)
            _set(connection, case_id, **_summary(case))
            self._record(connection, case, (entry,), effects)
        return case

    def take_back(self, owner: str, now: datetime) -> int:
        """Free the cases that an earlier life of this owner still holds; how many. Its claims are fenced from now on.

        Only for an owner that surely lives no more: who holds the lock on its folder knows.
        """
        freed = {"due": now, "lease_owner": None, "lease_until": None, "fence": cases.c.fence + 1}
        with self._database.writing() as connection:
            return connection.execute(update(cases).where(cases.c.lease_owner == owner).values(freed)).rowcount

    def release(self, claimed: Claimed, due: datetime | None) -> None:
        """Let the case go. `due` None leaves it to whoever wakes it. Raises Fenced.

        When somebody asked for a look while it was held, it is due no later than they said.
        """
        with self._database.writing() as connection:
            row = held(connection, claimed)
            later(connection, _LET_GO(case=claimed.case.id, due=_sooner(due, row.wake)))

    def wake(self, case_id: str, now: datetime) -> bool:
        """Let an active case be looked at now; whether there is one. One in hand is due again when it is let go."""
        active = select(cases.c.due, cases.c.wake).where(cases.c.id == case_id, cases.c.phase != CLOSED)
        with self._database.writing() as connection:
            row = connection.execute(active.with_for_update()).first()
            if row is None:
                return False
            _set(connection, case_id, due=_sooner(row.due, now), wake=_sooner(row.wake, now))
        return True

    def hasten(self, now: datetime, lease: timedelta) -> None:
        """The wall clock was set back: whatever waits for a later time is due now, no lease is longer than `lease`.

        A look too early does no harm, and an hour too late may.
        """
        with self._database.writing() as connection:
            longest = self._database.moment(connection, now) + lease
            late = or_(cases.c.due > now, cases.c.lease_until > longest)
            # All at once and by their ids, so that two who hasten do not wait for each other.
            connection.execute(select(cases.c.id).where(late).order_by(cases.c.id).with_for_update()).all()
            connection.execute(update(cases).where(cases.c.due > now).values(due=now))
            connection.execute(update(cases).where(cases.c.lease_until > longest).values(lease_until=longest))
            waits = promised.c.state == State.INTENDED, promised.c.due > now
            connection.execute(update(promised).where(*waits).values(due=now))

    def _record(self, connection: Connection, case: Case, entries: Sequence[Entry], effects: Sequence[Effect]) -> None:
        """Write what a step came to: its entries and what they taught, the promises, and the audit of it all."""
        parent = history.append(connection, case.id, len(case.history) - len(entries), entries)
        for entry in entries:
            if isinstance(entry.event, Closed | Explained) and entry.event.lesson is not None:
                lessons.learn(connection, case.id, entry.event.lesson, self._vectors)
                lessons.cite(connection, case, entry.at)
        trust.settle(connection, case, entries)
        if effects:
            at, actor = (entries[-1].at, entries[-1].actor) if entries else (self._clock.now(), outbox.ACTOR)
            promise = outbox.Promise(case=case.id, at=at, actor=actor, parent=parent)
            outbox.promise(connection, effects, promise)


def _rebuilt(connection: Connection, case_id: str) -> Case:
    found = history.of(connection, case_id)
    if found is None:
        row = connection.execute(select(cases).where(cases.c.id == case_id)).first()
        if row is not None and not row.version:
            raise PermanentError(
                f"case {case_id} of {row.service}, opened {iso(row.opened)}, is {row.phase}; its history was removed "
                f"on {iso(row.updated)}: what is left is its lesson, and its lines of the audit"
            )
        raise PermanentError(f"there is no case {case_id}")
    return found


def _summary(case: Case) -> dict[str, Any]:
    """The columns that repeat what the history says."""
    return {
        "phase": case.phase,
        "hold": case.hold,
        "updated": case.history[-1].at,
        "version": len(case.history),
    }


def _moved(before: Case, after: Case) -> bool:
    """Whether whoever works on the case works on something else than what it is now."""
    return (before.phase, before.hold, before.service) != (after.phase, after.hold, after.service)


def _take_over(connection: Connection, case: Case) -> None:
    """Let the case be about another trouble. IllegalStep when an active case is about that one already."""
    taken = select(cases.c.id).where(cases.c.fingerprint == case.fingerprint, cases.c.phase != CLOSED)
    other = connection.execute(taken.where(cases.c.id != case.id)).first()
    if other is not None:
        raise IllegalStep(f"case {other.id} is about that already, and case {case.id} stays what it was")
    _set(connection, case.id, service=case.service, fingerprint=case.fingerprint)


def _set(connection: Connection, case_id: str, **columns: Any) -> None:  # noqa: ANN401 - as the columns' types are
    connection.execute(update(cases).where(cases.c.id == case_id).values(columns))


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)
