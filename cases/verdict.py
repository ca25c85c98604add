"""Trial, Check, Verdict: what the sandbox showed. 'Could not tell' is never 'failed' and never 'passed'."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from cases.moments import utc


class Verdict(IntEnum):
    """Ordered from best to worst, so that the worst of many is `max`."""

    PASSED = 0
    INCONCLUSIVE = 1  # it ran, and the evidence points neither way
    ERROR = 2  # it could not be run: no image, no memory, time ran out
    FAILED = 3  # it ran, and the change is bad


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict over all; none at all proves nothing."""
    return max(verdicts, default=Verdict.INCONCLUSIVE)


class Claim(StrEnum):
    """How strongly a pull request may speak."""

    PROVED = "proved"
    CORRELATED = "correlated, not reproduced"
    GUESS = "guess"
    DISPROVED = "disproved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a trial: what was asked, what was seen on base and on the change, and the verdict."""

    name: str
    verdict: Verdict
    base: str
    change: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One sandbox run of one change at one base."""

    change: int
    base: str
    sandbox: str  # which sandbox ran it, in words
    at: datetime
    checks: tuple[Check, ...]
    claim: Claim
    seconds: float  # of which the target's own commands took `own_seconds`
    own_seconds: float

    def __post_init__(self) -> None:
        utc(self.at, "a trial")

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks."""
        return worst(check.verdict for check in self.checks)
