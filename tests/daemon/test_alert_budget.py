"""The alert budget in the daemon: what was allowed is what is told, humans are heard, and a restart forgets nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cases.events import Diagnosed, Drafted, Proved
from cases.pull_request_events import Merged, Proposed
from cases.telemetry import Direction
from daemon.alert_budget import MERCY, SPENT, STRICTER, AlertBudget, Stretch
from daemon.clock import ManualClock, SystemClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.main import trackwalker
from detectors.allowance import LEAST, SURE
from detectors.baseline import key_of
from detectors.departures import WORTH
from tests.faults.standing import standing
from tests.parts.nouns import NOW, a_signal, an_anomaly, an_entry, an_event
from tests.parts.prometheus import exposition, running_prometheus
from tests.parts.settings import a_document
from tests.parts.steps import born

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SIGNAL = a_signal()
SERIES = key_of(an_anomaly().labels)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/trackwalker.db", clock=ManualClock(NOW)) as ledger:
        yield ledger


def budget(ledger: Ledger, allowed: float = 1) -> AlertBudget:
    return AlertBudget(checkpoints=ledger.checkpoints, cases=ledger.cases, allowed=allowed)


def stretch(peak: float) -> Stretch:
    return Stretch(service=SIGNAL.service, signal=SIGNAL.key, series=SERIES, direction=Direction.UP, peak=peak)


def lived(it: AlertBudget, hours: int, peaks: dict[int, float], *, first: int = 0) -> None:
    """A look every hour; a departure worth so much goes on at these hours."""
    for hour in range(first, first + hours):
        going_on = [stretch(peaks[hour])] if hour in peaks else []
        it.note(going_on, [SIGNAL], NOW + hour * HOUR)


@pytest.mark.parametrize("allowed", [0.5, 2.0, 5.0])
def test_what_is_told_comes_as_often_as_was_allowed(ledger: Ledger, allowed: float) -> None:
    rng, it, told, weeks = np.random.default_rng(1), budget(ledger, allowed), 0, 30
    for week in range(weeks):
        peaks = {
            int(hour): float(rng.uniform(0.3, SURE)) for hour in rng.choice(np.arange(0, 168, 3), 20, replace=False)
        }
        if week >= 4:
            told += sum(np.array(list(peaks.values())) >= it.worth(SIGNAL.service))
        lived(it, 168, {168 * week + hour: peak for hour, peak in peaks.items()}, first=168 * week)
    assert allowed / 1.5 < told / (weeks - 4) < allowed * 1.5


def test_a_quiet_history_does_not_make_the_first_week_loud_and_a_noisy_one_makes_it_quiet(ledger: Ledger) -> None:
    it = budget(ledger)
    assert it.worth(SIGNAL.service) == WORTH
    it.learn(SIGNAL, [0.35] * 8, 2.0)
    assert it.worth(SIGNAL.service) == WORTH
    lived(it, 200, {})
    assert LEAST <= it.worth(SIGNAL.service) < WORTH
    noisy = replace(SIGNAL, service="cart")
    it.learn(noisy, [0.75] * 40, 2.0)
    assert WORTH < it.worth("cart") <= SURE
    assert it.worth("unheard of") == WORTH


def test_a_further_signal_brings_its_departures_and_no_time(ledger: Ledger) -> None:
    one, two = budget(ledger), budget(ledger)
    peaks = np.random.default_rng(2).uniform(0.4, SURE, 60).tolist()
    one.learn(SIGNAL, peaks, 2.0)
    two.learn(SIGNAL, peaks[:30], 2.0)
    two.learn(replace(SIGNAL, name="latency"), peaks[30:], 2.0)
    assert two.worth(SIGNAL.service) == one.worth(SIGNAL.service) > WORTH


def test_a_departure_is_counted_once_when_it_ends_and_not_while_it_cannot_be_seen(ledger: Ledger) -> None:
    it = budget(ledger, 0.1)
    it.learn(SIGNAL, [0.6] * 10, 2.0)
    before = it.worth(SIGNAL.service)
    for hour in range(300):
        it.note([stretch(0.75)], [SIGNAL], NOW + hour * HOUR)
    assert it.worth(SIGNAL.service) <= before
    it.note([], [], NOW + 300 * HOUR)
    still = it.worth(SIGNAL.service)
    it.note([], [SIGNAL], NOW + 301 * HOUR)
    assert it.worth(SIGNAL.service) > still


def test_what_is_sure_is_told_whatever_the_budget_and_is_no_false_alarm(ledger: Ledger) -> None:
    it = budget(ledger, 0.1)
    it.learn(SIGNAL, [0.9] * 40, 2.0)
    assert it.worth(SIGNAL.service) == WORTH
    it.learn(SIGNAL, [SURE - 0.01] * 400, 2.0)
    assert it.worth(SIGNAL.service) == pytest.approx(SURE, abs=0.01)


def test_what_departs_together_may_be_less_loud_each_and_nothing_is_relaxed_in_the_first_week(ledger: Ledger) -> None:
    it = budget(ledger)
    it.learn(SIGNAL, np.random.default_rng(4).uniform(0.3, SURE, 80).tolist(), 2.0)
    alone = it.worth(SIGNAL.service)
    assert it.worth(SIGNAL.service, [alone - 0.03] * 6) == alone
    lived(it, 200, {})
    alone = it.worth(SIGNAL.service)
    assert it.worth(SIGNAL.service, [alone - 0.03]) == alone
    assert it.worth(SIGNAL.service, [alone - 0.03] * 6) <= alone - 0.03
    assert it.worth(SIGNAL.service, [alone - 0.03, *[0.3] * 5]) == alone


def test_an_incident_that_a_merge_ended_is_no_false_alarm(ledger: Ledger) -> None:
    it, other = budget(ledger, 0.1), budget(ledger, 0.1)
    for one in (it, other):
        one.learn(SIGNAL, [0.6] * 10, 2.0)
    case = born(ledger.cases)
    for kind in (Diagnosed, Drafted, Proved, Proposed, Merged):
        ledger.cases.add(case.id, an_entry(an_event(kind), 1), (), None)
    one, two = (replace(stretch(0.75), series=series) for series in (SERIES, (("route", "/other"),)))
    for budget_of, ended in ((it, one), (other, two)):
        budget_of.note([ended], [SIGNAL], NOW)
        budget_of.note([], [SIGNAL], NOW + HOUR)
    assert other.worth(SIGNAL.service) > it.worth(SIGNAL.service)


def test_a_case_closed_as_noise_asks_more_of_its_series_for_some_weeks(ledger: Ledger, tmp_path: Path) -> None:
    case = born(ledger.cases)
    config = tmp_path / "trackwalker.yaml"
    config.write_text(json.dumps(a_document(store=f"sqlite:///{tmp_path}/trackwalker.db")))
    done = CliRunner().invoke(
        trackwalker, ["override", case.id, "--noise", "--reason", "a load test", "--config", str(config)]
    )
    assert done.exit_code == 0, done.output
    assert "must be further out" in done.output
    at = ledger.cases.load(case.id).history[-1].at
    it = budget(ledger)
    needed = it.needed(SIGNAL, WORTH, at)
    assert needed(SERIES, Direction.UP) == pytest.approx(WORTH + STRICTER)
    assert needed(SERIES, Direction.DOWN) == needed((("route", "/other"),), Direction.UP) == WORTH
    assert it.needed(SIGNAL, WORTH, at + MERCY)(SERIES, Direction.UP) == pytest.approx(WORTH + STRICTER / 2)
    assert it.needed(replace(SIGNAL, name="latency"), WORTH, at)(SERIES, Direction.UP) == WORTH


def test_a_restart_knows_what_was_learnt(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    it = budget(ledger)
    it.learn(SIGNAL, np.random.default_rng(3).uniform(0.4, SURE, 60).tolist(), 2.0)
    lived(it, 200, {3: 0.75, 90: 0.5})
    it.keep(NOW + 200 * HOUR)
    assert budget(ledger).worth(SIGNAL.service) == it.worth(SIGNAL.service) != WORTH
    ledger.checkpoints.put(SPENT, b'{"shop": {"weeks": "many"}}', NOW)
    assert budget(ledger).worth(SIGNAL.service) == WORTH
    assert "cannot be read" in caplog.text


def test_what_is_held_back_is_on_the_page(tmp_path: Path) -> None:
    """Six hours of noise, then a level that is a little beyond it: seen, and not worth an alert."""
    now = SystemClock().now().replace(second=0, microsecond=0)
    levels = 10 + np.random.default_rng(5).standard_normal(400)
    levels[370:] = 13.5 + 0.1 * levels[370:]
    at = [(now + (place - 365) * MINUTE).timestamp() for place in range(len(levels))]
    series = {(("service", "shop"),): list(zip(at, levels.tolist(), strict=True))}
    watch = {"name": "errors", "service": "shop", "query": "errors", "harm": "up", "severity": "page"}
    (tmp_path / "prometheus").mkdir()
    with running_prometheus(tmp_path / "prometheus", exposition("errors", series) + "\n# EOF\n") as prometheus:
        detection = {"history": "6h", "recent": "30m"}
        it = standing(tmp_path, ManualClock(now), prometheus.url, watch=[watch], detection=detection)
        with it.alive():
            it.passes(1)
            assert it.counted("trackwalker_departures_held_back", {"service": "shop"}) == 0
            it.passes(9)
            assert it.counted("trackwalker_departures_held_back", {"service": "shop"}) == 1
            assert it.counted("trackwalker_alert_worth", {"service": "shop"}) == WORTH
            assert it.subjects() == []
