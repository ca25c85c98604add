"""Where no stack trace leads into the code, a model is shown a map and names what to read; only what exists counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cases.case import Phase
from cases.errors import NoAnswer
from cases.lifecycle import opened
from cases.logs import Frame, Trace
from remediation.edit.locate import Located, located
from remediation.edit.places import Place
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedLogs
from tests.parts.models import Said, TalkingModel
from tests.parts.nouns import SHA, a_diagnosis, an_entry, an_opened
from tests.parts.old_shop import PRICING, TESTS, escalated, old_shop, talker
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.shelf import ShelfForge

FILES = {
    "shop/pricing.py": PRICING,
    "tests/test_pricing.py": TESTS,
    "web/cart.go": "package web\n\nfunc Total() {\n}\n",
}


def asked(said: Said, files: Mapping[str, str] = FILES) -> tuple[Located, TalkingModel]:
    model, case = TalkingModel({"locate": [said]}), opened(an_entry(an_opened()))
    sandbox = ScriptedSandbox({})
    with some_ports(settings=some_settings(), sandbox=sandbox, head=SHA, forge=ShelfForge(files), model=model) as ports:
        return located(case, ports, model, a_diagnosis().facts, ("pricing", "total")), model


def naming(*places: tuple[str, str]) -> Mapping[str, Any]:
    return {"places": [{"path": path, "function": function} for path, function in places]}


def test_the_places_that_it_names_are_those_that_are_read_next() -> None:
    found, model = asked(naming(("shop/pricing.py", "total"), ("web/cart.go", "Total"), ("shop/pricing.py", "total")))
    assert found.places == (
        Place(path="shop/pricing.py", line=9, function="total"),
        Place(path="web/cart.go", line=3, function="Total"),
    )
    told = model.told("locate")
    assert "E1: errors read 0.31" in told
    assert "  9 total: def total(cart):" in told
    assert "Map of the repository: 2 of 2 files" in told


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (naming(), "talker names no place in the code"),
        (naming(("shop/nowhere.py", "total")), "talker names no place in the code that exists"),
        (naming(("shop/pricing.py", "refund")), "talker names no place in the code that exists"),
        (naming(("tests/test_pricing.py", "test_adds")), "talker names no place in the code that exists"),
        (naming(("../shop/pricing.py", "total")), "talker names no place in the code that exists"),
        (NoAnswer("it refused"), "the model was of no help: it refused"),
        ({"places": "all"}, "answered what cannot be used (places"),
    ],
)
def test_what_does_not_exist_is_no_place(said: Said, because: str) -> None:
    found, _ = asked(said)
    assert found.places == ()
    assert because in found.because


def test_without_a_map_nothing_is_asked() -> None:
    found, model = asked(naming(), {"main.c": "int main() {}"})
    assert "there is no map of it" in found.because
    assert model.asked == []


ELSEWHERE: Sequence[Frame] = (Frame(file="/opt/app.bundle", line=1, function="<anonymous>"),)


def test_a_trace_that_leads_nowhere_names_a_place_by_the_map_and_a_human_is_told(tmp_path: Path) -> None:
    more: Mapping[str, Sequence[Said]] = {"locate": [naming(("shop/pricing.py", "amount"))]}
    with old_shop(tmp_path, more=more) as it:
        (seen,) = it.logs.errors("shop", it.now.replace(year=2000), it.now)
        trace = Trace(exception="ValueError", message="no", frames=tuple(ELSEWHERE), language="python")
        it.logs = RecordedLogs(recorded=[replace(seen, trace=trace)])
        with it.alive():
            case = escalated(it)
            assert case.phase is Phase.ESCALATED
            assert [question.purpose for question in talker(it).asked] == ["locate", "diagnose"]
            assert "def amount(text):" in talker(it).told("diagnose")
            assert case.diagnosis is not None
            assert case.diagnosis.hypotheses[0].path == "shop/pricing.py"
            assert "so no edit could be proved" in case.escalation
