"""A model that only ever answers what may not be: each answer stops before a push, for a reason that is said."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cases.asking import Question
from cases.change import ChangeClass
from cases.pull_request_events import Proposed
from tests.hostile.edits import EDITS
from tests.hostile.run import run
from tests.hostile.scene import a_scene
from tests.hostile.stage import Stage, a_stage
from tests.parts.hub import git
from tests.parts.old_shop import EDIT, again, escalated, old_shop, talker

LEAST = 60


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with a_stage() as built:
        yield built


def test_the_right_edit_passes_where_all_of_them_are_stopped(stage: Stage) -> None:
    ran = stage.adversary(EDIT)
    assert ran.decision[1:3] == ("Allow", ChangeClass.EDIT)
    assert len(EDITS) >= LEAST


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_that_may_not_be_is_stopped(name: str, stage: Stage) -> None:
    content, said = EDITS[name]
    ran = stage.adversary(content)
    assert ran.decision[1] in {"NoneType", "Refuse"}
    assert said in ran.because
    assert ran.because.isprintable()


def test_a_file_that_holds_a_secret_is_left_to_a_human(stage: Stage) -> None:
    """The ledger keeps whole files of a change, so none of such a file is drafted, by a model or by a playbook."""
    for blamed in (False, True):
        scene = a_scene(blamed=blamed)
        held = scene.files["shop/pricing.py"].replace("def amount", "# AKIAABCDEFGHIJKLMNOP\ndef amount")
        ran = run(replace(scene, files={**scene.files, "shop/pricing.py": held}), None, stage.ports)
        assert "is left to a human: shop/pricing.py holds an AWS key" in ran.because
        assert "AKIAABCDEFGHIJKLMNOP" not in ran.because


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_forge_sees_no_branch_of_any_of_them(tmp_path: Path) -> None:
    """The whole daemon, real git and the local forge; a human asks for another try after each."""
    answers = [dict(content) for content, _ in EDITS.values()]
    hand = [answers[0]]

    def edit(_: Question) -> Mapping[str, Any]:
        return hand[-1]

    def shown(_: Question) -> Mapping[str, Any]:
        """The test that is written first is that of the answer in hand: the right one would stand in for it."""
        return {"test": hand[-1].get("test")}

    with old_shop(tmp_path, edits=[edit], tests=[shown]) as it, it.alive():
        for one in answers:
            hand.append(one)
            before = len(talker(it).asked)
            case = escalated(it)
            assert not [entry for entry in case.history if isinstance(entry.event, Proposed)]
            assert {question.purpose for question in talker(it).asked[before:]} & {"reproduce", "edit"}
            again(it, case)
        branches = git(it.world.hub.folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").decode().split()
        assert branches == ["main"]
        assert it.pull_requests() == []
