"""Telemetry that stops, stalls, floods or asks to be left alone: unseen is never healthy, and nothing is made of it."""

import gzip
import json
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from cases.errors import TrackwalkerError
from cases.moments import EPOCH
from config.sources import PrometheusSettings
from daemon.alerts.slack import SlackNotifier
from daemon.clock import ManualClock, SystemClock
from daemon.tail import nanoseconds
from demo.loki.standin import Fault, LokiStandIn
from signals.alertmanager import Alertmanager
from tests.daemon.alerts.receivers import a_webhook
from tests.faults.memory import little_memory
from tests.faults.standing import NOBODY, standing
from tests.parts.loki import put
from tests.parts.misbehaving import floods, misbehaving, stalls
from tests.parts.prometheus import RunningPrometheus, exposition, running_prometheus
from tests.parts.web import says

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def a_minute() -> datetime:
    """The present minute's beginning."""
    return SystemClock().now().replace(second=0, microsecond=0)


def steady(begin: datetime, end: datetime) -> list[tuple[float, float]]:
    """A reading a minute around 0.01."""
    minutes = round((end - begin) / MINUTE)
    noise = np.random.default_rng(7).normal(0, 0.0005, minutes)
    first = (begin - EPOCH).total_seconds()
    return [(first + 60 * minute, float(0.01 + noise[minute])) for minute in range(minutes)]


def started_again(running: RunningPrometheus) -> "subprocess.Popen[bytes]":
    """The same Prometheus at the same address, once it answers."""
    process = subprocess.Popen(running.process.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(f"{running.url}/-/ready", timeout=1):  # noqa: S310 - our own address
                return process
        except (URLError, ConnectionError):
            threading.Event().wait(0.05)
    raise AssertionError("Prometheus did not come back")


def test_a_prometheus_that_stops_is_blind_and_its_gap_is_no_anomaly(tmp_path: Path) -> None:
    now = a_minute()
    down, back = now + 3 * MINUTE, now + 33 * MINUTE  # what it did not scrape is not there
    samples = [*steady(now - 240 * MINUTE, down), *steady(back, back + 40 * MINUTE)]
    history = exposition("errors", {(("service", "shop"),): samples}) + "\n# EOF\n"
    watch = [{"name": "errors", "service": "shop", "query": "errors"}]  # both sides: a zero would be out of range
    (tmp_path / "prometheus").mkdir()
    with running_prometheus(tmp_path / "prometheus", history) as prometheus:
        it = standing(tmp_path, ManualClock(now), prometheus.url, watch=watch)
        with it.alive() as app:
            it.passes(3)
            status, ready = it.get("/readyz")
            assert (status, ready["ready"], ready["blind"]) == (200, True, {})
            assert it.counted("trackwalker_polls_total", {"sight": "fresh"}) > 0

            prometheus.stop()
            it.passes(30)
            status, said = it.get("/readyz")
            assert (status, said["ready"], list(said["blind"])) == (503, False, ["shop/errors"])
            assert "refuses connections" in said["blind"]["shop/errors"]
            assert it.get("/healthz") == (200, {"ok": True}), "the daemon itself is well"
            assert it.counted("trackwalker_blind_signals") == 1
            assert it.subjects() == ["shop/errors is blind"], "told once, at once, and to a receiver"
            assert it.told()[0]["severity"] == "ticket"

            again = started_again(prometheus)
            try:
                it.passes(20)
                assert it.get("/readyz")[0] == 200
                assert it.subjects() == ["shop/errors is blind", "shop/errors is seen again"]
                assert app.ledger.cases.listed() == ()
                assert it.counted("trackwalker_polls_total", {"sight": "fresh"}) > 20
            finally:
                again.terminate()
                again.wait(20)


def test_the_bounds_are_those_that_are_promised() -> None:
    defaults = PrometheusSettings.model_fields
    assert (defaults["timeout"].default, defaults["max_response_mib"].default) == (timedelta(seconds=5), 8)


def a_bomb() -> bytes:
    """200 MB in 200 kB."""
    return gzip.compress(b" " * 2**20, compresslevel=1) * 200


def of_many_objects() -> bytes:
    """Nearly 8 MiB that would be 170 MB of empty objects."""
    return b'{"status":"success","data":{"resultType":"matrix","result":[' + b"{}," * 2_700_000 + b"{}]}}"


@pytest.mark.parametrize(
    ("how", "because"),
    [
        ("answers 503", "answered 503"),
        ("stalls", "did not answer in full within 0.3 s"),
        ("floods", "more than 8 MiB"),
        ("bombs", "more than 8 MiB"),
        ("nests", "something that is not its API's JSON"),
    ],
)
def test_a_prometheus_that_misbehaves_is_blind_and_costs_little(tmp_path: Path, how: str, because: str) -> None:
    with misbehaving() as server:
        server.behave = {
            "answers 503": says(503, "the store is not ready", "text/plain"),
            "stalls": stalls(server),
            "floods": floods,
            "bombs": says(200, a_bomb(), Content_Encoding="gzip"),
            "nests": says(200, of_many_objects()),
        }[how]
        signals = {"prometheus": [{"name": "main", "url": server.url, "timeout": "300ms" if how == "stalls" else "5s"}]}
        it = standing(tmp_path, ManualClock(a_minute()), server.url, signals=signals)
        with it.alive() as app:
            with little_memory():
                it.passes(1)
            status, said = it.get("/readyz")
            assert (status, list(said["blind"])) == (503, ["shop/errors"])
            assert because in said["blind"]["shop/errors"]
            assert it.subjects() == ["shop/errors is blind"]
            assert app.ledger.cases.listed() == ()
            assert app.cycle.pulse.turns == 4, "it turns at its pace"
            polls = it.counted("trackwalker_polls_total", {"sight": "blind"})
            assert polls == len(server.asked) >= 2, "asked once a poll: nothing is tried again by itself"


@pytest.mark.parametrize("how", ["floods", "bombs", "nests"])
def test_an_alertmanager_that_floods_costs_little(how: str) -> None:
    behaviours: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
        "floods": floods,
        "bombs": says(200, a_bomb(), Content_Encoding="gzip"),
        "nests": says(200, b"[" + b"{}," * 2_700_000 + b"{}]"),
    }
    with misbehaving() as server:
        server.behave = behaviours[how]
        source = Alertmanager("alertmanager", url=server.url)
        with little_memory(), pytest.raises(TrackwalkerError):
            source.alerts()
        source.close()


