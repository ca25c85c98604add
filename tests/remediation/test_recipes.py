"""Which image a change is tried in: nothing is ever fetched for a lock file that nobody merged."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cases.case import Case
from cases.change import ChangeClass, FileEdit
from cases.errors import NotPrepared
from cases.events import Diagnosed, Drafted, Escalated, Proved
from cases.lifecycle import advance, opened
from cases.trying import Command, CommandReport, TrialOrder
from cases.verdict import Verdict
from remediation.prove import prove
from remediation.recipes import image_of
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import SHA, a_change, a_diagnosis, an_entry, an_opened
from tests.parts.ports import StillForge, some_ports
from tests.parts.settings import some_settings

LOCK = "requirements.lock"
REPOSITORY = {
    "name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop", "setup": "make deps",
    "locks": [LOCK], "sandbox": {"image": "img", "setup": {"secrets": {"INDEX": "env:INDEX"}, "room_mib": 32}},
}  # fmt: skip
BEFORE, STRANGER = "b" * 40, "c" * 40


class LockedForge(StillForge):
    """A watched branch with two commits, each with a lock file of its own, and a commit on no branch."""

    def __init__(self, locks: Mapping[str, bytes]) -> None:
        super().__init__(SHA)
        self._locks = locks

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository
        return self._locks.get(sha) if path == LOCK else None

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        del repository
        return sha == SHA and ancestor in {SHA, BEFORE}


FORGE = LockedForge({SHA: b"sums==2", BEFORE: b"sums==1", STRANGER: b"evil==1"})


def a_case(kind: ChangeClass = ChangeClass.REVERT) -> Case:
    diagnosis = a_diagnosis()
    suspect = diagnosis.suspects[0]
    parents = (BEFORE, STRANGER)
    suspects = (replace(suspect, commit=replace(suspect.commit, parents=parents)), *diagnosis.suspects[1:])
    change = replace(a_change(), kind=kind)
    assert change.inverse_of == suspect.commit.sha
    case = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=replace(diagnosis, suspects=suspects))))
    return advance(case, an_entry(Drafted(change=change)))


def image(
    sandbox: ScriptedSandbox, commit: str, lock: bytes | None = None, kind: ChangeClass = ChangeClass.REVERT
) -> str:
    settings = some_settings(repositories=[REPOSITORY])
    edits = (FileEdit(path=LOCK, content=lock),) if lock is not None else (FileEdit(path="a.py", content=b"x"),)
    with some_ports(settings=settings, sandbox=sandbox, head=SHA, forge=FORGE) as ports:
        return image_of(a_case(kind), ports, settings.repository("shop"), commit, edits)


@pytest.fixture
def sandbox() -> ScriptedSandbox:
    return ScriptedSandbox({})


def test_a_merged_lock_file_is_fetched_for(sandbox: ScriptedSandbox) -> None:
    images = {commit: image(sandbox, commit) for commit in (SHA, BEFORE)}
    assert len(set(images.values())) == 2
    (first, _) = sandbox.recipes
    assert first.files == ((LOCK, b"sums==2"),)
    assert (first.image, first.setup, first.room_mib, set(first.secrets)) == ("img", "make deps", 32, {"INDEX"})


def test_a_commit_that_is_on_no_watched_branch_is_not(sandbox: ScriptedSandbox) -> None:
    with pytest.raises(NotPrepared):
        image(sandbox, STRANGER)


def test_what_a_change_writes_into_a_lock_file_is_not(sandbox: ScriptedSandbox) -> None:
    for kind in (ChangeClass.EDIT, ChangeClass.REVERT):
        with pytest.raises(NotPrepared):
            image(sandbox, SHA, b"evil==1", kind)
    assert not any(recipe.build for recipe in sandbox.recipes)


def test_a_revert_goes_back_to_what_was_merged(sandbox: ScriptedSandbox) -> None:
    back = image(sandbox, SHA, b"sums==1")
    assert back == image(sandbox, BEFORE)
    assert sandbox.recipes[0].build


def test_a_pin_may_be_fetched_for(sandbox: ScriptedSandbox) -> None:
    assert image(sandbox, SHA, b"sums==1.5", ChangeClass.PIN).startswith("prepared:")


def test_an_image_that_is_there_is_used_whoever_asks(sandbox: ScriptedSandbox) -> None:
    there = image(sandbox, SHA, b"sums==1.5", ChangeClass.PIN)
    assert image(sandbox, SHA, b"sums==1.5", ChangeClass.EDIT) == there


def test_without_a_setup_no_lock_file_is_read() -> None:
    settings = some_settings(repositories=[{**REPOSITORY, "setup": None, "locks": [], "sandbox": {"image": "img"}}])
    sandbox = ScriptedSandbox({})
    with some_ports(settings=settings, sandbox=sandbox, head=SHA) as ports:
        assert image_of(a_case(), ports, settings.repository("shop"), SHA, ()) == "img"
    assert sandbox.recipes == []


def test_a_change_that_no_image_is_there_for_goes_to_a_human_with_the_reason() -> None:
    def answer(order: TrialOrder, command: Command) -> CommandReport:
        assert order.image.startswith("prepared:")
        return CommandReport(
            name=command.name, exit_code=0, ended="exited", output="", seconds=0.1, tests=(("t", "passed"),)
        )  # fmt: skip

    case = a_case()
    lead = replace(case.change.lead, base=SHA, edits=(FileEdit(path=LOCK, content=b"evil==1"),))
    case = replace(case, changes=(replace(case.change, parts=(lead,)),))
    settings, sandbox = some_settings(repositories=[REPOSITORY]), ScriptedSandbox(answer)
    with some_ports(settings=settings, sandbox=sandbox, head=SHA, forge=FORGE) as ports:
        proved, escalated = prove(case, ports).events
    assert isinstance(proved, Proved)
    tests = proved.trial.checks[-1]
    assert (tests.verdict, tests.base, tests.change) == (Verdict.ERROR, "1 passed", "not run")
    assert isinstance(escalated, Escalated)
    assert "could not be run to their end (no image was prepared for shop)" in escalated.reason
    assert {order.key.rpartition("-")[2] for order in sandbox.orders} == {"base"}
