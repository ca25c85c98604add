"""Whether the watch is armed: what a merge promises can be read, and something will say that it runs."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from cases.anomaly import Anomaly
from cases.case import Case
from cases.errors import SourceDown
from cases.merging import Obstacle
from remediation.ports import Ports

NEWEST = timedelta(minutes=10)
"""How old the newest reading of the promised metric may be."""


def disarmed(case: Case, ports: Ports) -> Iterator[Obstacle]:
    """What keeps the change from being watched, were it merged now."""
    promised = case.change.promise.signal
    anomaly = next((a for a in case.anomalies if promised in {a.signal.key, a.signal.name}), None)
    if anomaly is None:
        yield Obstacle(because=f"it promises to move {promised}, and no anomaly of its case is about that")
    else:
        yield from _unread(anomaly, ports)
    yield from _unmarked(case, ports)


def _unread(anomaly: Anomaly, ports: Ports) -> Iterator[Obstacle]:
    """Whether the very series is there, read a moment ago."""
    signal, now = anomaly.signal, ports.now
    try:
        block = ports.read(signal, now - NEWEST, now, ports.settings.judgement.step)
    except SourceDown as error:
        yield Obstacle(because=f"{signal.key} cannot be read now ({error})", passes=True)
        return
    row = next((row for row, labels in enumerate(block.labels) if dict(labels) == dict(anomaly.labels)), None)
    if block.partial or row is None or not np.isfinite(block.values[row]).any():
        yield Obstacle(because=f"{signal.key}, which it promises to move, has no reading now")


def _unmarked(case: Case, ports: Ports) -> Iterator[Obstacle]:
    """Whether a deploy marker is configured, and has ever said what runs."""
    if not ports.settings.deploys:
        yield Obstacle(because="no deploy marker is configured (`deploys`), so nothing would say that it runs")
        return
    try:
        running = ports.changes.running(case.service, ports.now)
    except SourceDown as error:
        yield Obstacle(because=f"the deploy markers cannot be read now ({error})", passes=True)
        return
    if not running:
        yield Obstacle(because=f"no deploy marker says what runs of {case.service} now")
