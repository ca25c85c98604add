"""Outbox: effects that were promised, until the outside has answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from cases.errors import PermanentError
from cases.leases import Claimed, Intent, Swap
from cases.ports import Clock
from cases.steps import Effect, Receipt, SendNotice
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest
from daemon.ledger.checkpoints import swapped
from daemon.ledger.claims import NOTICE, asks, still
from daemon.ledger.codec import EFFECTS, RECEIPTS
from daemon.ledger.database import Database, alone_asks
from daemon.ledger.ready import Ready, Rows, adding, ask, later
from daemon.ledger.tables import State, effects, storable

ACTOR = audit.DAEMON
PROMISED, DONE, ADOPTED, DROPPED = "effect.promised", "effect.done", "effect.adopted", "effect.dropped"
TELLS = "daemon.tells"  # why a notice that belongs to no case is sent
LONGEST_ERROR = 1000  # characters

# Built once: they are asked several times a second.
_INTENDED = select(effects).where(effects.c.state == State.INTENDED).order_by(effects.c.seq)
_PENDING = _INTENDED.where(effects.c.case_id == bindparam("case"), effects.c.kind != NOTICE)
_NOTICES = _INTENDED.where(effects.c.kind == NOTICE, effects.c.due <= bindparam("now")).limit(bindparam("limit"))
_TAKEN = _NOTICES.with_for_update(skip_locked=True)  # where there are locks on rows, two daemons take different ones

_COLUMNS = "seq", "key", "case_id", "kind", "state", "attempts", "promised"
_LOCKED = Ready(
    select(*(effects.c[name] for name in _COLUMNS)).where(effects.c.key == bindparam("key")).with_for_update()
)
_KNOWN = Ready(select(effects.c.key).where(effects.c.key == bindparam("key")))
_ADD = adding(effects, "seq", "receipt")
_DONE = Ready(
    update(effects).where(effects.c.seq == bindparam("effect")).values(state=State.DONE, receipt=bindparam("receipt"))
)


class _Promised(NamedTuple):
    """The row of an effect, but for what it is."""

    seq: int
    key: str
    case_id: str | None
    kind: str
    state: str
    attempts: int
    promised: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Who promised effects, when, for which case ("" for none), and the audit entry that they follow from.

    due   when they are wanted; None: at once
    """

    case: str
    at: datetime
    actor: str
    parent: int | None
    due: datetime | None = None


