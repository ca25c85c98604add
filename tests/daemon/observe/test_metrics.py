"""Stages and gauges: what is counted when a block ends this way or that, and how many series there can be."""

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cases.case import Case, Phase
from cases.errors import Fenced, OverBudget, PermanentError, SourceDown, TemporaryError
from cases.events import Recovered
from cases.lifecycle import advance, opened
from daemon.clock import ManualClock
from daemon.ledger.daemons import DaemonSeen
from daemon.ledger.health import LedgerHealth, Owed
from daemon.observe.health import Vitals, version_of
from daemon.observe.metrics import MOST_SIGNALS, OTHERS, Metrics
from daemon.observe.stages import STAGE_OF, STAGES, stage_of
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.settings import some_settings


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def metrics(clock: ManualClock) -> Metrics:
    return Metrics(clock)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_stage_counts_its_seconds_and_its_ending(metrics: Metrics, clock: ManualClock) -> None:
    with metrics.stage("prove"):
        clock.advance(timedelta(seconds=40))
    with metrics.stage("prove") as stage:
        stage.ending = "waiting"
    assert value(metrics, "trackwalker_stage_total", stage="prove", ending="done") == 1
    assert value(metrics, "trackwalker_stage_total", stage="prove", ending="waiting") == 1
    assert value(metrics, "trackwalker_stage_seconds_sum", stage="prove") == 40
    assert value(metrics, "trackwalker_stage_seconds_bucket", stage="prove", le="30.0") == 1
    assert value(metrics, "trackwalker_stage_done_timestamp_seconds", stage="prove") == clock.now().timestamp()


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (TemporaryError("the forge is busy"), "later"),
        (SourceDown("main", "refuses"), "later"),
        (PermanentError("no permission"), "escalated"),
        (OverBudget("spent"), "escalated"),
        (Fenced("another holds it"), "fenced"),
        (ValueError("a bug"), "bug"),
        (KeyboardInterrupt(), "bug"),
    ],
)
def test_an_error_that_leaves_a_stage_says_how_it_ended(metrics: Metrics, error: BaseException, ending: str) -> None:
    with contextlib.suppress(type(error)), metrics.stage("draft") as stage:
        stage.ending = "waiting"
        raise error
    assert value(metrics, "trackwalker_stage_total", stage="draft", ending=ending) == 1
    assert value(metrics, "trackwalker_stage_total", stage="draft", ending="waiting") == 0
    assert value(metrics, "trackwalker_stage_done_timestamp_seconds", stage="draft") is None


def test_every_stage_has_a_series_before_its_first_error(metrics: Metrics) -> None:
    assert {value(metrics, "trackwalker_stage_total", stage=stage, ending="bug") for stage in STAGES} == {0.0}


def test_every_phase_belongs_to_a_stage() -> None:
    assert set(STAGE_OF) == set(Phase)
    assert set(STAGE_OF.values()) <= set(STAGES)


def test_a_case_that_ended_by_itself_is_learnt_from() -> None:
    case: Case = opened(an_entry(an_opened()))
    assert stage_of(case) == "diagnose"
    assert stage_of(advance(case, an_entry(Recovered(because="it is back"), 1))) == "learn"
    assert stage_of(replace(case, phase=Phase.CLOSED)) == "effect"


def test_blind_signals_are_named_up_to_a_bound_and_forgotten_when_seen(metrics: Metrics) -> None:
    metrics.sights({"shop/errors": "away", "shop/latency": "away"})
    metrics.sights({"shop/latency": "away"})
    assert value(metrics, "trackwalker_signal_blind", signal="shop/latency") == 1
    assert value(metrics, "trackwalker_signal_blind", signal="shop/errors") is None
    metrics.sights({f"shop/{number:05}": "away" for number in range(10_000)})
    assert value(metrics, "trackwalker_blind_signals") == 10_000
    assert value(metrics, "trackwalker_signal_blind", signal=OTHERS) == 10_000 - MOST_SIGNALS
    assert metrics.render().count(b"trackwalker_signal_blind{") == MOST_SIGNALS + 1
    metrics.sights({"x" * 5000: "away", "one\nline": "away"})
    lines = [line for line in metrics.render().decode().split("\n") if line.startswith("trackwalker_signal_blind{")]
    assert len(lines) == 2
    assert max(map(len, lines)) < 200


