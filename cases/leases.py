"""What the ledger hands out: a case under lease, an effect that is promised; a swap; and the pause that stops both."""

from dataclasses import dataclass
from datetime import datetime

from cases.case import Case
from cases.steps import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A case under lease. `fence` grows with every claim: a write with an old one is refused.

    stolen_from   the daemon whose lease ran out before it let the case go; "" where nobody held it
    """

    case: Case
    owner: str
    fence: int
    until: datetime
    stolen_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An effect that was promised and has no receipt yet. `case` is "" for notices that belong to none."""

    effect: Effect
    case: str
    attempts: int
    due: datetime
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A checkpoint that is to become `after`, if it is still `before` (None: not there yet)."""

    key: str
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Whether everything is paused, by whom, and why."""

    by: str
    reason: str
    since: datetime
