"""One look at every signal: read, see whether it can be judged, detect, and do what triage decides.

Nothing of a look is kept but what can be read again: baselines are fitted anew after a restart, and whether a signal
was blind last time is a checkpoint, so that a human hears of it once.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case, Phase
from cases.errors import PermanentError, SourceDown
from cases.events import Entry, Joined, Opened, Recovered
from cases.moments import EPOCH
from cases.ports import CaseStore, Checkpoints, Outbox
from cases.telemetry import SeriesBlock, Severity, Sight, Signal, SignalState
from config import duration
from daemon.listing import Watch
from daemon.metrics import Metrics
from daemon.watches import WatchList
from detectors.baseline import Baseline, fit
from detectors.detect import detect
from detectors.recovery import recovery
from detectors.sight import sight
from detectors.triage import JoinCase, OpenCase, Suppressed, triage
from remediation.ports import Ports

log = logging.getLogger("trackwalker.poll")

ACTOR = "daemon"
SIGHTS = "sights"  # the checkpoint: signal → what was last told of its sight
LASTING = "lasting"  # the checkpoint: fingerprints that were out of range at the last look
HISTORY_POINTS = 4_032  # two weeks, five minutes apart: as fine as the times of day that a baseline tells apart
LEARN_AGAIN = timedelta(minutes=1)  # after a history that could not be read
UNSEEN = frozenset({Sight.BLIND, Sight.MISSING, Sight.STALE})
# What may still end by itself: nothing of ours runs yet.
UNDECIDED = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.ESCALATED})


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

    def __init__(
        self,
        *,
        ports: Ports,
        cases: CaseStore,
        outbox: Outbox,
        checkpoints: Checkpoints,
        metrics: Metrics,
        watches: WatchList,
    ) -> None:
        self._ports = ports
        self._cases = cases
        self._outbox = outbox
        self._checkpoints = checkpoints
        self._metrics = metrics
        self.watches = watches
        self._learnt: dict[str, Learnt] = {}
        self._states: dict[str, SignalState] = {}
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
        looks = [self._look(watch, EPOCH + (now - EPOCH) // step * step) for watch in self.watches.current()]
        self._states = {look.signal.key: look.state for look in looks}
        self._learnt = {key: learnt for key, learnt in self._learnt.items() if key in self._states}
        self._tell_sights(looks, now)
        self._triage([anomaly for look in looks for anomaly in look.anomalies], now)
        self._recover(looks, now)
        for look in looks:
            self._metrics.polls.labels(look.state.sight).inc()
        self._metrics.blind.set(len(self.blind()))
        self._count_cases()
        self.polled = True

    def _look(self, watch: Watch, now: datetime) -> Look:
        wanted, signal = self._ports.settings.detection, watch.signal
        try:
            block = self._ports.read(signal, now - wanted.recent, now, wanted.step)
        except (SourceDown, PermanentError) as error:
            state = SignalState(signal=signal.key, sight=Sight.BLIND, at=now, because=str(error))
            return Look(signal=signal, state=state, block=None, anomalies=())
        state = sight(block, now, wanted.stale_after)
        if state.sight is not Sight.FRESH:
            return Look(signal=signal, state=state, block=block, anomalies=())
        found = detect(block, self._baseline(watch, now), confirm=watch.confirm, choice=watch.detector)
        if found.warming:
            state = SignalState(signal=signal.key, sight=Sight.WARMING, at=now, because=found.reason, value=state.value)
        return Look(signal=signal, state=state, block=block, anomalies=found.anomalies)

    def _baseline(self, watch: Watch, now: datetime) -> Baseline | None:
        """What is normal for the signal: as learnt, or learnt now from the history before the recent readings."""
        signal = watch.signal
        if signal.threshold is not None and watch.detector != "seasonal":
            return None
        wanted, tick = self._ports.settings.detection, self._ports.clock.monotonic()
        learnt = self._learnt.get(signal.key)
        if learnt is not None and tick < learnt.again:
            return learnt.baseline
        step = max(wanted.step, timedelta(seconds=-(-wanted.history.total_seconds() // HISTORY_POINTS)))
        end = now - wanted.recent
        try:
            history = self._ports.read(signal, end - wanted.history, end, step)
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

    def _tell_sights(self, looks: Iterable[Look], now: datetime) -> None:
        """Say once that a signal cannot be judged any more, and once that it can again."""
        stored = self._checkpoints.get(SIGHTS)
        told: dict[str, str] = json.loads(stored) if stored else {}
        before = dict(told)
        for look in looks:
            key, unseen = look.signal.key, look.state.sight in UNSEEN
            if unseen and key not in told:
                text = f"{look.state.because}\nUntil that is mended {key} is not healthy: it is unseen."
                told[key] = now.isoformat()
                self._send(f"sight-{key}-{told[key]}", Severity.TICKET, f"{key} is {look.state.sight}", text, now)
                log.warning("%s is %s: %s", key, look.state.sight, look.state.because)
            elif not unseen and key in told:
                since = told.pop(key)
                self._send(f"sight-{key}-{since}-back", Severity.NOTE, f"{key} is seen again", look.state.because, now)
                log.info("%s is seen again", key)
        self._tell_ends(told, {look.signal.key for look in looks}, now)
        if told != before:
            self._checkpoints.put(SIGHTS, json.dumps(told).encode(), now)

    def _tell_ends(self, told: dict[str, str], watched: set[str], now: datetime) -> None:
        """Say of a signal that was unseen, and is not watched any more, that nobody looks at it now."""
        if self.watches.blind():
            return  # the list is not whole: what it lacks may only be unlisted
        for key in sorted(set(told) - watched):
            text = "It is in no configuration, rule or label any more, so nothing more will be said of it."
            self._send(f"sight-{key}-{told.pop(key)}-gone", Severity.NOTE, f"{key} is not watched any more", text, now)
            log.info("%s is not watched any more", key)

    def _send(self, key: str, severity: Severity, subject: str, text: str, now: datetime) -> None:
        self._outbox.send(self._ports.tell(key, severity, subject, text, case=""), now)

    def _triage(self, anomalies: Sequence[Anomaly], now: datetime) -> None:
        fresh = self._without_lasting(anomalies, now)
        if not fresh:
            return
        ended = frozenset(case.id for case in self._cases.listed() if not case.active)
        for decision in triage(fresh, self._cases.active(), known=ended):
            self._metrics.anomalies.labels(type(decision).__name__).inc()
            match decision:
                case OpenCase():
                    self._open(decision, now)
                case JoinCase(case_id=case_id, anomaly=anomaly):
                    self._cases.add(case_id, Entry(at=now, actor=ACTOR, event=Joined(anomaly=anomaly)), (), None)
                    log.info("case %s: %s joins: %s", case_id, anomaly.signal.key, decision.because)
                case Suppressed(case_id=case_id, anomaly=anomaly):
                    log.debug("case %s: %s suppressed: %s", case_id, anomaly.signal.key, decision.because)

    def _without_lasting(self, anomalies: Sequence[Anomaly], now: datetime) -> list[Anomaly]:
        """Leave out the troubles that go on without a break since their case ended: they are no news.

        What was out of range at the last look is a checkpoint, so that a restart opens nothing anew either.
        """
        stored = self._checkpoints.get(LASTING)
        before: list[str] = json.loads(stored) if stored else []
        now_out = sorted({anomaly.fingerprint for anomaly in anomalies})
        if now_out != before:
            self._checkpoints.put(LASTING, json.dumps(now_out).encode(), now)
        if not anomalies:
            return []
        ended = {had.fingerprint for case in self._cases.listed() if not case.active for had in case.anomalies}
        lasting = ended & set(before)
        for anomaly in anomalies:
            if anomaly.fingerprint in lasting:
                self._metrics.anomalies.labels("Lasting").inc()
        return [anomaly for anomaly in anomalies if anomaly.fingerprint not in lasting]

    def _open(self, decision: OpenCase, now: datetime) -> None:
        anomaly = decision.anomaly
        event = Opened(
            case_id=decision.case_id, service=decision.service, fingerprint=decision.fingerprint, anomaly=anomaly
        )
        told = self._ports.tell(
            f"{decision.case_id}-opened",
            anomaly.signal.severity,
            f"{decision.service}: {anomaly.signal.name} is {anomaly.direction}",
            f"It reads {anomaly.value:.4g}; {anomaly.low:.4g} to {anomaly.high:.4g} was expected. "
            f"Case {decision.case_id}.",
            case=decision.case_id,
        )
        # The others join before the case is due, so that its diagnosis sees all of them.
        due = now + timedelta(seconds=1) if decision.others else now
        case = self._cases.open(Entry(at=now, actor=ACTOR, event=event), told, due)
        if case is None:
            return  # another daemon was first
        log.warning(
            "case %s: %s reads %.4g, expected %.4g", case.id, anomaly.signal.key, anomaly.value, anomaly.expected
        )
        for other in decision.others:
            self._cases.add(case.id, Entry(at=now, actor=ACTOR, event=Joined(anomaly=other)), (), None)

    def _recover(self, looks: Iterable[Look], now: datetime) -> None:
        """Note the cases whose signals are back before anything of ours ran."""
        wanted = self._ports.settings.detection
        blocks = {look.signal.key: look.block for look in looks if look.block is not None}
        baselines = {key: learnt.baseline for key, learnt in self._learnt.items() if learnt.baseline is not None}
        for case in self._cases.active():
            if case.phase not in UNDECIDED or case.merges or case.recovered is not None or self._young(case, now):
                continue
            seen = recovery(case, blocks, baselines, now, confirm=wanted.confirm, stale_after=wanted.stale_after)
            if seen.recovered:
                log.info("case %s: recovered by itself: %s", case.id, seen.because)
                self._cases.add(case.id, Entry(at=now, actor=ACTOR, event=Recovered(because=seen.because)), (), now)

    def _young(self, case: Case, now: datetime) -> bool:
        """A case is given the time of its own confirmation before a lull is taken for its end."""
        wanted = self._ports.settings.detection
        return now - case.opened < wanted.confirm * wanted.step

    def _count_cases(self) -> None:
        active = self._cases.active()
        for phase in Phase:
            if phase is not Phase.CLOSED:
                self._metrics.cases.labels(phase).set(sum(case.phase is phase for case in active))