class LedgerOutbox:
    """The promised effects of one ledger (see `cases.ports.Outbox`)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def pending(self, case_id: str) -> tuple[Intent, ...]:
        """The forge effects of a case that have no receipt, oldest first."""
        return self._intents(_PENDING, {"case": case_id})

    def notices(self, now: datetime, limit: int = 20) -> tuple[Intent, ...]:
        """Notices that are due, oldest first."""
        return self._intents(_NOTICES, {"now": now, "limit": limit})

    def take_notices(self, now: datetime, hold: timedelta, limit: int = 20) -> tuple[Intent, ...]:
        """The same, and no other daemon sees them until `hold` is over."""
        wanted = {"now": now, "limit": limit}
        with self._database.writing() as connection:
            rows = connection.execute(_TAKEN, wanted).all()
            keys = [row.key for row in rows]
            connection.execute(update(effects).where(effects.c.key.in_(keys)).values(due=now + hold))
        return tuple(_intent(row) for row in rows)

    def send(
        self, effects: Sequence[Effect], now: datetime, *, swap: Swap | None = None, due: datetime | None = None
    ) -> bool:
        """Promise notices that belong to no case, for `due` or for now. A key that is there already is left alone.

        With a swap, both or neither: False when the checkpoint was another.
        """
        for effect in effects:
            if not isinstance(effect, SendNotice):
                raise TypeError(f"{effect.key} is a {type(effect).__name__}: without a case nobody would ever do it")
        with self._database.writing() as connection:
            if swap is not None and not swapped(connection, swap, now):
                return False
            promise(connection, effects, Promise(case="", at=now, actor=ACTOR, parent=None, due=due))
        return True

    def check(self, claimed: Claimed) -> None:
        """Raise Fenced unless the case is still held by this claim."""
        still(claimed, self._database.look(asks(claimed, lock=False)))

    def receive(self, receipt: Receipt, claimed: Claimed | None) -> None:
        """Store the receipt. A second one for the same key is left alone. Raises Fenced when a claim is lost."""
        with self._database.writing() as connection:
            if claimed is None:
                (found,) = ask(connection, _LOCKED(key=receipt.key))
            else:
                leased = asks(claimed, lock=True), _LOCKED(key=receipt.key)
                stands, found = audit.ahead(connection, "", *leased)
                still(claimed, stands)
            row = _promised(receipt.key, found)
            if row.state == State.DONE:
                return
            payload = RECEIPTS.pack(receipt).payload
            later(connection, _DONE(effect=row.seq, receipt=payload))
            self._told(connection, row, ADOPTED if receipt.adopted else DONE, {"sha": digest(receipt=payload)})

    def receipt(self, key: str) -> Receipt | None:
        """What the outside answered to the effect of that key, or None while it has not."""
        with self._database.reading() as connection:
            stored = connection.execute(select(effects.c.receipt).where(effects.c.key == key)).scalar_one_or_none()
        return None if stored is None else RECEIPTS.unpack(Receipt.__name__, stored, f"the receipt of effect {key}")

    def dropped(self, key: str) -> str:
        """Why the effect of that key was given up; "" where it was not, or was never promised."""
        given_up = select(effects.c.last_error).where(effects.c.key == key, effects.c.state == State.DROPPED)
        with self._database.reading() as connection:
            return connection.execute(given_up).scalar_one_or_none() or ""

    def postpone(self, key: str, due: datetime, error: str) -> None:
        """The effect did not go through: count the attempt, try again at `due`."""
        with self._database.writing() as connection:
            row = _row(connection, key)
            if row.state == State.INTENDED:
                _set(connection, row, attempts=row.attempts + 1, due=due, last_error=_brief(error))

    def defer(self, key: str, due: datetime) -> None:
        """The effect is wanted later than was promised: no attempt was made, and none is counted."""
        with self._database.writing() as connection:
            row = _row(connection, key)
            if row.state == State.INTENDED:
                _set(connection, row, due=due)

    def drop(self, key: str, because: str) -> None:
        """The effect will never go through: keep it with its reason."""
        with self._database.writing() as connection:
            row = _row(connection, key)
            if row.state == State.INTENDED:
                _set(connection, row, state=State.DROPPED, last_error=_brief(because))
                self._told(connection, row, DROPPED, {"because": _brief(because)})

    def _intents(self, query: Select[Any], wanted: dict[str, Any]) -> tuple[Intent, ...]:
        with self._database.reading() as connection:
            return tuple(_intent(row) for row in connection.execute(query, wanted))

    def _told(self, connection: Connection, row: "_Promised", action: str, more: dict[str, str]) -> None:
        line = AuditEntry(
            at=self._clock.now(),
            actor=ACTOR,
            action=action,
            case=row.case_id or "",
            parent=row.promised,
            detail={"key": row.key, "kind": row.kind, **more},
        )
        audit.append(connection, line)


def promise(connection: Connection, wanted: Sequence[Effect], promised: Promise) -> None:
    """Store the effects as intents. One whose key was ever promised is left alone."""
    # who promises is alone from the look at a key to the end: no key is promised twice
    keys = [storable(effect.key) for effect in wanted]
    lock = alone_asks(connection)
    answers = ask(connection, *lock, *(_KNOWN(key=key) for key in keys))
    known = {row[0] for rows in answers[len(lock) :] for row in rows}
    for key, effect in zip(keys, wanted, strict=True):
        if key in known:
            continue
        known.add(key)
        packed = EFFECTS.pack(effect)
        case = storable(promised.case) or None
        row = {"key": key, "case_id": case, "kind": packed.kind, "payload": packed.payload}
        line = AuditEntry(
            at=promised.at,
            actor=promised.actor,
            action=PROMISED,
            case=promised.case,
            parent=promised.parent or _reason(connection, effect, promised),
            detail={"key": key, "kind": packed.kind, "sha": digest(**row)},
        )
        state = {"state": State.INTENDED, "attempts": 0, "due": promised.due or promised.at, "last_error": ""}
        number = audit.append(connection, line)
        later(connection, _ADD(**row, **state, created=promised.at, promised=number))


def _reason(connection: Connection, effect: Effect, promised: Promise) -> int | None:
    """What a promise without a parent follows from: the case that it tells of, or the daemon's own wish to tell."""
    if promised.case or not isinstance(effect, SendNotice):
        return None
    notice = effect.notice
    of_case = audit.newest(connection, notice.case) if notice.case else None
    if of_case is not None:
        return of_case
    about = {"notice": notice.key, "subject": _brief(notice.subject)}
    return audit.append(connection, AuditEntry(at=promised.at, actor=promised.actor, action=TELLS, detail=about))


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        effect=EFFECTS.unpack(row.kind, row.payload, f"effect {row.key} of case {row.case_id or '(none)'}"),
        case=row.case_id or "",
        attempts=row.attempts,
        due=row.due,
        last_error=row.last_error,
    )


def _brief(error: str) -> str:
    """The beginning of an error's text, which may come from outside, as a database takes it."""
    return storable(error[:LONGEST_ERROR])


def _row(connection: Connection, key: str) -> "_Promised":
    return _promised(key, ask(connection, _LOCKED(key=key))[0])


def _promised(key: str, rows: Rows) -> "_Promised":
    if not rows:
        raise PermanentError(f"no effect {key} was ever promised")
    return _Promised(*rows[0])


def _set(connection: Connection, row: "_Promised", **columns: Any) -> None:  # noqa: ANN401 - as the columns' types are
    connection.execute(update(effects).where(effects.c.seq == row.seq).values(columns))
