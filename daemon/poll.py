"""One look at every signal: read, see whether it can be judged, detect, and hand on what was found.

Nothing of a look is kept but what can be read again: baselines are fitted anew after a restart, and whether a signal
was blind last time is a checkpoint, so that a human hears of it once.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case, Phase
from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH
from cases.ports import CaseStore, Checkpoints, Outbox
from cases.telemetry import SeriesBlock, Sight, Signal, SignalState
from config import duration
from daemon.alerts.told import ToldAlerts
from daemon.budgets import Budgets
from daemon.intake import Intake
from daemon.lasting import Lasting
from daemon.listing import Watch
from daemon.observe.metrics import Metrics
from daemon.quiet import Hush
from daemon.sights import UNSEEN, Sights
from daemon.watches import WatchList
from detectors.baseline import LEARN_AGAIN, Baseline, fit, history_step
from detectors.detect import detect
from detectors.sight import sight
from remediation.ports import Ports

log = logging.getLogger("trackwalker.poll")

STALL_S = 2.0  # a read that fails only after so long has waited for a source that does not answer
MOST_STALLS = 2  # of one source within one look: the rest of its signals is blind without asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What is normal for a signal, and when to learn it anew."""

    baseline: Baseline | None
    again: float  # monotonic seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at one signal gave. `block` is None where the source could not be read."""

    signal: Signal
    state: SignalState
    block: SeriesBlock | None
    anomalies: tuple[Anomaly, ...]


