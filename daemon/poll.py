"""One look at every signal: read, see whether it can be judged, detect, and hand on what was found.

Nothing of a look is kept but what can be read again: baselines are fitted anew after a restart, and whether a signal
was blind last time is a checkpoint, so that a human hears of it once.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case, Phase
from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH
from cases.stores import CaseStore, Checkpoints, Outbox
from cases.telemetry import SeriesBlock, Sight, Signal, SignalState
from daemon.alerts.told import ToldAlerts
from daemon.budgets import Budgets
from daemon.intake import Intake
from daemon.lasting import Lasting
from daemon.listing import Watch
from daemon.normal import Normal
from daemon.observe.metrics import Metrics
from daemon.quiet import Hush
from daemon.sights import UNSEEN, Sights
from daemon.slow_looks import SlowLooks
from daemon.watches import WatchList
from detectors.detect import Detection, detect
from detectors.sight import sight
from remediation.ports import Ports

log = logging.getLogger("trackwalker.poll")

STALL_S = 2.0  # a read that fails only after so long has waited for a source that does not answer
MOST_STALLS = 2  # of one source within one look: the rest of its signals is blind without asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at one signal gave. `block` is None where it could not be read, `found` before it is judged."""

    watch: Watch
    state: SignalState
    block: SeriesBlock | None
    found: Detection | None = None

    @property
    def signal(self) -> Signal:
        """What was looked at."""
        return self.watch.signal

    @property
    def by_normal(self) -> bool:
        """Whether it is held to what is normal for it, and can be now."""
        by_limit = self.signal.threshold is not None and self.watch.detector != "seasonal"
        return self.state.sight is Sight.FRESH and self.watch.slo is None and not by_limit

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What is anomalous about it."""
        return self.found.anomalies if self.found is not None else ()


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
        self._budgets = Budgets()
        self._normal = Normal(ports=ports, cases=cases, checkpoints=checkpoints)
        self._slow = SlowLooks(settings=ports.settings.detection, clock=ports.clock)
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
        grid, watches = EPOCH + (now - EPOCH) // step * step, self.watches.current()
        looks = [self._read(watch, grid) for watch in watches]
        by_normal = [(look.watch, look.block) for look in looks if look.by_normal and look.block]
        self._normal.learn(by_normal, grid)
        found = self._normal.detect(by_normal, grid)
        looks = [self._judged(look, found.get(look.signal.key), grid) for look in looks]
        blocks = {look.signal.key: look.block for look in looks if look.block is not None}
        slow = self._slow.look(watches, blocks, grid, self._patiently)
        self._states = {look.signal.key: look.state for look in looks}
        self._normal.keep(self._states)
        self._budgets.keep(self._states)
        self._sights.tell([look.state for look in looks], now, whole=not self.watches.blind(), elsewhere=slow.told)
        anomalies = [*(anomaly for look in looks for anomaly in look.anomalies), *slow.anomalies]
        anomalies = self._intake.take(anomalies, lasting, now, blocks)
        judged = [
            look.signal.key for look in looks if look.state.sight is Sight.FRESH and look.signal.key not in slow.waiting
        ]
        lasting.keep(self._checkpoints, anomalies, [*judged, *self._intake.alerted], now)
        departed = [(look.block, look.found) for look in looks if look.by_normal and look.block and look.found]
        self._normal.spend(departed, now)
        self._allowed(departed)
        active = self._cases.active()
        self._intake.recover(active, blocks, self._normal.baselines(), now, self._slow.still)
        for look in looks:
            self._metrics.polls.labels(look.state.sight).inc()
        self._metrics.sights(self.blind())
        self._metrics.sources(self._reached(looks))
        self._count(active)
        self.polled = True

    def _allowed(self, departed: Sequence[tuple[SeriesBlock, Detection]]) -> None:
        """Say what the alert budgets ask, and what they hold back."""
        held_back: Counter[str] = Counter()
        for block, found in departed:
            held_back[block.signal.service] += len(found.departed) - len(found.anomalies) if found.departed else 0
        self._metrics.allowances({service: self._normal.asked(service) for service in held_back}, held_back)

    def _read(self, watch: Watch, now: datetime) -> Look:
        """Read the signal, and see whether it can be judged at all."""
        wanted, signal = self._ports.settings.detection, watch.signal
        try:
            block = self._patiently(signal, now - wanted.recent, now, wanted.step)
            burning = self._budgets.look(signal, watch.slo, now, self._patiently) if watch.slo else None
        except (SourceDown, PermanentError) as error:
            state = SignalState(signal=signal.key, sight=Sight.BLIND, at=now, because=str(error))
            return Look(watch=watch, state=state, block=None)
        state = sight(block, now, wanted.stale_after)
        return Look(watch=watch, state=state, block=block, found=burning)

    def _judged(self, look: Look, departed: Detection | None, now: datetime) -> Look:
        """What is anomalous about it; `departed` is what departs from normal."""
        block, watch, state = look.block, look.watch, look.state
        if block is None or state.sight is not Sight.FRESH:
            return look
        found = departed or look.found or detect(block, None, confirm=watch.confirm, choice=watch.detector)
        if found.warming:
            key, value = look.signal.key, state.value
            state = SignalState(signal=key, sight=Sight.WARMING, at=now, because=found.reason, value=value)
        return replace(look, state=state, found=found)

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
