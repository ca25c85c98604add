"""The page of outcomes: what it says of an interval, what it draws, and what is written in it stays text."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from cases.events import Looked
from cases.goal import Pursued, State, Step
from cases.lifecycle import opened
from cases.measure import SegmentEffect, Segments
from cases.outcome import Ending, Outcome
from daemon.experimenting import Tried
from daemon.goals import Reading
from daemon.reports.outcomes import Quarter, achieved, by_kind, tells_of, trend
from daemon.web.chart import chart
from daemon.web.frame import Reader
from daemon.web.outcomes_page import Followed, meter, meter_words, outcomes_page
from remediation.worth import Worth
from tests.parts.nouns import NOW, a_lesson, an_entry, an_opened
from tests.parts.settings import some_settings
from tests.parts.trying import goal, idea

HOSTILE = "</svg><script>alert(1)</script><img src=x onerror=alert(1)>"


def a_look(low: float | None, high: float | None, users: int = 900) -> Looked:
    middle = None if low is None or high is None else (low + high) / 2
    return Looked(
        change=1, users=(users, users), crossed=0, because="so", control=0.34, treated=0.31, lift=middle, low=low,
        high=high, safety={"shop/p95": "open"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, None, "Nothing can be said yet."),
        (0.021, 0.05, "Above the bar: "),
        (0.0199, 0.05, "Undecided: "),
        (-0.1, 0.3, "Undecided: "),
        (-0.1, 0.019, "Below the bar: "),
    ],
)
def test_the_meter_is_decided_by_the_whole_interval(low: float | None, high: float | None, words: str) -> None:
    look = a_look(low, high)
    assert meter_words(look, 0.02).startswith(words)
    assert "chance" not in meter_words(look, 0.02)
    assert bool(meter(look, 0.02, "m")) is (low is not None)


@pytest.mark.parametrize("value", [0.0, 1e-300, 1e300, -5.0])
def test_a_picture_is_whole_whatever_the_numbers(value: float) -> None:
    for drawn in (
        chart([0, 10, 20], "c", "Gain", [("readings line", [value] * 3)], ([value] * 3, [value] * 3)),
        meter(a_look(value, value), value, "m"),
    ):
        root = ET.fromstring(f"<p>{drawn}</p>")  # noqa: S314 - our own page
        assert "nan" not in str(drawn)
        assert root.find(".//svg") is not None


def tried(*looks: Looked, ending: Ending | None = None, at: datetime = NOW) -> Tried:
    case = replace(opened(an_entry(an_opened())), goal=goal(), hypothesis=idea())
    entries = tuple(an_entry(look, minutes=60 * number) for number, look in enumerate(looks))
    outcome = None if ending is None else Outcome(ending=ending, change=1, because="so", at=at)
    return Tried(
        goal="fewer-errors",
        idea=replace(idea(), statement=HOSTILE),
        case=replace(case, history=(*case.history, *entries), looks=looks, outcome=outcome),
    )


def test_segments_are_called_different_only_where_their_interval_says_so() -> None:
    segments = Segments(
        by="country", most=8,
        effects=(
            SegmentEffect(segment="de", users=(500, 510), lift=0.05, low=0.01, high=0.09),
            SegmentEffect(segment=HOSTILE, users=(500, 510), lift=0.05, low=-0.01, high=0.11),
            SegmentEffect(segment="at", users=(40, 42), because="few users"),
        ),
    )  # fmt: skip
    shown = str(page(tried(replace(a_look(0.021, 0.05), segments=segments))))
    rows = {row.split(">", 1)[1].split("<", 1)[0]: row for row in shown.split('data-head="country"')[1:]}
    assert ">better<" in rows["de"]
    assert "+0.01 to +0.09" in rows["de"]
    assert ">not known<" in rows["at"]
    assert "few users" in rows["at"]
    assert sum(">no difference shown<" in row for row in rows.values()) == 1
    assert "<script>" not in shown
    none = replace(segments, effects=(), because="9 values are too many")
    assert "By country: 9 values are too many." in str(page(tried(replace(a_look(0.021, 0.05), segments=none))))


def test_a_gains_worth_and_the_benchmarks_of_cards_stand_beside_it() -> None:
    one = tried(replace(a_look(0.021, 0.05), crossed=1_234, segments=Segments(by="country", most=8)))
    row = {
        "segment": HOSTILE, "card": "germans", "word": "better", "gain": 0.03, "interval": [0.01, 0.05],
        "benchmark": 0.004, "control": 0.01, "distance": 0.006,
    }  # fmt: skip
    worth = Worth(users=900, gain=5_010, low=-1_000, high=10_000, spent=300)
    plain = page(one)
    assert "worth" not in plain.lower()
    assert "1,234 saw more than one variant and are left out" in plain
    shown = page(one, worth={one.idea.id: worth}, benchmarks={one.idea.id: [row, {**row, "interval": None}]})
    assert "Worth: +$50.10 (-$10.00 to +$100.00) of 900 users; models cost $3.00: +$16.70 for a dollar" in shown
    assert "+0.01 to +0.05" in shown
    assert ">germans<" in shown
    assert ">+0.006<" in shown
    assert "<script" not in shown
    assert "not known now: crm: no answer." in page(one, unread="crm: no answer")
    assert "not known now" not in page(tried(a_look(0.021, 0.05)), unread="crm: no answer")


def page(*every: Tried, **more: Any) -> Markup:  # noqa: ANN401 - what else is known of the outcome
    pursued = Pursued(
        goal=replace(goal(), why=HOSTILE),
        digest="d",
        steps=(
            Step(to=State.DRAFT, at=NOW, by="human:a"),
            Step(to=State.ACTIVE, at=NOW, by="human:a", because=HOSTILE),
        ),
    )
    return outcomes_page([Followed(pursued=pursued, reading=Reading(value=0.0101), tried=every, **more)], Reader())


def test_what_is_written_elsewhere_stays_text_and_the_value_is_the_one_that_was_read() -> None:
    shown = page(tried(a_look(-0.1, 0.3), a_look(0.01, 0.05)))
    assert "<script" not in shown
    assert "<img" not in shown
    assert "0.01, 0.0101, 0.005 by 2099-01-01" in shown
    assert shown.count("<svg") == 3
    assert page(tried(a_look(-0.1, 0.3))).count("<svg") == 1
    assert "No outcome is declared yet" in outcomes_page([], Reader())


def test_what_was_achieved_and_whether_ideas_get_better() -> None:
    at = datetime(2026, 8, 3, tzinfo=UTC)
    every = [
        tried(ending=Ending.WORKED, at=at), tried(ending=Ending.UNCHANGED, at=at),
        tried(ending=Ending.DISMISSED, at=at), tried(ending=Ending.WORKED, at=at + timedelta(days=90)),
    ]  # fmt: skip
    assert [(one.name, one.worked, one.measured) for one in trend(every)] == [("2026 Q3", 1, 2), ("2026 Q4", 1, 1)]
    done = Pursued(goal=goal(), digest="d", steps=(Step(to=State.ACHIEVED, at=at, by="daemon"),))
    assert achieved([done, done]) == {"2026-08": 2}
    assert "Ideas that users decided" in page(*every)
    assert "Ideas by month" not in page(*every)


def test_each_outcome_says_what_its_metric_tells_of_and_they_are_counted_by_it() -> None:
    def watch(**more: str) -> dict[str, str]:
        return {"name": "errors", "query": "errors", "harm": "up", **more}

    named, family = watch(service="shop", tells_of="technical"), watch(by="service", tells_of="behaviour")
    found = some_settings(watch=[named, family])
    assert [tells_of(found, key) for key in ("shop/errors", "cart/errors", "shop/other")] == [
        "technical", "behaviour", "not said",
    ]  # fmt: skip
    assert tells_of(some_settings(), "shop/errors") == "not said"
    draft = Pursued(goal=goal(), digest="d", steps=(Step(to=State.DRAFT, at=NOW, by="human:a"),))
    done = replace(draft, steps=(*draft.steps, Step(to=State.ACHIEVED, at=NOW, by="daemon")))
    told = by_kind([("money", draft), ("technical", done), ("money", done)])
    assert told == (("money", 2, 0, 1), ("technical", 1, 0, 1))
    assert "metric tells of" not in page()
    shown = page(tells_of="money")
    assert "shop/errors (money)" in shown
    assert "Outcomes by what their metric tells of" in shown


def test_what_people_accepted_and_what_worked_is_told_by_strategy_and_segment() -> None:
    one = tried(ending=Ending.WORKED)
    assert one.case is not None
    lesson = replace(
        a_lesson(), strategy="catalogue:copy", ending=Ending.WORKED, merged=True, action="experiment",
        grounds=('segment: {"country": ["<b>"]}',),
    )  # fmt: skip
    shown = page(replace(one, case=replace(one.case, lesson=lesson)))
    assert f">{lesson.at:%Y-%m} catalogue:copy<" in shown
    assert f">{lesson.at:%Y-%m} country=&lt;b&gt;<" in shown
    assert shown.count(">1 of 1 (21% to 100%)<") == 4


def test_the_interval_of_few_is_wide_and_known() -> None:
    low, high = Quarter(name="q", worked=5, measured=10).interval
    assert (low, high) == (pytest.approx(0.2366, abs=1e-3), pytest.approx(0.7634, abs=1e-3))
    assert Quarter(name="q", worked=0, measured=0).interval == (0.0, 1.0)
