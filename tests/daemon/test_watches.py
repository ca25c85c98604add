"""The watch list: families and imports as they come and go, and one read for all that share a query."""

import threading
import urllib.request
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH
from cases.telemetry import Direction, SeriesBlock, Severity, Signal
from config.settings import Settings
from daemon.clock import ManualClock, SystemClock
from daemon.watches import Watch, WatchList
from signals.grid import grid
from signals.prometheus import PrometheusSource
from signals.shared import SharedSource, shared
from tests.parts.fleet import SERVICES, fleet, rules
from tests.parts.settings import some_settings

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FAMILY = {"name": "errors", "by": "service", "query": "error_ratio", "harm": "up", "severity": "page"}


@dataclass
class Telemetry:
    """A source whose series have samples until a moment: query → labels, and until when."""

    series: dict[str, list[tuple[Mapping[str, str], datetime]]] = field(
        default_factory=dict[str, list[tuple[Mapping[str, str], datetime]]]
    )
    rules: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    down: str = ""
    refused: str = ""
    reads: list[Signal] = field(default_factory=list[Signal])

    @property
    def name(self) -> str:
        return "main"

    def probe(self) -> str:
        return "telemetry of a test"

    def api(self, path: str, what: str, params: Mapping[str, str] | None = None) -> object:
        del what, params
        assert path == "rules"
        if self.down:
            raise SourceDown(self.name, self.down)
        return {"groups": [{"name": "shop", "rules": self.rules}]}

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        self.reads.append(signal)
        if self.down:
            raise SourceDown(self.name, self.down)
        if signal.query == self.refused:
            raise PermanentError(f"{self.name}: refuses {signal.query}")
        times = grid(start, end, step)
        rows = self.series.get(signal.query, [])
        values = np.ones((len(rows), len(times)))
        for row, (_, until) in enumerate(rows):
            values[row, times > (until - EPOCH) / timedelta(milliseconds=1)] = np.nan
        labels = tuple(labels for labels, _ in rows)
        return SeriesBlock(signal=signal, labels=labels, times=times, values=values, missing=np.isnan(values))


def rule(name: str, query: str, **labels: str) -> dict[str, Any]:
    annotations = {"runbook_url": f"https://wiki.example/{name}"}
    return {
        "type": "alerting", "name": name, "query": query, "duration": 300, "labels": labels, "annotations": annotations,
    }  # fmt: skip


def family(**more: Any) -> Settings:  # noqa: ANN401 - keys of a watch
    return some_settings(watch=[{**FAMILY, **more}])


def imported(**more: Any) -> Settings:  # noqa: ANN401 - the same
    return some_settings(watch=[{"import": "prometheus_rules", **more}])


def alive(*services: str, until: datetime = NOW) -> list[tuple[Mapping[str, str], datetime]]:
    return [({"service": service}, until) for service in services]


def keys(watches: tuple[Watch, ...]) -> list[str]:
    return [watch.signal.key for watch in watches]


def test_a_family_is_one_watch_a_service() -> None:
    telemetry = Telemetry(series={"error_ratio": alive("cart", "mail")})
    watches = WatchList(family(), {"main": telemetry}, ManualClock(NOW)).current()
    assert keys(watches) == ["cart/errors", "mail/errors"]
    cart = watches[0].signal
    assert (cart.query, cart.pick, cart.harm) == ("error_ratio", {"service": "cart"}, Direction.UP)
    assert cart.severity is Severity.PAGE


def test_a_new_service_comes_and_one_that_died_stays_for_an_hour() -> None:
    telemetry, clock = Telemetry(series={"error_ratio": alive("cart", "mail")}), ManualClock(NOW)
    watches = WatchList(family(), {"main": telemetry}, clock)
    assert keys(watches.current()) == ["cart/errors", "mail/errors"]
    telemetry.series["error_ratio"] = alive("tax", until=NOW + timedelta(days=1))  # a Prometheus that forgot the rest
    clock.advance(timedelta(minutes=4))
    assert keys(watches.current()) == ["cart/errors", "mail/errors"]  # it is not asked at every poll
    clock.advance(timedelta(minutes=2))
    assert keys(watches.current()) == ["cart/errors", "mail/errors", "tax/errors"]
    clock.advance(timedelta(minutes=50))
    assert keys(watches.current()) == ["cart/errors", "mail/errors", "tax/errors"]
    clock.advance(timedelta(minutes=6))
    assert keys(watches.current()) == ["tax/errors"]


