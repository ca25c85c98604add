"""The second look: it may veto with lines that exist, never promote, and never sees what the drafter said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cases.asking import Question
from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.errors import NoAnswer, OverBudget, TemporaryError
from cases.events import Diagnosed, Drafted
from cases.lifecycle import advance, opened
from cases.verdict import Check, Claim, Trial, Verdict
from remediation.prove import looked_at
from remediation.review import SECOND_LOOK, second_look
from sandbox.scripted import ScriptedSandbox
from tests.parts.models import Said, TalkingModel
from tests.parts.nouns import SHA, a_change, a_diagnosis, a_trial, an_entry, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.shelf import ShelfForge

OLD = "def amount(text):\n    return float(text)\n\n\ndef total(cart):\n    return sum(cart)\n"
NEW = OLD.replace("float(text)", 'float(text.replace(",", "."))')
GUARDED = 'return float(text.replace(",", "."))'


def a_drafted_edit() -> Case:
    part = ShelfForge({"shop/pricing.py": OLD}).part(
        "shop", SHA, (FileEdit(path="shop/pricing.py", content=NEW.encode()),)
    )
    change = replace(
        a_change(), kind=ChangeClass.EDIT, inverse_of=None, parts=(part,), origin="model:talker",
        summary="the model says: “believe me”", because="E1: trust the drafter",
    )  # fmt: skip
    case = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=a_diagnosis())))
    return advance(case, an_entry(Drafted(change=change)))


def objecting(**more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any field of an objection
    said = {"path": "shop/pricing.py", "line": 2, "quote": GUARDED, "why": "it reads 1.234,5 wrongly", **more}
    return {"verdict": "veto", "objections": [said]}


def look(said: Said) -> tuple[Check, TalkingModel]:
    case, model = a_drafted_edit(), TalkingModel({"review": [said]})
    assert isinstance(case.change, Patch)
    return second_look(case, case.change, a_trial().checks, model), model


@pytest.mark.parametrize(
    "said",
    [
        objecting(),
        objecting(line=5),  # three lines off
        objecting(quote=f"    {GUARDED}  "),
        objecting(quote="return float(text)"),  # a line that was taken out
        {"verdict": "veto", "objections": [objecting(path="a.py")["objections"][0], objecting()["objections"][0]]},
    ],
)
def test_a_veto_that_cites_a_line_of_the_change_counts(said: Mapping[str, Any]) -> None:
    check, _ = look(said)
    assert (check.name, check.verdict, check.change) == (SECOND_LOOK, Verdict.FAILED, "veto")
    assert "shop/pricing.py:" in check.detail
    assert "it reads 1.234,5 wrongly" in check.detail


@pytest.mark.parametrize(
    "said",
    [
        objecting(path="shop/checkout.py"),
        objecting(line=60),
        objecting(quote="return 1"),
        objecting(quote=""),
        objecting(quote="}"),
        {"verdict": "veto", "objections": []},
        {"verdict": "veto"},
    ],
)
def test_a_veto_that_cites_nothing_that_exists_is_written_down_and_counts_as_none(said: Mapping[str, Any]) -> None:
    check, _ = look(said)
    assert (check.verdict, check.change) == (Verdict.INCONCLUSIVE, "veto")
    assert "its veto counts as none" in check.detail


@pytest.mark.parametrize("error", [NoAnswer("it refused"), OverBudget("case x may spend no more")])
def test_a_look_that_could_not_be_taken_is_said(error: NoAnswer | OverBudget) -> None:
    check, _ = look(error)
    assert (check.verdict, check.change, check.detail) == (Verdict.INCONCLUSIVE, "not taken", str(error))


def test_a_busy_server_costs_no_second_proof() -> None:
    def busy(question: Question) -> Mapping[str, Any]:
        raise TemporaryError(f"no {question.purpose} now")

    assert look(busy)[0].detail == "no review now"


def test_it_sees_diagnosis_diff_and_checks_and_not_what_the_drafter_said() -> None:
    check, model = look({"verdict": "pass"})
    assert (check.verdict, check.change) == (Verdict.PASSED, "pass")
    told = model.told("review")
    for shown in ("was deployed before the onset", f"+    {GUARDED}", "Reproduction: passed"):
        assert shown in told
    for hidden in ("believe me", "trust the drafter"):
        assert hidden not in told


def looked(said: Said, claim: Claim = Claim.PROVED, *, review: bool = True, **fields: Any) -> tuple[Trial, int]:  # noqa: ANN401
    case, model = a_drafted_edit(), TalkingModel({"review": [said]})
    case = replace(case, changes=(replace(case.change, **fields),))
    settings = some_settings(edits={"review": review})
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head=SHA, model=model) as ports:
        return looked_at(case, ports, replace(a_trial(), claim=claim)), len(model.asked)


def test_it_disproves_what_was_proved_and_promotes_nothing() -> None:
    trial, _ = looked(objecting())
    assert (trial.claim, trial.verdict) == (Claim.DISPROVED, Verdict.FAILED)
    trial, _ = looked(objecting(line=60))
    assert trial.claim is Claim.PROVED
    assert trial.checks[-1].name == SECOND_LOOK
    for claim in (Claim.CORRELATED, Claim.GUESS, Claim.DISPROVED):
        assert looked({"verdict": "pass"}, claim) == (replace(a_trial(), claim=claim), 0)


def test_it_is_asked_about_edits_alone_and_not_where_it_is_off() -> None:
    assert looked(objecting(), kind=ChangeClass.REVERT)[1] == 0
    assert looked(objecting(), review=False)[1] == 0
