"""A step that was killed after the answer asks again for nothing; another question is another question."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import NoAnswer
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from remediation.model.pocket import PocketPurse
from remediation.model.remembered import MOST, Remembered
from remediation.model.scripted import Entry, ScriptedModel
from tests.parts.nouns import NOW
from tests.parts.questions import GOOD, a_question

ENTRY = Entry(purpose="diagnose", answer=GOOD, usd=0.1, input_tokens=10, output_tokens=5, repeat=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=ManualClock(NOW)) as ledger:
        yield ledger


def a_script(purse: PocketPurse, name: str = "script") -> ScriptedModel:
    return ScriptedModel([ENTRY], purse, name=name)


def test_the_same_question_is_paid_once_also_by_the_next_life(ledger: Ledger) -> None:
    purse, clock = PocketPurse(1), ManualClock(NOW)
    first = Remembered(a_script(purse), ledger.checkpoints, clock).ask(a_question("x"))
    again = Remembered(a_script(purse), ledger.checkpoints, clock).ask(a_question("x"))
    assert (first.usd, again.usd, again.input_tokens, again.output_tokens) == (0.1, 0, 0, 0)
    assert (again.content, again.model) == (first.content, first.model)
    assert len(purse.calls) == 1


@pytest.mark.parametrize("change", ["case", "purpose", "task", "name", "schema", "material", "model"])
def test_whatever_differs_makes_another_question(ledger: Ledger, change: str) -> None:
    purse, clock = PocketPurse(1), ManualClock(NOW)
    Remembered(a_script(purse), ledger.checkpoints, clock).ask(a_question("x"))
    other = a_question("x")
    if change in {"case", "task", "name"}:
        other = replace(other, **{change: "other"})
    elif change == "schema":
        other = replace(other, schema={"type": "object"})
    elif change == "material":
        other = a_question("y")
    elif change == "purpose":
        other = replace(other, purpose="edit")
    script = ScriptedModel(
        [ENTRY, ENTRY.model_copy(update={"purpose": "edit"})], purse, name="other" * (change == "model")
    )
    Remembered(script if change in {"model", "purpose"} else a_script(purse), ledger.checkpoints, clock).ask(other)
    assert len(purse.calls) == 2


def test_after_a_day_it_asks_again(ledger: Ledger) -> None:
    purse, clock = PocketPurse(1), ManualClock(NOW)
    model = Remembered(a_script(purse), ledger.checkpoints, clock)
    model.ask(a_question())
    clock.advance(timedelta(hours=23))
    model.ask(a_question())
    assert len(purse.calls) == 1
    clock.advance(timedelta(hours=1))
    model.ask(a_question())
    assert len(purse.calls) == 2


def test_the_newest_answers_of_a_case_are_kept_and_no_more(ledger: Ledger) -> None:
    purse = PocketPurse(10)
    model = Remembered(a_script(purse), ledger.checkpoints, ManualClock(NOW))
    for number in range(MOST + 1):
        model.ask(a_question(str(number)))
    model.ask(a_question(str(MOST)))
    assert len(purse.calls) == MOST + 1
    model.ask(a_question("0"))
    assert len(purse.calls) == MOST + 2


def test_a_failure_is_not_remembered(ledger: Ledger) -> None:
    purse = PocketPurse(1)
    script = ScriptedModel([Entry(purpose="diagnose", refuse="no"), ENTRY], purse)
    model = Remembered(script, ledger.checkpoints, ManualClock(NOW))
    with pytest.raises(NoAnswer):
        model.ask(a_question())
    assert model.ask(a_question()).content == GOOD
    assert model.describe("edit") == script.describe("edit")
    assert model.probe() == script.probe()
