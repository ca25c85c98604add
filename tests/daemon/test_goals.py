"""Goals from file to state: by two daemons at a time, in the audit, and as an operator leads them."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.errors import IllegalStep, PermanentError
from cases.goal import State, Step
from config import goal_file
from daemon.ledger.goals import KEY, LedgerGoals
from daemon.ledger.ledger import Ledger
from daemon.main import trackwalker
from tests.parts.goals import NOW, WATCHES
from tests.parts.settings import a_document, some_settings
from tests.parts.stores import empty_ledger, ledger, place, shared_base

__all__ = ["empty_ledger", "ledger", "place", "shared_base"]

SAMPLE = Path(__file__).resolve().parents[2] / "docs/outcomes/abandonment.yaml"
GOAL = goal_file.read(SAMPLE.read_text(), "F", NOW, some_settings(watch=WATCHES))
DRAFT = Step(to=State.DRAFT, at=NOW, by="human:a", because="declared")


def step(to: State, by: str = "human:a") -> Step:
    return Step(to=to, at=NOW + timedelta(hours=1), by=by, because="so")


def test_a_goal_is_kept_with_its_steps_and_its_lines_in_the_audit(ledger: Ledger) -> None:
    goals = LedgerGoals(ledger.database)
    assert goals.listed() == ()
    added = goals.add(GOAL, "d1", DRAFT)
    assert goals.add(GOAL, "d1", DRAFT) == added  # the same file again
    assert goals.step(GOAL.name, step(State.ACTIVE))[1]
    assert LedgerGoals(ledger.database).load(GOAL.name).goal == GOAL
    [kept] = goals.listed()
    assert [one.to for one in kept.steps] == [State.DRAFT, State.ACTIVE]
    lines = [entry for entry in ledger.audit.listed() if entry.action.startswith("goal.")]
    assert [(line.action, line.detail["goal"]) for line in lines] == [
        ("goal.draft", GOAL.name),
        ("goal.active", GOAL.name),
    ]


def test_activated_by_many_at_once_it_is_activated_once(ledger: Ledger) -> None:
    LedgerGoals(ledger.database).add(GOAL, "d1", DRAFT)

    def activate(number: int) -> bool:
        return LedgerGoals(ledger.database).step(GOAL.name, step(State.ACTIVE, f"human:{number}"))[1]

    with ThreadPoolExecutor(4) as crowd:
        assert sum(crowd.map(activate, range(8))) == 1
    [kept] = LedgerGoals(ledger.database).listed()
    assert kept.portfolio == f"{GOAL.name}-1"
    assert sum(entry.action == "goal.active" for entry in ledger.audit.listed()) == 1


def test_a_draft_is_replaced_and_what_was_active_is_not(ledger: Ledger) -> None:
    goals = LedgerGoals(ledger.database)
    goals.add(GOAL, "d1", DRAFT)
    assert goals.add(GOAL, "d2", DRAFT).digest == "d2"
    goals.step(GOAL.name, step(State.ACTIVE))
    with pytest.raises(PermanentError, match="is active already, as another file says"):
        goals.add(GOAL, "d3", DRAFT)
    goals.step(GOAL.name, step(State.ABANDONED))
    with pytest.raises(IllegalStep, match="leads to nowhere"):
        goals.step(GOAL.name, step(State.ACTIVE))
    with pytest.raises(PermanentError, match=r"no outcome named gone; there are: checkout-abandonment"):
        goals.step("gone", step(State.ACTIVE))


def test_what_another_version_wrote_is_refused_and_left_alone(ledger: Ledger) -> None:
    ledger.checkpoints.put(KEY, b'{"a": {"goal": 1}}', NOW)
    with pytest.raises(PermanentError, match="run that version"):
        LedgerGoals(ledger.database).listed()
    assert ledger.checkpoints.get(KEY) == b'{"a": {"goal": 1}}'


class Shop:
    """A folder with a configuration whose signals are numbers in a database, and an outcome."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._base = folder / "shop.db"
        self._write("CREATE TABLE reading (name TEXT, value REAL)")
        document = a_document(store=f"sqlite:///{folder / 'trackwalker.db'}", watch=[])
        url = f"sqlite:///{self._base}"
        for watch in WATCHES:
            query = f"SELECT value FROM reading WHERE name = '{watch['name']}'"  # noqa: S608 - our own names
            document["signals"].setdefault("sql", []).append({"name": watch["name"], "url": url, "query": query})
            document["watch"].append({key: watch[key] for key in watch if key != "query"} | {"source": watch["name"]})
        (folder / "trackwalker.yaml").write_text(json.dumps(document))
        self.reads(abandonment=0.33, p95=0.3, orders=25)

    def reads(self, **values: float | None) -> None:
        for name, value in values.items():
            self._write("DELETE FROM reading WHERE name = ?", name)
            if value is not None:
                self._write("INSERT INTO reading VALUES (?, ?)", name, value)

    def _write(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self._base)) as base, base:
            base.execute(statement, values)
        base.close()

    def said(self, *words: str, fails: bool = False) -> str:
        named = ["outcomes", *words, "--config", str(self._folder / "trackwalker.yaml")]
        result = CliRunner().invoke(trackwalker, named)
        assert (result.exit_code != 0) == fails, result.output
        return f"{result.output}{result.exception or ''}"

    def told(self, *words: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.said(*words, "--json"))
        return document


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_from_a_file_to_an_active_outcome(shop: Shop) -> None:
    assert "no outcomes yet" in shop.said("list")
    assert "may be added" in shop.said("add", str(SAMPLE), "--check")
    assert "no outcomes yet" in shop.said("list")
    assert "is a draft" in shop.said("add", str(SAMPLE))
    assert "reads 0.33; 0.28 by 2027-06-30 is wanted" in shop.said("activate", GOAL.name)
    assert "nothing changed" in shop.said("activate", GOAL.name)
    [listed] = shop.told("list")["outcomes"]
    assert (listed["state"], listed["reading"]) == ("active", {"value": 0.33, "because": ""})
    assert listed["portfolio"] == f"{GOAL.name}-1"
    assert [one["to"] for one in listed["steps"]] == ["draft", "active"]
    assert "is abandoned" in shop.said("abandon", GOAL.name, "--reason", "the season is over")
    assert "which leads to nowhere" in shop.said("activate", GOAL.name, fails=True)


