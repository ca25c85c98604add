"""Seeded series for the judgement's tests: one reading a minute, noise of standard deviation 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.interruption import Interruption, ItsReading, ItsSettings, Side
from inference.its import judge

Floats = npt.NDArray[np.float64]
MINUTE = 60_000.0
WARM_UP = 20


def minutes(count: int) -> Floats:
    """Epoch milliseconds, a minute apart."""
    return np.arange(count, dtype=np.float64) * MINUTE


def autocorrelated(count: int, phi: float, rng: np.random.Generator) -> Floats:
    """A stationary AR(1) of variance 1."""
    shocks = rng.standard_normal(count) * (1 - phi**2) ** 0.5
    if count:
        shocks[0] /= np.sqrt(1 - phi**2)
    from scipy import signal  # a second, for every worker that only collects

    untyped: Any = signal
    filtered: Floats = untyped.lfilter([1.0], [1.0, -phi], shocks)
    return filtered


@dataclass(frozen=True, kw_only=True)
class Story:
    """`history` normal minutes, `anomalous` ones at `gap` more, the deploy, then `after` ones at `effect` more."""

    history: int = 300
    anomalous: int = 0
    gap: float = 0.0
    after: int = 150
    effect: float = 0.0
    phi: float = 0.6
    harm: Side = "up"

    @property
    def deploy(self) -> int:
        return self.history + self.anomalous

    def values(self, seed: int) -> Floats:
        values = autocorrelated(self.deploy + self.after, self.phi, np.random.default_rng(seed))
        values[self.history : self.deploy] += self.gap
        values[self.deploy :] += self.effect
        return values if self.harm == "up" else -values

    def event(self, *, ended: bool = False) -> Interruption:
        anomaly = (self.history * MINUTE, None) if self.anomalous else None
        return Interruption(deploy=self.deploy * MINUTE, harm=self.harm, anomaly=anomaly, ended=ended)

    def watched(self, seed: int, settings: ItsSettings, every: int = 1) -> tuple[ItsReading, int]:
        """The first ruling of a watch with a look `every` minutes, and how many minutes after the deploy it fell."""
        values, times = self.values(seed), minutes(self.deploy + self.after)
        for count in range(self.deploy + WARM_UP + settings.min_samples, len(values) + 1, every):
            reading = judge(times[:count], values[:count], self.event(), settings)
            if reading.ruling is not None:
                return reading, count - self.deploy
        return judge(times, values, self.event(ended=True), settings), self.after
