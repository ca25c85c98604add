"""Readings for the engine's tests: seeded, on a grid of five minutes."""

import numpy as np

from cases.telemetry import Floats, Millis
from detectors.engine.engine import Engine

START_MS = 1_735_516_800_000
STEP_MS = 300_000
DAY = 288


def times(count: int, step_ms: int = STEP_MS) -> Millis:
    return START_MS + step_ms * np.arange(count, dtype=np.int64)


def noise(seed: int, days: float, rows: int = 1) -> Floats:
    return 100 + np.random.default_rng(seed).standard_normal((int(days * DAY), rows))


def rhythm(seed: int, days: float) -> Floats:
    day = np.arange(int(days * DAY)) % DAY / DAY
    return noise(seed, days) + 30 * np.sin(2 * np.pi * day)[:, None]


def scored(values: Floats, engine: Engine | None = None, at: Millis | None = None) -> Floats:
    """Scores [T, S] of readings [T, S], all series at each time."""
    used = Engine(further=True) if engine is None else engine
    if len(used) == 0:
        used.claim(values.shape[1])
    moments = times(len(values)) if at is None else at
    return np.array([used.tick(int(moment), row).score for moment, row in zip(moments, values, strict=True)])
