"""What a store of lessons promises, in a file and on a server, with vectors and without."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from cases.events import Closed, Diagnosed
from cases.outcome import NO_CHANGE, Ending, Lesson, Quality, Wanted
from cases.stores import LessonStore
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, a_diagnosis, a_lesson, an_entry, an_opened, an_outcome
from tests.parts.steps import born
from tests.parts.stores import emptied

PLANTED = "connection pool exhausted after the checkout retried without a limit"
OTHERS = (
    "a certificate of the payment provider had expired",
    "rounding of discounts lost a cent a basket",
    "the cache of the catalogue never forgot an entry and filled the memory",
    "a flag turned the new search on for everybody",
    "the queue of mails grew while the worker slept",
    "an index was missing on the orders table and every page scanned it",
    "the checkout was slow since its template was rendered twice",
    "a limit of the retries was set to nothing",
)


def a(n: int, text: str, **more: object) -> Lesson:
    lesson = replace(
        a_lesson(), id=f"lesson{n}", text=text, subject="", paths=(f"shop/{n}.py",), fingerprint=f"f{n}", case="",
        at=NOW - timedelta(hours=n),
    )  # fmt: skip
    return replace(lesson, **more)  # type: ignore[arg-type]


@pytest.fixture(
    params=[
        ("sqlite", "off"),
        ("postgres", "off"),
        ("sqlite", "numpy"),
        ("postgres", "numpy"),
        ("pgvector", "pgvector"),
    ],
    ids="-".join,
)
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    kind: str
    vectors: Literal["off", "numpy", "pgvector"]
    kind, vectors = request.param
    with emptied(kind, request).opened(clock=ManualClock(NOW), vectors=vectors) as ledger:
        yield ledger


@pytest.fixture
def lessons(ledger: Ledger) -> LessonStore:
    for n, text in enumerate((*OTHERS[:4], PLANTED, *OTHERS[4:])):
        assert ledger.lessons.take_in(a(n, text), "human:sre", NOW)
    return ledger.lessons


@pytest.mark.parametrize(
    "words",
    ["pool exhausted", "connections pooled by checkout", "retrying without limits exhausts", "what about the POOL?"],
)
def test_the_planted_lesson_is_among_the_first_three(lessons: LessonStore, words: str) -> None:
    found = [one.lesson.text for one in lessons.search(words, limit=3)]
    assert PLANTED in found


def test_what_shares_no_word_is_not_found_and_no_words_give_the_newest(lessons: LessonStore) -> None:
    assert lessons.search("zeppelin") == ()
    assert [one.lesson.id for one in lessons.search("", limit=2)] == ["lesson0", "lesson1"]
    assert lessons.search("'; DROP zeppelins; -- \" * (") == ()


def test_filters_narrow_what_is_found(lessons: LessonStore, ledger: Ledger) -> None:
    ledger.lessons.take_in(a(20, PLANTED, service="cart", ending=Ending.UNCHANGED, strategy="model:x"), "sre", NOW)

    def ids(wanted: Wanted) -> set[str]:
        return {one.lesson.id for one in lessons.search("pool", wanted)}

    assert ids(Wanted()) == {"lesson4", "lesson20"}
    assert ids(Wanted(service="cart")) == ids(Wanted(strategy="model:x")) == ids(Wanted(ending=Ending.UNCHANGED))
    assert ids(Wanted(service="cart")) == {"lesson20"}
    assert ids(Wanted(service="shop", signal="errors")) == {"lesson4"}
    assert ids(Wanted(since=NOW)) == ids(Wanted(fingerprint="f3")) == set()


def cites(ledger: Ledger, name: str, ending: Ending, *cited: str) -> None:
    born(ledger.cases, name)
    diagnosis = replace(a_diagnosis(), recalled=cited, cited=cited)
    ledger.cases.add(name, an_entry(Diagnosed(diagnosis=diagnosis), 1), (), None)
    outcome = replace(an_outcome(), ending=ending)
    lesson = replace(a_lesson(), id=f"of-{name}")
    ledger.cases.add(name, an_entry(Closed(outcome=outcome, lesson=lesson), 2), (), None)


def test_quality_rises_only_when_cited_with_success_and_falls_when_cited_in_vain(
    lessons: LessonStore, ledger: Ledger
) -> None:
    assert lessons.quality(["lesson4"])["lesson4"] == Quality()
    assert Quality().score == 0.5
    cites(ledger, "uncited", Ending.WORKED, "lesson1")
    cites(ledger, "unclear", Ending.INCONCLUSIVE, "lesson4")
    assert lessons.quality(["lesson4"])["lesson4"].score == 0.5
    cites(ledger, "worked", Ending.WORKED, "lesson4", "lesson2")
    risen = lessons.quality(["lesson4", "lesson9"])
    assert (risen["lesson4"], risen["lesson9"]) == (Quality(helped=1), Quality())
    cites(ledger, "failed", Ending.UNCHANGED, "lesson4")
    cites(ledger, "refused", Ending.CLOSED_UNMERGED, "lesson4")
    assert lessons.quality(["lesson4"])["lesson4"] == Quality(helped=1, misled=2)
    assert Quality(helped=1, misled=2).score == 0.4


def test_of_two_that_say_the_same_the_better_one_comes_first(lessons: LessonStore, ledger: Ledger) -> None:
    ledger.lessons.take_in(a(30, PLANTED), "sre", NOW)
    assert [one.lesson.id for one in lessons.search("pool")] == ["lesson4", "lesson30"]
    cites(ledger, "worked", Ending.WORKED, "lesson30")
    assert [one.lesson.id for one in lessons.search("pool")] == ["lesson30", "lesson4"]


def test_a_lesson_is_taken_in_once_and_told_in_the_audit(lessons: LessonStore, ledger: Ledger) -> None:
    assert not lessons.take_in(a(4, "another text"), "human:sre", NOW)
    lines = [line for line in ledger.audit.listed() if line.action == "lesson.taken-in"]
    assert len(lines) == 9
    assert {line.actor for line in lines} == {"human:sre"}


def test_trouble_that_passed_by_itself_is_kept_and_not_recalled(ledger: Ledger) -> None:
    opened = an_opened()
    ledger.cases.open(an_entry(opened), (), NOW)
    passed = replace(
        a_lesson(), id="passed", strategy=NO_CHANGE, fingerprint=opened.fingerprint, ending=Ending.RECOVERED
    )
    closed = Closed(outcome=replace(an_outcome(), ending=Ending.RECOVERED), lesson=passed)
    ledger.cases.add(opened.case_id, an_entry(closed, 1), (), None)
    assert ledger.lessons.newest() == (passed,)
    assert ledger.lessons.recall(opened.fingerprint, "shop") == ()