@pytest.mark.parametrize(
    ("readings", "because"),
    [
        ({"abandonment": 0.27}, "it is met already, shop/abandonment reads 0.27 and 0.28 is the target"),
        ({"abandonment": None}, "shop/abandonment is missing"),
        ({"p95": 0.9}, "shop/p95 reads 0.9, and 0.4 is the most that it may before anything was tried"),
        ({"p95": None}, "shop/p95 is missing"),
    ],
)
def test_nothing_starts_where_it_cannot(shop: Shop, readings: dict[str, float | None], because: str) -> None:
    shop.said("add", str(SAMPLE))
    shop.reads(**readings)
    assert because in shop.said("activate", GOAL.name, fails=True).replace("\n", " ")
    assert shop.told("list")["outcomes"][0]["state"] == "draft"


def test_what_is_asked_wrongly_is_answered(shop: Shop, tmp_path: Path) -> None:
    assert "there is no outcome named gone" in shop.said("activate", "gone", fails=True)
    assert "there is no such file" in shop.said("add", str(tmp_path / "gone.yaml"), fails=True)
    assert "--reason" in shop.said("abandon", "gone", fails=True)
    broken = tmp_path / "outcome.yaml"
    broken.write_text(SAMPLE.read_text().replace("target: 0.28", "target: 0.4"))
    assert "on the side where users suffer" in shop.said("add", str(broken), fails=True)
    assert "no outcomes yet" in shop.said("list")
