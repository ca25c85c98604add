"""One contract for Prometheus and the recorder, on one shop under load that gets worse.

And the recorder's arithmetic against Prometheus's own.
"""

import json
import shutil
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from demo import faults
from demo.deployment import Deployer
from demo.errors import OutsideError, TelemetryError
from demo.history import History, make_history
from demo.load import Load
from demo.readings import Memory, evaluate, rate
from demo.recorder import Recorder
from demo.repository import Clone
from demo.rules import ERROR_RATIO, LATENCY, REQUESTS, ROUTE_ERROR_RATIO, RULES, WINDOW_S, Rule
from demo.selector import NAME
from demo.telemetry import PrometheusServer, Telemetry, open_telemetry

CLIENT = httpx.Client(trust_env=False, timeout=10)


def now() -> datetime:
    return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), tz=UTC)


@dataclass(frozen=True, kw_only=True)
class World:
    """A shop that ran well, then badly, as two telemetry servers saw it. The load has ended; the shop still runs."""

    base: str
    bad: str
    well_at: float
    bad_since: float
    history: History
    servers: dict[str, Telemetry]


def ask(server: Telemetry, path: str, **parameters: object) -> httpx.Response:
    query = urllib.parse.urlencode({name: str(value) for name, value in parameters.items()})
    return CLIENT.get(f"{server.url}/api/v1/{path}?{query}")


