"""What the daemon says of itself at `/metrics`. No label holds the id of a case: their number is bounded."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from cases.case import Phase
from cases.ports import Clock
from daemon.clock import SystemClock
from daemon.observe.stages import ENDINGS, STAGES, Stage, going_through

if TYPE_CHECKING:
    from config.settings import Settings

MOST_SIGNALS = 50
LONGEST_NAME = 120
OTHERS = "others"
"""The signal under which those beyond the first fifty blind ones are counted."""
STAGE_BUCKETS = (0.01, 0.05, 0.25, 1, 5, 30, 120, 600)  # seconds, from a commit to a trial of a whole suite
LAG_BUCKETS = (5, 15, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """One registry a daemon, so that several in one process do not meet.

    Names that others set are attributes; what belongs together is told by one method. Safe for threads.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._named: dict[Gauge, set[str]] = {}
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._stages(registry)
        self._cycle(registry)
        self._ledger(registry)
        self._identity(registry)

    def _stages(self, registry: CollectorRegistry) -> None:
        self.stages = Counter(
            "trackwalker_stage", "Times through a stage, by ending", ["stage", "ending"], registry=registry
        )
        self.stage_seconds = Histogram(
            "trackwalker_stage_seconds", "Seconds a stage took", ["stage"], buckets=STAGE_BUCKETS, registry=registry
        )
        self.stage_done = Gauge(
            "trackwalker_stage_done_timestamp_seconds",
            "When a stage was last gone through without an error",
            ["stage"],
            registry=registry,
        )
        for stage in STAGES:  # a rate over a series that begins with its first error would never see that one
            self.stage_seconds.labels(stage)
            for ending in ENDINGS:
                self.stages.labels(stage, ending)
        self.steps = Counter(
            "trackwalker_steps", "Steps of cases, by phase and ending", ["phase", "ending"], registry=registry
        )
        self.step_seconds = Histogram(
            "trackwalker_step_seconds", "Seconds a step took, by phase", ["phase"], registry=registry
        )
        self.effects = Counter(
            "trackwalker_effects", "Effects, by kind and ending", ["kind", "ending"], registry=registry
        )
        self.notices = Counter(
            "trackwalker_notices", "Notices, by receiver and ending", ["receiver", "ending"], registry=registry
        )
        self.traces_dropped = Counter(
            "trackwalker_trace_spans_dropped", "Spans that no collector took", registry=registry
        )

    def _cycle(self, registry: CollectorRegistry) -> None:
        self.turns = Counter("trackwalker_turns", "Turns of the cycle that ended", registry=registry)
        self.turn_seconds = Histogram("trackwalker_turn_seconds", "Seconds a turn took", registry=registry)
        self.late_seconds = Gauge(
            "trackwalker_poll_late_seconds", "How far behind its cycle the last poll began", registry=registry
        )
        self.cycle_seconds = Gauge("trackwalker_cycle_seconds", "How often signals are to be read", registry=registry)
        self.polls = Counter("trackwalker_polls", "Signals polled, by sight", ["sight"], registry=registry)
        self.blind = Gauge("trackwalker_blind_signals", "Signals that cannot be judged now", registry=registry)
        self.signal_blind = Gauge(
            "trackwalker_signal_blind", "1 while a signal cannot be judged", ["signal"], registry=registry
        )
        self.source_up = Gauge(
            "trackwalker_source_up", "0 while a source cannot be read, else 1", ["source"], registry=registry
        )
        self.pool = Counter(
            "trackwalker_sandbox_pool",
            "Trials that took a waiting container or started their own, and containers that could not be started ahead",
            ["what"],
            registry=registry,
        )
        for what in ("taken", "missed", "unfilled"):
            self.pool.labels(what)
        self.pool_waiting = Gauge(
            "trackwalker_sandbox_pool_waiting", "Containers that were started ahead and wait", registry=registry
        )
        self.relief = Gauge(
            "trackwalker_source_relief",
            "What a source under pressure is not asked for: 0 nothing, 1 history, 2 history and detail",
            ["source"],
            registry=registry,
        )
        self.anomalies = Counter(
            "trackwalker_anomalies", "Anomalies, by what triage did with them", ["triage"], registry=registry
        )
        self.worth = Gauge(
            "trackwalker_alert_worth",
            "What a departure from normal must be worth to be told, as the service's alert budget asks now",
            ["service"],
            registry=registry,
        )
        self.held_back = Gauge(
            "trackwalker_departures_held_back",
            "Departures that go on and are not worth that much",
            ["service"],
            registry=registry,
        )
        self.alerts_told = Counter(
            "trackwalker_alerts_told",
            "Alerts that Alertmanager told of, by what became of them",
            ["fate"],
            registry=registry,
        )
        self.triage_lag = Histogram(
            "trackwalker_triage_lag_seconds",
            "From when an anomaly could first be told to when its case was opened",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self.steals = Counter(
            "trackwalker_lease_steals", "Cases taken over from a daemon whose lease ran out", registry=registry
        )
        self.fenced = Counter(
            "trackwalker_fenced", "Writes refused because another daemon held the case by then", registry=registry
        )

    def _ledger(self, registry: CollectorRegistry) -> None:
        self.cases = Gauge("trackwalker_cases", "Active cases, by phase", ["phase"], registry=registry)
        self.queue_cases = Gauge(
            "trackwalker_queue_cases", "Cases that are due, or that a human holds up", ["state"], registry=registry
        )
        self.queue_age = Gauge(
            "trackwalker_queue_age_seconds", "For how long the oldest due case has waited", registry=registry
        )
        self.outbox = Gauge(
            "trackwalker_outbox_effects", "Promised effects without a receipt, by kind", ["kind"], registry=registry
        )
        self.outbox_age = Gauge(
            "trackwalker_outbox_age_seconds", "Age of the oldest of them, by kind", ["kind"], registry=registry
        )
        self.outbox_dropped = Gauge(
            "trackwalker_outbox_dropped", "Effects that were given up in the last day", registry=registry
        )
        self.budget = Gauge(
            "trackwalker_budget_usd", "Money for language models", ["window", "what"], registry=registry
        )
        self.audit_seq = Gauge("trackwalker_audit_seq", "Number of the newest line of the audit", registry=registry)
        self.ledger_errors = Counter(
            "trackwalker_ledger_errors", "Times that the ledger could not be read or written", registry=registry
        )
        self.last_backup = Gauge(
            "trackwalker_last_backup_timestamp_seconds",
            "When the newest copy of the store was made; 0 for none, NaN where none is to be",
            registry=registry,
        )
        self.last_backup.set(float("nan"))
        self.recipe_ok = Gauge(
            "trackwalker_recipe_ok",
            "0 since a repository's own commands failed on its watched branch, else 1",
            ["repository"],
            registry=registry,
        )
        self.deploys_judged = Gauge(
            "trackwalker_deploys_judged",
            "Last week's deploys that carry no change of ours, as of last night: judged, and of these moved",
            ["what"],
            registry=registry,
        )
        self.daemons = Gauge("trackwalker_daemons", "Daemons that share the store, this one too", registry=registry)
        self.configs = Gauge("trackwalker_configs", "Different configurations among them", registry=registry)

    def _identity(self, registry: CollectorRegistry) -> None:
        self.paused = Gauge("trackwalker_paused", "1 while everything is paused", registry=registry)
        self.reload_ok = Gauge(
            "trackwalker_config_reload_ok", "0 when the last reload was refused, else 1", registry=registry
        )
        self.reload_ok.set(1)
        self.config_digest = Gauge(
            "trackwalker_config_digest_info", "1, with the digest of the settings in force", ["digest"],
            registry=registry,
        )  # fmt: skip
        self.build = Gauge(
            "trackwalker_build_info", "1, with the version that runs, and its commit where that is known",
            ["version", "revision"], registry=registry,
        )  # fmt: skip

    def recipes(self, ok: Mapping[str, bool]) -> None:
        """Which repositories' own commands could be run when they were last tried; untried ones are left out."""
        self.only(self.recipe_ok, {name[:LONGEST_NAME]: float(works) for name, works in ok.items()})

    def shipped(self, judged: int, moved: int) -> None:
        """How many deploys of people were judged last night, and how many of them moved a metric."""
        self.deploys_judged.labels("judged").set(judged)
        self.deploys_judged.labels("moved").set(moved)

    def stage(self, name: str) -> AbstractContextManager[Stage]:
        """Count a time through the stage and its seconds: `with metrics.stage("diagnose") as stage: …`.

        An error that leaves the block says how it ended; without one it is "done", unless `stage.ending` is set.
        """
        began = self._clock.monotonic()

        def tell(stage: Stage) -> None:
            self.stage_seconds.labels(stage.name).observe(self._clock.monotonic() - began)
            self.stages.labels(stage.name, stage.ending).inc()
            if stage.ending in {"done", "waiting"}:
                self.stage_done.labels(stage.name).set(self._clock.now().timestamp())

        return going_through(name, tell)

    def count_cases(self, by_phase: Mapping[Phase, int]) -> None:
        """How many active cases are in each phase; one that is not named has none."""
        for phase in Phase:
            if phase is not Phase.CLOSED:
                self.cases.labels(phase).set(by_phase.get(phase, 0))

    def sights(self, blind: Mapping[str, str]) -> None:
        """What cannot be judged now. Beyond the first fifty they are only counted, under one name."""
        self.blind.set(len(blind))
        names = sorted(blind)
        shown = {name[:LONGEST_NAME]: 1.0 for name in names[:MOST_SIGNALS]}
        more = len(names) - MOST_SIGNALS
        self.only(self.signal_blind, shown | {OTHERS: float(more)} if more > 0 else shown)

    def sources(self, up: Mapping[str, bool]) -> None:
        """Which sources could be read."""
        self.only(self.source_up, {name: float(reached) for name, reached in up.items()})

    def allowances(self, worths: Mapping[str, float], held_back: Mapping[str, int]) -> None:
        """What each service's alert budget asks, and how many departures it holds back: those with most of them."""
        names = sorted(worths, key=lambda name: (-held_back.get(name, 0), name))[:MOST_SIGNALS]
        self.only(self.worth, {name[:LONGEST_NAME]: worths[name] for name in names})
        self.only(self.held_back, {name[:LONGEST_NAME]: float(held_back.get(name, 0)) for name in names})

    def only(self, gauge: Gauge, values: Mapping[str, float]) -> None:
        """Let a gauge of one label say just this. What stays is never missing in between: an alert would start anew."""
        for name, value in values.items():
            gauge.labels(name).set(value)
        for name in self._named.get(gauge, set()) - values.keys():
            gauge.remove(name)
        self._named[gauge] = set(values)

    def configured(self, settings: "Settings", digest: str) -> None:
        """The settings in force, and their digest."""
        self.cycle_seconds.set(settings.cycle.total_seconds())
        self.budget.labels("day", "cap").set(settings.budget.usd_per_day)
        self.only(self.config_digest, {digest: 1})

    def built(self, version: str, revision: str = "") -> None:
        """What runs."""
        self.build.labels(version, revision).set(1)

    def backed_up(self, newest: datetime | None, *, wanted: bool) -> None:
        """When the newest copy of the store was made; None for never."""
        if newest is not None:
            self.last_backup.set(newest.timestamp())
        else:
            self.last_backup.set(0 if wanted else float("nan"))

    def render(self) -> bytes:
        """The text exposition."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
