"""Segment cards from the file and from a database, as commands show them, and effects beside their benchmarks."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cases.card import Card, PriceBand
from cases.errors import PermanentError
from cases.events import Looked
from cases.lifecycle import opened
from cases.measure import SegmentEffect, Segments
from config.segments import SegmentQuerySettings
from daemon.clock import ManualClock
from daemon.experimenting import Tried
from daemon.main import trackwalker
from daemon.segments import against_benchmarks, benchmarks_of, cards_of
from signals.segment_cards import cards_in
from tests.parts.cards import CARDS
from tests.parts.nouns import an_entry, an_opened
from tests.parts.settings import a_document, some_settings
from tests.parts.trying import goal, idea

QUERY = "select name, about, pains, countries, low_cents, high_cents, currency, errors from cards order by name"
CLOCK = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """A configuration with one card of its own and two in a database."""
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "create table cards (name, about, pains, countries, low_cents, high_cents, currency, errors)"
        )
        connection.executemany(
            "insert into cards values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                ("big", "Buyers in large companies", "approvals; slow invoices", "de;at", 9000, 40000, "EUR", 0.004),
                ("little", "Owners of a small shop", None, None, None, None, None, None),
            ],
        )
    connection.close()
    return {
        "signals": {
            "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
            "sql": [{"name": "crm", "url": f"sqlite:///{path}", "query": "select 1 as value"}],
        },
        "segments": [{"name": "own", "profile": "Owners of one small shop", "users": {"country": "ch"}}],
        "segments_from": [
            {"source": "crm", "query": QUERY, "fields": {"profile": "about"}, "users": {"country": "countries"},
             "benchmarks": {"shop/errors": "errors"}},
        ],
    }  # fmt: skip


def test_cards_of_the_file_and_of_a_database(asked: dict[str, Any]) -> None:
    assert cards_of(some_settings(**asked), CLOCK) == (
        Card(name="own", profile="Owners of one small shop", users={"country": ("ch",)}),
        Card(
            name="big",
            profile="Buyers in large companies",
            users={"country": ("de", "at")},
            pains=("approvals", "slow invoices"),
            benchmarks={"shop/errors": 0.004},
            price_bands=(PriceBand(low_cents=9000, high_cents=40000, currency="EUR"),),
        ),
        Card(name="little", profile="Owners of a small shop"),
    )
    again: dict[str, Any] = {**asked, "segments": [{"name": "big", "profile": "The same name."}]}
    with pytest.raises(PermanentError, match="crm: there is another segment card named big; rename one"):
        cards_of(some_settings(**again), CLOCK)


WANTED = SegmentQuerySettings(source="crm", query="select 1", benchmarks={"shop/errors": "usual"})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": None, "profile": "p", "usual": 1}, "crm: the query of segments_from, row 1: it has no name"),
        ({"name": "a", "profile": " ", "usual": 1}, "row 1: it has no profile"),
        ({"name": "a", "profile": "p", "usual": "much"}, "the benchmark of shop/errors is no number"),
        ({"name": "a", "profile": "p", "usual": float("nan")}, "the benchmark of shop/errors is no number"),
        ({"name": "a", "profile": "p"}, "gives no column usual; it gives name, profile"),
        ({"name": "a", "usual": 1}, "gives no column profile"),
        ({"name": "a", "profile": "p", "usual": 1, "low_cents": 3}, "a price band needs currency, high_cents as well"),
        (
            {"name": "a", "profile": "p", "usual": 1, "low_cents": 3, "high_cents": 2.5, "currency": "EUR"},
            "are whole cents",
        ),
    ],
)
def test_a_row_that_gives_no_card_says_why(row: dict[str, object], said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        cards_in(tuple(row), [tuple(row.values())], WANTED)


def test_two_rows_of_one_name_are_refused() -> None:
    with pytest.raises(PermanentError, match="row 2: a is the name of another row"):
        cards_in(("name", "profile", "usual"), [("a", "p", 1), ("a", "q", 1)], WANTED)


def test_the_commands(tmp_path: Path, asked: dict[str, Any]) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text(yaml.safe_dump({**a_document(), **asked}))

    def said(*words: str) -> str:
        answer = CliRunner().invoke(trackwalker, ["segments", *words, "--config", str(path)])
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    listed = json.loads(said("list", "--json"))["segments"]
    assert [card["name"] for card in listed] == ["own", "big", "little"]
    assert listed[1]["price_bands"] == [{"low_cents": 9000, "high_cents": 40000, "currency": "EUR"}]
    assert "country=de,at" in said()
    shown = said("show", "big")
    assert "  price band  90.00 to 400.00 EUR" in shown
    assert "  benchmark   shop/errors: 0.004" in shown
    near = json.loads(said("like", "own", "--json"))
    assert [one["name"] for one in near["like"]] == ["little", "big"]
    assert near["like"][0]["kindred"]
    assert not near["like"][1]["kindred"]
    assert "profile" in said("like", "own")
    wrong = CliRunner().invoke(trackwalker, ["segments", "show", "bgi", "--config", str(path)])
    assert wrong.exit_code != 0
    assert isinstance(wrong.exception, PermanentError)
    assert str(wrong.exception) == "there is no segment bgi; there are: big, little, own"


def looked(segments: Segments | None) -> Tried:
    look = Looked(change=1, users=(900, 900), crossed=0, because="so", control=0.010, treated=0.009, segments=segments)
    case = replace(opened(an_entry(an_opened())), goal=goal(), hypothesis=idea(), looks=(look,))
    return Tried(goal="fewer-errors", idea=idea(), case=case)


def test_effects_beside_what_is_usual_there(asked: dict[str, Any]) -> None:
    effects = (
        SegmentEffect(segment="de", users=(400, 400), lift=0.003, low=0.001, high=0.005),
        SegmentEffect(segment="at", users=(40, 40), because="few"),
        SegmentEffect(segment="ch", users=(400, 400), lift=0.003, low=0.001, high=0.005),
    )
    one = looked(Segments(by="country", most=8, effects=effects))
    rows, unread = benchmarks_of(one, some_settings(**asked), CLOCK)
    assert unread == ""
    assert [(row["segment"], row["card"], row["word"], row["interval"]) for row in rows] == [
        ("de", "big", "better", [0.001, 0.005]), ("at", "big", "not known", None),
    ]  # fmt: skip
    assert rows[0]["distance"] == pytest.approx(0.006)  # fewer errors are usual there, and wanted
    assert not against_benchmarks(looked(None), CARDS)
    gone = {**asked, "signals": {**asked["signals"], "sql": [
        {"name": "crm", "url": "sqlite:////nowhere/crm.db", "query": "select 1 as value"}]}}  # fmt: skip
    assert benchmarks_of(one, some_settings(**gone), CLOCK)[1].startswith("crm")
    assert benchmarks_of(looked(None), some_settings(**gone), CLOCK) == ([], "")
