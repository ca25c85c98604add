"""Whose requests are counted as a case opens: the watch's own query, an objective's, or the service's counter."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from cases.moments import milliseconds
from cases.reach import Reach
from cases.telemetry import Signal
from daemon.traffic import Counting
from remediation.evidence import Pack
from remediation.reach import add_reach, reach_headline
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedSource, Recording
from tests.parts.nouns import NOW, SHA, an_anomaly
from tests.parts.opinions import a_case
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

ROUTES = ({"route": "/checkout"}, {"route": "/home"})
ERRORS = {"name": "errors", "service": "shop", "query": "errors", "harm": "up"}
REQUESTS = {"name": "requests", "service": "shop", "query": "requests", "traffic": True}
SLO = {"good": "good", "total": "requests", "objective": 99.9}
MINUTE = timedelta(minutes=1)


def recorded(*rates: float) -> Recording:
    times = np.arange(milliseconds(NOW) - 3_600_000, milliseconds(NOW) + 1, 60_000, dtype=np.int64)
    return Recording(times=times, values=np.outer(rates, np.ones(len(times))), labels=ROUTES)


def reach(*watch: dict[str, Any], down: str = "") -> Reach:
    source = RecordedSource(
        name="main",
        recordings={"errors": recorded(0.3, 0.0), "requests": recorded(30.0, 70.0)},
        look_back=2 * MINUTE,
    )
    with some_ports(settings=some_settings(watch=list(watch)), sandbox=ScriptedSandbox({}), head=SHA) as ports:
        ready = replace(ports, signals={"main": source})
        signals: dict[str, Signal] = {signal.name: signal for signal in ready.watched()}
        blocks = {s.key: ready.read(s, NOW - 30 * MINUTE, NOW, MINUTE) for s in signals.values()}
        if down:
            source.down(down)
        anomaly = replace(an_anomaly(), signal=signals["errors"], labels=ROUTES[0])
        return Counting(ready).reach(anomaly, [anomaly], blocks, NOW)


@pytest.mark.parametrize(
    "watch",
    [
        [ERRORS, REQUESTS],
        [{**ERRORS, "traffic": "requests"}],
        [{**ERRORS, "traffic": "requests"}, {**REQUESTS, "query": "nothing"}],
    ],
    ids=["the service's counter", "the watch's own query", "the watch's own before the service's"],
)
def test_the_share_is_known_where_a_watch_says_what_counts(watch: list[dict[str, Any]]) -> None:
    found = reach(*watch)
    assert (found.series, found.whole) == (1, 2)
    assert found.share == pytest.approx(0.3)
    assert found.requests == pytest.approx(30.0)


def test_an_objective_counts_its_own_total() -> None:
    (signal,) = some_settings(watch=[{"name": "errors", "service": "shop", "slo": SLO}]).watched()
    assert signal.traffic == "requests"
    assert not signal.counts


def test_with_nothing_declared_it_is_not_known() -> None:
    found = reach(ERRORS, {**REQUESTS, "traffic": False})
    assert found.share is None
    assert not found.declared


def test_a_source_that_is_down_is_said_and_opens_the_case_all_the_same() -> None:
    found = reach({**ERRORS, "traffic": "requests"}, down="closed for repairs")
    assert found.share is None
    assert found.unknown == "the requests could not be read (main: closed for repairs)"


def test_it_is_evidence_before_anything_is_drafted() -> None:
    settings = some_settings(services=[{"name": "shop", "repository": "shop", "owners": ["@sre"]}])
    callers = some_settings(services=[{"name": "web", "repository": "shop", "depends": ["shop"]}]).services
    shop = settings.service("shop")
    known, unknown = Pack(), Pack()
    add_reach(known, replace(a_case(), reach=reach(ERRORS, REQUESTS)), shop, (shop, *callers), NOW)
    add_reach(unknown, a_case(), shop, (shop,), NOW)
    share = next(fact for fact in known.facts if "requests of" in fact.fact)
    assert share.numbers == {"traffic_share_percent": 30.0, "requests_per_second": pytest.approx(30.0)}
    assert reach_headline(known.facts) == f"30% of the requests of shop ({share.id})"
    assert known.facts[-1].fact == "impact: 1 services depend on it: web; owned by @\N{WORD JOINER}sre"
    assert reach_headline(unknown.facts) == "traffic share not known"
    assert reach_headline(()) == ""
