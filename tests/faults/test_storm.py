"""A thousand anomalies in one minute: few cases, every anomaly accounted for, and the daemon keeps its pace."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import milliseconds
from cases.telemetry import Direction, Signal
from cases.trying import Command, CommandReport, TrialOrder
from daemon.app import App
from daemon.clock import ManualClock, SystemClock
from daemon.report import case_text
from detectors.triage import MOST_SERIES, MOST_SYMPTOMS, OpenCase, Suppressed, triage
from remediation.warm import warm
from signals.recorded import RecordedSource, Recording
from tests.faults.memory import little_memory
from tests.faults.standing import standing
from tests.parts.hub import world
from tests.parts.playhouse import HISTORY, NORMAL, QUERY, House, Readings
from tests.parts.prometheus import exposition, running_prometheus

MINUTE = timedelta(minutes=1)
SERVICES, ROUTES = 10, 100
WATCH = {"name": "errors", "by": "service", "query": QUERY, "harm": "up", "threshold": 0.1}


def counted(app: App) -> dict[str, float]:
    """What was done with anomalies, and how often."""
    return {
        sample.labels["triage"]: sample.value
        for family in app.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "trackwalker_anomalies_total"
    }


def test_a_thousand_series_of_ten_services_are_ten_cases_while_the_daemon_keeps_its_pace(tmp_path: Path) -> None:
    now = SystemClock().now().replace(second=0, microsecond=0)
    storm, calm = now + MINUTE, now + 6 * MINUTE
    at = [now + minute * MINUTE for minute in range(-10, 20)]
    levels = [(moment.timestamp(), 0.4 if storm <= moment < calm else 0.01) for moment in at]
    series = {
        (("route", f"/{route}"), ("service", f"s{service}")): levels
        for service in range(SERVICES)
        for route in range(ROUTES)
    }
    (tmp_path / "prometheus").mkdir()
    real = SystemClock()
    with running_prometheus(tmp_path / "prometheus", exposition(QUERY, series) + "\n# EOF\n") as prometheus:
        it = standing(tmp_path, ManualClock(now), prometheus.url, watch=[WATCH], cycle="1m")
        with it.alive() as app:
            it.passes(1)
            assert counted(app) == {}, "quiet before the storm"
            warm()  # what the first case loads is no storm's doing
            with little_memory():
                began = real.monotonic()
                it.passes(3)
                took = real.monotonic() - began
            cases = app.ledger.cases.listed(1000)
            assert {case.service for case in cases} == {f"s{service}" for service in range(SERVICES)}
            assert len(cases) == SERVICES
            assert {len(case.anomalies) for case in cases} == {MOST_SERIES}
            assert took < 30, "three polls of a storm in less than half the time of one"
            polls = it.counted("trackwalker_polls_total", {"sight": "fresh"}) / SERVICES
            assert polls >= 3

            assert sum(subject.endswith("errors is up") for subject in it.subjects()) == SERVICES, "each is told once"
            it.passes(8)
            assert it.counted("trackwalker_polls_total", {"sight": "fresh"}) / SERVICES >= polls + 7, "and goes on"
            ended = app.ledger.cases.listed(1000)
            assert {case.id for case in ended} == {case.id for case in cases}, "the calm and its edges open nothing"
            assert all(case.recovered for case in ended)
            told = [subject for subject in it.subjects() if not subject.endswith(": a case waits")]  # for the forge
            assert sorted(told) == sorted(
                f"s{service}: {what}" for service in range(SERVICES) for what in ("errors is up", "recovered by itself")
            )


def test_five_incidents_that_show_in_twenty_services_are_five_cases(tmp_path: Path) -> None:
    incidents, chain, routes = 5, ("db", "api", "web", "mobile"), 50
    now = SystemClock().now().replace(second=0, microsecond=0)
    at = [now + minute * MINUTE for minute in range(-10, 12)]
    series = {
        (("route", f"/{route}"), ("service", f"{role}{incident}")): [
            (moment.timestamp(), 0.4 if moment >= now + MINUTE else 0.01) for moment in at
        ]
        for incident in range(incidents)
        for role in chain
        for route in range(routes)
    }
    services = [
        {
            "name": f"{role}{incident}",
            "repository": "shop",
            "depends": [f"{chain[place - 1]}{incident}"] if place else [],
        }
        for incident in range(incidents)
        for place, role in enumerate(chain)
    ]
    (tmp_path / "prometheus").mkdir()
    with running_prometheus(tmp_path / "prometheus", exposition(QUERY, series) + "\n# EOF\n") as prometheus:
        it = standing(tmp_path, ManualClock(now), prometheus.url, watch=[WATCH], services=services, cycle="1m")
        with it.alive() as app:
            it.clock.advance(4 * MINUTE)
            app.cycle.poll.once()
            cases = app.ledger.cases.active()
            assert sorted(case.service for case in cases) == [f"db{incident}" for incident in range(incidents)]
            assert {case.diagnosis for case in cases} == {None}, "grouped before anything is asked of anybody"
            assert {tuple(echo.anomaly.signal.service[:-1] for echo in case.echoes) for case in cases} == {chain[1:]}
            shown, number = case_text(cases[0]), cases[0].service[-1]
            assert "suppressed echoes:" in shown
            assert f"impact: {routes} of {routes} series of errors" in shown
            assert "impact: 3 services that depend on it: api" in shown
            assert f"web{number} → api{number} → db{number}" in shown
            it.passes(3)
            assert len(app.ledger.cases.listed(100)) == incidents
            assert counted(app)["Echo"] == incidents * len(chain[1:])
            assert sum("errors is up" in subject for subject in it.subjects()) == incidents, "each is told once"


def stormy(it: House, names: Sequence[str]) -> RecordedSource:
    """The shop's readings for many services of ten routes each, up to hours ahead."""
    begin, bad = it.now - HISTORY, it.now - 19 * MINUTE
    times = np.arange(milliseconds(begin) // 60_000, milliseconds(it.now + 8 * 60 * MINUTE) // 60_000) * 60_000
    values = np.where(times >= milliseconds(bad), 0.3, NORMAL)
    labels = tuple({"service": name, "route": f"/{route}"} for name in names for route in range(10))
    recording = Recording(times=times, values=np.tile(values, (len(labels), 1)), labels=labels)
    return RecordedSource(name="main", recordings={QUERY: recording}, look_back=2 * MINUTE)


def still_counts(order: TrialOrder, command: Command) -> CommandReport:
    """A service's fault shows as long as its own bad line is in the tree: `reproduce` says whose it asks about."""
    shows = command.name == "reproduce" and miscounts(command.line) in order.tree
    tests = (("tests.test_shop::test_nothing", "passed"),) if command.name == "test" else ()
    return CommandReport(
        name=command.name, exit_code=int(shows), ended="exited", output="", seconds=0.1, tests=tests
    )  # fmt: skip


def miscounts(service: str) -> bytes:
    return f"def {service}(errors):\n    return len(errors) - 1\n".encode()


@contextmanager
def broken_shops(folder: Path, names: Sequence[str], **extra: Any) -> Generator[House]:  # noqa: ANN401 - of a config
    """Services of one repository, each broken by a commit of its own in a file of its own."""
    with world(folder) as built:
        clock = ManualClock(SystemClock().now().replace(microsecond=0))
        services = [{"name": name, "repository": "shop", "reproduce": name} for name in names]
        it = House(
            folder=folder, world=built, clock=clock, readings=Readings([]), deploys=[], trial=still_counts,
            extra={"services": services, **extra},
        )  # fmt: skip
        ran = it.commit("Open the shops", {"README.md": b"Shops\n"}, minutes_ago=3000)
        it.readings = cast("Any", stormy(it, names))
        for minutes, name in enumerate(names):
            bad = it.commit(f"Count errors of {name}", {f"{name}/errors.py": miscounts(name)}, minutes_ago=30 - minutes)
            for commit, ago in ((ran, 2990), (bad, 20)):
                it.deploy(commit, minutes_ago=ago)
                it.deploys.append(replace(it.deploys.pop(), service=name))
        yield it


def test_a_storm_of_pull_requests_is_held_by_the_caps(tmp_path: Path) -> None:
    names, budget = [f"s{number}" for number in range(3)], {"prs_per_hour": 1, "prs_open": 2}
    with broken_shops(tmp_path, names, watch=[WATCH], budget=budget, cycle="5m") as it, it.alive() as app:
        it.passes(2)
        opened = list[int]()
        for _ in range(4):
            opened.append(len(it.pull_requests()))
            it.clock.advance(55 * MINUTE if len(opened) == 1 else 65 * MINUTE)
            it.passes(1)
        cases = app.ledger.cases.listed()
        assert {case.service for case in cases} == set(names)
        assert opened == [1, 1, 2, 2], "one an hour, and no more than two that wait for review"
        phases = sorted(str(case.phase) for case in cases)
        assert phases == ["proposed"] * 2 + ["proved"], "the rest waits, proved, and is not lost"
        it.close(it.pull_requests("open")[0]["number"])
        it.clock.advance(60 * MINUTE)
        it.passes(2)
        assert len(it.pull_requests()) == 3, "a place that is free is taken"


def an_anomaly(number: int, at: datetime) -> Anomaly:
    signal = Signal(name=f"rule-{number}", service="shop", source="main", query=f"q{number}", harm=Direction.UP)
    return Anomaly(
        signal=signal, labels={}, detector="threshold", kind=AnomalyKind.THRESHOLD, direction=Direction.UP, onset=at,
        onset_bound_s=60, detected=at, value=1, expected=0, low=0, high=0, score=0.9,
    )  # fmt: skip


def test_a_thousand_signals_of_one_service_are_one_case_of_a_readable_size() -> None:
    now = SystemClock().now()
    decided = triage([an_anomaly(number, now) for number in range(1000)], ())
    (opened,) = [one for one in decided if isinstance(one, OpenCase)]
    suppressed = [one for one in decided if isinstance(one, Suppressed)]
    assert len(opened.others) + 1 == MOST_SYMPTOMS
    assert len(suppressed) == 1000 - MOST_SYMPTOMS
    assert {one.because for one in suppressed} == {f"case {opened.case_id} has {MOST_SYMPTOMS} symptoms already"}