def test_a_service_that_died_before_a_restart_is_still_watched() -> None:
    telemetry = Telemetry(series={"error_ratio": alive("cart", until=NOW - timedelta(minutes=50))})
    assert keys(WatchList(family(), {"main": telemetry}, ManualClock(NOW)).current()) == ["cart/errors"]


def test_a_source_that_is_down_keeps_the_last_list_and_is_said(caplog: pytest.LogCaptureFixture) -> None:
    telemetry, clock = Telemetry(series={"error_ratio": alive("cart")}), ManualClock(NOW)
    watches = WatchList(family(), {"main": telemetry}, clock)
    watches.current()
    telemetry.down = "connection refused"
    for _ in range(10):
        clock.advance(timedelta(minutes=6))
        assert keys(watches.current()) == ["cart/errors"]
    assert watches.blind() == {"watch[0] (errors by service)": "main: connection refused"}
    assert caplog.text.count("cannot be listed now") == 1
    telemetry.down = ""
    telemetry.series["error_ratio"] = alive("cart", until=clock.now())
    clock.advance(timedelta(minutes=1))
    assert keys(watches.current()) == ["cart/errors"]
    assert watches.blind() == {}


def test_more_services_than_most_are_refused_aloud(caplog: pytest.LogCaptureFixture) -> None:
    names = [f"pod-{place:03}" for place in range(30)]
    watches = WatchList(family(most=10), {"main": Telemetry(series={"error_ratio": alive(*names)})}, ManualClock(NOW))
    assert keys(watches.current()) == [f"{name}/errors" for name in names[:10]]
    (said,) = watches.unmatched()
    assert "service has 30 values and `most` is 10" in said.because
    assert "30 values" in caplog.text


def test_series_that_name_no_service_are_counted() -> None:
    odd: list[tuple[Mapping[str, str], datetime]] = [
        ({}, NOW),
        ({"service": "a\nb"}, NOW),
        ({"service": "x" * 200}, NOW),
    ]
    telemetry = Telemetry(series={"error_ratio": alive("cart") + odd})
    watches = WatchList(family(), {"main": telemetry}, ManualClock(NOW))
    assert keys(watches.current()) == ["cart/errors"]
    assert "3 of its series have no label service" in watches.unmatched()[0].because


def test_a_watch_that_the_file_names_comes_before_one_that_is_found() -> None:
    mine = {"name": "errors", "service": "cart", "query": "mine"}
    settings = some_settings(watch=[{**FAMILY}, mine], services=[{"name": "cart", "repository": "shop"}])
    watches = WatchList(settings, {"main": Telemetry(series={"error_ratio": alive("cart", "mail")})}, ManualClock(NOW))
    assert [(w.signal.key, w.signal.query) for w in watches.current()] == [
        ("cart/errors", "mine"),
        ("mail/errors", "error_ratio"),
    ]
    assert [one.what for one in watches.unmatched()] == ["cart/errors"]


