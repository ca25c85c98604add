"""One incident, whatever comes first: callers are cases until what they call is in trouble, and what lasts is kept."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.case import Case
from cases.events import Closed, Recovered, Traced
from cases.moments import milliseconds
from cases.outcome import Ending
from cases.ports import Clock, SignalSource
from config.settings import Settings
from daemon.app import App
from daemon.build import Outside
from daemon.clock import ManualClock, SystemClock
from daemon.home import Home
from daemon.invariants.ground import Ground
from daemon.invariants.told import told
from daemon.invariants.verify import offline
from daemon.invariants.whole_cases import one_case_each
from daemon.report import case_text, history_rows
from signals.recorded import RecordedSource, Recording
from tests.faults.standing import Standing, standing

MINUTE = timedelta(minutes=1)
CALLS = {"web": ["api"], "mobile": ["api"], "api": ["db"], "db": [], "mail": []}
BAD = {"web": (2, 12), "mobile": (2, 60), "db": (4, 10), "mail": (3, 10)}
"""Minutes from now between which a service errs."""


class Placed(Standing):
    """With readings of the test's own in the place of a Prometheus."""

    source: SignalSource

    def _outside(self, settings: Settings, home: Home, clock: Clock) -> Outside:
        return replace(super()._outside(settings, home, clock), sources={"main": self.source})


def readings(clock: ManualClock) -> SignalSource:
    begin = clock.now() - 60 * MINUTE
    times = np.arange(milliseconds(begin), milliseconds(begin + 180 * MINUTE), 60_000, dtype=np.int64)
    minutes = (times - milliseconds(clock.now())) / 60_000
    rows = [np.where((minutes >= BAD[name][0]) & (minutes < BAD[name][1]), 0.4, 0.01) for name in BAD]
    recording = Recording(times=times, values=np.array(rows), labels=tuple({"service": name} for name in BAD))
    return RecordedSource(name="main", recordings={"errors": recording}, look_back=2 * MINUTE)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[tuple[Standing, App]]:
    clock = ManualClock(SystemClock().now().replace(second=0, microsecond=0))
    services = [{"name": name, "repository": "shop", "depends": calls} for name, calls in CALLS.items()]
    watch = {"name": "errors", "by": "service", "query": "errors", "harm": "up", "threshold": 0.1}
    made = standing(tmp_path, clock, "http://127.0.0.1:9", watch=[watch], services=services, cycle="30s")
    it = Placed(folder=made.folder, clock=made.clock, document=made.document)
    it.source = readings(clock)
    with it.alive() as app:
        yield it, app


def by_service(app: App) -> dict[str, Case]:
    return {case.service: case for case in app.ledger.cases.active()}


def test_callers_that_were_first_are_one_case_with_what_they_call_and_what_lasts_is_taken_up(
    at: tuple[Standing, App],
) -> None:
    it, app = at
    it.passes(5)
    first = by_service(app)
    assert {"web", "mobile"} <= set(first) <= {"web", "mobile", "mail"}
    it.passes(3)
    cases = by_service(app)
    assert set(cases) == {"db", "mail"}, "mail calls nobody: its trouble is its own"
    root = cases["db"]
    assert root.id in {first["web"].id, first["mobile"].id}
    assert {echo.anomaly.signal.service for echo in root.echoes} == {"web", "mobile"}
    assert [type(entry.event) for entry in root.history].count(Traced) == 1
    (folded,) = [case for case in app.ledger.cases.listed() if not case.active]
    assert folded.outcome is not None
    assert (folded.outcome.ending, isinstance(folded.history[-1].event, Closed)) == (Ending.ECHO, True)
    assert "mobile depends on db" in case_text(root)
    assert any("web depends on db" in row[3] for row in history_rows(root))

    it.passes(6)
    assert any(isinstance(entry.event, Recovered) for entry in app.ledger.cases.load(root.id).history)
    it.passes(3)
    assert set(by_service(app)) == set(), "callers are given a moment to recover, too"
    it.passes(20)
    assert {case.service for case in app.ledger.cases.listed()} >= {"mobile"}
    opened = [case for case in app.ledger.cases.listed() if case.service == "mobile" and case.id != folded.id]
    assert len(opened) == 1, "what lasts beyond what it echoed is a trouble of its own"

    database = app.ledger.database
    assert offline(database) == ()
    assert list(one_case_each(Ground(told=told(database), database=database, settings=app.settings))) == []
