"""People's own hypotheses become whole ones, or are refused with the reason."""

import pytest

from cases.errors import PermanentError
from cases.hypothesis import Effort, Peril
from config.settings import Settings
from remediation.experiments.built import lacking
from tests.parts.ideas import GOAL, LEVERS, a_given, a_shop


def test_a_lever_at_a_value() -> None:
    one = a_given("wallet-first.yaml")
    assert lacking(one, GOAL) == ()
    assert one.origin == "user:ann"
    assert (one.turn.lever, one.turn.flag) == ("methods", "pay-methods")
    assert one.turn.treated == '["wallet", "invoice", "card"]'
    assert one.turn.control == '["card", "wallet", "invoice"]'
    assert (one.plan.days, one.plan.least, one.plan.guardrails) == (21, 0.01, ("shop/p95", "shop/orders"))
    assert (one.shares, one.effort, one.risk) == ((0.5, 1.0), Effort.SMALL, Peril.LOW)


def test_a_patch_with_its_flag() -> None:
    one = a_given("one-page.yaml")
    assert lacking(one, GOAL) == ()
    assert (one.turn.lever, one.turn.flag, one.turn.control, one.turn.treated) == ("", "one-page", "false", "true")
    assert one.turn.patch.startswith("diff --git a/checkout/form.py")
    assert one.statement == "Build a one-page payment form for visitors, and they finish more orders"
    assert one.id == a_given("one-page.yaml").id != a_given("wallet-first.yaml").id


@pytest.mark.parametrize(
    ("shop", "why"),
    [
        (a_shop([LEVERS[0]]), "the lever methods cannot be turned"),
        (a_shop(scope={"deny": ["config/"]}), "denied by scope.deny"),
    ],
)
def test_what_the_configuration_does_not_take_any_more_is_refused(shop: Settings, why: str) -> None:
    with pytest.raises(PermanentError, match=why):
        a_given("wallet-first.yaml", shop)
