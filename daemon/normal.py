"""What is normal for the signals that have no limit of their own: learnt from history, by the band and by the engine.

Baselines are fitted anew after a restart; what the engine and the alert budget have learnt are checkpoints.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.errors import PermanentError, SourceDown
from cases.stores import CaseStore, Checkpoints
from cases.telemetry import Direction, SeriesBlock, Signal
from config import duration
from daemon.alert_budget import AlertBudget, Stretch
from daemon.listing import Watch
from daemon.scorer import Scorer, sparse
from detectors.baseline import LEARN_AGAIN, Baseline, Key, fit, history_step, key_of
from detectors.departures import Trace, departures
from detectors.detect import Detection, Needed, detect
from remediation.ports import Ports

log = logging.getLogger("trackwalker.normal")

MOST_READINGS = 1_000_000  # of history in memory at once, with what was said of it: 33 MB
WEEK_MS = 7 * 86_400_000


def _never(_series: Key, _side: Direction) -> float:
    return float("inf")


def _at_least(worth: float) -> Needed:
    return lambda _series, _side: worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What is normal for a signal, and when to learn it anew."""

    baseline: Baseline | None
    again: float  # monotonic seconds


class Normal:
    """Learns what is normal, and says what departs from it. Used by one thread at a time."""

    def __init__(self, *, ports: Ports, cases: CaseStore, checkpoints: Checkpoints) -> None:
        self._ports = ports
        allowed = ports.settings.budget.false_alerts_per_service_week
        self._budget = AlertBudget(checkpoints=checkpoints, cases=cases, allowed=allowed)
        self._scorer = Scorer(checkpoints, recent=ports.settings.detection.recent)
        self._learnt: dict[str, Learnt] = {}
        self._traces: dict[str, Trace] = {}

    def learn(self, watched: Sequence[tuple[Watch, SeriesBlock]], now: datetime) -> None:
        """Take in the readings of a look, and learn anew from history where that is due."""
        histories: dict[str, SeriesBlock] = {}
        for watch, _ in watched:
            history = self._history(watch.signal, now)
            if history is not None:
                histories[watch.signal.key] = history
            if sum(one.values.size for one in histories.values()) >= MOST_READINGS:
                self._take_in(histories)
                histories = {}
        self._take_in(histories)
        self._traces = self._scorer.feed({watch.signal.key: block for watch, block in watched}, now)

    def detect(self, watched: Sequence[tuple[Watch, SeriesBlock]], now: datetime) -> dict[str, Detection]:
        """What departs from normal in readings that were taken in, by `Signal.key`, as far as alert budgets let it."""
        known = self.baselines()

        def by(watch: Watch, block: SeriesBlock, needed: Needed) -> Detection:
            key = watch.signal.key
            return detect(
                block,
                known.get(key),
                confirm=watch.confirm,
                choice=watch.detector,
                trace=self._traces.get(key),
                needed=needed,
            )

        found = {watch.signal.key: by(watch, block, _never) for watch, block in watched}
        together: defaultdict[str, list[float]] = defaultdict(list)
        for watch, _ in watched:
            together[watch.signal.service] += [one.peak for one in found[watch.signal.key].departed]
        for watch, block in watched:
            signal = watch.signal
            if found[signal.key].departed:
                worth = self._budget.worth(signal.service, together[signal.service])
                found[signal.key] = by(watch, block, _at_least(worth))
                # What humans said of such alarms is only asked for when there is one: it is read from the cases.
                if found[signal.key].anomalies:
                    found[signal.key] = by(watch, block, self._budget.needed(signal, worth, now))
        return found

    def spend(self, found: Iterable[tuple[SeriesBlock, Detection]], now: datetime) -> None:
        """Let the alert budget know what departs, told or not, and store what was learnt.

        Raises TemporaryError when the ledger does not take it.
        """
        judged: list[Signal] = []
        going_on: list[Stretch] = []
        for block, detection in found:
            signal = block.signal
            judged.append(signal)
            going_on += [
                Stretch(
                    service=signal.service,
                    signal=signal.key,
                    series=key_of(block.labels[one.row]),
                    direction=one.direction,
                    peak=one.peak,
                )
                for one in detection.departed
            ]
        self._budget.note(going_on, judged, now)
        self._scorer.keep(now)
        self._budget.keep(now)

    def asked(self, service: str) -> float:
        """What a departure of the service must be worth to be told, by its alert budget."""
        return self._budget.worth(service)

    def keep(self, watched: Iterable[str]) -> None:
        """Forget the baselines of signals that are not watched any more."""
        kept = set(watched)
        self._learnt = {key: learnt for key, learnt in self._learnt.items() if key in kept}

    def baselines(self) -> dict[str, Baseline]:
        """What is known, by `Signal.key`."""
        return {key: learnt.baseline for key, learnt in self._learnt.items() if learnt.baseline is not None}

    def _history(self, signal: Signal, now: datetime) -> SeriesBlock | None:
        """The history before the recent readings, where it was due to learn from it."""
        wanted, tick = self._ports.settings.detection, self._ports.clock.monotonic()
        learnt = self._learnt.get(signal.key)
        if learnt is not None and tick < learnt.again:
            return None
        end = now - wanted.recent
        try:
            step = history_step(wanted.history, wanted.step)
            history = self._ports.read_history(signal, end - wanted.history, end, step)
        except (SourceDown, PermanentError) as error:
            log.warning("%s: what is normal cannot be learnt now: %s", signal.key, error)
            kept = learnt.baseline if learnt else None
            self._learnt[signal.key] = Learnt(baseline=kept, again=tick + LEARN_AGAIN.total_seconds())
            return None
        baseline = fit(history, warm_up=wanted.warm_up)
        again = wanted.refit if bool(baseline.warm.any()) else min(wanted.refit, LEARN_AGAIN)
        self._learnt[signal.key] = Learnt(baseline=baseline, again=tick + again.total_seconds())
        log.info("%s: learnt what is normal from %s of history", signal.key, duration.format(wanted.history))
        return history

    def _take_in(self, histories: Mapping[str, SeriesBlock]) -> None:
        """Let the engine have the history of some signals, and the alert budget what departed in it."""
        confirm = self._ports.settings.detection.confirm
        histories = {key: sparse(history) for key, history in histories.items()}
        for key, trace in self._scorer.learn(histories).items():
            history, baseline = histories[key], self._learnt[key].baseline
            departed = departures(history, trace, baseline, confirm=confirm, ongoing=False)
            span = int(history.times[-1] - history.times[0]) if len(history.times) else 0
            if span:
                self._budget.learn(history.signal, [one.peak for one in departed], span / WEEK_MS)
