"""A shop with levers, an outcome for it, and hypotheses: what experiments are made of."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cases.goal import Constraint, Criteria, Goal
from cases.hypothesis import Hypothesis
from cases.outcome import Ending, Lesson
from config import hypothesis_file
from config.settings import Settings
from remediation.experiments.given import given
from tests.parts.goals import NOW, WATCHES
from tests.parts.nouns import a_lesson
from tests.parts.settings import some_settings

SAMPLES = Path(__file__).resolve().parents[2] / "docs/outcomes/hypotheses"
LEVERS: list[dict[str, Any]] = [
    {"name": "button", "kind": "copy", "flag": "pay-button", "control": "Pay", "values": ["Pay now", "Buy"],
     "moves": ["abandonment"], "because": "People leave where they do not see what comes next."},
    {"name": "provider", "kind": "timeout", "flag": "provider-timeout", "control": 1500,
     "moves": ["abandonment", "p95"], "because": "Who waits too long gives up.", "risk": "medium"},
    {"name": "prices", "kind": "cache", "flag": "price-cache", "control": 30.5, "moves": ["p95"],
     "because": "Prices seldom change."},
    {"name": "methods", "kind": "ordering", "flag": "pay-methods", "control": ["card", "wallet", "invoice"],
     "values": [["wallet", "card", "invoice"]], "moves": ["abandonment"], "size": 0.03,
     "because": "Most people on phones have a wallet."},
]  # fmt: skip
SQL = {"name": "events", "url": "sqlite:////srv/events.db", "query": "select 1 as value"}
EXPOSURES = {
    "source": "events",
    "query": "select unit, variant, time from seen where flag = :flag and time >= :start and time < :end",
}
MEASURES = [
    {"signal": f"shop/{name}", "source": "events", "kind": kind,
     "query": "select unit, time, value from done where time >= :start and time < :end"}
    for name, kind in (("abandonment", "share"), ("p95", "mean"), ("orders", "revenue"))
]  # fmt: skip
GOAL = Goal(
    name="checkout-abandonment",
    why="One cart in three is left at the last step.",
    signal="shop/abandonment",
    baseline=0.34,
    target=0.28,
    horizon=NOW.date().replace(year=2027),
    constraints=(Constraint(signal="shop/p95", at_most=0.4),),
    repository="shop",
    paths=("checkout/**",),
    forbidden=("checkout/payments/**",),
    segment={"country": ("de", "at")},
    budget_usd=40,
    days=28,
    criteria=Criteria(lift=0.01),
    owner="checkout",
    backup="sre",
)
SLOW = replace(GOAL, name="slow-search", signal="shop/p95", baseline=1.4, target=0.9, segment={},
               constraints=(), criteria=Criteria(lift=0.1, confidence=0.9), days=14)  # fmt: skip


def a_shop(levers: list[dict[str, Any]] | None = None, **more: Any) -> Settings:  # noqa: ANN401 - keys of a configuration
    """Settings of the shop: its levers, and how its users are measured."""
    experiments = {
        "flagd": {"file": "config/flags.json"}, "exposures": EXPOSURES, "levers": LEVERS if levers is None else levers,
        **more.pop("experiments", {}),
    }  # fmt: skip
    document: dict[str, Any] = {
        "watch": WATCHES,
        "signals": {"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}], "sql": [SQL]},
        "measures": MEASURES,
        "services": [{"name": "shop", "repository": "shop", "experiments": experiments}],
        **more,
    }
    return some_settings(**document)


def a_tried(ending: Ending, subject: str, **more: object) -> Lesson:
    """A lesson of an experiment on the outcome's signal."""
    lesson = replace(
        a_lesson(), id="tried123", strategy="user:ann", action="experiment", subject=subject, ending=ending,
        signal="shop/abandonment",
    )  # fmt: skip
    return replace(lesson, **more)  # type: ignore[arg-type]


def a_given(name: str, shop: Settings | None = None) -> Hypothesis:
    """The hypothesis of a sample in the documentation."""
    found = hypothesis_file.read((SAMPLES / name).read_text(), name, {GOAL.name: GOAL}, a_shop())
    return given(found, GOAL, shop or a_shop(), "ann")


BUTTON: dict[str, Any] = {
    "lever": "button", "value": '"Go to payment"', "signal": "shop/abandonment", "size": 0.02, "effort": "small",
    "risk": "low", "statement": "Show “Go to payment” as the button for visitors, and they go on to the payment",
    "mechanism": "It tells what comes next.",
}  # fmt: skip
PROVIDER = BUTTON | {
    "lever": "provider", "value": "2500", "risk": "low",
    "statement": "Wait 2500 for the provider for visitors with a slow bank, and they finish",
    "mechanism": "Some banks answer late.",
}  # fmt: skip
METHODS = BUTTON | {
    "lever": "methods", "value": '["invoice", "wallet", "card"]', "effort": "medium", "risk": "medium",
    "statement": "Build another order of methods for visitors, and they find theirs first",
}  # fmt: skip


def said(*ideas: Mapping[str, Any]) -> dict[str, Any]:
    """What a model answers."""
    return {"ideas": [dict(idea) for idea in ideas]}
