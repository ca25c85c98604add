"""The ladder: earned slowly, lost at once, given by humans alone."""

from dataclasses import replace
from datetime import timedelta

from cases.policy import Authority
from cases.trust import Area, Book, Mark, Renewal, Risk
from remediation.ladder import Gift, standing
from tests.parts.nouns import NOW

AREA = Area(repository="shop", service="shop", kind="revert", risk=Risk.LOW)
BEGAN = NOW - timedelta(days=200)
OPENS = Gift(level=Authority.PULL_REQUEST)
MERGES = Gift(level=Authority.AUTO_MERGE, at=BEGAN, because="73 of 73")


def a_mark(n: int, *, good: bool = True, book: Book = Book.SAFETY, by: str = "sre", severe: bool = False) -> Mark:
    return Mark(
        case=f"case{n}", change=1, area=AREA, book=book, good=good, at=BEGAN + timedelta(days=n), because="it is so",
        by=by, severe=severe, maker="playbook:revert-the-culprit",
    )  # fmt: skip


def run(outcomes: str, book: Book = Book.SAFETY) -> list[Mark]:
    """`+` is a good outcome, `-` a bad one, a day each; two people take turns."""
    return [a_mark(n, good=sign == "+", book=book, by=("sre", "lead")[n % 2]) for n, sign in enumerate(outcomes, 1)]


def late(outcomes: str) -> list[Mark]:
    """The same, after all others."""
    return [replace(mark, case=f"late{n}", at=mark.at + timedelta(days=90)) for n, mark in enumerate(run(outcomes))]


def test_without_an_outcome_nothing_is_earned_and_the_default_holds() -> None:
    seen = standing(AREA, (), OPENS, NOW)
    assert (seen.level, seen.earned) == (Authority.PULL_REQUEST, Authority.OBSERVE)
    assert seen.wanting == "7 more proposals accepted in a row, of 0 so far"
    assert seen.because == ("`pull_request` was given by default",)


def test_seven_accepted_proposals_earn_pull_requests_and_six_do_not() -> None:
    seven = run("+" * 7, Book.ACCEPTANCE)
    assert standing(AREA, seven[:6], OPENS, NOW).earned is Authority.PROPOSE
    assert standing(AREA, seven, OPENS, NOW).earned is Authority.PULL_REQUEST


def test_merging_unasked_takes_score_month_reviewers_and_acceptance_all_four() -> None:
    clean, taken = run("+" * 73), run("+" * 73, Book.ACCEPTANCE)
    assert standing(AREA, [*clean, *taken], OPENS, NOW).earned is Authority.AUTO_MERGE
    one_person = [replace(mark, by="sre") for mark in clean]
    refused = [replace(mark, good=n % 4 != 0) for n, mark in enumerate(taken)]
    hasty = [replace(mark, at=NOW - timedelta(hours=n)) for n, mark in enumerate(clean)]
    for lacking, said in (
        ([*clean[1:], *taken], "1 more clean merges in a row (at your rate: "),
        ([*one_person, *taken], "a merge by 1 more reviewers"),
        ([*clean, *refused], "80% of proposals merged as they were (74% so far)"),
        ([*hasty, *taken], "27 more days of record"),
    ):
        seen = standing(AREA, lacking, OPENS, NOW)
        assert seen.earned < Authority.AUTO_MERGE
        assert said in seen.wanting


def test_years_are_said_as_years() -> None:
    rare = [replace(mark, at=NOW - timedelta(days=40 * n)) for n, mark in enumerate(run("++++++++"))]
    accepted = run("+" * 7, Book.ACCEPTANCE)
    assert (
        "65 more clean merges in a row (at your rate: 6.2 years)"
        in standing(AREA, [*rare, *accepted], OPENS, NOW).wanting
    )


def test_what_counts_only_later_does_not_count_yet() -> None:
    soon = replace(a_mark(1, good=False), at=NOW + timedelta(days=1))
    assert standing(AREA, [soon], OPENS, NOW).outcomes == 0


