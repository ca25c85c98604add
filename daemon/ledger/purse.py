"""The purse: money for language models, reserved before it is spent and settled after, under caps that hold.

A reservation that was never settled counts in full: nobody knows whether the answer was paid for.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cases.asking import ALL_OF
from cases.errors import OverBudget
from cases.ports import Clock
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest
from daemon.ledger.database import Database, added, alone
from daemon.ledger.spend import DAY, RESERVED, SETTLED, spent
from daemon.ledger.tables import checkpoints, spend, storable

REFUSED = "model.refused"
STOP = "budget/stop"
"""The checkpoint that says since when the day's money is used up."""
_ROUNDING = 1e-9  # of sums of dollars: a cap that is just reached is not passed
_MOST_CASES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What may be spent, in USD: in any 24 hours, on one case, on one call, and on drafts of a class in any 24 hours.

    `call` is None for no cap of its own.
    """

    day: float
    case: float
    call: float | None = None
    classes: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The day's money is used up.

    since  when a question was first refused for it (ISO)
    needs  the least that a refused question would have taken, in USD
    cases  those that were refused
    told   whether people know
    """

    since: str
    needs: float
    spent: float
    cap: float
    cases: tuple[str, ...] = ()
    told: bool = False

    def packed(self) -> bytes:
        """As a checkpoint has it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, blob: bytes | None) -> "Stop | None":
        """What a checkpoint says; None for no stop."""
        if not blob or blob == OVER:
            return None
        values: dict[str, Any] = json.loads(blob)
        cases = tuple(values.pop("cases"))
        return cls(cases=cases, **values)


OVER = b"{}"


class LedgerPurse:
    """The purse of one ledger (see `cases.ports.Purse`): its caps hold over every daemon on the same store."""

    def __init__(self, database: Database, clock: Clock, caps: Caps) -> None:
        self._database = database
        self._clock = clock
        self._caps = caps
        self._lines: dict[str, int] = {}  # the audit's line of each reservation of this process that is not settled

    def reserve(self, case: str, purpose: str, model: str, usd: float, *, prompt: str = "") -> str:
        """Set aside the worst case of one call; the reservation's id. Raises OverBudget when a cap would be passed."""
        reservation = uuid.uuid4().hex
        words = {"purpose": storable(purpose), "model": storable(model)}
        with self._database.writing() as connection:
            alone(connection)  # nobody else spends between the sums and the row
            now = self._clock.now()  # not while others were waited for: the day would end too early for it
            passed = self._passed(connection, case, purpose, usd, now)
            if passed is None:
                row = {"id": reservation, "at": now, "case_id": case, "purpose": purpose, "model": model}
                connection.execute(insert(spend).values(**row, reserved=usd, usd=None, input_tokens=0, output_tokens=0))
                sha = digest(id=reservation, at=now, case_id=storable(case), reserved=float(usd), **words)
                asked = {"reservation": reservation, "usd": repr(float(usd)), "prompt": prompt, "sha": sha, **words}
                self._lines[reservation] = self._told(connection, RESERVED, case, None, asked)
                return reservation
            self._told(connection, REFUSED, case, None, {"usd": repr(float(usd)), "cap": passed.cap, **words})
            if passed.cap == _DAY:
                self._stopped(
                    connection, Stop(since=now.isoformat(), needs=usd, spent=passed.spent, cap=self._caps.day), case
                )
        raise OverBudget(passed.why)

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what it really cost in place of the reservation. LookupError for one that was never made: a bug."""
        cost = {"usd": usd, "input_tokens": input_tokens, "output_tokens": output_tokens}
        with self._database.writing() as connection:
            query = update(spend).where(spend.c.id == reservation).values(cost).returning(spend.c.case_id)
            case: str | None = connection.execute(query).scalar_one_or_none()
            if case is None:
                raise LookupError(f"there is no reservation {reservation}")
            came_to = {"reservation": reservation, "usd": repr(float(usd))}
            tokens = {"input_tokens": str(input_tokens), "output_tokens": str(output_tokens)}
            self._told(connection, SETTLED, case, self._lines.get(reservation), {**came_to, **tokens})
            self._lines.pop(reservation, None)

    def _passed(self, connection: Connection, case: str, purpose: str, usd: float, now: datetime) -> "_Passed | None":
        """The first cap that a call would pass; None when it passes none."""
        caps, may = self._caps, f"this may cost {_dollars(usd)}"
        if caps.call is not None and usd > caps.call + _ROUNDING:
            cap = f"budget.usd_per_call {_dollars(caps.call)}"
            return _Passed(
                "usd_per_call", 0, f"{may}, and {cap} is all for one question; ask a cheaper model, or raise it"
            )
        recent = spend.c.at > now - DAY
        day = spent(connection, recent)
        if day + usd > caps.day + _ROUNDING:
            return _Passed(
                _DAY,
                day,
                f"{_dollars(day)} of budget.usd_per_day {_dollars(caps.day)} is spent or set aside in the "
                f"last 24 hours, and {may}; wait, or raise budget.usd_per_day",
            )
        together = ALL_OF.get(purpose, (purpose,))
        if (most := caps.classes.get(together[0])) is not None:
            of_class = spent(connection, recent & spend.c.purpose.in_(together))
            if of_class + usd > most + _ROUNDING:
                name = f"budget.usd_per_class.{together[0]}"
                return _Passed(
                    "usd_per_class",
                    of_class,
                    f"{_dollars(of_class)} of {name} {_dollars(most)} is spent or set aside in the "
                    f"last 24 hours, and {may}; wait, or raise {name}",
                )
        of_case = spent(connection, spend.c.case_id == case)
        if of_case + usd > caps.case + _ROUNDING:
            return _Passed(
                "usd_per_case",
                of_case,
                f"{_dollars(of_case)} of budget.usd_per_case {_dollars(caps.case)} is spent or set aside for "
                f"case {case}, and {may}; work on it by hand, or raise budget.usd_per_case",
            )
        return None

    def _stopped(self, connection: Connection, stop: Stop, case: str) -> None:
        """Keep that the day's money is used up, and for whom."""
        here = checkpoints.c.key == STOP
        before = Stop.read(connection.execute(select(checkpoints.c.blob).where(here)).scalar_one_or_none())
        if before is not None:
            stop = replace(before, needs=min(before.needs, stop.needs))
        if case and case not in stop.cases and len(stop.cases) < _MOST_CASES:
            stop = replace(stop, cases=(*stop.cases, case))
        stored = {"blob": stop.packed(), "at": self._clock.now()}
        if not added(connection, checkpoints, {"key": STOP, **stored}):
            connection.execute(update(checkpoints).where(here).values(stored))

    def _told(self, connection: Connection, action: str, case: str, parent: int | None, detail: dict[str, str]) -> int:
        line = AuditEntry(
            at=self._clock.now(), actor=audit.DAEMON, action=action, case=case, parent=parent, detail=detail
        )
        return audit.append(connection, line)


_DAY = "usd_per_day"


@dataclass(frozen=True, slots=True)
class _Passed:
    """A cap that a call would pass: which, what is spent of it, and a sentence."""

    cap: str
    spent: float
    why: str


def _dollars(usd: float) -> str:
    return f"${usd:.4f}" if usd < 1 else f"${usd:.2f}"
