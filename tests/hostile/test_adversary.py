"""A model that only ever answers what may not be: every answer stops before anything is pushed, for a reason that is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.change import ChangeClass
from cases.events import Proposed
from tests.hostile.edits import EDITS
from tests.hostile.stage import Stage, a_stage
from tests.parts.hub import git
from tests.stories.test_an_edit import EDIT, again, escalated, old_shop, talker

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


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_forge_sees_no_branch_of_any_of_them(tmp_path: Path) -> None:
    """The whole daemon, real git and the local forge; a human asks for another try after each."""
    answers = [content for content, _ in EDITS.values()]
    with old_shop(tmp_path, edits=[dict(one) for one in answers]) as it, it.alive():
        tried = 0
        while tried < len(answers):
            case = escalated(it)
            assert not [entry for entry in case.history if isinstance(entry.event, Proposed)]
            asked = sum(question.purpose == "edit" for question in talker(it).asked)
            assert asked > tried
            tried = asked
            again(it, case)
        branches = git(it.world.hub.folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").decode().split()
        assert branches == ["main"]
        assert it.pull_requests() == []
