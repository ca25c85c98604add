"""The nouns of an interrupted time series: what happened to a series, how it is judged, and what one look says."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from inference.kinds import Kind
from inference.unattended import FEWEST_ON_RECORD
from inference.words import figure, span

Side: TypeAlias = Literal["up", "down"]
Ruling: TypeAlias = Literal["worked", "harmful", "unchanged", "inconclusive"]

MINUTE = 60_000.0
DAY = 86_400_000.0
PLAIN = "plain interrupted time series"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItsSettings:
    """How a series is judged; `describe` prints it. Raises ValueError for settings that make no sense together.

    alpha         chance of ever calling a harmless deploy harmful, whatever the number of looks
    alpha_worked  chance that the interval behind "worked" is wrong
    tau           size of effect that is looked for, in normal standard deviations
    margin        smallest harm that counts, in the series' unit; None: a quarter of a normal standard deviation
    warm_up       ms after the deploy that are left out (restarts, caches, the smoothing window of the query)
    min_samples   readings after the warm-up, and anomalous ones just before the deploy, without which nothing is said
    holds         successive readings at which the evidence must hold
    recovery      ms after the deploy within which a recovery may be credited to it
    unattended    ms that such anomalies lasted that nobody touched, one each; fewer than five credit nothing
    kind          what the series holds: it is judged on the scale on which its noise is even
    window        ms after the deploy that are looked at, at the most
    """

    alpha: float = 0.01
    alpha_worked: float = 0.05
    tau: float = 2.0
    margin: float | None = None
    warm_up: float = 20 * MINUTE
    min_samples: int = 12
    holds: int = 3
    recovery: float = 30 * MINUTE
    unattended: tuple[float, ...] = ()
    kind: Kind = "gauge"
    window: float = 7 * DAY

    def __post_init__(self) -> None:
        if not (0.0 < self.alpha < 0.5 and 0.0 < self.alpha_worked < 1.0):  # noqa: PLR2004 - 1 - 2·alpha is a level
            raise ValueError(f"alpha must lie in (0, 0.5) and alpha_worked in (0, 1), got {self!r}")
        if not (self.tau > 0.0 and self.min_samples >= self.holds >= 1 and self.warm_up >= 0.0 and self.recovery > 0.0):
            raise ValueError(f"needed: tau > 0, min_samples >= holds >= 1, warm_up >= 0, recovery > 0; got {self!r}")
        if self.margin is not None and not self.margin >= 0.0:
            raise ValueError(f"a margin is a size, at least 0, got {self.margin!r}")
        if not all(0.0 < lasted < math.inf for lasted in self.unattended):
            raise ValueError(f"anomalies last longer than 0 ms and end, got {self.unattended!r}")


def describe(settings: ItsSettings, method: str = PLAIN) -> str:
    """One line with every setting that led to a ruling. `method` is the reading's."""
    margin = "a quarter of the normal deviation" if settings.margin is None else figure(settings.margin)
    known = settings.unattended if len(settings.unattended) >= FEWEST_ON_RECORD else ()
    unattended = f"{span(math.fsum(known) / len(known))} on average, {len(known)} on record" if known else "not known"
    return (
        f"{method}; alpha {settings.alpha:.3g} (worked {settings.alpha_worked:.3g}), "
        f"tau {settings.tau:.3g} deviations, margin {margin}, warm-up {span(settings.warm_up)}, "
        f"at least {settings.min_samples} readings, evidence held for {settings.holds}, "
        f"recovery credited within {span(settings.recovery)}, duration of unattended anomalies: {unattended}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """What happened to the series, and when (epoch ms).

    harm     the side on which users suffer
    anomaly  its onset and its end (None: not over yet), or None when there was none
    ended    whether the watch is over, so that an answer is due
    others   other deploys that may have moved the series, none of them this one
    """

    deploy: float
    harm: Side
    anomaly: tuple[float, float | None] | None = None
    ended: bool = False
    others: tuple[float, ...] = ()

    @property
    def active(self) -> bool:
        """Whether the anomaly was there at the deploy."""
        if self.anomaly is None:
            return False
        onset, end = self.anomaly
        return onset < self.deploy <= (math.inf if end is None else end)

    @property
    def age(self) -> float:
        """For how many ms the anomaly had been there at the deploy, 0 where it was not."""
        return self.deploy - self.anomaly[0] if self.anomaly is not None and self.active else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItsReading:
    """What one look says. Levels, effect, interval, margin and sd are in the series' unit; None where not known.

    ruling      None while the watch goes on
    samples     readings after the warm-up
    effect      after minus reference; `low`, `high` its always-valid interval at level `confidence`
    reference   the anomalous level if the anomaly was active at the deploy, else the normal one
    evidence    an e-value: for "worked" against "half of the gap remains", else against "no harm beyond the margin"
    margin, sd  the smallest harm that counts, and the normal standard deviation
    recovered   more than half of the gap is closed, whoever gets the credit
    contested   there is harm, and another deploy may as well have done it: a human decides
    decided     epoch ms of the reading at which the ruling was first held, None without one
    method      how it was judged, in words
    """

    ruling: Ruling | None
    because: str
    samples: int
    confidence: float
    normal: float | None = None
    anomalous: float | None = None
    after: float | None = None
    reference: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    evidence: float | None = None
    margin: float | None = None
    sd: float | None = None
    recovered: bool = False
    contested: bool = False
    decided: float | None = None
    method: str = PLAIN
