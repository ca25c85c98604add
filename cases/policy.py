"""Decisions are values that carry their reason: the log, the audit trail, the pull request and the tests read it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class Authority(IntEnum):
    """How much the bot may do unasked. Only outcomes raise it, and only a human signs the rise."""

    OBSERVE = 0
    PROPOSE = 1
    PULL_REQUEST = 2
    AUTO_MERGE = 3  # of low risk, and never given by a default

    @property
    def word(self) -> str:
        """As files and people write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Go on. `draft` asks for a draft pull request, with why in `because`."""

    draft: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFirst:
    """A human's yes is needed before this step; the work so far is kept. `show` puts it into an issue meanwhile."""

    reason: str
    show: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Not now: a limit is reached. Tried again later."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Never this change: it goes to a human with the reasons, all of them."""

    reasons: tuple[str, ...]


Decision: TypeAlias = Allow | AskFirst | Wait | Refuse
