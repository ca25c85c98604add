"""How detections are judged: the Numenta Anomaly Benchmark's own score, and events at a budget of false alerts.

Never point-adjusted. Scores are arrays [T], the higher the odder; an alert is an episode: the first reading at or over
the threshold after an hour (at least three readings) without one. An episode that begins before a window and runs into
it is a false start.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

WEEK_S = 604_800.0
EPISODE_S = 3600.0
BUDGETS = (0.1, 0.5, 1.0)
_THRESHOLDS = 80

PROFILES = {"standard": (1.0, 0.11), "low FP": (1.0, 0.22), "low FN": (2.0, 0.11)}
"""Weights of a missed window and of a false alert in NAB's three profiles; a hit weighs 1."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series with its truth.

    times [T] in epoch seconds, values [T], windows (first and last place), and how many readings at its beginning are
    not scored.
    """

    name: str
    times: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]
    probation: int

    @property
    def step(self) -> float:
        """Seconds from one reading to the next, by the median."""
        return float(np.median(np.diff(self.times)))

    @property
    def weeks(self) -> float:
        """How long it is scored."""
        return (len(self.times) - self.probation) * self.step / WEEK_S


# ------------------------------------------------------------------------------------------------------------- NAB
def _sigmoid(place: Floats) -> Floats:
    """NAB's: 1 a window's length before its end, 0 at it, towards -1 after it."""
    return np.where(place > 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(place, 4))) - 1)


def worth(series: Labelled) -> tuple[Floats, Places]:
    """(what an alert at each place is worth [T], the window it falls into [T], -1 for none), unweighted."""
    size = len(series.times)
    value, window = np.full(size, -1.0), np.full(size, -1, dtype=np.intp)
    best = float(_sigmoid(np.array([-1.0]))[0])
    starts = [*(first for first, _ in series.windows[1:]), size][: len(series.windows)]
    for number, ((first, last), following) in enumerate(zip(series.windows, starts, strict=True)):
        inside, after = np.arange(first, last + 1), np.arange(last + 1, following)
        value[inside] = _sigmoid(-(last - inside + 1.0) / (last - first + 1)) / best
        value[after] = _sigmoid((after - last) / max(last - first, 1))
        window[inside] = number
    return value, window


class Nab:
    """NAB's score of a corpus for any threshold, the best of which is the result that NAB publishes."""

    def __init__(self, corpus: Sequence[Labelled]) -> None:
        values, windows, files, before = [], [], [], 0
        for number, series in enumerate(corpus):
            value, window = worth(series)
            values.append(value[series.probation :])
            windows.append(np.where(window >= 0, window + before, -1)[series.probation :])
            files.append(np.full(len(values[-1]), number))
            before += len(series.windows)
        self._corpus = corpus
        self._value, self._window, self._files = map(np.concatenate, (values, windows, files))
        self._count = before

    def curve(self, scores: Sequence[Floats], profile: str) -> tuple[Floats, Floats]:
        """(thresholds, falling; the normalised score, 100 for a perfect detector, of an alert at or over each)."""
        missed, false = PROFILES[profile]
        score = np.concatenate([s[c.probation :] for s, c in zip(scores, self._corpus, strict=True)])
        order = np.argsort(-score, kind="stable")
        score, value, window = score[order], self._value[order], self._window[order]
        gain = np.where(window < 0, value * false, 0.0)
        best = np.full(self._count, -missed)
        present = np.unique(window[window >= 0])
        for place in np.flatnonzero(window >= 0).tolist():
            mine = window[place]
            if value[place] > best[mine]:
                gain[place] = value[place] - best[mine]
                best[mine] = value[place]
        nothing = -missed * len(present)
        last = np.append(score[1:] != score[:-1], True)
        raw = nothing + np.cumsum(gain)[last]
        return score[last], 100 * (raw - nothing) / (self._count - nothing)

    def best(self, scores: Sequence[Floats], profile: str = "standard") -> tuple[float, float]:
        """(the best normalised score, its threshold)."""
        thresholds, values = self.curve(scores, profile)
        place = int(np.argmax(values))
        return max(float(values[place]), 0.0), float(thresholds[place])

    def at(self, scores: Sequence[Floats], threshold: float, profile: str = "standard") -> float:
        """The normalised score of the alerts at or over one threshold."""
        thresholds, values = self.curve(scores, profile)
        place = int(np.searchsorted(-thresholds, -threshold, side="right")) - 1
        return float(values[place]) if place >= 0 else 0.0


# ---------------------------------------------------------------------------------------------------------- events
@dataclass(frozen=True, slots=True)
class Events:
    """What the alerts at one threshold are worth."""

    threshold: float
    alerts: int
    true: int
    incidents: int
    found: int
    weeks: float
    delay: float  # of the window, on average, where found

    @property
    def precision(self) -> float:
        """Alerts that are in a window, of all alerts."""
        return self.true / self.alerts if self.alerts else 0.0

    @property
    def recall(self) -> float:
        """Windows with a reading at or over the threshold, of all windows."""
        return self.found / self.incidents if self.incidents else 0.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def false_a_week(self) -> float:
        """False alerts for each series and week."""
        return (self.alerts - self.true) / self.weeks


def episodes(over: Places, gap: int) -> Places:
    """The first place of each episode among the ascending places that are over the threshold."""
    return over[np.append(True, np.diff(over) > gap)] if len(over) else over


def events(corpus: Sequence[Labelled], scores: Sequence[Floats], threshold: float) -> Events:
    """Alerts and windows at one threshold."""
    alerts = true = incidents = found = 0
    delays: list[float] = []
    for series, score in zip(corpus, scores, strict=True):
        over = np.flatnonzero(score >= threshold)
        over = over[over >= series.probation]
        begun = episodes(over, max(3, round(EPISODE_S / max(series.step, 1))))
        alerts += len(begun)
        for first, last in series.windows:
            if last < series.probation:
                continue
            incidents += 1
            true += int(np.sum((begun >= first) & (begun <= last)))
            inside = over[(over >= first) & (over <= last)]
            if len(inside):
                found += 1
                delays.append(float(inside[0] - first) / (last - first + 1))
    weeks = sum(series.weeks for series in corpus)
    delay = float(np.mean(delays)) if delays else 1.0
    return Events(threshold, alerts, true, incidents, found, weeks, delay)


def sweep(corpus: Sequence[Labelled], scores: Sequence[Floats]) -> list[Events]:
    """The same over thresholds that cut off from 5% down to three in a hundred thousand readings."""
    every = np.concatenate([s[c.probation :] for s, c in zip(scores, corpus, strict=True)])
    cuts = np.quantile(every, 1 - np.geomspace(3e-5, 0.05, _THRESHOLDS))
    chosen = np.unique(np.append(cuts, every.max()))
    return [events(corpus, scores, float(t)) for t in chosen[chosen > every.min()]]


def best_f1(swept: Sequence[Events]) -> Events:
    """The threshold with the best F1."""
    return max(swept, key=lambda e: e.f1)


def recall_at(swept: Sequence[Events], budget: float) -> float:
    """The best recall among the thresholds within so many false alerts for each series and week."""
    return max((e.recall for e in swept if e.false_a_week <= budget), default=0.0)
