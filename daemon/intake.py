"""What a look found, taken in: cases are opened, joined, or noted to have recovered by themselves."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case, Phase
from cases.errors import IllegalStep
from cases.events import Entry, Event, Joined, Opened, Recovered
from cases.ports import CaseStore
from cases.steps import Effect
from cases.symptom import headline, symptom
from cases.telemetry import SeriesBlock
from daemon.lasting import Lasting
from daemon.observe.metrics import Metrics
from detectors.baseline import Baseline
from detectors.recovery import Still, recovery
from detectors.triage import JoinCase, OpenCase, Suppressed, more_urgent, triage
from remediation.ports import Ports

log = logging.getLogger("trackwalker.intake")

ACTOR = "daemon"
# What may still end by itself: nothing of ours runs yet.
UNDECIDED = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.ESCALATED})


class Intake:
    """Does what triage decides. Used by one thread at a time."""

    def __init__(self, *, ports: Ports, cases: CaseStore, metrics: Metrics) -> None:
        self._ports = ports
        self._cases = cases
        self._metrics = metrics

    def take(self, anomalies: Sequence[Anomaly], lasting: Lasting, now: datetime) -> None:
        """Open and join cases. Raises TemporaryError when the ledger does not take it."""
        if not anomalies:
            return
        active = self._cases.active()
        held = {had.fingerprint for case in active for had in case.anomalies}
        loose = [anomaly for anomaly in anomalies if anomaly.fingerprint not in held]
        ended = self._cases.ended({anomaly.signal.service for anomaly in loose})
        news = lasting.news(loose, ended)
        self._metrics.anomalies.labels("Lasting").inc(len(loose) - len(news))
        fresh = [*(anomaly for anomaly in anomalies if anomaly.fingerprint in held), *news]
        joined: defaultdict[str, list[Anomaly]] = defaultdict(list)
        for decision in triage(fresh, active, known={case.id for case in ended}):
            self._metrics.anomalies.labels(type(decision).__name__).inc()
            match decision:
                case OpenCase():
                    self._open(decision, now)
                case JoinCase(case_id=case_id, anomaly=anomaly):
                    had = [*next((case.anomalies for case in active if case.id == case_id), ()), *joined[case_id]]
                    joined[case_id].append(anomaly)
                    told = self._tell(case_id, anomaly.signal.severity, anomaly) if more_urgent(anomaly, had) else ()
                    if self._add(case_id, Joined(anomaly=anomaly), now, None, told):
                        log.info("case %s: %s joins: %s", case_id, anomaly.signal.key, decision.because)
                case Suppressed(case_id=case_id, anomaly=anomaly):
                    log.debug("case %s: %s suppressed: %s", case_id, anomaly.signal.key, decision.because)

    def _open(self, decision: OpenCase, now: datetime) -> None:
        anomaly = decision.anomaly
        event = Opened(
            case_id=decision.case_id, service=decision.service, fingerprint=decision.fingerprint, anomaly=anomaly
        )
        told = self._tell(decision.case_id, "opened", anomaly)
        # The others join before the case is due, so that its diagnosis sees all of them.
        due = now + timedelta(seconds=1) if decision.others else now
        case = self._cases.open(Entry(at=now, actor=ACTOR, event=event), told, due)
        if case is None:
            return  # another daemon was first
        log.warning("case %s: %s %s", case.id, anomaly.signal.key, symptom(anomaly))
        self._metrics.anomalies.labels(JoinCase.__name__).inc(len(decision.others))
        for other in decision.others:
            self._add(case.id, Joined(anomaly=other), now, None)

    def _tell(self, case_id: str, why: str, anomaly: Anomaly) -> tuple[Effect, ...]:
        return self._ports.tell(
            f"{case_id}-{why}",
            anomaly.signal.severity,
            f"{anomaly.signal.service}: {anomaly.signal.name} {headline(anomaly)}",
            f"It {symptom(anomaly)}. Case {case_id}.",
            case=case_id,
        )

    def recover(
        self,
        active: Iterable[Case],
        blocks: Mapping[str, SeriesBlock],
        baselines: Mapping[str, Baseline],
        now: datetime,
        still: Still | None = None,
    ) -> None:
        """Note the cases whose signals are back before anything of ours ran: readings and baselines by `Signal.key`."""
        wanted = self._ports.settings.detection
        for case in active:
            if case.phase not in UNDECIDED or case.merges or case.recovered is not None or self._young(case, now):
                continue
            seen = recovery(
                case, blocks, baselines, now, confirm=wanted.confirm, stale_after=wanted.stale_after, still=still
            )
            if seen.recovered and self._add(case.id, Recovered(because=seen.because), now, now):
                log.info("case %s: recovered by itself: %s", case.id, seen.because)

    def _add(
        self, case_id: str, event: Event, now: datetime, due: datetime | None, told: Sequence[Effect] = ()
    ) -> bool:
        """Add a fact to a case. False when the case ended since it was looked at: then it is no news any more."""
        try:
            self._cases.add(case_id, Entry(at=now, actor=ACTOR, event=event), told, due)
        except IllegalStep as error:
            log.info("case %s: %s", case_id, error)
            return False
        return True

    def _young(self, case: Case, now: datetime) -> bool:
        """A case is given the time of its own confirmation before a lull is taken for its end."""
        wanted = self._ports.settings.detection
        return now - case.opened < wanted.confirm * wanted.step