def answer(server: Telemetry, path: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
    response = ask(server, path, **parameters)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["status"] == "success"
    return body["data"]


def value(server: Telemetry, query: str) -> float | None:
    result = answer(server, "query", query=query)["result"]
    assert len(result) <= 1, result
    return float(result[0]["value"][1]) if result else None


def live(server: Telemetry) -> list[float]:
    """The error ratios that were recorded in the last four seconds."""
    result = answer(server, "query", query=f"{ERROR_RATIO.record}[4s]")["result"]
    return [float(text) for each in result for _, text in each["values"]]


def wait_until(true: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        threading.Event().wait(0.1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, first_bare: Path) -> Iterator[World]:
    root = tmp_path_factory.mktemp("world")
    bare = shutil.copytree(first_bare, root / "shop.git")
    clone = Clone(root / "developer", url=str(bare))
    base = clone.head()
    with ExitStack() as stack:
        platform = stack.enter_context(Deployer(root / "platform", url=str(bare)))
        platform.deploy(base)
        load = stack.enter_context(ExitStack())
        load.enter_context(Load(platform.port, rate=60))
        history = make_history(end=now(), revision=base)
        prometheus, recorder = (
            open_telemetry(root / "telemetry", target_port=platform.port, history=history, now=now, prometheus=real)
            for real in (True, False)
        )
        servers = {"prometheus": stack.enter_context(prometheus)}
        wait_until(lambda: value(prometheus, "up") == 1, seconds=15)  # it begins to scrape 5 s after its start
        servers["recorder"] = stack.enter_context(recorder)
        for server in servers.values():
            wait_until(lambda: len(live(server)) > 1, seconds=15)  # noqa: B023 - called before the next turn
            assert max(live(server)) < 0.05
        bad = [clone.merge(commit) for commit in faults.BAD_MERGE.deployed][-1]
        well_at = now().timestamp()
        platform.deploy(bad)
        bad_since = now().timestamp()
        for server in servers.values():
            wait_until(lambda: max(live(server), default=0) > 0.1, seconds=15)  # noqa: B023 - the same
        load.close()
        threading.Event().wait(1.3)  # one more scrape: both have seen the last request
        yield World(base=base, bad=bad, well_at=well_at, bad_since=bad_since, history=history, servers=servers)


@pytest.fixture(params=["prometheus", "recorder"])
def server(world: World, request: pytest.FixtureRequest) -> Telemetry:
    return world.servers[request.param]


class TestContract:
    def test_it_says_what_it_is(self, server: Telemetry) -> None:
        server.check()
        described = (
            "Prometheus 2" if isinstance(server, PrometheusServer) else "telemetry recorder (no Prometheus found)"
        )
        assert server.describe().startswith(described)
        assert CLIENT.get(f"{server.url}/-/ready").status_code == 200
        assert {"version", "revision", "goVersion"} <= set(answer(server, "status/buildinfo"))

    def test_an_instant_selector_gives_a_vector(self, server: Telemetry) -> None:
        found = answer(server, "query", query="up")
        assert found["resultType"] == "vector"
        (series,) = found["result"]
        assert series["metric"] == {"__name__": "up", "job": "shop", "instance": "shop-0", "service": "shop"}
        assert series["value"][1] == "1"
        assert abs(series["value"][0] - now().timestamp()) < 5

    def test_a_range_selector_gives_raw_samples(self, server: Telemetry) -> None:
        found = answer(server, "query", query='http_requests_total{route="/checkout",status="500"}[8s]')
        assert found["resultType"] == "matrix"
        (series,) = found["result"]
        assert 6 <= len(series["values"]) <= 10
        assert series["metric"]["route"] == "/checkout"
        times = [time for time, _ in series["values"]]
        assert times == sorted(times)
        assert all(float(text) >= 0 for _, text in series["values"])

    def test_a_query_range_gives_steps(self, world: World, server: Telemetry) -> None:
        end = world.history.times[-1]
        found = answer(server, "query_range", query=REQUESTS.record, start=end - 600, end=end, step="60s")
        assert found["resultType"] == "matrix"
        (series,) = found["result"]
        assert series["metric"] == {"__name__": REQUESTS.record, "service": "shop"}
        assert [time for time, _ in series["values"]] == list(range(end - 600, end + 1, 60))
        # the newest reading at or before each step: they are a minute apart, and a second apart at the end
        steps = np.arange(int(end) - 600, int(end) + 1, 60, dtype=np.int64)
        newest = np.searchsorted(world.history.times, steps, side="right") - 1
        expected = world.history.series[1][1][newest]
        np.testing.assert_allclose([float(text) for _, text in series["values"]], expected, rtol=1e-12)

    def test_all_of_the_history_is_there_and_joins_the_live_readings(self, world: World, server: Telemetry) -> None:
        (series,) = answer(server, "query", query=f"{ERROR_RATIO.record}[14d]")["result"]
        times = np.array([time for time, _ in series["values"]])
        assert (times <= world.history.times[-1]).sum() >= len(world.history.times) - 1
        assert np.diff(times).max() < 61
        (runs,) = answer(server, "query", query=f'build_info{{revision="{world.base}"}}[14d]')["result"]
        assert len(runs["values"]) >= len(world.history.times)

    def test_no_series_is_no_error(self, server: Telemetry) -> None:
        assert answer(server, "query", query="no_such_metric") == {"resultType": "vector", "result": []}
        later = now().timestamp() + 3600
        assert answer(server, "query_range", query="up", start=later, end=later + 60, step=15)["result"] == []

    def test_matchers_pick(self, server: Telemetry) -> None:
        found = answer(server, "query", query='http_requests_total{status=~"5..",route!="/",route!~"/ca.*"}')["result"]
        assert {(each["metric"]["route"], each["metric"]["status"]) for each in found} == {
            ("/checkout", "500"),
            ("/checkout", "503"),
        }

    def test_the_deploy_shows_as_one_revision_after_the_other(self, world: World, server: Telemetry) -> None:
        (running,) = answer(server, "query", query="build_info")["result"]
        assert running["metric"]["revision"] == world.bad
        assert running["metric"]["service"] == "shop"
        before = answer(server, "query", query="build_info", time=world.well_at)["result"]
        assert [each["metric"]["revision"] for each in before] == [world.base]

    @pytest.mark.parametrize(
        ("path", "parameters", "says"),
        [
            ("query", {"query": "rate(up["}, 'invalid parameter "query"'),
            ("query", {"query": ""}, 'invalid parameter "query"'),
            ("query", {"query": "up", "time": "noon"}, 'cannot parse "noon" to a valid timestamp'),
            ("query_range", {"query": "up", "start": 2, "end": 1, "step": 1}, "end timestamp must not be before start"),
            ("query_range", {"query": "up", "start": 1, "end": 2, "step": 0}, "zero or negative query resolution step"),
            ("query_range", {"query": "up", "start": 1, "end": 2, "step": "x"}, 'cannot parse "x" to a valid duration'),
            (
                "query_range",
                {"query": "up", "start": 0, "end": 11002, "step": 1},
                "exceeded maximum resolution of 11,000",
            ),
            (
                "query_range",
                {"query": "up[5m]", "start": 1, "end": 2, "step": 1},
                'invalid expression type "range vector"',
            ),
            ("query_range", {"query": "up", "end": 2, "step": 1}, 'invalid parameter "start"'),
        ],
    )
    def test_a_bad_question_is_told_so(
        self, server: Telemetry, path: str, parameters: dict[str, Any], says: str
    ) -> None:
        response = ask(server, path, **parameters)
        assert response.status_code == 400
        body = response.json()
        assert (body["status"], body["errorType"]) == ("error", "bad_data")
        assert says in body["error"]

    def test_a_form_is_as_good_as_a_query_string(self, server: Telemetry) -> None:
        response = CLIENT.post(f"{server.url}/api/v1/query", data={"query": "up"})
        assert response.json()["data"]["result"][0]["metric"]["__name__"] == "up"


def test_both_saw_the_same_shop(world: World) -> None:
    prometheus, recorder = world.servers.values()
    counters = [
        {
            (each["metric"]["route"], each["metric"]["status"]): each["value"][1]
            for each in answer(server, "query", query="http_requests_total")["result"]
        }
        for server in (prometheus, recorder)
    ]
    assert counters[0] == counters[1]
    end = now().timestamp()
    for rule, tolerance in ((ERROR_RATIO, 0.04), (LATENCY, 0.001), (ROUTE_ERROR_RATIO, 0.1)):
        seen = [
            {
                each["metric"].get("route"): np.mean([float(text) for _, text in each["values"]])
                for each in answer(server, "query_range", query=rule.record, start=end - 5, end=end, step=1)["result"]
            }
            for server in (prometheus, recorder)
        ]
        assert seen[0].keys() == seen[1].keys()
        for route, mean in seen[0].items():
            assert mean == pytest.approx(seen[1][route], abs=tolerance), (rule.record, route)


def test_the_recorders_arithmetic_is_prometheuss(world: World) -> None:
    """The same samples, restart of the counters included, evaluated by both."""
    prometheus = world.servers["prometheus"]
    memory = Memory()
    for metric in ("http_requests_total", "http_request_duration_seconds_sum", "http_request_duration_seconds_count"):
        for series in answer(prometheus, "query", query=f"{metric}[5m]")["result"]:
            for at, text in series["values"]:
                memory.add(round(at * 1000), [(series["metric"], float(text))])
    flat = Rule(record="flat", by=("route",), numerator="http_requests_total{status='400'}", denominator=None)
    idle = Rule(record="idle", by=("route",), numerator=flat.numerator, denominator=flat.numerator)
    compared = 0
    for offset in np.arange(-3.0, 6.0, 0.61):
        at = round(world.bad_since + float(offset), 3)
        for rule in (*RULES, flat, idle):
            ours = {
                frozenset(labels.items()) - {(NAME, rule.record)}: value
                for labels, value in evaluate(rule, memory, at_ms=round(at * 1000), window_ms=WINDOW_S * 1000)
            }
            theirs = {
                frozenset(each["metric"].items()): float(each["value"][1])
                for each in answer(prometheus, "query", query=rule.promql, time=at)["result"]
            }
            assert ours == pytest.approx(theirs, rel=1e-9), (rule.record, at)
            compared += len(theirs)
            assert rule is not idle or not theirs  # without traffic there is no ratio
    assert compared > 50


def test_a_rate_needs_two_samples_and_survives_a_restart() -> None:
    memory = Memory()
    for second, count in enumerate([10.0, 20.0, 5.0, 15.0]):
        memory.add(second * 1000, [({NAME: "a", "service": "shop"}, count)])
    requests = Rule(record="r", by=("service",), numerator="a")
    ((labels, value),) = evaluate(requests, memory, at_ms=3000, window_ms=3000)
    assert labels == {NAME: "r", "service": "shop"}
    assert value == pytest.approx((10 + 5 + 10) / 3)
    assert evaluate(requests, memory, at_ms=3000, window_ms=500) == []


def test_samples_out_of_order_are_dropped() -> None:
    memory = Memory()
    for at_ms in (1000, 3000, 2000):
        memory.add(at_ms, [({NAME: "a"}, at_ms / 1000)])
    from demo.selector import parse_selector

    (readings,) = memory.select(parse_selector("a"))
    assert readings.times.tolist() == [1000, 3000]
    assert rate(readings, end_ms=3000, window_ms=2000) == pytest.approx(1)


def test_a_target_that_is_gone_is_down_and_its_series_end() -> None:
    history = make_history(end=now(), revision="abc", length=timedelta(minutes=5))
    times = iter(now() + timedelta(seconds=second) for second in range(100))
    with Recorder(target_port=1, history=history, now=lambda: next(times)) as recorder:
        wait_until(lambda: value(recorder, "up") == 0, seconds=5)
        assert value(recorder, "http_requests_total") is None
        recorder.check()
    with pytest.raises(TelemetryError, match="does not run: recorder-api, recorder-scrapes"):
        recorder.check()


def test_a_second_prometheus_on_the_same_port_is_not_mistaken_for_ours(world: World, tmp_path: Path) -> None:
    first = world.servers["prometheus"]
    assert isinstance(first, PrometheusServer)
    history = make_history(end=now(), revision="abc", length=timedelta(minutes=5))
    second = PrometheusServer(tmp_path, target_port=1, history=history)
    second._port = first._port  # pyright: ignore[reportPrivateUsage] - the clash that free_port() cannot rule out
    with pytest.raises(OutsideError, match=r"another Prometheus|not running"):
        second.__enter__()
    first.check()


def test_prometheus_answers_json_errors_the_recorder_has_too(world: World) -> None:
    bodies = [ask(server, "query", query="up{").json() for server in world.servers.values()]
    assert [sorted(body) for body in bodies] == [["error", "errorType", "status"]] * 2
    assert json.dumps(bodies[1]).count("the telemetry recorder understands selectors only") == 1
