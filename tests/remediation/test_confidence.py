"""How sure a diagnosis says that it is: its own figure, then what became of claims like it; and what an end says."""

from dataclasses import replace

import pytest

from cases.case import Case
from cases.diagnosis import TrackRecord
from cases.events import Diagnosed, Disproved, Drafted
from cases.lifecycle import advance
from cases.outcome import Ending, Held, Lesson
from cases.verdict import Claim
from remediation.confidence import calibrated, confidence_said, held, of_cause, of_suspect
from tests.parts.nouns import SHA, a_change, a_diagnosis, a_lesson, a_suspect, a_trial, an_entry
from tests.parts.opinions import a_case

WORDS = ("change", "words", "ranking")
RECORD = TrackRecord(like=WORDS, raw=0.8)


def lesson(right: bool, like: tuple[str, str, str] = WORDS, raw: float = 0.8, weight: float = 1.0) -> Lesson:  # noqa: FBT001 - what the lesson is about
    return replace(a_lesson(), held=Held(like=like, raw=raw, right=right, weight=weight))


def test_with_no_outcome_the_figure_stands_and_says_so() -> None:
    figure, record = calibrated(RECORD, [a_lesson()])
    assert (figure, record.n, record.of) == (0.8, 0, "")
    said = confidence_said(replace(a_diagnosis(), confidence=figure, record=record))
    assert said == (
        "confidence before the sandbox: 80%, the ranking's own figure: "
        "no outcome of a claim like it is known yet (n = 0)"
    )


def test_the_narrowest_likeness_with_outcomes_is_named_with_its_n() -> None:
    other = ("change", "trace", "ranking")
    figure, record = calibrated(RECORD, [lesson(right=False)] * 3 + [lesson(right=True)] + [lesson(True, other)] * 5)
    assert (record.n, record.right, record.of) == (4, 1, "change, words, ranking")
    assert figure < 0.8
    said = confidence_said(replace(a_diagnosis(), confidence=figure, record=record))
    assert said.endswith(
        "80% by the ranking alone, n = 4 outcomes of claims like it (change, words, ranking), 1 of them right"
    )
    _, wide = calibrated(replace(RECORD, like=("change", "timing", "ranking")), [lesson(right=False)])
    assert (wide.n, wide.of) == (1, "change")


def test_outcomes_of_another_kind_of_claim_say_nothing() -> None:
    cause = of_cause("traffic surge", 0.9, sure=True)
    assert calibrated(cause, [lesson(right=False)] * 50) == (0.9, cause)


@pytest.mark.parametrize(
    ("rights", "low", "high"),
    [((0, 10), 0.3, 0.5), ((8, 10), 0.75, 0.85), ((10, 10), 0.85, 1.0), ((0, 100), 0.0, 0.1), ((80, 100), 0.78, 0.82)],
)
def test_what_is_stated_by_how_many_of_how_many_were_right(rights: tuple[int, int], low: float, high: float) -> None:
    right, of = rights
    figure, _ = calibrated(RECORD, [lesson(number < right) for number in range(of)])
    assert low <= figure <= high


def tried(*, disproved: bool = False, blames: str | None = None) -> Case:
    record = of_suspect(a_suspect(), 0.8)
    diagnosis = replace(a_diagnosis(), record=record)
    case = advance(a_case(), an_entry(Diagnosed(diagnosis=diagnosis)))
    change = a_change() if blames is None else replace(a_change(), inverse_of=blames, blames=None)
    case = advance(case, an_entry(Drafted(change=change)))
    if disproved:
        case = advance(case, an_entry(Disproved(trial=replace(a_trial(), claim=Claim.DISPROVED))))
    return case


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        (Ending.WORKED, (True, 1.0)),
        (Ending.UNCHANGED, (False, 1.0)),
        (Ending.HARMFUL, (False, 1.0)),
        (Ending.ROLLED_BACK, (False, 1.0)),
        (Ending.CLOSED_UNMERGED, (False, 0.5)),
        (Ending.DISMISSED, (False, 0.5)),
        (Ending.INCONCLUSIVE, None),
        (Ending.RECOVERED, None),
        (Ending.ECHO, None),
    ],
)
def test_what_an_end_says_of_the_claim(ending: Ending, says: tuple[bool, float] | None) -> None:
    found = held(tried(), ending)
    assert (None if found is None else (found.right, found.weight)) == says


def test_a_claim_that_the_sandbox_disproved_was_wrong_however_it_ended() -> None:
    for ending in (Ending.RECOVERED, Ending.DISMISSED):
        found = held(tried(disproved=True), ending)
        assert found is not None
        assert (found.right, found.weight) == (False, 1.0)


def test_when_another_change_worked_the_claim_was_wrong() -> None:
    found = held(tried(blames=SHA), Ending.WORKED)
    assert found is not None
    assert not found.right
    assert held(tried(blames=SHA), Ending.UNCHANGED) is None
    assert held(a_case(), Ending.RECOVERED) is None