class Poll:
    """Looks at every watched signal. Used by one thread at a time."""

    def __init__(  # noqa: PLR0913 - the seams that the app joins
        self,
        *,
        ports: Ports,
        cases: CaseStore,
        outbox: Outbox,
        checkpoints: Checkpoints,
        metrics: Metrics,
        watches: WatchList,
        name: str = "daemon",
        hushes: Sequence[Hush] = (),
        told: ToldAlerts | None = None,
    ) -> None:
        self._ports = ports
        self._cases = cases
        self._checkpoints = checkpoints
        self._sights = Sights(name=name, ports=ports, outbox=outbox, checkpoints=checkpoints)
        self._metrics = metrics
        self._intake = Intake(ports=ports, cases=cases, metrics=metrics, hushes=hushes, told=told)
        self.watches = watches
        self._learnt: dict[str, Learnt] = {}
        self._budgets = Budgets()
        self._states: dict[str, SignalState] = {}
        self._stalled: dict[str, tuple[SourceDown, ...]] = {}  # by source, of the present look
        self.polled = False

    def blind(self) -> dict[str, str]:
        """What cannot be judged now, with the reason: signals, and entries of `watch` that could not be looked up."""
        unseen = {key: state.because for key, state in self._states.items() if state.sight in UNSEEN}
        return {**unseen, **self.watches.blind()}

    def once(self) -> None:
        """Look at every signal. Raises TemporaryError when the ledger does not take what was found."""
        now = self._ports.now
        # Readings are asked for on a grid that stands still, so that an onset is dated alike at every look.
        step = self._ports.settings.detection.step
        self._stalled.clear()
        lasting = Lasting.of(self._checkpoints)
        looks = [self._look(watch, EPOCH + (now - EPOCH) // step * step) for watch in self.watches.current()]
        self._states = {look.signal.key: look.state for look in looks}
        self._learnt = {key: learnt for key, learnt in self._learnt.items() if key in self._states}
        self._budgets.keep(self._states)
        self._sights.tell([look.state for look in looks], now, whole=not self.watches.blind())
        anomalies = [anomaly for look in looks for anomaly in look.anomalies]
        blocks = {look.signal.key: look.block for look in looks if look.block is not None}
        anomalies = self._intake.take(anomalies, lasting, now, blocks)
        judged = [look.signal.key for look in looks if look.state.sight is Sight.FRESH]
        lasting.keep(self._checkpoints, anomalies, [*judged, *self._intake.alerted], now)
        active = self._cases.active()
        baselines = {key: learnt.baseline for key, learnt in self._learnt.items() if learnt.baseline is not None}
        self._intake.recover(active, blocks, baselines, now)
        for look in looks:
            self._metrics.polls.labels(look.state.sight).inc()
        self._metrics.sights(self.blind())
        self._metrics.sources(self._reached(looks))
        self._count(active)
        self.polled = True

    def _look(self, watch: Watch, now: datetime) -> Look:
        wanted, signal = self._ports.settings.detection, watch.signal
        try:
            block = self._patiently(signal, now - wanted.recent, now, wanted.step)
            burning = self._budgets.look(signal, watch.slo, now, self._patiently) if watch.slo else None
        except (SourceDown, PermanentError) as error:
            state = SignalState(signal=signal.key, sight=Sight.BLIND, at=now, because=str(error))
            return Look(signal=signal, state=state, block=None, anomalies=())
        state = sight(block, now, wanted.stale_after)
        if state.sight is not Sight.FRESH:
            return Look(signal=signal, state=state, block=block, anomalies=())
        found = burning or detect(block, self._baseline(watch, now), confirm=watch.confirm, choice=watch.detector)
        if found.warming:
            state = SignalState(signal=signal.key, sight=Sight.WARMING, at=now, because=found.reason, value=state.value)
        return Look(signal=signal, state=state, block=block, anomalies=found.anomalies)

    def _patiently(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal, unless its source has kept this look waiting for long already: others have their turn."""
        stalled = self._stalled.get(signal.source, ())
        if len(stalled) >= MOST_STALLS:
            raise stalled[-1]
        began = self._ports.clock.monotonic()
        recent = end - start <= self._ports.settings.detection.recent
        try:
            return (self._ports.read_recent if recent else self._ports.read)(signal, start, end, step)
        except SourceDown as error:
            if self._ports.clock.monotonic() - began >= STALL_S:
                self._stalled[signal.source] = (*stalled, error)
            raise

    def _baseline(self, watch: Watch, now: datetime) -> Baseline | None:
        """What is normal for the signal: as learnt, or learnt now from the history before the recent readings."""
        signal = watch.signal
        if signal.threshold is not None and watch.detector != "seasonal":
            return None
        wanted, tick = self._ports.settings.detection, self._ports.clock.monotonic()
        learnt = self._learnt.get(signal.key)
        if learnt is not None and tick < learnt.again:
            return learnt.baseline
        step = history_step(wanted.history, wanted.step)
        end = now - wanted.recent
        try:
            history = self._ports.read_history(signal, end - wanted.history, end, step)
        except (SourceDown, PermanentError) as error:
            log.warning("%s: what is normal cannot be learnt now: %s", signal.key, error)
            kept = learnt.baseline if learnt else None
            self._learnt[signal.key] = Learnt(baseline=kept, again=tick + LEARN_AGAIN.total_seconds())
            return kept
        baseline = fit(history, warm_up=wanted.warm_up)
        warm = bool(baseline.warm.any())
        again = wanted.refit if warm else min(wanted.refit, LEARN_AGAIN)
        self._learnt[signal.key] = Learnt(baseline=baseline, again=tick + again.total_seconds())
        log.info("%s: learnt what is normal from %s of history", signal.key, duration.format(wanted.history))
        return baseline

    def _reached(self, looks: Iterable[Look]) -> dict[str, bool]:
        """Which sources answered to all that they were asked at this look."""
        up: dict[str, bool] = {}
        for look in looks:
            up[look.signal.source] = up.get(look.signal.source, True) and look.block is not None
        return up

    def _count(self, active: Sequence[Case]) -> None:
        for phase in Phase:
            if phase is not Phase.CLOSED:
                self._metrics.cases.labels(phase).set(sum(case.phase is phase for case in active))
