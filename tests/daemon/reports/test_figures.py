"""The figures, held against an independent count: plain SQL over the ledger's own rows, and Python's own JSON."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.anomaly import AnomalyKind
from cases.case import Case
from cases.events import (
    Closed,
    Deployed,
    Diagnosed,
    Drafted,
    Entry,
    Event,
    Harmed,
    Judged,
    Opened,
    Proved,
    Recovered,
    Redrafted,
)
from cases.outcome import Ending, Ruling
from cases.pull_request_events import ClosedUnmerged, Merged, Proposed, TakenOver
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from daemon.ledger.purse import Caps, LedgerPurse
from daemon.main import trackwalker
from daemon.reports.briefing import figures_of
from daemon.reports.figures import Mean, Rate, figures, lines_of
from tests.parts.nouns import NOW, a_change, a_judgement, an_anomaly, an_event, an_opened, an_outcome
from tests.parts.settings import a_document
from tests.parts.stores import Place, on_both

END = NOW + timedelta(days=2)
START = NOW - timedelta(days=1)


def tell(
    ledger: Ledger,
    name: str,
    onset: float,
    story: list[tuple[float, Event]],
    at: datetime = NOW,
    *,
    better: bool = False,
) -> Case:
    """Open a case `onset` minutes after its trouble began, and let the rest happen, each so many minutes later."""
    anomaly = replace(an_anomaly(), onset=at - timedelta(minutes=onset))
    anomaly = replace(anomaly, kind=AnomalyKind.WASTE) if better else anomaly
    born = replace(an_opened(), case_id=name, fingerprint=f"print of {name}", anomaly=anomaly)
    ledger.cases.open(Entry(at=at, actor="daemon", event=born), (), at)
    for minutes, event in story:
        entry = Entry(at=at + timedelta(minutes=minutes), actor="daemon", event=event)
        ledger.cases.add(name, entry, (), None)
    return ledger.cases.load(name)


def proposed(number: int = 1, name: str = "a", rolls_back: int | None = None) -> list[tuple[float, Event]]:
    branch = f"trackwalker/{name}-{number}"
    events = [
        Drafted(change=a_change(number=number, rolls_back=rolls_back)), an_event(Proved),
        Proposed(change=number, repository="shop", branch=branch),
    ]  # fmt: skip
    return [(4.0, event) for event in events]


def merged(number: int, at: float) -> list[tuple[float, Event]]:
    merge, deploy = an_event(Merged), an_event(Deployed)
    assert isinstance(merge, Merged)
    assert isinstance(deploy, Deployed)
    runs = replace(deploy.deploy, started=NOW + timedelta(minutes=at))
    return [(at, replace(merge, change=number)), (at, replace(deploy, change=number, deploy=runs))]


def judged(number: int, ruling: Ruling, at: float) -> tuple[float, Event]:
    judgement = replace(a_judgement(ruling), change=number)
    return at, Harmed(judgement=judgement) if ruling is Ruling.HARMFUL else Judged(judgement=judgement)


def closed(ending: Ending, change: int, at: float) -> tuple[float, Event]:
    return at, Closed(outcome=replace(an_outcome(), ending=ending, change=change), lesson=None)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.opened(clock=ManualClock(NOW)) as ledger:
        first = [(3.0, an_event(Diagnosed))]
        tell(ledger, "worked", 5, [
            *first, *proposed(name="worked"), *merged(1, 20), judged(1, Ruling.WORKED, 60),
            closed(Ending.WORKED, 1, 61),
        ])  # fmt: skip
        tell(ledger, "alone", 3, [(30, Recovered(because="it fell")), closed(Ending.RECOVERED, 0, 31)])
        redraft = [(5.0, Redrafted(change=a_change(), because="base moved")), (6.0, an_event(Proved))]
        again: list[tuple[float, Event]] = [(7.0, Proposed(change=1, repository="shop", branch="trackwalker/no-1"))]
        no = ClosedUnmerged(change=1, url="u", by="sre", because="no")
        tell(
            ledger,
            "no",
            1,
            [*first, *proposed(name="no"), *redraft, *again, (9, no), closed(Ending.CLOSED_UNMERGED, 1, 9)],
        )
        for name, ruling in (
            ("justly", Ruling.WORKED),
            ("falsely", Ruling.UNCHANGED),
            ("who knows", Ruling.INCONCLUSIVE),
        ):
            tell(ledger, name, 2, [
                *first, *proposed(name=name), *merged(1, 10), judged(1, Ruling.HARMFUL, 20),
                *proposed(2, name, rolls_back=1), *merged(2, 40), judged(2, ruling, 60),
                closed(Ending.ROLLED_BACK, 2, 61),
            ])  # fmt: skip
        tell(
            ledger, "waits", 9, [*first, *proposed(name="waits"), (5, TakenOver(branch="trackwalker/waits-1", sha="x"))]
        )
        tell(ledger, "better", 9999, [*first], better=True)
        tell(ledger, "old", 1, [*first], at=NOW - timedelta(days=9))
        purse = LedgerPurse(ledger.database, ManualClock(NOW), Caps(day=99, case=99, call=99, classes={}))
        purse.settle(purse.reserve("worked", "diagnose", "m", 2.0), 0.5, 10, 1)
        purse.reserve("no", "draft", "m", 0.25)
        yield ledger


def raw(file: Path, start: datetime = START, end: datetime = END) -> dict[str, Any]:
    """The same figures by SQL alone, from the rows that the ledger keeps."""
    base = sqlite3.connect(file)
    rows = base.execute("select case_id, seq, at, kind, payload from history order by case_id, seq").fetchall()
    counted = {
        r[0]: json.loads(r[4]) for r in rows if r[3] == "Opened" and start <= _time(r[2]) < end
    }  # fmt: skip
    events = [(r[0], r[1], _time(r[2]), r[3], json.loads(r[4])) for r in rows if r[0] in counted]
    onset = {name: _time(said["anomaly"]["onset"]) for name, said in counted.items()}
    born = {name: at for name, _, at, kind, _ in events if kind == "Opened"}
    endings = {name: said["outcome"] for name, _, _, kind, said in events if kind == "Closed"}
    ran = {
        (name, said["change"]): _time(said["deploy"]["started"])
        for name, _, _, kind, said in events
        if kind == "Deployed"
    }
    back = {name: at for name, _, at, kind, _ in events if kind == "Recovered"}
    first: dict[tuple[str, int], int] = {}
    for name, seq, _, kind, said in events:
        if kind == "Proposed":
            first.setdefault((name, said["change"]), seq)
    was_merged = {(name, said["change"]) for name, _, _, kind, said in events if kind == "Merged"}
    was_closed = {(name, said["change"]) for name, _, _, kind, said in events if kind == "ClosedUnmerged"}
    revised = {
        key for key, place in first.items() for name, seq, _, kind, said in events
        if name == key[0] and seq > place
        and ((kind == "Redrafted" and said["change"]["number"] == key[1])
             or (kind == "TakenOver" and said["branch"] == f"trackwalker/{name}-{key[1]}"))
    }  # fmt: skip
    undoing = {
        (name, said["change"]["number"]) for name, _, _, kind, said in events
        if kind == "Drafted" and said["change"]["rolls_back"] is not None
    }  # fmt: skip
    rulings = [
        said["judgement"]["ruling"] for name, _, _, kind, said in events
        if kind == "Judged" and (name, said["judgement"]["change"]) in undoing
    ]  # fmt: skip
    usd = dict(base.execute("select case_id, sum(coalesce(usd, reserved)) from spend group by case_id"))
    base.close()
    trouble = [name for name, said in counted.items() if said["anomaly"]["kind"] != "waste"]
    detect = [(born[name] - onset[name]).total_seconds() for name in trouble]
    mend = [
        (ran[name, how["change"]] - onset[name]).total_seconds() for name, how in endings.items()
        if how["ending"] == "worked" and (name, how["change"]) in ran
    ]  # fmt: skip
    recover = [
        (back[name] - onset[name]).total_seconds() for name, how in endings.items()
        if how["ending"] == "recovered by itself"
    ]  # fmt: skip
    ended = was_merged | was_closed
    decided = [ruling for ruling in rulings if ruling != "inconclusive"]
    return {
        "cases": len(counted),
        "detect": _mean(detect),
        "mend": _mean(mend),
        "recover": _mean(recover),
        "merged": _rate(len(was_merged), len(ended)),
        "revised": _rate(len(revised), len(first)),
        "cost": _mean([usd.get(name, 0.0) for name in counted]),
        "false_rollbacks": _rate(sum(ruling != "worked" for ruling in decided), len(decided)),
        "undecided": len(rulings) - len(decided),
    }


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=NOW.tzinfo)


def _mean(values: list[float]) -> dict[str, Any]:
    return {"mean": sum(values) / len(values) if values else None, "n": len(values)}


def _rate(part: int, n: int) -> dict[str, Any]:
    return {"rate": part / n if n else None, "part": part, "n": n}


def test_the_report_equals_what_plain_sql_counts(ledger: Ledger, tmp_path: Path) -> None:
    found = figures_of(ledger, START, END).document
    assert (found.pop("since"), found.pop("until")) == ("2026-03-03T05:06:07Z", "2026-03-06T05:06:07Z")
    wanted = raw(tmp_path / "ledger.db")
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        assert value == (pytest.approx(wanted[name]) if isinstance(value, dict) else wanted[name]), name


@on_both
def test_the_figures_are_what_the_story_says(ledger: Ledger) -> None:
    found = figures_of(ledger, START, END)
    assert (found.cases, found.detect.n) == (8, 7)
    assert found.mend == Mean(mean=25 * 60.0, n=1), "5 minutes before the case, 20 after it"
    assert found.recover == Mean(mean=33 * 60.0, n=1)
    assert found.merged == Rate(rate=7 / 8, part=7, n=8)
    assert (found.revised.part, found.revised.n) == (2, 9)
    assert (found.false_rollbacks, found.undecided) == (Rate(rate=0.5, part=1, n=2), 1)
    assert found.cost.mean == pytest.approx(0.75 / 8)
    assert "false rollbacks: 50% (1 of 2 rollbacks that were decided), and 1 undecided" in lines_of(found)


def test_a_mean_of_nothing_is_none() -> None:
    found = figures([], {}, START, END)
    assert (found.detect.mean, found.merged.rate, found.cases) == (None, None, 0)
    assert "merged: none of no proposals that ended" in lines_of(found)


def test_the_command_prints_the_same(ledger: Ledger, tmp_path: Path) -> None:
    config = tmp_path / "trackwalker.yaml"
    config.write_text(json.dumps(a_document(store=f"sqlite:///{tmp_path}/ledger.db")))

    def run(*words: str) -> Any:  # noqa: ANN401 - click's own
        return CliRunner().invoke(trackwalker, ["report", *words, "--config", str(config)])

    said = json.loads(run("--since", "3660d", "--json").stdout)
    assert (said["cases"], said["false_rollbacks"]["rate"]) == (9, 0.5)
    assert "cost a case: $0.0833 (mean of 9)" in run("--since", "3660d").output
    assert run("--since", "yesterday").exit_code == 2
    assert isinstance(ledger.cases.load("old").history[0].event, Opened)
