"""The pages, whatever is written in what they tell of: it stays text, and nothing in it is loaded, run or obeyed."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from html.parser import HTMLParser
from typing import Any, TypeVar, cast

import pytest
from markupsafe import Markup

from cases.case import Case, Echo, Hold, Phase
from cases.diagnosis import Hypothesis, Link
from cases.escalation import Asked, Escalation, Urgency
from cases.lifecycle import opened
from cases.pull_request_events import Merged, Proposed
from daemon.ledger.receipts import Promised
from daemon.ledger.spend import Call
from daemon.report import case_document
from daemon.web.asking import inbox
from daemon.web.case_page import Told, case_page
from daemon.web.frame import HEADERS, Reader, login_page, word_page
from daemon.web.leads import lessons_page, oversight_page
from tests.parts.nouns import (
    EXAMPLES,
    NOW,
    SHA,
    a_change,
    a_diagnosis,
    a_judgement,
    a_lesson,
    a_trial,
    an_anomaly,
    an_entry,
    an_event,
    an_opened,
    an_outcome,
)
from tests.parts.settings import some_settings

SECRET = "ghp_" + "a1B2" * 9
EVIL = f"</pre></textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)> {SECRET} \u202e javascript:alert(1)"
_TAGS = (
    "html head meta title style body a header nav main h1 h2 h3 p section div span b strong dl dt dd ul ol li table "
    "caption thead tbody tr th td pre code form label input textarea button figure figcaption img svg path text rect "
    "desc"
)
TAGS = frozenset(_TAGS.split())
Value = TypeVar("Value")


def with_evil(value: Value) -> Value:
    """The same value with EVIL in the place of every text."""
    found: Any = value
    if isinstance(found, Enum | Markup):
        return value
    if isinstance(found, str):
        return cast("Value", EVIL)
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        changed = {
            field.name: with_evil(getattr(found, field.name)) for field in dataclasses.fields(found) if field.init
        }
        return cast("Value", dataclasses.replace(found, **changed))
    if isinstance(found, Mapping):
        return cast(
            "Value", {f"{EVIL}{n}": with_evil(one) for n, one in enumerate(cast("Mapping[Any, Any]", found).values())}
        )
    if isinstance(found, tuple):
        return cast("Value", tuple(with_evil(one) for one in cast("tuple[Any, ...]", found)))
    return value


def a_whole_case() -> Case:
    """A case with something in every field, and every kind of event in its history."""
    link = Link(about=SHA, statement="it", evidence=("E1",), confidence=0.5, origin="model")
    place = Hypothesis(
        statement="it", path="a.py", line=3, function="f", evidence=("E1",), confidence=0.5, origin="model"
    )
    diagnosis = dataclasses.replace(
        a_diagnosis(), alternatives=("that",), blind=("this",), recalled=("x",), hypotheses=(place,), links=(link,)
    )
    merged, proposed = an_event(Merged), an_event(Proposed)
    assert isinstance(merged, Merged)
    assert isinstance(proposed, Proposed)
    return dataclasses.replace(
        opened(an_entry(an_opened())),
        hold=Hold.GATE,
        hold_reason="why",
        gate="deadbeef-1",
        echoes=(Echo(anomaly=an_anomaly("latency"), at=NOW, because="it depends"),),
        guidance=("look",),
        diagnosis=diagnosis,
        changes=(dataclasses.replace(a_change(), beside=("another",), because="E1", cost="$0.01"),),
        trials=(a_trial(),),
        proposals=(proposed,),
        merges=(merged,),
        judgements=(a_judgement(),),
        escalation="nobody knows",
        outcome=an_outcome(),
        lesson=a_lesson(),
        history=tuple(an_entry(event) for event in EXAMPLES),
    )


def an_escalation() -> Escalation:
    return Escalation(
        id="deadbeef-1", case="deadbeef", service="shop", asks=Asked.YES, urgency=Urgency.HOUR, impact=5, reason="why",
        asked=NOW, deadline=NOW + timedelta(hours=1), seen_by="ada",
    )  # fmt: skip


def an_oversight(case: Case) -> dict[str, Any]:
    total = {"calls": 1, "usd": 0.5, "unsettled_usd": 0.0, "input_tokens": 3, "output_tokens": 4}
    by = {f"by_{kind}": [{**total, "of": EVIL}] for kind in ("model", "service", "case")}
    area = {"repository": EVIL, "service": EVIL, "class": EVIL, "risk": EVIL}
    standing = {"area": area, "level": "observe", "earned": "observe", "because": [EVIL], "wanting": EVIL}
    empty = {"mean": None, "rate": None, "n": 0}
    return {
        "at": "2026-03-04T05:06:07Z",
        "open": [case_document(case)],
        "phases": {},
        "escalations": [],
        "authority": {"default": "observe", "file": EVIL, "broken": EVIL, "areas": [standing], "overlaps": []},
        "spend": {"last_24_hours": total, "in_all": {**total, **by}, "budget": {"usd_per_day": 5}},
        "figures": {"cases": 0, "mend": empty, "merged": empty},
        "endings": {EVIL: 1},
        "ended": [case_document(case)],
    }


class Read(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def pages() -> dict[str, Markup]:
    settings = some_settings("observe", services=[{"name": "shop", "repository": "shop", "owners": ["@sre"]}])
    reader = Reader(root="../", actor=EVIL, form=EVIL)
    case, asked = with_evil(a_whole_case()), with_evil(an_escalation())
    promised = Promised(
        key="k", kind="StorePlot", state="done", at=NOW, attempts=1, error="e", adopted=True, facts={"url": "x"}
    )
    call = Call(at=NOW, case="c", purpose="p", model="m", usd=0.1, settled=True, input_tokens=1, output_tokens=1)
    told = Told(
        case=dataclasses.replace(case, service="shop"),
        settings=settings,
        now=NOW,
        asked=[asked],
        promised=[with_evil(promised), dataclasses.replace(with_evil(promised), facts={"url": EVIL})],
        calls=[with_evil(call)],
        picture=True,
        word=EVIL,
    )
    return {
        "case": case_page(told, reader),
        "inbox": inbox([asked], settings, NOW, reader),
        "oversight": oversight_page(an_oversight(case), reader),
        "lessons": lessons_page(EVIL, [(with_evil(a_lesson()), 0.5)], reader),
        "login": login_page(reader, EVIL, EVIL),
        "word": word_page(reader, EVIL, EVIL),
    }


@pytest.mark.parametrize(
    ("name", "least"),
    [("case", 100), ("inbox", 4), ("oversight", 12), ("lessons", 6), ("login", 3), ("word", 3)],
)
def test_whatever_is_written_in_it_stays_text(name: str, least: int) -> None:
    page = str(pages()[name])
    assert page.count("&lt;script&gt;") >= least
    assert SECRET not in page
    found = Read(page).found
    assert {tag for tag, _ in found} <= TAGS
    for tag, attributes in found:
        assert not [key for key in attributes if key.startswith("on") or key == "style"], tag
        for key in {"href", "src", "action"} & attributes.keys():
            assert attributes[key].startswith(("../", "#", "http://", "https://")), attributes
        if tag in {"img", "form"}:
            assert attributes["src" if tag == "img" else "action"].startswith("../")


def test_what_does_not_show_is_shown_by_its_code() -> None:
    page = pages()["case"]
    assert "\u202e" not in page
    assert "(U+202E)" in page


def test_a_browser_loads_and_runs_nothing_and_is_framed_by_nobody() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_case_of_no_service_that_is_known_any_more_is_shown() -> None:
    case = dataclasses.replace(a_whole_case(), service="gone", phase=Phase.CLOSED)
    settings = some_settings(
        "observe",
        repositories=[
            {"name": name, "url": f"http://127.0.0.1:9/acme/{name}.git", "full_name": f"acme/{name}"}
            for name in ("shop", "books")
        ],
    )
    assert "Runbook" not in case_page(Told(case=case, settings=settings, now=NOW), Reader())
