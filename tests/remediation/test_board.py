"""The dashboard lists every case once, what is deferred with its age, and boxes that stand for the case as it is."""

from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.events import Escalated, Event, Frozen, Gated, Guided
from cases.lifecycle import advance
from cases.pull_request_events import Proposed, TakenOver
from remediation.board import MOST, Ask, Deferred, Ticked, ticked, token_of, written
from tests.parts.nouns import NOW, an_entry, an_event
from tests.remediation.test_pull_request_text import a_story


def a_case(name: str, *events: Event) -> Case:
    case = replace(a_story().case, id=name)
    for event in events:
        case = advance(case, an_entry(event))
    return case


def sections(text: str) -> dict[str, list[str]]:
    parts = text.split("\n## ")[1:]
    return {part.partition("\n")[0]: [line for line in part.splitlines()[1:] if line] for part in parts}


def test_every_case_stands_in_one_section() -> None:
    proposed = an_event(Proposed)
    cases = [
        a_case("gated", Gated(reason="observe @everyone")),
        a_case("waits"),
        a_case("failed", Escalated(reason="nothing fits")),
        a_case("frozen", proposed, Frozen(reason="hands off")),
        a_case("taken", proposed, TakenOver(branch="b", sha="c")),
        a_case("open", proposed),
    ]
    deferred = [Deferred(text="shop/latency: it got 8% slower", at=NOW - timedelta(days=9))]
    found = sections(written(cases, (), deferred, NOW))
    assert {name: len(rows) for name, rows in found.items()} == {
        "Awaiting approval": 1,
        "Rate-limited, or waiting for another change": 1,
        "Errored: a human is needed": 1,
        "Edited or blocked": 2,
        "Open": 1,
        "Deferred": 1,
    }
    assert found["Deferred"] == ["- shop/latency: it got 8% slower (9 days old, since 2026-02-23T05:06:07Z)"]
    assert "@everyone" not in found["Awaiting approval"][0]
    assert found["Awaiting approval"][0].startswith("- [ ] approve it: case `gated`")
    assert written((), (), (), NOW) == ""


def test_a_list_has_an_end() -> None:
    found = sections(written([a_case(f"case{n}") for n in range(MOST + 5)], (), (), NOW))
    ((_, rows),) = found.items()
    assert (len(rows), rows[-1]) == (MOST + 1, "- and 5 more")


def test_a_tick_stands_for_the_case_as_it_was() -> None:
    case = a_case("gated", Gated(reason="observe"))
    text = written([case], (), (), NOW)
    assert ticked(text) == ()
    browser = text.replace("- [ ]", "- [x]").replace("\n", "\r\n")
    assert ticked(browser) == (Ticked(ask=Ask.APPROVE, token=token_of(case, Ask.APPROVE)),)
    assert ticked(browser + browser) == ticked(browser)
    later = advance(case, an_entry(Guided(text="hm")))
    assert token_of(later, Ask.APPROVE) != token_of(case, Ask.APPROVE)
    assert ticked("- [x] delete everything <!-- trackwalker:delete:0123456789ab -->") == ()
