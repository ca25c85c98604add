"""Where authority stands at `propose`: the change is shown in one issue, and a writer's word there decides."""

from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Hold, Phase
from cases.outcome import Ending
from remediation.forge.shown import LABEL
from remediation.sealed import opened
from tests.parts.levers import Levered, levered
from tests.parts.playhouse import NORMAL, House, house

PROPOSE = {"authority": {"default": "propose"}}


def issues(it: House, state: str = "all") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = it.world.ask("GET", "/issues", params={"labels": LABEL, "state": state}).json()
    return found


def present(it: House) -> Case:
    case = it.case()
    assert case is not None
    return case


def waits(it: House, life: Levered) -> dict[str, Any]:
    """The issue, once the case waits for a yes."""
    it.until(Phase.PROVED)
    life.passes()
    assert present(it).hold is Hold.GATE
    (issue,) = issues(it)
    return issue


@pytest.mark.long
def test_a_change_is_shown_in_one_issue_and_a_writers_yes_there_opens_it(tmp_path: Path) -> None:
    with house(tmp_path, **PROPOSE) as it, levered(it) as life:
        issue = waits(it, life)
        assert it.pull_requests() == []
        lines = issue["body"].splitlines()
        assert [line[:3] for line in lines[:8]] == [f"{number}. " for number in range(1, 9)]
        assert "```diff\ndiff --git a/shop/pricing.py b/shop/pricing.py" in issue["body"]
        assert "+    return sum(cart)" in issue["body"]
        assert opened(issue["body"]) is not None
        assert issue["title"] == "Revert “Round checkout totals” (proposal)"
        number = issue["number"]
        it.world.ask("PUT", "/collaborators/mallory", json={"permission": "pull"})
        life.says(number, "/trackwalker approve", "mallory")
        nothing = life.says(number, "/trackwalker reject", "sre")
        life.passes()
        assert life.answers(number, nothing)[0].startswith("**Not taken.** Say why")
        assert present(it).hold is Hold.GATE
        yes = life.says(number, "/trackwalker approve it is the culprit", "sre")
        it.until(Phase.PROPOSED, minutes=3)
        life.passes(1)
        assert life.answers(number, yes)[0].startswith("**Approved.**")
        (pull,) = it.pull_requests()
        (after,) = issues(it)
        assert (after["state"], after["number"]) == ("closed", number)
        assert any(body.startswith(f"**Opened** as {pull['html_url']}") for body in it.comments(number))
        life.passes(1)
        assert len(it.comments(number)) == 6


@pytest.mark.long
def test_a_no_there_is_remembered_with_its_reason(tmp_path: Path) -> None:
    with house(tmp_path, **PROPOSE) as it, levered(it) as life:
        number = waits(it, life)["number"]
        life.says(number, "/trackwalker reject it is the other commit", "sre")
        life.passes(3)
        case = life.app.ledger.cases.load(present(it).id)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.DISMISSED
        assert "it is the other commit" in case.outcome.because
        assert case.lesson is not None
        assert issues(it, "open") == []
        (over,) = [body for body in it.comments(number) if body.startswith("**Over.**")]
        assert "it is the other commit" in over
        assert it.pull_requests() == []


@pytest.mark.long
def test_it_is_over_when_the_signals_are_back_by_themselves(tmp_path: Path) -> None:
    unhurried = {"approvals": {"hour": "4h"}}  # the case itself is over where a yes is overdue
    with house(tmp_path, **PROPOSE, **unhurried) as it, levered(it) as life:
        number = waits(it, life)["number"]
        it.readings.becomes(NORMAL, it.now)
        life.passes(30)
        assert len(issues(it, "open")) == 1
        life.passes(60)
        assert issues(it, "open") == []
        assert it.comments(number)[-1].startswith("**Over**: the signals are back by themselves since")
        assert present(it).hold is Hold.GATE


@pytest.mark.long
def test_an_observer_shows_nothing(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe"}) as it, levered(it) as life:
        it.until(Phase.PROVED)
        life.passes(2)
        assert present(it).hold is Hold.GATE
        assert issues(it) == []
