"""What the ledger hands out: a case under lease, an effect that is promised; and the pause that stops both."""

from dataclasses import dataclass
from datetime import datetime

from cases.case import Case
from cases.steps import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A case under lease. `fence` grows with every claim: a write with an old one is refused."""

    case: Case
    owner: str
    fence: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An effect that was promised and has no receipt yet. `case` is "" for notices that belong to none."""

    effect: Effect
    case: str
    attempts: int
    due: datetime
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Whether everything is paused, by whom, and why."""

    by: str
    reason: str
    since: datetime