def test_the_services_whose_budget_holds_back_most_are_named(metrics: Metrics) -> None:
    worths = {f"service-{number:03}": 0.55 for number in range(200)}
    metrics.allowances(worths, {"service-150": 3})
    assert value(metrics, "trackwalker_departures_held_back", service="service-150") == 3
    assert value(metrics, "trackwalker_alert_worth", service="service-000") == 0.55
    assert metrics.render().count(b"trackwalker_departures_held_back{") == MOST_SIGNALS


def test_settings_version_and_process_are_on_the_page(metrics: Metrics) -> None:
    metrics.configured(some_settings(budget={"usd_per_day": 7.5}, cycle="1m"), "abc123")
    metrics.configured(some_settings(), "def456")
    metrics.built(*version_of())
    assert value(metrics, "trackwalker_config_digest_info", digest="abc123") is None
    assert value(metrics, "trackwalker_config_digest_info", digest="def456") == 1
    assert value(metrics, "trackwalker_cycle_seconds") == 30
    assert value(metrics, "trackwalker_budget_usd", window="day", what="cap") == 5
    assert b'trackwalker_build_info{revision="",version="0.' in metrics.render()
    assert (value(metrics, "process_resident_memory_bytes") or 0) > 1e6
    assert version_of("nobody-has-this-name") == ("unknown", "")


def test_the_newest_backup_is_told_and_a_missing_one_too(metrics: Metrics) -> None:
    assert str(value(metrics, "trackwalker_last_backup_timestamp_seconds")) == "nan"
    metrics.backed_up(None, wanted=True)
    assert value(metrics, "trackwalker_last_backup_timestamp_seconds") == 0
    metrics.backed_up(NOW, wanted=True)
    assert value(metrics, "trackwalker_last_backup_timestamp_seconds") == NOW.timestamp()


class Standing:
    """A store that stands as it is told to."""

    def __init__(self) -> None:
        self.away = False
        self.outbox: tuple[Owed, ...] = (Owed(kind="PushBranch", effects=2, oldest=timedelta(minutes=7)),)

    def health(self, now: datetime) -> LedgerHealth:
        if self.away:
            raise TemporaryError("the disk is full")
        return LedgerHealth(
            at=now, due=3, oldest_due=timedelta(minutes=20), active=9, frozen=1, gated=2, outbox=self.outbox, dropped=4,
            spent_usd=1.5, reserved_usd=0.25, audit_seq=77,
        )  # fmt: skip


def seen(name: str, config: str, *, silent: bool = False) -> DaemonSeen:
    return DaemonSeen(name=name, version="1", config=config, host="h", started=NOW, seen=NOW, working=(), silent=silent)


def test_how_the_store_stands_is_shown_now_and_then(metrics: Metrics, clock: ManualClock) -> None:
    store = Standing()
    others = [seen("two", "bb"), seen("dead", "cc", silent=True)]
    vitals = Vitals(store=store, config="aa", others=lambda _: others, metrics=metrics, clock=clock)
    assert vitals.due()
    vitals.once()
    assert not vitals.due()
    assert value(metrics, "trackwalker_queue_cases", state="due") == 3
    assert value(metrics, "trackwalker_queue_cases", state="frozen") == 1
    assert value(metrics, "trackwalker_queue_cases", state="gate") == 2
    assert value(metrics, "trackwalker_queue_age_seconds") == 1200
    assert value(metrics, "trackwalker_outbox_effects", kind="PushBranch") == 2
    assert value(metrics, "trackwalker_outbox_age_seconds", kind="PushBranch") == 420
    assert value(metrics, "trackwalker_outbox_dropped") == 4
    assert value(metrics, "trackwalker_budget_usd", window="day", what="spent") == 1.75
    assert value(metrics, "trackwalker_audit_seq") == 77
    assert value(metrics, "trackwalker_daemons") == 2
    assert value(metrics, "trackwalker_configs") == 2
    clock.advance(timedelta(seconds=10))
    assert vitals.due()


def test_a_store_that_is_away_is_counted_and_what_was_done_is_forgotten(metrics: Metrics, clock: ManualClock) -> None:
    store = Standing()
    vitals = Vitals(store=store, config="aa", others=lambda _: (), metrics=metrics, clock=clock)
    vitals.once()
    store.away = True
    vitals.once()
    assert value(metrics, "trackwalker_ledger_errors_total") == 1
    assert value(metrics, "trackwalker_queue_cases", state="due") == 3
    store.away, store.outbox = False, ()
    vitals.once()
    assert value(metrics, "trackwalker_outbox_effects", kind="PushBranch") is None
