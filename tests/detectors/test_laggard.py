"""Laggards: far worse than its siblings, day after day; and never one of two, a bad week, or a part of an answer."""

from dataclasses import replace

import numpy as np
import pytest

from cases.anomaly import AnomalyKind
from cases.telemetry import Direction, Floats, SeriesBlock, Severity
from detectors.laggard import detect_laggards
from tests.detectors.series import block

DAYS, SIBLINGS = 28, 6
LABELS = tuple({"route": f"/{name}"} for name in "abcdef")


def history(values: Floats, harm: Direction | None = Direction.UP, partial: str = "") -> SeriesBlock:
    one = block(values, labels=LABELS[: len(values)], partial=partial)
    return SeriesBlock(
        signal=replace(one.signal, harm=harm),
        labels=one.labels,
        times=np.arange(len(one.times)) * 3_600_000,
        values=one.values,
        missing=one.missing,
        partial=one.partial,
    )


def slow(times: float = 8.0, days: int = DAYS, rows: int = SIBLINGS) -> Floats:
    """Six routes by the hour, busier by day; the last one takes so many times as long, in its last days."""
    hours = np.arange(DAYS * 24)
    values = np.tile(0.1 * (1 + 0.2 * (hours % 24 > 8)), (rows, 1)) * (1 + 0.1 * np.arange(rows))[:, None]
    values[-1, (DAYS - days) * 24 :] *= times
    return values


def test_a_route_that_is_far_slower_than_its_siblings_is_found() -> None:
    (found,) = detect_laggards(history(slow()))
    assert (found.labels, found.kind, found.direction) == (LABELS[-1], AnomalyKind.LAGGARD, Direction.UP)
    assert found.signal.severity is Severity.NOTE
    assert found.value / found.expected == pytest.approx(8.0 * 1.5 / 1.25, rel=0.1)


@pytest.mark.parametrize(
    ("values", "harm", "partial"),
    [
        (slow(3.0), Direction.UP, ""),  # slower, as some route must be
        (slow(days=10), Direction.UP, ""),  # only of late: an alert's, or a drift's
        (slow(rows=4), Direction.UP, ""),  # too few to say who is the odd one
        (slow(), None, ""),
        (slow(), Direction.DOWN, ""),
        (slow(), Direction.UP, "a shard did not answer"),
        (np.where(slow() > 0, np.nan, 0.0), Direction.UP, ""),
        (np.zeros((SIBLINGS, DAYS * 24)), Direction.UP, ""),
        (slow()[:, : 20 * 24], Direction.UP, ""),
    ],
)
def test_what_says_too_little_is_none(values: Floats, harm: Direction | None, partial: str) -> None:
    assert detect_laggards(history(values, harm, partial)) == ()
