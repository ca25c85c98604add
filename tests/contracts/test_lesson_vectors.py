"""Lessons that no word finds are found by their vectors, alike in a file and by pgvector, and filters hold for both."""

import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import pytest
from psycopg import sql
from sqlalchemy import func, select, update

from cases.errors import PermanentError
from cases.events import Closed
from cases.outcome import Ending, Lesson, Wanted
from daemon.clock import ManualClock
from daemon.exits import DONE, FOUND
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.lesson_vectors import vectors_of
from daemon.ledger.lessons import learn
from daemon.preflight.store import findings
from tests.parts.nouns import NOW, a_lesson, an_entry, an_outcome
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres
from tests.parts.settings import some_settings
from tests.parts.steps import born
from tests.parts.stores import Place, emptied, in_postgres, new_base

TAUGHT = (
    "the connection pool was exhausted after the checkout retried without a limit",
    "the certificate of the payment provider had expired over the weekend",
    "rounding of discounts lost a cent in every basket",
    "the cache of the catalogue never forgot an entry and filled the memory",
    "the mail queue grew while its worker slept",
    "an index was missing, and every page scanned the whole table of orders",
    "the template of the product page was rendered twice",
    "a webhook from the carrier was delivered twice, and the parcel was charged again",
    "normalisation of addresses turned umlauts into question marks",
    "the time zone of the report was read from the browser",
)
# What is asked, and the lesson that is meant: a misspelling, another spelling, compounds, inflections that stems miss.
MEANT = {
    "connectionpool": 0,
    "conection exaustion": 0,
    "certificat expiry": 1,
    "cerificates": 1,
    "discounting roundoff": 2,
    "catalogs": 3,
    "mailqueue": 4,
    "unindexed": 5,
    "templating rerendered": 6,
    "web hooks": 7,
    "normalization": 8,
    "timezones": 9,
}
WAYS: tuple[tuple[str, Literal["numpy", "pgvector"]], ...] = (("sqlite", "numpy"), ("pgvector", "pgvector"))


