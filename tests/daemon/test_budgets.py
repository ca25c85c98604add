"""A real Prometheus whose service spends its error budget: a case opens, urgent or not, and ends when it is back."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.moments import EPOCH
from cases.telemetry import Severity
from daemon.clock import ManualClock, SystemClock
from tests.faults.standing import standing
from tests.parts.prometheus import exposition, running_prometheus

MINUTE = timedelta(minutes=1)
WATCH = {
    "name": "availability",
    "service": "shop",
    "slo": {
        "good": 'sum(rate(requests_total{code!="500"}[5m]))',
        "total": "sum(rate(requests_total[5m]))",
        "objective": 99.9,
    },
}


def counted(begin: datetime, end: datetime, *incidents: tuple[datetime, datetime, float]) -> str:
    """Counters of ten requests a second, of which a share fails from one moment to another."""
    minutes = round((end - begin) / MINUTE)
    good, bad = 0.0, 0.0
    lines: dict[str, list[tuple[float, float]]] = {"200": [], "500": []}
    for minute in range(minutes):
        at = begin + minute * MINUTE
        failed = max((share for since, until, share in incidents if since < at <= until), default=0.0)
        good, bad = good + 600 * (1 - failed), bad + 600 * failed
        lines["200"].append(((at - EPOCH).total_seconds(), good))
        lines["500"].append(((at - EPOCH).total_seconds(), bad))
    series = {(("code", code),): samples for code, samples in lines.items()}
    return exposition("requests_total", series).replace("_total gauge", "_total unknown") + "\n# EOF\n"


def test_each_outage_opens_an_urgent_case_that_ends_when_it_is_back(tmp_path: Path) -> None:
    now = SystemClock().now().replace(second=0, microsecond=0)
    since, until = now + 2 * MINUTE, now + 14 * MINUTE
    again_at = now + 47 * MINUTE
    history = counted(
        now - timedelta(days=3), now + 60 * MINUTE, (since, until, 0.5), (again_at, now + 60 * MINUTE, 0.9)
    )
    (tmp_path / "prometheus").mkdir()
    with running_prometheus(tmp_path / "prometheus", history) as prometheus:
        it = standing(tmp_path, ManualClock(now), prometheus.url, watch=[WATCH])
        with it.alive() as app:
            it.passes(2)
            assert not app.ledger.cases.active()
            it.passes(4)
            (case,) = app.ledger.cases.active()
            assert (case.anomaly.detector, case.anomaly.signal.severity) == ("burn rate", Severity.PAGE)
            assert case.anomaly.expected == pytest.approx(0.001)
            assert abs(case.anomaly.onset - since) <= 2 * MINUTE
            it.clock.advance(16 * MINUTE)
            it.passes(3)
            assert not app.ledger.cases.active()  # it recovered, and what the long windows remember is no news
            it.clock.advance(20 * MINUTE)
            it.passes(1)
            assert not app.ledger.cases.active()
            it.passes(4)
            (again,) = app.ledger.cases.active()
            assert again.id != case.id


def test_a_budget_that_burns_slowly_opens_a_ticket_and_pages_when_it_burns_fast(tmp_path: Path) -> None:
    now = SystemClock().now().replace(second=0, microsecond=0)
    since = now - timedelta(hours=30)
    later = now + 10 * MINUTE
    history = counted(now - timedelta(days=3), later, (since, later, 0.004), (now + 2 * MINUTE, later, 0.5))
    (tmp_path / "prometheus").mkdir()
    with running_prometheus(tmp_path / "prometheus", history) as prometheus:
        it = standing(tmp_path, ManualClock(now), prometheus.url, watch=[WATCH])
        with it.alive() as app:
            it.passes(1)
            (case,) = app.ledger.cases.active()
            assert (case.anomaly.detector, case.anomaly.signal.severity) == ("burn rate", Severity.TICKET)
            assert abs(case.anomaly.onset - since) <= 10 * MINUTE
            assert [notice["severity"] for notice in it.told()] == ["ticket"]
            it.passes(5)
            (same,) = app.ledger.cases.active()
            assert same.id == case.id
            assert [notice["severity"] for notice in it.told()].count("page") == 1
