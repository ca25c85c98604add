"""Segment cards: who a group of users is, what ails them, and what is usual there; written by people."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """What they pay, in whole cents; `low` may be `high`."""

    low_cents: int
    high_cents: int
    currency: str

    def __str__(self) -> str:
        return f"{self.low_cents / 100:.2f} to {self.high_cents / 100:.2f} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One segment.

    users       property → the values that its users have: so it is found in exposures and in an outcome's `segment`
    profile     who they are, in a sentence or two; `pains` and `channels` a few words each
    benchmarks  watch, as service/name → what is usual there, in the watch's unit
    """

    name: str
    profile: str
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    pains: tuple[str, ...] = ()
    benchmarks: Mapping[str, float] = field(default_factory=dict[str, float])
    channels: tuple[str, ...] = ()
    price_bands: tuple[PriceBand, ...] = ()

    def is_about(self, by: str, value: str) -> bool:
        """Whether users with that value of the property are of this segment."""
        return value in self.users.get(by, ())
