"""What got slowly worse: found at night in a real Prometheus, shown a few a week, told to nobody, and remembered."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.errors import PermanentError
from cases.moments import EPOCH
from daemon.clock import ManualClock, SystemClock
from daemon.improvements import improvements_of
from daemon.keeping.daily import OnceADay
from daemon.ledger.ledger import open_ledger
from daemon.main import trackwalker
from daemon.opportunities import KEPT, LINGERS, Opportunities, Opportunity
from tests.faults.standing import standing
from tests.parts.nouns import NOW
from tests.parts.prometheus import exposition, running_prometheus

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WATCHED = frozenset({"shop/latency", "cart/latency"})


RULES = {"answers": "improvement", "file": "a.yaml", "path": ".a", "bound": 4}
IMPROVING: dict[str, Any] = {
    "repositories": [{"name": "shop", "url": "http://127.0.0.1:9/s.git", "full_name": "acme/shop", "bench": "./bench"}],
    "services": [
        {"name": "shop", "repository": "shop", "tune": [{**RULES, "signal": "latency"}]},
        {"name": "cart", "repository": "shop", "tune": [{**RULES, "signal": "memory"}]},
    ],
}


def never() -> bool:
    return False


@pytest.fixture
def opportunities(tmp_path: Path) -> Iterator[Opportunities]:
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(NOW)) as ledger:
        yield Opportunities(checkpoints=ledger.checkpoints)


def one(route: str, score: float = 0.6, service: str = "shop", at: datetime = NOW) -> Opportunity:
    return Opportunity(
        kind="drift",
        service=service,
        signal="latency",
        labels={"route": route},
        text="went from 2 to 3",
        score=score,
        found=at,
        seen=at,
    )


def night(it: Opportunities, number: int, *found: Opportunity, looked: frozenset[str] = WATCHED) -> list[str]:
    """The routes that came into the briefing in that night."""
    at = NOW + number * DAY
    seen = [replace(each, found=at, seen=at) for each in found]
    return [each.labels["route"] for each in it.take(seen, looked, WATCHED, at, 2)]


def test_two_a_week_and_service_the_greatest_first(opportunities: Opportunities) -> None:
    found = (one("/a", 0.6), one("/b", 0.9), one("/c", 0.7), one("/x", 0.5, service="cart"))
    assert sorted(night(opportunities, 0, *found)) == ["/b", "/c", "/x"]
    for number in range(1, 7):
        assert night(opportunities, number, *found) == []
    assert night(opportunities, 7, *found) == ["/a"]
    assert [each.shown is None for each in opportunities.all()] == [False] * 4


def test_one_that_is_gone_ends_after_some_days_and_is_new_when_it_is_back(opportunities: Opportunities) -> None:
    assert night(opportunities, 0, one("/a")) == ["/a"]
    night(opportunities, 2)
    assert opportunities.all()[0].ended is None
    night(opportunities, 3, looked=frozenset())  # the source was down: nothing is known
    assert opportunities.all()[0].ended is None
    night(opportunities, 4)
    assert opportunities.all()[0].because == "it is not to be seen any more"
    assert night(opportunities, 20, one("/a")) == ["/a"]
    night(opportunities, 20 + LINGERS // DAY)
    night(opportunities, 21 + KEPT // DAY)
    assert opportunities.all() == ()


def test_one_that_was_put_away_stays_away_while_it_is_there(opportunities: Opportunities) -> None:
    night(opportunities, 0, one("/a"))
    (had,) = opportunities.all()
    opportunities.put_away(had.id, "human:ann: it is the year's end", NOW)
    for number in range(1, 120, 7):
        assert night(opportunities, number, one("/a")) == []
    with pytest.raises(PermanentError, match="no open opportunity"):
        opportunities.put_away(had.id, "again", NOW)


def latencies(until: datetime) -> str:
    """Three routes an hour apart for four weeks, busier by day and on weekdays; one gets slower by a third."""
    series: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    begin = until - 29 * DAY
    for place, (route, gain) in enumerate((("/search", 0.33), ("/cart", 0.0), ("/home", -0.2))):
        samples: list[tuple[float, float]] = []
        for hour in range(29 * 24):
            at = begin + hour * HOUR
            busy = 1.0 + 0.2 * (8 <= at.hour < 20) + 0.1 * (at.weekday() < 5)
            noise = 0.02 * ((hour * 7919 + place * 13) % 11 - 5) / 5
            samples.append(((at - EPOCH).total_seconds(), busy * (1.0 + gain * hour / (29 * 24) + noise)))
        series[(("route", route),)] = samples
    return exposition("latency", series) + "\n# EOF\n"


def test_a_slow_regression_is_in_the_briefing_once_and_nobody_is_told(tmp_path: Path) -> None:
    midnight = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    (tmp_path / "prometheus").mkdir()
    watches = [
        {"name": "latency", "service": "shop", "query": "latency", "harm": "up", "severity": "page"},
        {"name": "memory", "service": "cart", "query": 'latency{route="/home"}', "requested": "vector(10)"},
    ]
    with running_prometheus(tmp_path / "prometheus", latencies(midnight), blocks="720h") as prometheus:
        it = standing(tmp_path, ManualClock(midnight), prometheus.url, watch=watches, **IMPROVING)
        with it.alive() as app:
            once = OnceADay(app.ledger.checkpoints, app.ledger.audit, it.clock, by="a")
            jobs = improvements_of(app.ports, app.ledger.cases, app.ledger.checkpoints, app.cycle.poll.watches.listed)
            for hours in (0, 5, 24):  # a job that was never there waits for its hour
                it.clock.advance(hours * HOUR)
                once.look(jobs, never)
            idle, found = sorted(Opportunities(checkpoints=app.ledger.checkpoints).all(), key=lambda each: each.service)
            assert (found.labels["route"], found.kind) == ("/search", "drift")
            assert (idle.service, idle.kind) == ("cart", "waste")
            assert idle.text.endswith("of the 10 that is set aside for it, at any full hour of the last four weeks")
            (case,) = app.ledger.cases.listed()  # one a week, the greatest first
            assert (case.id, found.case, case.improvement) == (idle.case, "", True)
            assert (case.anomaly.signal.query, case.anomaly.value) == ("vector(10)", 10.0)
            assert case.anomaly.labels == {}
            assert it.told() == []
            it.passes(1)  # a look at what is live neither joins nor ends it
            assert app.ledger.cases.load(case.id).recovered is None
            ran = [entry.detail for entry in app.ledger.audit.listed() if entry.action == "job.done"]
            assert [(detail["found"], detail["new"]) for detail in ran] == [("2", "2"), ("2", "0")]

    config = ["--config", str(tmp_path / "trackwalker.yaml")]
    said = _run("briefing", "--json", *config)
    texts = {each["id"]: each["text"] for each in said["opportunities"]}
    assert set(texts) == {found.id, idle.id}
    assert "little by little since" in texts[found.id]
    shown = CliRunner().invoke(trackwalker, ["briefing", *config])
    assert found.id in shown.output
    assert CliRunner().invoke(trackwalker, ["briefing", "dismiss", found.id, *config]).exit_code == 0
    after = _run("briefing", "--json", *config)
    assert [each["id"] for each in after["opportunities"]] == [idle.id]
    assert after["over"][0]["because"].endswith("dismissed at the command line")
    refused = CliRunner().invoke(trackwalker, ["briefing", "dismiss", "none", *config])
    assert isinstance(refused.exception, PermanentError)


def _run(*words: str) -> dict[str, Any]:
    ran = CliRunner().invoke(trackwalker, list(words))
    assert ran.exit_code == 0, ran.output
    document: dict[str, Any] = json.loads(ran.output)
    return document
