"""What an experiment's gain is worth beside what models cost for its case, in whole US cents; only if configured.

The gain is that of the users who were shown it while it was measured, by the newest look: of a revenue that `measures`
reads, with `cents` for what a unit of it is worth. Of the interval both ends are told: where they lie on two sides of
nothing, so may the gain. What people's time, servers and the vendor cost is not in it.
"""

import math
from dataclasses import dataclass
from typing import Any

from cases.case import Case
from cases.events import Looked
from config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """In whole US cents: `low` and `high` are the ends of the gain's interval, None while nothing can be said.

    users  who were shown it; `spent` is what models cost for its case, rounded up
    """

    users: int
    gain: int | None
    low: int | None
    high: int | None
    spent: int

    def for_a_dollar(self, cents: int | None) -> int | None:
        """What a gain of so many cents is for each dollar that was spent, rounded down; None where nothing was."""
        return None if cents is None or self.spent == 0 else (100 * cents) // self.spent

    @property
    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "users": self.users,
            "gain_cents": self.gain,
            "interval_cents": None if self.low is None else [self.low, self.high],
            "spent_cents": self.spent,
            "cents_for_a_dollar": self.for_a_dollar(self.gain),
            "cents_for_a_dollar_interval": None
            if self.spent == 0 or self.low is None
            else [self.for_a_dollar(self.low), self.for_a_dollar(self.high)],
        }

    @property
    def sentence(self) -> str:
        """The same for people who read of it elsewhere, without its full stop."""
        return f"W{str(self)[1:]} (people's time and servers are not in it)"

    def __str__(self) -> str:
        spent = f"models cost ${self.spent / 100:,.2f}"
        if self.gain is None or self.low is None or self.high is None:
            return f"worth: nothing can be said yet; {spent}"
        told = f"worth: {_dollars(self.gain)} ({_dollars(self.low)} to {_dollars(self.high)}) of {self.users:,} users"
        each, low, high = (self.for_a_dollar(cents) for cents in (self.gain, self.low, self.high))
        if each is None or low is None or high is None:
            return f"{told}; {spent}"
        return f"{told}; {spent}: {_dollars(each)} for a dollar ({_dollars(low)} to {_dollars(high)})"


def worth_of(case: Case, settings: Settings, usd: float, newest: Looked | None = None) -> Worth | None:
    """None where the outcome's signal has no measure with `cents`, or nobody has looked yet.

    Looks at larger shares do not count: they begin anew, and no longer compare what the ruling rests on.
    usd     what models cost for the case
    newest  a look that the case does not have yet
    """
    scaled = {one.number for one in case.changes if one.experiment is not None and not one.experiment.measured}
    looks = [look for look in (*case.looks, *((newest,) if newest else ())) if look.change not in scaled]
    if case.goal is None or not looks:
        return None
    signal = case.goal.signal
    cents = next((measure.cents for measure in settings.measures if measure.signal == signal), None)
    if cents is None:
        return None
    look = next((look for look in reversed(looks) if look.lift is not None), looks[-1])
    users = look.users[1]
    sign = 1 if case.goal.up else -1  # more is better in a look; here it is money
    gain = None if look.lift is None else round(sign * look.lift * users * cents)
    ends: tuple[int, int] | None = None
    if look.low is not None and look.high is not None:
        low, high = sorted((sign * look.low * users * cents, sign * look.high * users * cents))
        ends = (math.floor(low), math.ceil(high))
    return Worth(
        users=users,
        gain=gain,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        spent=math.ceil(round(100 * usd, 6)),
    )


def _dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else '+'}${abs(cents) / 100:,.2f}"
