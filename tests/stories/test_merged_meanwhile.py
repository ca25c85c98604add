"""A merge that is deployed between two looks of one step: its own version is no other one."""

from pathlib import Path

from cases.case import Phase
from remediation.fresh import freshened
from tests.parts.playhouse import house


def test_what_was_merged_just_now_goes_back_to_no_draft(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive() as app:
        case = it.until(Phase.PROPOSED)
        (pull,) = it.pull_requests()
        it.merge(pull["number"])  # after the step that holds `case` has seen it open
        told = freshened(case, app.ports)
        assert told is not None
        assert (told.events, told.effects, told.again) == ((), (), it.now)
        it.until(Phase.DEPLOYED)
        assert not any("Back to a draft" in said for said in it.comments(pull["number"]))