def test_a_loki_that_asks_to_be_left_alone_is_and_no_line_is_missed_or_counted_twice(tmp_path: Path) -> None:
    now = a_minute()
    clock = ManualClock(now)
    with LokiStandIn(now=clock.now) as loki:
        signals = {
            "prometheus": [{"name": "main", "url": NOBODY}],
            "loki": [{"name": "logs", "url": loki.url, "selector": '{app="shop"}', "settle": "10s"}],
        }
        it = standing(tmp_path, clock, NOBODY, signals=signals)
        written = 0
        for life in range(4):
            with it.alive() as app:
                tail = app.tail
                assert tail is not None
                for minute in range(6):
                    # lines of every second of the half minute that comes, two of one moment
                    begin = nanoseconds(clock.now())
                    lines = [(begin + i // 2 * 10**9, f"error {life} {minute} {i}") for i in range(60)]
                    put(loki, {"app": "shop"}, lines)
                    written += len(lines)
                    if minute == 2:
                        loki.misbehave(*[Fault.TOO_MANY] * 3)
                    it.passes(0.5)
                    if minute == 2:
                        blind = tail.blind()
                        assert "answered 429" in blind
                assert tail.blind() == "", "it goes on where it was"
        with it.alive() as app:
            clock.advance(MINUTE)
            it.passes(1)
            assert app.tail is not None
            seen = app.tail.errors("shop", now - MINUTE, clock.now())
            assert (app.tail.blind(), sum(one.count for one in seen)) == ("", written)


def test_a_receiver_that_is_down_loses_nothing_and_another_one_hears_of_it(tmp_path: Path) -> None:
    clock = ManualClock(a_minute())
    with a_webhook() as slack:
        slack.status = 503
        it = standing(tmp_path, clock, NOBODY)
        it.notifiers["slack"] = SlackNotifier("slack", lambda: slack.url)
        with it.alive():
            it.passes(1)
            assert it.subjects() == ["shop/errors is blind"], "the other channel is not held up"
            assert len(slack.got) >= 1
            it.passes(4)
            assert it.subjects() == ["shop/errors is blind", "Not delivered to slack: shop/errors is blind"]
        with it.alive():  # what waits outlives the daemon
            slack.status = 200
            refused = len(slack.got)
            it.passes(15)
            (took,) = slack.got[refused:]
            assert "shop/errors is blind" in json.dumps(took)
            assert it.subjects() == ["shop/errors is blind", "Not delivered to slack: shop/errors is blind"]
