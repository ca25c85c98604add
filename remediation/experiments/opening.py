"""The birth of an experiment's case: a hypothesis for a goal, as a metric that is not where somebody wants it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from cases.anomaly import Anomaly, AnomalyKind, fingerprint
from cases.events import Opened
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.telemetry import Direction, Severity, Signal


def named(goal: str, idea: str) -> str:
    """The case of a hypothesis, by the goal's name and its id: eight digits, the same whichever daemon opens it."""
    return hashlib.sha256(f"experiment\x1f{goal}\x1f{idea}".encode()).hexdigest()[:8]


def opened(
    goal: Goal, idea: Hypothesis, signal: Signal, value: float, labels: Mapping[str, str], now: datetime
) -> Opened:
    """The event. `value` is what the signal reads now, `labels` are those of its one series."""
    direction = Direction.DOWN if goal.up else Direction.UP  # the side on which it lies, seen from the target
    return Opened(
        case_id=named(goal.name, idea.id),
        service=signal.service,
        fingerprint=fingerprint(signal.service, signal.name, f"{goal.name} {idea.id}"),
        anomaly=Anomaly(
            signal=replace(signal, severity=Severity.NOTE),
            labels=dict(labels),
            detector="goal",
            kind=AnomalyKind.GOAL,
            direction=direction,
            onset=now - timedelta(days=1),
            onset_bound_s=0.0,
            detected=now,
            value=value,
            expected=goal.target,
            low=min(goal.target, value),
            high=max(goal.target, value),
            score=0.5,
        ),
        reasons=(
            f"outcome {goal.name}: {signal.name} reads {value:.4g}, and {goal.target:.4g} is wanted by {goal.horizon}",
            f"an experiment, of no incident: hypothesis {idea.id} of {idea.origin}",
        ),
        goal=goal,
        hypothesis=idea,
    )
