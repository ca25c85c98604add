"""Segments that are alike: cards by what they say, and the segments of outcomes by their users and their cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cases.card import Card
from inference.likeness import Alike, Described, alike

WEIGHTS: Mapping[str, float] = {
    "profile": 3.0, "pains": 3.0, "users": 2.0, "channels": 1.0, "benchmarks": 1.0, "price_bands": 1.0,
}  # fmt: skip
"""How much each field of a card counts: what people are and suffer from most of all."""
KINDRED = 0.2
"""The likeness from which two cards are of like users. Set by nine labelled cards: pairs of one group came to 0.24 and
more, the others to 0.11 and less."""
_CENTS = 100

Segment = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A card that is like another, and how."""

    card: Card
    alike: Alike


def like(card: Card, cards: Sequence[Card]) -> tuple[Near, ...]:
    """The other cards, the most alike first; of two that are as much so the first by name."""
    others = [other for other in cards if other.name != card.name]
    found = alike(_described(card), [_described(other) for other in others], WEIGHTS)
    near = [Near(card=other, alike=how) for other, how in zip(others, found, strict=True)]
    return tuple(sorted(near, key=lambda one: (-round(one.alike.score, 9), one.card.name)))


def kindred(one: Segment, other: Segment, cards: Sequence[Card]) -> bool:
    """Whether what was learnt of one segment's users may tell of the other's.

    Everybody is kin to all. Two that share a value of a property are, unless another property keeps them apart; else
    it is for their cards to say.
    """
    if not one or not other:
        return True
    common = set(one) & set(other)
    if common and all(set(one[name]) & set(other[name]) for name in common):
        return True
    mine, theirs = _cards_of(one, cards), _cards_of(other, cards)
    if any(card in theirs for card in mine):
        return True
    return any(near.alike.score >= KINDRED and near.card in theirs for card in mine for near in like(card, cards))


def _cards_of(segment: Segment, cards: Sequence[Card]) -> list[Card]:
    """The cards of users that the segment names."""
    return [
        card
        for card in cards
        if any(card.is_about(name, value) for name, values in segment.items() for value in values)
    ]


def _described(card: Card) -> Described:
    bands = card.price_bands
    prices = {f"{band.currency} {end}": cents / _CENTS for band in bands[:1]
              for end, cents in (("low", band.low_cents), ("high", band.high_cents))}  # fmt: skip
    return Described(
        words={"profile": card.profile, "pains": "; ".join(card.pains)},
        labels={
            "channels": frozenset(channel.casefold() for channel in card.channels),
            "users": frozenset(f"{name}={value}" for name, values in card.users.items() for value in values),
        },
        numbers={"benchmarks": card.benchmarks, "price_bands": prices},
    )