def a(n: int, said: str, **more: object) -> Lesson:
    lesson = replace(
        a_lesson(), id=f"lesson{n}", text=f"errors of shop went up; {said}", subject="", paths=(), fingerprint=f"f{n}",
        case="", at=NOW - timedelta(hours=n),
    )  # fmt: skip
    return replace(lesson, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A ledger with vectors, and where it is."""

    place: Place
    vectors: Literal["numpy", "pgvector"]
    ledger: Ledger

    def ids(self, words: str, wanted: Wanted = Wanted(), limit: int = 5) -> list[str]:  # noqa: B008 - it is frozen
        return [one.lesson.id for one in self.ledger.lessons.search(words, wanted, limit)]

    def count(self) -> int:
        with self.ledger.database.reading() as connection:
            return int(
                connection.execute(select(func.count()).select_from(vectors_of(self.vectors).table)).scalar_one()
            )


def opened(way: tuple[str, Literal["numpy", "pgvector"]], stack: ExitStack, request: pytest.FixtureRequest) -> Kept:
    place = emptied(way[0], request)
    return Kept(
        place=place, vectors=way[1], ledger=stack.enter_context(place.opened(clock=ManualClock(NOW), vectors=way[1]))
    )


@pytest.fixture(params=WAYS, ids="-".join)
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    with ExitStack() as stack:
        yield opened(request.param, stack, request)


def teach(ledger: Ledger) -> None:
    for n, said in enumerate(TAUGHT):
        assert ledger.lessons.take_in(a(n, said), "human:sre", NOW)


def test_what_no_word_finds_is_found_first_by_its_letters(kept: Kept) -> None:
    teach(kept.ledger)
    assert {words: kept.ids(words)[:1] for words in MEANT} == {words: [f"lesson{n}"] for words, n in MEANT.items()}
    with kept.place.opened(clock=ManualClock(NOW)) as plain:
        missed = [words for words in MEANT if not plain.lessons.search(words)]
    assert len(missed) == len(MEANT) - 2  # by words alone


def test_both_kinds_of_store_give_the_same_order(request: pytest.FixtureRequest) -> None:
    with ExitStack() as stack:
        here, there = (opened(way, stack, request) for way in WAYS)
        made = random.Random(4)  # noqa: S311 - a test's own
        vocabulary = sorted(set(" ".join(TAUGHT).split()))
        for n in range(40):
            lesson = a(n, " ".join(made.choices(vocabulary, k=12)), service=made.choice(["shop", "cart"]))
            for each in (here, there):
                assert each.ledger.lessons.take_in(lesson, "human:sre", NOW)
        for words, wanted in itertools.product(MEANT, (Wanted(), Wanted(service="cart"), Wanted(ending=Ending.WORKED))):
            near = [each.ids(words, wanted, 20) for each in (here, there)]
            assert near[0] == near[1], words
            assert near[0], words


def test_filters_hold_for_what_is_near_as_for_what_is_named(kept: Kept) -> None:
    teach(kept.ledger)
    near = a(20, TAUGHT[0], service="cart", ending=Ending.UNCHANGED, strategy="model:x")
    kept.ledger.lessons.take_in(near, "human:sre", NOW)
    assert sorted(kept.ids("connectionpool")) == ["lesson0", "lesson20"]
    for wanted in (Wanted(service="cart"), Wanted(strategy="model:x"), Wanted(ending=Ending.UNCHANGED)):
        assert kept.ids("connectionpool", wanted) == ["lesson20"]
    assert kept.ids("connectionpool", Wanted(since=NOW)) == ["lesson0"]
    assert kept.ids("connectionpool", Wanted(fingerprint="f3")) == []
    assert kept.ids("connectionpool", limit=1) == ["lesson0"]  # the newer of two that say the same


def test_garbage_and_long_texts_are_kept_and_find_no_more_than_they_say(kept: Kept) -> None:
    teach(kept.ledger)
    made = random.Random(7)  # noqa: S311 - a test's own
    noise = "".join(chr(made.randrange(32, 0xD7FF)) for _ in range(4000))
    for n, said in enumerate(("", " \t\0\ud800 ", "…!?", noise, "x" * 4000, "größe " * 700), 50):
        assert kept.ledger.lessons.take_in(a(n, "", text=said), "human:sre", NOW)
    assert kept.count() == len(TAUGHT) + 6
    assert kept.ids("Grösse") == kept.ids("grossen") == ["lesson55"]
    assert kept.ids("zeppelin") == kept.ids("xqzvw kjhgf") == []
    assert kept.ids(noise)[:1] == ["lesson53"]
    assert kept.ids("connectionpool " * 270)[:1] == ["lesson0"]
    assert kept.ids("…!?") == [f"lesson{n}" for n in range(5)]  # no word at all: the newest


def test_a_long_id_is_one_lesson_with_one_vector(kept: Kept) -> None:
    long = replace(a(0, TAUGHT[0]), id="l" * 900)
    assert kept.ledger.lessons.take_in(long, "human:sre", NOW)
    assert kept.ids("connectionpool") == [long.id]
    assert kept.count() == 1


def test_a_vector_is_written_with_its_lesson_or_not_at_all(kept: Kept) -> None:
    born(kept.ledger.cases, "one")

    def fail() -> None:
        with kept.ledger.database.writing() as connection:
            learn(connection, "one", a(0, TAUGHT[0]), vectors_of(kept.vectors))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (kept.count(), kept.ledger.lessons.newest()) == (0, ())


def test_the_lesson_of_a_case_that_closes_has_its_vector(kept: Kept) -> None:
    born(kept.ledger.cases, "one")
    kept.ledger.cases.add("one", an_entry(Closed(outcome=an_outcome(), lesson=a(0, TAUGHT[0])), 1), (), None)
    assert kept.count() == 1
    assert kept.ids("connectionpool") == ["lesson0"]


def test_vectors_that_are_missing_are_made_at_the_first_search_by_several_at_once(kept: Kept) -> None:
    with kept.place.opened(clock=ManualClock(NOW)) as plain:  # a daemon without the option
        for n in range(230):  # more than one transaction makes
            assert plain.lessons.take_in(a(n, TAUGHT[n % len(TAUGHT)]), "human:sre", NOW)
    assert kept.count() == 0
    with kept.place.opened(clock=ManualClock(NOW), vectors=kept.vectors) as other, ThreadPoolExecutor(4) as pool:
        start = threading.Barrier(4)

        def search(ledger: Ledger) -> list[str]:
            start.wait()
            return [one.lesson.id for one in ledger.lessons.search("connectionpool")]

        found = list(pool.map(search, [kept.ledger, other, kept.ledger, other]))
    assert found == [[f"lesson{n}" for n in range(0, 50, 10)]] * 4
    assert kept.count() == 230
    kept.ids("connectionpool")
    assert kept.count() == 230


def test_vectors_of_another_way_are_made_anew_and_the_option_may_go(kept: Kept) -> None:
    teach(kept.ledger)
    with kept.ledger.database.writing() as connection:
        connection.execute(update(vectors_of(kept.vectors).table).values(made="letters-0/512"))
    assert kept.ids("connectionpool") == ["lesson0"]
    assert kept.count() == 2 * len(TAUGHT)
    with kept.place.opened(clock=ManualClock(NOW)) as plain:
        assert plain.lessons.search("connectionpool") == ()
        assert plain.lessons.search("pool")[0].lesson.id == "lesson0"


def a_store(server: RunningPostgres, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("STORE", OWNERS_PASSWORD)
    return in_postgres(server, new_base(server))


def test_without_the_extension_check_and_start_say_what_to_do(
    postgres_with_pgvector: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_store(postgres_with_pgvector, monkeypatch)
    more = {"store": place.url, "store_password": "env:STORE", "lessons": {"vectors": "pgvector"}}
    settings = some_settings("observe", **more)
    said = "run CREATE EXTENSION vector in that database, .* or set lessons.vectors to numpy or off"
    with pytest.raises(PermanentError, match=said):
        place.opened(vectors="pgvector").__enter__()
    with place.opened(vectors="numpy"):
        pass  # what it needs is there
    (missing,) = findings(settings)
    assert (missing.status, "CREATE EXTENSION vector" in missing.said) == (FOUND, True)
    with postgres_with_pgvector.connect(place.url.rpartition("/")[2]) as owner:
        owner.execute("CREATE EXTENSION vector")
    assert [one.status for one in findings(settings)] == [DONE]
    with place.opened(vectors="pgvector") as ledger:
        assert ledger.lessons.search("pool") == ()
    assert list(findings(some_settings("observe"))) == []


def test_a_type_of_that_name_is_no_extension(postgres_with_pgvector: RunningPostgres) -> None:
    base = new_base(postgres_with_pgvector)
    with postgres_with_pgvector.connect(base) as owner:
        owner.execute(sql.SQL("CREATE TYPE vector AS (x int)"))
    with pytest.raises(PermanentError, match="CREATE EXTENSION vector"):
        in_postgres(postgres_with_pgvector, base).opened(vectors="pgvector").__enter__()


def test_pgvector_in_a_file_is_refused(tmp_path: pytest.TempPathFactory) -> None:
    with pytest.raises(PermanentError, match="is no PostgreSQL: set it to numpy or off"):
        open_ledger(f"sqlite:///{tmp_path}/ledger.db", vectors="pgvector").__enter__()
