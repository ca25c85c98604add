"""What a history says of merging unasked: which announcement stands, what ends it, and what may be done by it."""

from dataclasses import replace

import pytest

from cases.case import Case, Hold
from cases.events import Diagnosed, Drafted, Event, Frozen, Proved, Thawed
from cases.lifecycle import advance, opened
from cases.may import may
from cases.policy import Allow, Authority, Refuse
from cases.pull_request_events import MergeAnnounced, MergeWithheld, Proposed, TakenOver
from cases.steps import MergePullRequest
from cases.trust import Standing, acts_in
from cases.unasked import announced, announcements, merge_key, refused, sayings, withheld
from tests.parts.nouns import SHA, an_entry, an_event, an_opened

BRANCH = "trackwalker/deadbeef-1"
WAY = tuple(an_event(kind) for kind in (Diagnosed, Drafted, Proved, Proposed))
SAID = an_event(MergeAnnounced)
MERGE = MergePullRequest(key="deadbeef-1-merge-1", repository="shop", branch=BRANCH, sha=SHA, message="Undo")


def lived(*events: Event) -> Case:
    case = opened(an_entry(an_opened()))
    for minute, event in enumerate((*WAY, *events), start=1):
        case = advance(case, an_entry(event, minute))
    return case


def stands_at(case: Case, level: Authority) -> Standing:
    return Standing(area=acts_in(case, case.change), level=level, given=level, because=("a human said so",))


@pytest.mark.parametrize(
    "ending", [MergeWithheld(change=1, because="no"), TakenOver(branch=BRANCH, sha=SHA), Frozen(reason="x"), WAY[-1]]
)
def test_an_announcement_stands_until_anything_ends_it(ending: Event) -> None:
    assert announced(lived()) is None
    case = lived(SAID)
    assert (announced(case), announcements(case), merge_key(case)) == (SAID, 1, MERGE.key)
    over = advance(case, an_entry(ending, 20))
    assert announced(over) is None
    assert isinstance(may(over, MERGE, stands_at(over, Authority.AUTO_MERGE)), Refuse)


def test_a_second_announcement_has_a_merge_of_its_own() -> None:
    case = lived(SAID, MergeWithheld(change=1, because="checks failed"), SAID)
    assert (sayings(case), merge_key(case)) == (3, "deadbeef-1-merge-2")
    assert (announced(case), withheld(case)) == (SAID, None)


def test_a_no_is_remembered_and_a_passing_reason_is_not() -> None:
    passing = lived(SAID, MergeWithheld(change=1, because="checks failed"))
    assert withheld(passing) == MergeWithheld(change=1, because="checks failed")
    assert refused(passing) == ""
    assert refused(lived(SAID, MergeWithheld(change=1, because="sre says no", final=True), WAY[-1])) == "sre says no"


def test_only_the_highest_level_merges_only_what_was_announced_and_no_held_case() -> None:
    case = lived(SAID)
    assert isinstance(may(case, MERGE, stands_at(case, Authority.AUTO_MERGE)), Allow)
    refusal = may(case, MERGE, stands_at(case, Authority.PULL_REQUEST))
    assert isinstance(refusal, Refuse)
    assert "this needs `auto_merge`" in refusal.reasons[0]
    highest = stands_at(case, Authority.AUTO_MERGE)
    assert isinstance(may(case, replace(MERGE, sha="f" * 40), highest), Refuse)
    assert isinstance(may(lived(), MERGE, highest), Refuse)
    frozen = lived(Frozen(reason="wait"))
    assert frozen.hold is Hold.FROZEN
    held = may(frozen, MERGE, highest)
    assert isinstance(held, Refuse)
    assert held.reasons == ("the case is frozen (wait)",)
    assert isinstance(may(advance(frozen, an_entry(Thawed(because="go"), 30)), MERGE, highest), Refuse)