def test_two_bad_ones_within_ten_take_one_step_at_once_and_what_was_earned() -> None:
    assert standing(AREA, run("+++-+++++"), MERGES, NOW).level is Authority.AUTO_MERGE
    seen = standing(AREA, run("+++-++++-"), MERGES, NOW)
    assert (seen.level, seen.outcomes) == (Authority.PULL_REQUEST, 0)
    assert seen.safety < 1.0  # what fell low is not lifted by falling
    assert standing(AREA, [*run("+" * 80), *late("--")], MERGES, NOW).safety == 1.0
    assert seen.because[0].startswith("demoted to `pull_request` on ")
    assert "case4" in seen.because[0]
    assert "case9" in seen.because[0]
    assert standing(AREA, run("-" + "+" * 9 + "-"), MERGES, NOW).level is Authority.AUTO_MERGE
    assert standing(AREA, run("--"), OPENS, NOW).level is Authority.PROPOSE
    assert standing(AREA, run("----"), MERGES, NOW).level is Authority.PROPOSE  # two steps


def test_one_severe_outcome_leaves_proposals_alone() -> None:
    seen = standing(AREA, [*run("+" * 80), a_mark(81, good=False, severe=True)], MERGES, NOW)
    assert (seen.level, seen.given, seen.earned) == (Authority.PROPOSE, Authority.AUTO_MERGE, Authority.OBSERVE)


def test_a_demotion_holds_until_a_newer_word_of_a_human() -> None:
    fallen = run("--")
    older = replace(MERGES, at=fallen[-1].at)
    newer = replace(MERGES, at=fallen[-1].at + timedelta(seconds=1))
    assert standing(AREA, fallen, older, NOW).level is Authority.PULL_REQUEST
    assert standing(AREA, fallen, newer, NOW).level is Authority.AUTO_MERGE


def test_a_gift_beyond_the_books_is_still_the_humans_word() -> None:
    seen = standing(AREA, run("+"), MERGES, NOW)
    assert (seen.level, seen.earned) == (Authority.AUTO_MERGE, Authority.OBSERVE)


def test_a_demotion_never_raises_anybody() -> None:
    watches = Gift(level=Authority.OBSERVE)
    assert standing(AREA, [a_mark(1, good=False, severe=True)], watches, NOW).level is Authority.OBSERVE
    assert standing(AREA, run("--"), watches, NOW).level is Authority.OBSERVE


def test_nothing_is_merged_unasked_while_the_money_is_used_up() -> None:
    seen = standing(AREA, (), MERGES, NOW, frozen="the day's budget of 5 USD is used up")
    assert seen.level is Authority.PULL_REQUEST
    assert "the day's budget" in seen.because[0]
    assert standing(AREA, (), OPENS, NOW, frozen="the same").because == ("`pull_request` was given by default",)


def test_another_model_takes_the_last_step_back_and_the_score_with_it() -> None:
    changed = Renewal(at=NOW - timedelta(days=3), because="what drafts is another now")
    good = run("+" * 80)
    seen = standing(AREA, good, MERGES, NOW, renewals=(changed,))
    assert (seen.level, seen.given, seen.safety, seen.outcomes) == (Authority.PULL_REQUEST, MERGES.level, 1.0, 0)
    assert "what drafts is another now" in seen.because[0]
    assert seen.earned < Authority.AUTO_MERGE
    assert standing(AREA, good, replace(MERGES, at=NOW - timedelta(days=2)), NOW, renewals=(changed,)).level is (
        Authority.AUTO_MERGE
    )
    lower = standing(AREA, good, OPENS, NOW, renewals=(changed,))
    assert (lower.level, lower.outcomes) == (Authority.PULL_REQUEST, 80)  # there was no step to take
    assert standing(AREA, run("---"), MERGES, NOW, renewals=(changed,)).level is Authority.PULL_REQUEST
