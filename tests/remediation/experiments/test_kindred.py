"""Cards that are alike: ranked as people grouped them, the same each time; and segments of outcomes through them."""

from dataclasses import replace

import pytest

from cases.card import Card
from inference.likeness import Described, alike, stems
from remediation.experiments.kindred import KINDRED, kindred, like
from tests.parts.cards import CARDS, GROUP_OF, GROUPS

BY_NAME = {card.name: card for card in CARDS}


@pytest.mark.parametrize("name", BY_NAME)
def test_those_of_its_group_come_first(name: str) -> None:
    near = like(BY_NAME[name], CARDS)
    fellows = {card.name for card in GROUPS[GROUP_OF[name]]} - {name}
    assert {one.card.name for one in near[: len(fellows)]} == fellows
    assert len(near) == len(CARDS) - 1


def test_the_line_lies_between_the_groups() -> None:
    pairs = [(card.name, one) for card in CARDS for one in like(card, CARDS)]
    inside = [one.alike.score for name, one in pairs if GROUP_OF[name] == GROUP_OF[one.card.name]]
    outside = [one.alike.score for name, one in pairs if GROUP_OF[name] != GROUP_OF[one.card.name]]
    assert max(outside) < KINDRED <= min(inside)


def test_the_order_of_the_cards_changes_nothing() -> None:
    for card in CARDS:
        assert like(card, CARDS) == like(card, sorted(CARDS, key=lambda one: one.profile[::-1]))


def test_a_likeness_says_which_fields_made_it() -> None:
    near = like(BY_NAME["corner-shops"], CARDS)[0]
    assert set(near.alike.fields) == {"profile", "pains", "users", "channels", "benchmarks", "price_bands"}
    assert near.alike.fields["users"] == 0
    twin = replace(BY_NAME["corner-shops"], name="twin")
    assert like(twin, (BY_NAME["corner-shops"],))[0].alike.score == pytest.approx(1)
    assert like(Card(name="a", profile="x"), (Card(name="b", profile="y"),))[0].alike.score == 0


def test_each_kind_of_field_by_hand() -> None:
    one = Described(
        words={"w": "red boats"}, labels={"l": frozenset("ab")}, numbers={"n": {"x": 4.0, "y": 0.0, "z": 1.0}}
    )
    other = Described(words={"w": "Red houses"}, labels={"l": frozenset("bc")}, numbers={"n": {"x": 3.0, "y": 0.0}})
    (found,) = alike(one, [other], {"w": 2.0})
    rare = 1.4054651081081644  # ln(3 / 2) + 1, of a word that one of two has; a word that both have weighs 1
    assert found.fields == pytest.approx({"w": 1 / (1 + rare**2), "l": 1 / 3, "n": (0.75 + 1 + 0) / 3})
    assert found.score == pytest.approx((2 * found.fields["w"] + 1 / 3 + 1.75 / 3) / 4)
    assert stems("Paying customers pay") == {"pa", "customer"}


@pytest.mark.parametrize(
    ("one", "other", "kin"),
    [
        ({}, {"plan": ("starter",)}, True),  # everybody
        ({"country": ("de", "at")}, {"country": ("at",)}, True),
        ({"country": ("de",)}, {"country": ("at",)}, False),
        ({"country": ("de",), "plan": ("a",)}, {"country": ("de",), "plan": ("b",)}, False),
        ({"plan": ("starter",)}, {"plan": ("mobile",)}, True),  # by their cards
        ({"plan": ("starter",)}, {"plan": ("enterprise",)}, False),
        ({"plan": ("unheard",)}, {"plan": ("enterprise",)}, False),
    ],
)
def test_segments_of_outcomes(one: dict[str, tuple[str, ...]], other: dict[str, tuple[str, ...]], *, kin: bool) -> None:
    assert kindred(one, other, CARDS) is kin
    assert kindred(other, one, CARDS) is kin
