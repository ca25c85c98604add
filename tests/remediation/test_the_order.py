"""The order of remedies, and the trial of what is neither a revert nor an edit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch, Reverted
from cases.diagnosis import Finding, Hypothesis
from cases.events import Diagnosed, Disproved, Drafted, Escalated, Proved
from cases.lifecycle import advance, opened
from cases.trying import Command, CommandReport, TrialOrder
from cases.verdict import Claim, Verdict
from config.settings import Settings
from remediation.draft import draft
from remediation.edit.rules import Proposal
from remediation.prove import prove
from sandbox.scripted import ScriptedSandbox
from tests.parts.models import TalkingModel
from tests.parts.nouns import CULPRIT, SHA, a_change, a_diagnosis, a_suspect, a_trial, an_entry, an_opened
from tests.parts.ports import StillForge, some_ports
from tests.parts.settings import some_settings

PRICING = b"def amount(text):\n    return float(text)\n"
VALUES = b"image:\n  tag: two\nreplicas: 2\n"
REFUSES: Mapping[str, Any] = {"test": None, "cannot": "it is no bug"}
POINTED = Hypothesis(
    statement="ValueError is raised in shop/pricing.py:2 amount()", path="shop/pricing.py", line=2, function="amount",
    evidence=("E1",), confidence=0.5, origin="stack trace", exception="ValueError",
)  # fmt: skip


class Reading(StillForge):
    """A forge that holds some files and can undo anything."""

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository, sha
        return {"shop/pricing.py": PRICING, "prod/values.yaml": VALUES}.get(path)

    def revert(self, repository: str, base: str, commit: str, first: str = "") -> Reverted:
        del repository, first
        edit = FileEdit(path="shop/pricing.py", content=commit.encode())
        return Reverted(base=base, edits=(edit,), diff="", added=1, removed=1)


def a_case(mechanism: str) -> Case:
    suspect = replace(a_suspect(), mechanism=mechanism)
    diagnosis = replace(a_diagnosis(), finding=Finding.SHORTLIST, suspects=(suspect,), hypotheses=(POINTED,))
    return advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=diagnosis)))


def drafted(case: Case, model: TalkingModel | None) -> tuple[object, ...]:
    sandbox = ScriptedSandbox({})
    with some_ports(settings=some_settings(), sandbox=sandbox, head=SHA, forge=Reading(SHA), model=model) as ports:
        return draft(case, ports).events


def test_a_suspect_that_is_linked_goes_before_an_edit() -> None:
    model = TalkingModel({"reproduce": [REFUSES]})
    (event,) = drafted(a_case("it changes /checkout"), model)
    assert isinstance(event, Drafted)
    assert event.change.inverse_of == CULPRIT
    assert model.asked == []


def test_an_edit_goes_before_a_suspect_that_only_time_links() -> None:
    model = TalkingModel({"reproduce": [REFUSES]})
    (event,) = drafted(a_case(""), model)
    assert isinstance(event, Drafted)
    assert event.change.inverse_of == CULPRIT  # the edit was declined
    assert len(model.asked) == 1


def test_without_a_model_time_still_is_something_to_try() -> None:
    (event,) = drafted(a_case(""), None)
    assert isinstance(event, Drafted)


def test_when_nothing_is_left_every_reason_is_said() -> None:
    case = a_case("it changes /checkout")
    case = advance(case, an_entry(Drafted(change=replace(a_change(), inverse_of=None, blames=CULPRIT))))
    disproved = replace(a_trial(Verdict.FAILED), claim=Claim.DISPROVED)
    case = advance(case, an_entry(Disproved(trial=disproved)))
    (event,) = drafted(case, TalkingModel({"reproduce": [REFUSES]}))
    assert isinstance(event, Escalated)
    assert f"undoing {CULPRIT[:10]} did not mend it in the sandbox" in event.reason
    assert "the model wrote no test that shows the fault: it is no bug" in event.reason
    (event,) = drafted(case, None)
    assert isinstance(event, Escalated)
    assert "shop/pricing.py:2 amount() is where to look, and no model is configured" in event.reason


def a_configuration(content: bytes) -> Patch:
    edits = (FileEdit(path="prod/values.yaml", content=content),)
    part = replace(a_change().lead, repository="gitops", edits=edits)
    return replace(a_change(), kind=ChangeClass.CONFIGURATION, parts=(part,), inverse_of=None, blames=CULPRIT)


def gitops() -> Settings:
    address = "http://127.0.0.1:9/acme"
    config = {"repository": "gitops", "file": "prod/values.yaml", "image_tag": ".image.tag", "render": "./render"}
    return some_settings(
        repositories=[
            {"name": "shop", "url": f"{address}/shop.git", "full_name": "acme/shop"},
            {"name": "gitops", "url": f"{address}/gitops.git", "full_name": "acme/gitops"},
        ],
        services=[{"name": "shop", "repository": "shop", "test": "make test", "reproduce": "./r", "config": config}],
    )


def tried(outputs: Sequence[str]) -> tuple[tuple[object, ...], list[TrialOrder]]:
    said = iter(outputs)

    def answer(order: TrialOrder, command: Command) -> CommandReport:
        del order
        output, code = (next(said), 0) if command.name == "render" else ("no tests ran", 5)
        return CommandReport(name=command.name, exit_code=code, ended="exited", output=output, seconds=0.1)

    case = a_case("it changes /checkout")
    case = advance(case, an_entry(Drafted(change=a_configuration(VALUES.replace(b"two", b"one")))))
    sandbox = ScriptedSandbox(answer)
    with some_ports(settings=gitops(), sandbox=sandbox, head=SHA, forge=Reading(SHA)) as ports:
        return prove(case, ports).events, sandbox.orders


def test_configuration_is_tried_by_what_is_rendered_from_it() -> None:
    events, orders = tried(["kind: A\nspec: {tag: two}\n", "kind: A\nspec: {tag: one}\n"])
    (event,) = events
    assert isinstance(event, Proved)
    assert event.trial.claim is Claim.CORRELATED
    lines = [command.line for command in orders[0].commands]
    assert lines == [
        "python -m pytest -q",
        "( ./render ) 2>/dev/null",
    ]  # none of the service's own commands in another repository
    events, _ = tried(["kind: A\nspec: {tag: two, port: 1}\n", "kind: A\nspec: {tag: one, port: 2}\n"])
    (event,) = events
    assert isinstance(event, Disproved)


def test_a_proposal_knows_what_it_adds() -> None:
    proposal = Proposal(
        before={"a.py": b"x = 1\r\ny = 2\r\n"}, after={"a.py": b"x = 1\r\ny = 3\r\n"}, tests=(),
        part=a_change().lead, seen=(), outside=(),
    )  # fmt: skip
    assert proposal.added("a.py") == "y = 3"


def test_the_very_change_that_was_disproved_is_not_drafted_again() -> None:
    files = {"c.yaml": b"n: 20\n"}

    class OfFiles(StillForge):
        def read(self, repository: str, sha: str, path: str) -> bytes | None:
            del repository, sha
            return files.get(path)

    rule = {"file": "c.yaml", "path": ".n", "signal": "errors", "bound": 64}
    settings = some_settings(services=[{"name": "shop", "repository": "shop", "tune": [rule]}])
    case = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=replace(a_diagnosis(), suspects=()))))
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head=SHA, forge=OfFiles(SHA)) as ports:
        (event,) = draft(case, ports).events
        assert isinstance(event, Drafted)
        case = advance(case, an_entry(event))
        disproved = replace(a_trial(Verdict.FAILED), claim=Claim.DISPROVED)
        case = advance(case, an_entry(Disproved(trial=disproved)))
        (event,) = draft(case, ports).events
    assert isinstance(event, Escalated)
    assert "Tune n in c.yaml from 20 to 40 did not mend it in the sandbox" in event.reason
