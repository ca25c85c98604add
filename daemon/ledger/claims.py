"""Leases and fences: which case is next, and whether a claim still holds."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, or_, select, union

from cases.case import Hold, Phase
from cases.errors import Fenced, PermanentError
from cases.leases import Claimed
from cases.steps import KillFlag, SendNotice
from daemon.ledger.database import writes
from daemon.ledger.ready import POSTGRES, Asked, Ready, Rows, ask
from daemon.ledger.tables import Moment, State, cases, effects

CLOSED = str(Phase.CLOSED)
NOTICE, KILL = SendNotice.__name__, KillFlag.__name__


def _waiting() -> tuple[ColumnElement[Any], ...]:
    """Since when a case waits to be claimed, and what is so of those that do.

    `now` is the caller's time, `lapse` that by which leases go.
    """
    now, lapse = bindparam("now", type_=Moment), bindparam("lapse", type_=Moment)
    debts = effects.c.state == State.INTENDED, effects.c.kind != NOTICE, effects.c.due <= now
    owing = select(effects.c.case_id).where(*debts, effects.c.case_id.is_not(None))
    killing = select(effects.c.case_id).where(*debts, effects.c.kind == KILL, effects.c.case_id.is_not(None))
    first_owed = select(func.min(effects.c.due)).where(*debts, effects.c.case_id == cases.c.id).scalar_subquery()
    moment = case((cases.c.lease_owner.is_not(None), cases.c.lease_until), else_=func.coalesce(cases.c.due, first_owed))
    # Most cases are closed and owe nothing: three indexes find the few that may be next.
    told = select(cases.c.id).where(cases.c.due <= now)
    abandoned = select(cases.c.id).where(cases.c.lease_until <= lapse)
    return (
        moment,
        cases.c.id.in_(union(told, abandoned, owing)),
        or_(cases.c.hold == Hold.NONE, cases.c.id.in_(killing)),
        or_(cases.c.phase != CLOSED, cases.c.id.in_(owing)),
        moment <= case((cases.c.lease_owner.is_not(None), lapse), else_=now),
    )


# Built once: they are asked several times a second.
WAITS_SINCE, *WAITING = _waiting()
_FIRST = select(cases.c.id).where(*WAITING).order_by(WAITS_SINCE, cases.c.opened, cases.c.id).limit(1)
_LOOK = Ready(_FIRST)
_FREE = Ready(_FIRST.with_for_update(of=cases, skip_locked=True))
_STILL = Ready(select(cases.c.id).where(*WAITING, cases.c.id == bindparam("case")))
_STANDING = select(cases.c.fence, cases.c.lease_owner, cases.c.due, cases.c.wake, cases.c.version).where(
    cases.c.id == bindparam("case")
)
_READ = Ready(_STANDING)
_LOCKED = Ready(_STANDING.with_for_update())


class Standing(NamedTuple):
    """How a case stands: who has it, under which fence; when it is due, and by whose word; how far its history goes."""

    fence: int
    lease_owner: str | None
    due: datetime | None
    wake: datetime | None
    version: int


def next_case(connection: Connection, now: datetime, lapse: datetime) -> str | None:
    """The id of the longest-due case that nobody holds and that is not held; None when nothing is due.

    A case is due when it says so; when the lease of a holder that never let go has run out; and, where it waits for
    nobody, when an effect is that it owes the forge. So a closed case comes back for as long as it owes one. A held
    one comes only while it owes the turning off of a flag.
    In a transaction that writes, its row is locked, and one that another transaction has locked is passed over.
    """
    (found,) = ask(connection, (_FREE if writes(connection) else _LOOK)(now=now, lapse=lapse))
    if found and writes(connection) and connection.dialect.name == POSTGRES:
        # It was found in what was there when the server began to look: whether it is so of the locked row is asked too.
        (found,) = ask(connection, _STILL(now=now, lapse=lapse, case=found[0][0]))
    return found[0][0] if found else None


def asks(claimed: Claimed, *, lock: bool) -> Asked:
    """The question how a claimed case stands; `still` takes the answer."""
    return (_LOCKED if lock else _READ)(case=claimed.case.id)


def still(claimed: Claimed, rows: Rows) -> Standing:
    """How a claimed case stands. Fenced when somebody took the case since, or a human's word took it back.

    A lease that ran out and that nobody took still holds: the fence decides, never the time.
    """
    row = _found(claimed.case.id, rows)
    if row.fence != claimed.fence or row.lease_owner != claimed.owner:
        holder = f"{row.lease_owner} holds it" if row.lease_owner else "nobody holds it"
        raise Fenced(
            f"case {claimed.case.id} was claimed by {claimed.owner} under fence {claimed.fence}; "
            f"now the fence is {row.fence} and {holder}"
        )
    return row


def held(connection: Connection, claimed: Claimed) -> Standing:
    """The same of a case whose row is locked to the end of the transaction."""
    return still(claimed, ask(connection, asks(claimed, lock=True))[0])


def standing(connection: Connection, case_id: str) -> Standing:
    """How a case stands, its row locked. PermanentError when there is none."""
    return _found(case_id, ask(connection, _LOCKED(case=case_id))[0])


def _found(case_id: str, rows: Rows) -> Standing:
    if not rows:
        raise PermanentError(f"there is no case {case_id}")
    return Standing(*rows[0])