def test_rules_become_watches_of_their_services() -> None:
    telemetry = Telemetry(
        series={"lag": [({"app": "mail"}, NOW), ({"app": "tax"}, NOW)]},
        rules=[
            rule("Slow", "latency > 2", service="cart", severity="critical"),
            rule("Lag", "lag > 9", severity="warning"),
            rule("Fixed", 'sum(rate(x{job="pay"}[5m])) >= 1'),
            rule("Odd", "lag == 3", service="cart"),
            rule("Mine", "lag > 1", severity="none"),
            rule("Nobody", "unknown > 1"),
        ],
    )  # fmt: skip
    watches = WatchList(imported(match={"severity": "|critical|warning"}), {"main": telemetry}, ManualClock(NOW))
    found = {watch.signal.key: watch for watch in watches.current()}
    assert list(found) == ["cart/Slow", "mail/Lag", "tax/Lag", "pay/Fixed", "cart/Odd"]
    slow = found["cart/Slow"]
    assert (slow.signal.query, slow.signal.threshold, slow.signal.harm) == ("latency", 2, "up")
    assert (slow.signal.severity, slow.signal.rule, slow.signal.pick) == (Severity.PAGE, "Slow", {})
    assert (slow.confirm, slow.runbook) == (5, "https://wiki.example/Slow")  # `for: 5m` at a point a minute
    assert found["tax/Lag"].signal.pick == {"app": "tax"}
    assert found["pay/Fixed"].signal.threshold == np.nextafter(1, 0)
    assert "ALERTS" in found["cart/Odd"].signal.query
    assert found["cart/Odd"].because
    (nobody,) = watches.unmatched()
    assert nobody.what == "rule Nobody (group shop)"
    assert "no series for an hour" in nobody.because


def test_rules_without_a_service_get_the_one_of_the_import() -> None:
    telemetry = Telemetry(rules=[rule("Nobody", "unknown > 1")])
    watches = WatchList(imported(service="platform"), {"main": telemetry}, ManualClock(NOW))
    assert keys(watches.current()) == ["platform/Nobody"]
    assert watches.unmatched() == ()


def test_one_rule_that_cannot_be_evaluated_hides_no_other() -> None:
    telemetry = Telemetry(
        series={"lag": [({"app": "mail"}, NOW)]},
        rules=[rule("Broken", "a / b > 1"), rule("Lag", "lag > 9")],
        refused="a / b",
    )
    for settings in (imported(), imported(service="platform")):
        watches = WatchList(settings, {"main": telemetry}, ManualClock(NOW))
        assert keys(watches.current()) == ["mail/Lag"]
        assert [one.because for one in watches.unmatched()] == ["main: refuses a / b"]


def test_a_rule_for_a_thousand_services_is_refused_aloud() -> None:
    pods = [({"app": f"pod-{place:04}"}, NOW) for place in range(1000)]
    telemetry = Telemetry(series={"lag": list(pods)}, rules=[rule("Lag", "lag > 9")])
    watches = WatchList(imported(), {"main": telemetry}, ManualClock(NOW))
    assert len(watches.current()) == 200
    assert "name 1000 services; the first 200" in watches.unmatched()[0].because


def test_a_rule_that_was_taken_away_is_watched_no_more() -> None:
    telemetry, clock = Telemetry(rules=[rule("Slow", "latency > 2", service="cart")]), ManualClock(NOW)
    watches = WatchList(imported(every="1m"), {"main": telemetry}, clock)
    assert keys(watches.current()) == ["cart/Slow"]
    telemetry.rules = []
    clock.advance(timedelta(seconds=61))
    assert watches.current() == ()


def some_signal(service: str) -> Signal:
    return Signal(name="errors", service=service, source="main", query="error_ratio", pick={"service": service})


def test_each_service_gets_its_own_series_of_one_read() -> None:
    telemetry = Telemetry(series={"error_ratio": alive("cart", "mail")})
    source = SharedSource(telemetry, ManualClock(NOW))
    blocks = [
        source.read(some_signal(s), NOW - timedelta(hours=1), NOW, timedelta(minutes=1))
        for s in ("cart", "mail", "tax")
    ]
    assert len(telemetry.reads) == 1
    assert [block.labels for block in blocks] == [({"service": "cart"},), ({"service": "mail"},), ()]
    assert [block.signal.service for block in blocks] == ["cart", "mail", "tax"]
    assert blocks[0].values.shape == (1, 61)
    assert blocks[2].values.shape == (0, 61)


def test_the_next_poll_reads_anew_and_a_signal_of_its_own_always_does() -> None:
    telemetry, clock = Telemetry(series={"error_ratio": alive("cart")}), ManualClock(NOW)
    source = shared({"main": telemetry}, clock, timedelta(seconds=10))["main"]
    for _ in range(3):
        for service in ("cart", "mail"):
            source.read(some_signal(service), NOW, NOW, timedelta(minutes=1))
        clock.advance(timedelta(seconds=10))
    assert len(telemetry.reads) == 3
    alone = replace(some_signal("cart"), pick={})
    for _ in range(2):
        source.read(alone, NOW, NOW, timedelta(minutes=1))
    assert len(telemetry.reads) == 5


