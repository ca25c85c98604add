"""A remembered no holds, also in other words, until something speaks against it that it did not know."""

from dataclasses import replace

import pytest

from cases.change import ChangeClass
from cases.diagnosis import Suspect
from cases.events import Diagnosed
from cases.lifecycle import advance, opened
from cases.outcome import Ending, Lesson, Refusal
from remediation.grounds import alike, grounds_of, plan_of
from remediation.recall import reconsider, refused, said_no
from remediation.strategies import MODEL, ordered, weights
from tests.parts.nouns import CULPRIT, SHA, a_change, a_diagnosis, a_lesson, a_suspect, an_entry, an_opened

CASE = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=a_diagnosis())))
REVERT, EDIT = "playbook:revert-the-culprit", "model:oracle"


def a_no(**more: object) -> Lesson:
    known = replace(a_lesson(), ending=Ending.CLOSED_UNMERGED, case="earlier", grounds=grounds_of(CASE, CULPRIT))
    return replace(known, **more)  # type: ignore[arg-type]


def linked(by: str, mechanism: str) -> Suspect:
    return replace(a_suspect(), linked_by=by, mechanism=mechanism)


def test_the_same_commit_on_the_same_evidence_is_not_blamed_again() -> None:
    assert refused(a_suspect(), [a_no()])
    found = reconsider([a_suspect(), a_suspect(SHA, score=0.3)], [a_no(id="no")])
    assert [suspect.commit.sha for suspect in found.suspects] == [SHA, CULPRIT]
    assert found.cited == ("no",)
    assert "that ended closed unmerged (lesson no)" in found.remarks[0]


@pytest.mark.parametrize(
    ("by", "mechanism", "holds"),
    [
        ("words", "it changes /basket, 17 times", True),  # other words of the kind that was known
        ("trace", "pricing.py:7 total() raises ValueError", False),
        ("setting", "it sets pool.size", False),
        ("", "", True),
    ],
)
def test_only_evidence_that_the_no_did_not_know_lifts_it(by: str, mechanism: str, *, holds: bool) -> None:
    no = a_no(grounds=("signal: errors up", "words: it changes /checkout"))
    assert refused(linked(by, mechanism), [no]) is holds


def test_a_trace_that_was_known_is_no_news_whatever_its_figures() -> None:
    no = a_no(grounds=("trace: pricing.py:# total() raises valueerror",))
    assert refused(linked("trace", "pricing.py:12 total() raises ValueError"), [no])


def test_a_no_that_kept_no_grounds_knew_all() -> None:
    assert refused(linked("trace", "pricing.py:7 total() raises ValueError"), [a_no(grounds=())])


@pytest.mark.parametrize("reason", [Refusal.WRONG_CHANGE, Refusal.STYLE])
def test_a_no_to_the_change_says_nothing_of_the_cause(reason: Refusal) -> None:
    assert not refused(a_suspect(), [a_no(refusal=reason)])
    assert refused(a_suspect(), [a_no(refusal=Refusal.WRONG_CAUSE)])


def test_the_very_change_that_was_refused_is_not_proposed_again() -> None:
    change = a_change()
    no = a_no(plan=plan_of(change), subject="something else", refusal=Refusal.WRONG_CHANGE)
    assert "the same change ended closed unmerged (wrong change) before (lesson" in said_no(CASE, change, [no])
    assert said_no(CASE, change, [replace(no, ending=Ending.WORKED)]) == ""
    assert said_no(CASE, change, [replace(no, case=CASE.id)]) == ""
    assert said_no(CASE, change, [replace(no, grounds=("signal: errors up",))]) == ""


def test_a_paraphrase_of_a_refused_idea_is_the_same_idea() -> None:
    idea = replace(
        a_change(), kind=ChangeClass.EDIT, inverse_of=None, blames=None, title="Limiting the retries of the checkout"
    )
    no = a_no(
        action="edit", paths=idea.lead.paths, subject="Limit retries of the checkout", plan="other",
        grounds=grounds_of(CASE, ""),
    )  # fmt: skip
    assert "much the same idea ended closed unmerged before" in said_no(CASE, idea, [no])
    assert said_no(CASE, replace(idea, title="Close the connection after each basket"), [no]) == ""
    assert said_no(CASE, idea, [replace(no, paths=("shop/other.py",))]) == ""
    assert said_no(CASE, idea, [replace(no, action="tune")]) == ""


def test_words_are_compared_by_their_stems() -> None:
    assert alike("Limiting the retries of checkouts", "Limit retries of the checkout") == 1.0
    assert alike("Limits the retried calls", "limiting retries, calling") > alike("Limits", "close the pool")
    assert alike("", "x") == 0.0


def test_the_plan_is_what_is_done_whatever_it_stands_on() -> None:
    change = a_change()
    moved = replace(change, number=9, title="other", parts=tuple(replace(p, base="f" * 40) for p in change.parts))
    other = replace(change, parts=tuple(replace(p, edits=p.edits[:0]) for p in change.parts))
    assert plan_of(moved) == plan_of(change) != plan_of(other)


def worked(strategy: str, n: int = 1, **more: object) -> list[Lesson]:
    lesson = replace(a_lesson(), strategy=strategy, ending=Ending.WORKED, signal="shop/errors")
    return [replace(lesson, **more)] * n  # type: ignore[arg-type]


def first(lessons: list[Lesson]) -> list[str]:
    return [weight.strategy for weight in ordered(weights(CASE, lessons, (REVERT, MODEL, "playbook:tune-a-value")))]


def test_outcomes_shift_what_is_tried_first_and_nothing_known_shifts_nothing() -> None:
    assert first([]) == [REVERT, MODEL, "playbook:tune-a-value"]
    assert first(worked(EDIT, 3))[0] == MODEL
    assert first(worked(EDIT, 1, service="cart", signal="cart/latency"))[0] == MODEL
    assert first([*worked(EDIT, 3), *worked(REVERT, 9)])[0] == REVERT
    assert first(worked(REVERT, 3, ending=Ending.UNCHANGED))[-1] == REVERT
    assert first(worked(REVERT, 3, ending=Ending.INCONCLUSIVE))[0] == REVERT


def test_what_the_sandbox_disproved_first_counts_against_it() -> None:
    assert first(worked(EDIT, 1, disproved=(REVERT,))) == [MODEL, "playbook:tune-a-value", REVERT]


def test_weights_are_said_with_what_they_rest_on() -> None:
    (weight, *_) = ordered(weights(CASE, worked(EDIT, 2), (REVERT, MODEL)))
    assert str(weight) == "model 0.67 (2 of 2 everywhere, 2 of 2 for this signal, 2 of 2 in this service)"


def test_to_undo_another_commit_is_another_idea_however_alike_the_titles() -> None:
    change = replace(a_change(), title="Revert “Round discounts (2)”", inverse_of=SHA)
    no = a_no(subject="c0ffee00c0 Revert “Round discounts (1)”", paths=change.lead.paths, action="revert")
    assert said_no(CASE, change, [no]) == ""
    assert "much the same idea" in said_no(CASE, replace(change, inverse_of=CULPRIT), [no])
