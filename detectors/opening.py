"""What is said of a case at its opening: why it is one, why it is of that severity and kind, and how far it reaches.

All of it comes from what the look has read already: nothing is asked of any source, and nothing is diagnosed.
"""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import iso
from cases.reach import IMPACT, Reach
from cases.telemetry import SeriesBlock

MOST_NAMED = 5
TOLD = "alertmanager"  # the detector of what Alertmanager told


def severity_reason(anomaly: Anomaly, others: Iterable[Anomaly]) -> str:
    """Why the case asks for what it asks for."""
    severity = anomaly.signal.severity
    if anomaly.kind is AnomalyKind.BURN_RATE:
        why = f"its error budget burns {_burn(anomaly):.3g} times as fast as it may"
    elif anomaly.detector == TOLD:
        label = anomaly.labels.get("severity", "")[:40]
        why = f'the alert\'s label severity is "{label}"' if label else "the alert has no label severity"
    elif anomaly.signal.rule:
        why = f"the rule {anomaly.signal.rule[:80]} says so"
    else:
        why = f"the watch {anomaly.signal.name} says so"
    less = {other.signal.severity for other in others} - {severity}
    beside = f"; what came with it asks for less ({', '.join(sorted(less))})" if less else ""
    return f"severity {severity}: {why}{beside}"


def kind_reason(anomaly: Anomaly) -> str:
    """What shape the departure has, and what shows it."""
    match anomaly.kind:
        case AnomalyKind.THRESHOLD if anomaly.detector == TOLD:
            why = f"the alert {anomaly.signal.rule[:80]} fires since {iso(anomaly.onset)}"
        case AnomalyKind.THRESHOLD:
            why = f"it read {anomaly.value:.4g}, beyond the threshold {anomaly.expected:.4g}"
        case AnomalyKind.LEVEL:
            why = f"it left its band of {anomaly.low:.4g} to {anomaly.high:.4g} and stayed out, at {anomaly.value:.4g}"
        case AnomalyKind.BURN_RATE:
            why = f"{anomaly.value:.3%} of events failed where {anomaly.expected:.3%} may"
        case kind:
            why = f"the detector {anomaly.detector} calls it {kind}, at {anomaly.value:.4g}"
    return f"kind {anomaly.kind}: {why}"


def out_of_range(anomaly: Anomaly, found: Iterable[Anomaly]) -> tuple[Mapping[str, str], ...]:
    """The labels of the anomaly's series and of all others of its signal that are out of range, each once."""
    same = [anomaly, *(one for one in found if one.signal.key == anomaly.signal.key)]
    return tuple({tuple(sorted(one.labels.items())): one.labels for one in same}.values())


def reach_of(anomaly: Anomaly, found: Iterable[Anomaly], blocks: Mapping[str, SeriesBlock]) -> Reach:
    """How far it reaches by what was read at this look (by `Signal.key`); nothing is said of traffic yet."""
    return Reach(
        signal=anomaly.signal.name,
        service=anomaly.signal.service,
        series=len(out_of_range(anomaly, found)),
        whole=_series(blocks.get(anomaly.signal.key)),
    )


def impact_reasons(
    anomaly: Anomaly, found: Iterable[Anomaly], reach: Reach, echoing: Collection[str]
) -> tuple[str, ...]:
    """How far it reaches: series, requests, the service's other signals, burn rate, services that echo it.

    found     everything that was out of range at this look
    echoing   services whose symptoms are its echoes
    """
    signal = anomaly.signal
    said = [reach.series_said, *([reach.share_said] if reach.declared else [])]
    names = sorted({one.signal.name for one in found if one.signal.service == signal.service} - {signal.name})
    if names:
        said.append(f"{IMPACT}{len(names)} other signals of {signal.service}: {_named(names)}")
    if anomaly.kind is AnomalyKind.BURN_RATE:
        said.append(f"{IMPACT}burn rate {_burn(anomaly):.3g}")
    if echoing:
        said.append(f"{IMPACT}{len(echoing)} services that depend on it: {_named(sorted(echoing))}")
    return tuple(said)


def _burn(anomaly: Anomaly) -> float:
    """How many times the budget is spent; an anomaly's `expected` is the share of events that may fail."""
    return anomaly.value / anomaly.expected if anomaly.expected else float("inf")


def _series(block: SeriesBlock | None) -> int:
    """How many series have samples; 0 where the block is not there."""
    return 0 if block is None else int(np.count_nonzero((~block.missing).any(axis=1)))


def _named(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
