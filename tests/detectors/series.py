"""Series for the detectors' tests: seeded, on a grid of a minute."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from cases.moments import milliseconds
from cases.telemetry import Direction, Floats, SeriesBlock, Severity, Signal

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 1440
WARM_UP = timedelta(hours=2)


def signal(
    name: str = "errors",
    *,
    service: str = "shop",
    harm: Direction | None = Direction.UP,
    threshold: float | None = None,
    severity: Severity = Severity.TICKET,
) -> Signal:
    return Signal(
        name=name, service=service, source="main", query=name, harm=harm, threshold=threshold, severity=severity
    )


def block(
    values: Floats | list[float] | list[list[float]],
    of: Signal | None = None,
    *,
    first: int = 0,
    labels: tuple[Mapping[str, str], ...] = (),
    partial: str = "",
) -> SeriesBlock:
    """A block of these readings from minute `first` on; NaN is missing."""
    rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
    times = milliseconds(START) + 60_000 * (first + np.arange(rows.shape[1], dtype=np.int64))
    named = labels or tuple({"route": f"/{row}"} for row in range(len(rows)))
    return SeriesBlock(
        signal=of or signal(), labels=named, times=times, values=rows, missing=np.isnan(rows), partial=partial
    )


def at(minute: float) -> datetime:
    return START + minute * MINUTE


def noise(seed: int, minutes: int, *, correlation: float = 0.0) -> Floats:
    """Gaussian noise of unit variance, each minute pulled towards the one before."""
    drawn = np.random.default_rng(seed).standard_normal(minutes)
    if correlation == 0:
        return drawn
    made = np.empty(minutes)
    made[0] = drawn[0]
    for minute in range(1, minutes):
        made[minute] = correlation * made[minute - 1] + np.sqrt(1 - correlation**2) * drawn[minute]
    return made


def day_season(minutes: int, first: int = 0) -> Floats:
    """From -1 at midnight to 1 at noon."""
    season: Floats = -np.cos(2 * np.pi * (first + np.arange(minutes)) / DAY)
    return season


def error_ratio(seed: int, minutes: int, *, rate: float = 0.005, requests: float = 600.0) -> Floats:
    """Failed requests over requests, as a shop with a daily rhythm of traffic has them."""
    draw = np.random.default_rng(seed)
    count = draw.poisson(requests * (1 + 0.6 * day_season(minutes)))
    return draw.binomial(count, rate) / np.maximum(count, 1)
