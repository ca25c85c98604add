"""`trackwalker lessons`, as an operator uses it; and its pages, which come back as what they were."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.errors import PermanentError
from cases.outcome import Ending, Held, Lesson, Refusal
from daemon.ledger.ledger import open_ledger
from daemon.lesson_pages import parsed, written
from daemon.main import trackwalker
from remediation.compared import compared, trends
from tests.parts.nouns import NOW, a_lesson
from tests.parts.settings import a_document

FULL = replace(
    a_lesson(),
    text='errors of shop went up; edit of “pool” ended: worked\n\n## lesson fake\n- ending: "harmful"\n> so it\u2028is',
    paths=("shop/a.py", "- id: x"),
    held=Held(like=("change", "trace", "ranking"), raw=0.25, right=True, weight=0.5),
    grounds=("signal: errors up",),
    refusal=Refusal.WRONG_CAUSE,
    effect=-0.125,
    merged=True,
)


def test_a_page_comes_back_as_what_it_was() -> None:
    lessons = (FULL, replace(a_lesson(), id="b", text=""), replace(a_lesson(), id="c", effect=float("inf")))
    assert parsed(written(lessons), "page.md") == lessons
    assert parsed(written(()), "page.md") == ()
    assert parsed(written(lessons).replace("\n", "\r\n"), "page.md")[0].ending is FULL.ending


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=60), subject=st.text(max_size=30))
def test_any_text_comes_back(text: str, subject: str) -> None:
    plain = text.replace("\r", " ").encode("utf-8", "replace").decode()
    lesson = replace(FULL, text=plain, subject=subject.encode("utf-8", "replace").decode())
    assert parsed(written((lesson,)), "page.md") == (lesson,)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("## lesson a\n\n- at: yesterday\n", "page.md:3: the value is not JSON"),
        ('## lesson a\n\n- authority: "auto_merge"\n', "page.md:1: a lesson has no authority"),
        ('## lesson a\n\n- ending: "grand"\n', "page.md:1: lesson a cannot be read"),
    ],
)
def test_a_page_that_cannot_be_read_is_refused_with_its_line(page: str, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        parsed(page, "page.md")


def lesson(n: int, ending: Ending, *, strategy: str, path: str, detector: str, merged: bool = True) -> Lesson:
    month = timedelta(days=40 * (n % 2))
    return replace(
        a_lesson(), id=f"l{n}", at=NOW - month, ending=ending, strategy=strategy, paths=(path,), detector=detector,
        merged=merged,
    )  # fmt: skip


REVERT, EDIT = "playbook:revert-the-culprit", "model:oracle"
HAND = (
    lesson(0, Ending.WORKED, strategy=REVERT, path="shop/a.py", detector="seasonal"),
    lesson(1, Ending.WORKED, strategy=REVERT, path="shop/b.py", detector="seasonal"),
    lesson(2, Ending.UNCHANGED, strategy=REVERT, path="README.md", detector="burn rate"),
    lesson(3, Ending.ROLLED_BACK, strategy=EDIT, path="shop/a.py", detector="seasonal"),
    lesson(4, Ending.CLOSED_UNMERGED, strategy="model:other", path="shop/cart/deep/a.py", detector="", merged=False),
    lesson(5, Ending.INCONCLUSIVE, strategy=EDIT, path="shop/a.py", detector="seasonal"),
)


def test_the_comparison_is_what_a_hand_computes() -> None:
    found = compared(HAND)
    told = {row.of: (row.worked.good, row.worked.n, row.accepted.good, row.accepted.n, row.untold)
            for rows in found.values() for row in rows}  # fmt: skip
    assert told == {
        REVERT: (2, 3, 3, 3, 0),
        "model": (0, 1, 2, 3, 1),
        "shop": (2, 3, 4, 4, 1),
        "(top)": (0, 1, 1, 1, 0),
        "shop/cart": (0, 0, 0, 1, 0),
        "seasonal": (2, 3, 4, 4, 1),
        "burn rate": (0, 1, 1, 1, 0),
        "unknown": (0, 0, 0, 1, 0),
    }
    revert = next(row.worked for row in found["strategy"] if row.of == REVERT)
    # Wilson's interval of 2 of 3 by hand: (2/3 + 1.92/3 ± 1.96·√(2/27 + 0.32/3)) / (1 + 3.84/3)
    assert (round(revert.low, 3), round(revert.high, 3)) == (0.208, 0.939)
    assert [row.of for row in trends(HAND)["month and strategy"]] == [
        "2026-01 model", "2026-01 playbook:revert-the-culprit", "2026-03 model", "2026-03 playbook:revert-the-culprit",
    ]  # fmt: skip


def tried(n: int, ending: Ending, *, segment: str = "", merged: bool = True) -> Lesson:
    """The lesson of an experiment."""
    made = lesson(n, ending, strategy="catalogue:copy", path="flags.json", detector="goal", merged=merged)
    return replace(made, action="experiment", grounds=("goal: g", *([f"segment: {segment}"] if segment else [])))


def test_what_people_accept_of_experiments_is_told_by_segment_over_time() -> None:
    buyers = '{"country": ["at", "de"], "plan": ["free"]}'
    every = (
        tried(0, Ending.WORKED, segment=buyers), tried(2, Ending.UNCHANGED, segment=buyers),
        tried(4, Ending.CLOSED_UNMERGED, segment=buyers, merged=False), tried(1, Ending.WORKED, segment=buyers),
        tried(6, Ending.WORKED), tried(8, Ending.DISMISSED, segment="{not JSON", merged=False), HAND[0],
    )  # fmt: skip
    found = trends(every)["month and segment"]
    assert [(row.of, row.accepted.good, row.accepted.n, row.worked.good, row.worked.n) for row in found] == [
        ("2026-01 country=at/de, plan=free", 1, 1, 1, 1),
        ("2026-03 country=at/de, plan=free", 2, 3, 1, 2),
        ("2026-03 everybody", 1, 1, 1, 1),
    ]
    assert (round(found[1].accepted.low, 3), round(found[1].accepted.high, 3)) == (0.208, 0.939)
    assert [row.of for row in compared(every)["segment"]] == ["country=at/de, plan=free", "everybody"]


def run(folder: Path, *words: str) -> str:
    config = folder / "trackwalker.yaml"
    config.write_text(json.dumps(a_document(store=f"sqlite:///{folder}/store.db")))
    done = CliRunner().invoke(trackwalker, ["lessons", *words, "--config", str(config)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_lessons_travel_from_one_ledger_to_another_and_are_cited(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert "no lessons yet" in run(here)
    with open_ledger(f"sqlite:///{here}/store.db") as ledger:
        for each in HAND:
            ledger.lessons.take_in(each, "human:sre", NOW)
    page = tmp_path / "page.md"
    run(here, "export", "--out", str(page))
    assert run(there, "import", str(page)) == "took in 6 of 6 lessons; 0 were here already\n"
    assert run(there, "import", str(page)) == "took in 0 of 6 lessons; 6 were here already\n"
    assert run(here, "export") == run(there, "export") == page.read_text()
    found: list[dict[str, Any]] = json.loads(run(there, "search", "reverting", "--ending", "worked", "--json"))
    assert {one["id"] for one in found} >= {"l0", "l1"}
    said: list[dict[str, Any]] = json.loads(run(there, "about", "reverting", "--json"))
    assert said[0]["lessons"]
    assert all(one["lessons"] for one in said)
    assert any(one["sentence"].startswith(f"{REVERT} worked 2 of 3 times") for one in said)
    by = json.loads(run(there, "compare", "--json"))
    revert = next(row for row in by["strategy"] if row["of"] == REVERT)
    assert revert["worked"] == {"good": 2, "n": 3, "low": pytest.approx(0.2077, abs=1e-3),
                                           "high": pytest.approx(0.9385, abs=1e-3)}  # fmt: skip