def test_a_source_that_is_down_is_tried_once_a_poll() -> None:
    telemetry = Telemetry(down="connection refused")
    source = SharedSource(telemetry, ManualClock(NOW))
    for service in ("cart", "mail", "tax"):
        with pytest.raises(SourceDown, match="main: connection refused"):
            source.read(some_signal(service), NOW, NOW, timedelta(minutes=1))
    assert len(telemetry.reads) == 1


def test_threads_that_ask_at_once_wait_for_one_read() -> None:
    telemetry = Telemetry(series={"error_ratio": alive("cart")})
    source, start = SharedSource(telemetry, ManualClock(NOW)), threading.Barrier(8)

    def ask() -> None:
        start.wait(10)
        assert len(source.read(some_signal("cart"), NOW, NOW, timedelta(minutes=1)).labels) == 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(telemetry.reads) == 1


def test_answers_are_kept_within_bounds() -> None:
    telemetry = Telemetry(series={"error_ratio": alive("cart")})
    source = SharedSource(telemetry, ManualClock(NOW), most_bytes=10_000)
    for minutes in range(50):
        source.read(some_signal("cart"), NOW - timedelta(hours=2, minutes=minutes), NOW, timedelta(minutes=1))
    assert 0 < source.kept < 20_000


@pytest.fixture(scope="module")
def telemetry_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    now = int(SystemClock().now().timestamp()) - 30
    with fleet(tmp_path_factory.mktemp("fleet"), now, rules()) as served:
        yield served.prometheus.url


def range_requests(url: str) -> int:
    """How many range queries the Prometheus itself has counted."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310 - our own address
        lines = answer.read().decode().splitlines()
    wanted = [line for line in lines if line.startswith("prometheus_http_requests_total") and "query_range" in line]
    return round(sum(float(line.rpartition(" ")[2]) for line in wanted))


def test_forty_services_by_one_query_are_one_request_a_poll(telemetry_url: str) -> None:
    settings = family(query="error_ratio")
    clock = SystemClock()
    real = PrometheusSource("main", url=telemetry_url)
    source = shared({"main": real}, clock, timedelta(seconds=30))
    watches = WatchList(settings, source, clock).current()
    assert [watch.signal.service for watch in watches] == sorted(SERVICES)
    before, end = range_requests(telemetry_url), clock.now()
    blocks = [source["main"].read(w.signal, end - timedelta(minutes=30), end, timedelta(minutes=1)) for w in watches]
    assert range_requests(telemetry_url) - before == 1
    assert all(len(block.labels) == 1 and not block.missing.all() for block in blocks)
    real.close()


def test_every_rule_of_a_real_prometheus_is_watched_or_listed(telemetry_url: str) -> None:
    real = PrometheusSource("main", url=telemetry_url)
    watches = WatchList(imported(), {"main": real}, SystemClock())
    found = watches.current()
    assert len(found) == 40 + 40 + 40 + 10 + 6
    assert {watch.signal.service for watch in found} == set(SERVICES)
    assert {watch.signal.rule for watch in found if watch.because} == {f"Odd-{service}" for service in SERVICES[:6]}
    assert [one.what.split()[1] for one in watches.unmatched()] == ["NobodyKnows", "Watchdog"]
    real.close()


def test_a_source_that_is_no_prometheus_is_blind() -> None:
    watches = WatchList(imported(), {"main": SharedSource(NoApi(), ManualClock(NOW))}, ManualClock(NOW))
    assert watches.current() == ()
    assert "is no Prometheus" in next(iter(watches.blind().values()))


class NoApi:
    """A source of readings that has no rules."""

    @property
    def name(self) -> str:
        return "main"

    def probe(self) -> str:
        return "readings only"

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        raise AssertionError((signal, start, end, step))
