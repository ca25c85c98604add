"""What came of outcomes and of the ideas for them: achieved a month, and whether the ideas get better."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.goal import Pursued, State
from cases.moments import iso
from cases.outcome import Ending
from config.settings import ImportWatchSettings, Settings, WatchSettings
from daemon.experimenting import Tried

MEASURED = frozenset({Ending.WORKED, Ending.UNCHANGED, Ending.INCONCLUSIVE, Ending.ROLLED_BACK, Ending.HARMFUL})
"""The ends of an experiment that users decided; the others were never shown to anybody."""
_Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """What became of the experiments that ended in one quarter: `worked` of `measured`, with a 95 % interval."""

    name: str
    worked: int
    measured: int

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share that works, in [0, 1]. Wilson (1927), which is fair where there are few."""
        if not self.measured:
            return 0.0, 1.0
        n, share = self.measured, self.worked / self.measured
        middle = share + _Z**2 / (2 * n)
        reach = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
        whole = 1 + _Z**2 / n
        return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)

    @property
    def document(self) -> dict[str, object]:
        """As JSON has it."""
        low, high = self.interval
        return {"quarter": self.name, "worked": self.worked, "measured": self.measured, "low": low, "high": high}


def achieved(goals: Sequence[Pursued]) -> dict[str, int]:
    """How many were achieved in each month (2026-11), oldest first; months without any are left out."""
    months = Counter(
        iso(step.at)[:7] for one in goals for step in one.steps if step.to is State.ACHIEVED
    )  # fmt: skip
    return dict(sorted(months.items()))


UNSAID = "not said"
"""What a metric tells of where its watch does not say it."""


def tells_of(settings: Settings, signal: str) -> str:
    """What a watched signal tells of, by its key: that of its own watch, or of one by service with its name."""
    service, _, name = signal.partition("/")
    watches = [one for one in settings.watch if not isinstance(one, ImportWatchSettings) and one.name == name]
    own = [one.tells_of for one in watches if isinstance(one, WatchSettings) and one.service == service]
    by_service = [one.tells_of for one in watches if not isinstance(one, WatchSettings)]
    return next(iter(own or by_service), None) or UNSAID


def by_kind(goals: Sequence[tuple[str, Pursued]]) -> tuple[tuple[str, int, int, int], ...]:
    """What metrics tell of → how many outcomes there are, are active, and were achieved; goals: (what of, which)."""
    return tuple(
        (kind, len(mine), sum(one is State.ACTIVE for one in mine), sum(one is State.ACHIEVED for one in mine))
        for kind in sorted({kind for kind, _ in goals})
        if (mine := [one.state for of, one in goals if of == kind])
    )


def trend(every: Sequence[Tried]) -> tuple[Quarter, ...]:
    """How many of the experiments that users decided worked, a quarter, oldest first."""
    ended = [one.case.outcome for one in every if one.case is not None and one.case.outcome is not None]
    decided = [outcome for outcome in ended if outcome.ending in MEASURED]
    names = sorted({_quarter(outcome.at) for outcome in decided})
    return tuple(
        Quarter(
            name=name,
            worked=sum(o.ending is Ending.WORKED for o in decided if _quarter(o.at) == name),
            measured=sum(_quarter(o.at) == name for o in decided),
        )
        for name in names
    )


def _quarter(at: datetime) -> str:
    return f"{at.year} Q{(at.month - 1) // 3 + 1}"
