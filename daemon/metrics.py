"""What the daemon says of itself at `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry a daemon, so that several in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter("trackwalker_turns", "Turns of the cycle that ended", registry=self.registry)
        self.turn_seconds = Histogram("trackwalker_turn_seconds", "Seconds a turn took", registry=self.registry)
        self.late_seconds = Gauge(
            "trackwalker_poll_late_seconds", "How far behind its cycle the last poll began", registry=self.registry
        )
        self.polls = Counter("trackwalker_polls", "Signals polled, by sight", ["sight"], registry=self.registry)
        self.blind = Gauge("trackwalker_blind_signals", "Signals that cannot be judged now", registry=self.registry)
        self.anomalies = Counter(
            "trackwalker_anomalies", "Anomalies, by what triage did with them", ["triage"], registry=self.registry
        )
        self.steps = Counter(
            "trackwalker_steps", "Steps of cases, by phase and ending", ["phase", "ending"], registry=self.registry
        )
        self.step_seconds = Histogram(
            "trackwalker_step_seconds", "Seconds a step took, by phase", ["phase"], registry=self.registry
        )
        self.effects = Counter(
            "trackwalker_effects", "Effects, by kind and ending", ["kind", "ending"], registry=self.registry
        )
        self.notices = Counter(
            "trackwalker_notices", "Notices, by receiver and ending", ["receiver", "ending"], registry=self.registry
        )
        self.cases = Gauge("trackwalker_cases", "Active cases, by phase", ["phase"], registry=self.registry)
        self.paused = Gauge("trackwalker_paused", "1 while everything is paused", registry=self.registry)
        self.reload_ok = Gauge(
            "trackwalker_config_reload_ok", "0 when the last reload was refused, else 1", registry=self.registry
        )
        self.reload_ok.set(1)

    def render(self) -> bytes:
        """The text exposition."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
