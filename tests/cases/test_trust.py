"""Which outcome is worth what, in which book: the table of the design, row by row."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.change import BlastRadius, ChangeClass, Patch
from cases.events import (
    Deployed,
    Diagnosed,
    Drafted,
    Event,
    Harmed,
    Judged,
    Killed,
    Overridden,
    Override,
    Proved,
    Rejected,
)
from cases.lifecycle import advance, opened
from cases.outcome import Ruling
from cases.pull_request_events import ClosedUnmerged, Merged, Proposed
from cases.trust import QUIET, STALE, Book, Mark, Risk, blames, marks_of, risk_of
from cases.verdict import Claim
from tests.parts.nouns import (
    CULPRIT,
    NOW,
    SHA,
    a_change,
    a_diagnosis,
    a_judgement,
    a_trial,
    an_entry,
    an_event,
    an_opened,
)

PROPOSED = Proposed(change=1, repository="shop", branch="trackwalker/deadbeef-1")
MERGED = Merged(
    change=1, repository="shop", pull_request=7, url="u", sha=SHA, merged_at=NOW + timedelta(minutes=6), by="sre"
)
PROVED = (Diagnosed(diagnosis=a_diagnosis()), Drafted(change=a_change()), Proved(trial=a_trial()))
QUIETLY = MERGED.merged_at + QUIET


def lived(*events: Event) -> Case:
    case = opened(an_entry(an_opened()))
    for minute, event in enumerate(events, start=1):
        case = advance(case, an_entry(event, minute))
    return case


def books(case: Case) -> dict[Book, Mark]:
    return {mark.book: mark for mark in marks_of(case) if mark.change == 1}


def test_what_nobody_answers_is_a_no_after_thirty_days() -> None:
    case = lived(*PROVED, PROPOSED)
    (mark,) = marks_of(case)
    assert (mark.book, mark.good, mark.at) == (Book.ACCEPTANCE, False, case.history[-1].at + STALE)


def test_what_was_closed_is_a_no_at_once_and_says_nothing_of_safety() -> None:
    case = lived(*PROVED, PROPOSED, ClosedUnmerged(change=1, url="u", by="sre", because="wrong cause"))
    (mark,) = marks_of(case)
    assert (mark.book, mark.good, mark.at, mark.by) == (Book.ACCEPTANCE, False, case.history[-1].at, "sre")


@pytest.mark.parametrize("no", [Rejected(because="no"), Overridden(how=Override.DROP, text="no")])
def test_a_no_at_the_gate_is_a_no(no: Event) -> None:
    (mark,) = marks_of(lived(*PROVED, no))
    assert (mark.book, mark.good, mark.because) == (Book.ACCEPTANCE, False, "no")


def test_a_merge_counts_as_clean_only_after_a_quiet_week() -> None:
    found = books(lived(*PROVED, PROPOSED, MERGED))
    assert {book: (mark.good, mark.at) for book, mark in found.items()} == {
        Book.ACCEPTANCE: (True, QUIETLY),
        Book.SAFETY: (True, QUIETLY),
    }
    assert (found[Book.SAFETY].by, found[Book.SAFETY].sha) == ("sre", SHA)


def test_what_a_human_edited_much_was_not_accepted_as_it_was() -> None:
    found = books(lived(*PROVED, PROPOSED, replace(MERGED, edited=0.21)))
    assert (found[Book.ACCEPTANCE].good, found[Book.SAFETY].good) == (False, True)
    assert "21% of its lines edited" in found[Book.ACCEPTANCE].because
    assert books(lived(*PROVED, PROPOSED, replace(MERGED, edited=0.2)))[Book.ACCEPTANCE].good


def test_what_the_daemon_merged_itself_says_nothing_of_what_humans_accept() -> None:
    found = books(lived(*PROVED, PROPOSED, replace(MERGED, unasked=True)))
    assert Book.ACCEPTANCE not in found  # nor is it a pull request that nobody answered
    assert (found[Book.SAFETY].good, found[Book.SAFETY].by) == (True, "")


@pytest.mark.parametrize("harm", ["harmed", "killed"])
def test_harm_is_bad_at_once_in_both_books_and_leaves_acceptance_alone(harm: str) -> None:
    judgement = replace(a_judgement(Ruling.HARMFUL), change=1)
    event = Harmed(judgement=judgement) if harm == "harmed" else Killed(because="guardrail", judgement=judgement)
    case = lived(*PROVED, PROPOSED, MERGED, an_event(Deployed), event)
    found = books(case)
    assert {book: (mark.good, mark.at) for book, mark in found.items()} == {
        Book.ACCEPTANCE: (True, QUIETLY),
        Book.SAFETY: (False, case.history[-1].at),
        Book.EFFICACY: (False, case.history[-1].at),
    }


@pytest.mark.parametrize(
    ("ruling", "said"), [(Ruling.WORKED, "good"), (Ruling.UNCHANGED, "bad"), (Ruling.INCONCLUSIVE, "nothing")]
)
def test_efficacy_follows_the_verdict_and_ignores_what_cannot_be_told(ruling: Ruling, said: str) -> None:
    case = lived(*PROVED, PROPOSED, MERGED, an_event(Deployed), Judged(judgement=a_judgement(ruling)))
    found = books(case)
    assert ("nothing" if Book.EFFICACY not in found else "good" if found[Book.EFFICACY].good else "bad") == said
    assert found[Book.SAFETY].good


def rolled_back(ruling: Ruling) -> Case:
    undo = replace(a_change(), number=2, rolls_back=1, origin="rollback of change 1")
    harm = replace(a_judgement(Ruling.HARMFUL), change=1)
    return lived(
        *PROVED, PROPOSED, MERGED, an_event(Deployed), Harmed(judgement=harm), Drafted(change=undo),
        Proved(trial=replace(a_trial(), change=2)), replace(PROPOSED, change=2), replace(MERGED, change=2, sha=CULPRIT),
        an_event(Deployed), Judged(judgement=replace(a_judgement(ruling), change=2)),
    )  # fmt: skip


def test_a_rollback_that_mended_nothing_was_a_false_alarm_and_counts_against_rollbacks() -> None:
    case = rolled_back(Ruling.UNCHANGED)
    assert Book.SAFETY not in books(case)
    (own,) = [mark for mark in marks_of(case) if mark.change == 2 and mark.book is Book.SAFETY]
    assert (own.good, own.area.kind) == (False, "rollback")


def test_a_rollback_that_worked_leaves_the_harm_where_it_is() -> None:
    assert not books(rolled_back(Ruling.WORKED))[Book.SAFETY].good


def test_risk_is_what_a_change_can_do() -> None:
    plain = BlastRadius(files=1, lines=2, services=("shop",), owners=(), migrations="none found")
    revert = replace(a_change(), blast_radius=plain)
    edit: Patch = replace(revert, kind=ChangeClass.EDIT, inverse_of=None)
    assert risk_of(revert) is Risk.LOW
    assert risk_of(edit) is Risk.NORMAL
    assert risk_of(replace(revert, parts=revert.parts * 2)) is Risk.NORMAL
    for radius in ("found: a table's shape", "not checked"):
        assert risk_of(replace(revert, blast_radius=replace(plain, migrations=radius))) is Risk.HIGH
    assert risk_of(replace(revert, blast_radius=replace(plain, services=("shop", "cart")))) is Risk.HIGH


def test_only_a_proof_or_a_humans_merge_blames_a_commit() -> None:
    case = lived(*PROVED, PROPOSED, MERGED)
    blamed = [blames(case, entry) for entry in case.history]
    assert blamed == ["", "", "", CULPRIT, "", CULPRIT]
    guess = lived(*PROVED[:2], Proved(trial=replace(a_trial(), claim=Claim.CORRELATED)))
    assert blames(guess, guess.history[-1]) == ""
