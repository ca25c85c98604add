"""What a look found, taken in: cases are opened, joined, or noted to have recovered by themselves."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case, Phase
from cases.errors import IllegalStep
from cases.events import Closed, Echoed, Entry, Event, Joined, Opened, Recovered, Traced
from cases.moments import EPOCH
from cases.outcome import Ending, Outcome
from cases.reach import IMPACT, Reach
from cases.steps import Effect
from cases.stores import CaseStore
from cases.symptom import headline, symptom
from cases.telemetry import SeriesBlock, Severity
from config import duration
from daemon.alerts.told import DETECTOR, ToldAlerts
from daemon.lasting import Lasting
from daemon.observe.metrics import Metrics
from daemon.quiet import Hush, Hushes, Maintenance
from daemon.traffic import Counting
from detectors.baseline import Baseline
from detectors.echoes import fading
from detectors.flapping import flapping
from detectors.opening import impact_reasons, kind_reason, severity_reason
from detectors.recovery import Still, recovery
from detectors.topology import Topology
from detectors.triage import MOMENT, Decision, JoinCase, OpenCase, Suppressed, more_urgent, triage
from remediation.ports import Ports

log = logging.getLogger("trackwalker.intake")

ACTOR = "daemon"
# What may still end by itself: nothing of ours runs yet.
UNDECIDED = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.ESCALATED})


class Intake:
    """Does what triage decides. Used by one thread at a time."""

    def __init__(
        self,
        *,
        ports: Ports,
        cases: CaseStore,
        metrics: Metrics,
        hushes: Sequence[Hush] = (),
        told: ToldAlerts | None = None,
    ) -> None:
        self._ports = ports
        self._cases = cases
        self._metrics = metrics
        self._hushes = Hushes(hushes=[Maintenance(windows=ports.settings.schedule.maintenance), *hushes])
        self._told = told
        self._blocks: dict[str, SeriesBlock] = {}  # what Alertmanager told, as of the last look
        self._began = ports.now
        self._out: dict[str, datetime] = {}  # fingerprint → when this daemon last saw it out of range, for `_calm`
        self._counting = Counting(ports)
        self._topology = Topology(calls={service.name: service.depends for service in ports.settings.services})

    def take(
        self, anomalies: Sequence[Anomaly], lasting: Lasting, now: datetime, blocks: Mapping[str, SeriesBlock]
    ) -> list[Anomaly]:
        """Open and join cases. `blocks`: what was read, by `Signal.key`. TemporaryError when the ledger refuses it.

        Returns what goes on for all that is known: without what is kept quiet, unless it did so before. That is news
        when it may be told again.
        """
        anomalies = [*anomalies, *self._alerts({anomaly.fingerprint for anomaly in anomalies}, now)]
        forgotten = now - self._calm
        self._out = {fingerprint: at for fingerprint, at in self._out.items() if at > forgotten}
        self._out.update((anomaly.fingerprint, now) for anomaly in anomalies)
        loud, quiet = self._hushes.part(anomalies, now)
        for _, why in quiet:
            self._metrics.anomalies.labels(why.kind).inc()
        if loud:
            self._triage(loud, lasting, now, {**self._blocks, **blocks})
        return [*loud, *(anomaly for anomaly, _ in quiet if lasting.knows(anomaly))]

    @property
    def alerted(self) -> tuple[str, ...]:
        """The keys of the signals that Alertmanager told of: they could be judged at the last look."""
        return tuple(self._blocks)

    def _alerts(self, seen: Collection[str], now: datetime) -> list[Anomaly]:
        """The alerts that fire, but for those whose rule was looked at itself."""
        if self._told is None:
            return []
        wanted = self._ports.settings.detection
        end = EPOCH + (now - EPOCH) // wanted.step * wanted.step
        self._blocks = self._told.blocks(end - wanted.recent, end, wanted.step)
        return [anomaly for anomaly in self._told.anomalies(now) if anomaly.fingerprint not in seen]

    def _triage(
        self, anomalies: Sequence[Anomaly], lasting: Lasting, now: datetime, blocks: Mapping[str, SeriesBlock]
    ) -> None:
        # What could be better is no story of tonight's: nothing joins it, and its end excuses nothing.
        active = {case.id: case for case in self._cases.active() if not case.improvement}
        held = {had.fingerprint for case in active.values() for had in _had(case)}
        loose = [anomaly for anomaly in anomalies if anomaly.fingerprint not in held]
        ended = [case for case in self._cases.ended(self._around(loose)) if not case.improvement]
        news = self._news(loose, ended, lasting, now)
        fresh = [*(anomaly for anomaly in anomalies if anomaly.fingerprint in held), *news]
        decided = triage(
            fresh,
            tuple(active.values()),
            known={case.id for case in ended},
            topology=self._topology,
            lasting=lasting.fingerprints,
        )
        joined: defaultdict[str, list[Anomaly]] = defaultdict(list)
        missed: set[str] = set()  # another daemon was first, and may have named them otherwise
        for decision in decided:
            match decision:
                case OpenCase():
                    joined[decision.case_id] += [decision.anomaly, *decision.others]
                    flaps = self._flapping(decision.anomaly.fingerprint, ended, now)
                    reach = self._counting.reach(decision.anomaly, anomalies, blocks, now)
                    reasons = _reasons(decision, flaps, anomalies, reach, decided)
                    if not self._open(decision, flaps, reasons, reach, now):
                        missed.add(decision.case_id)
                case JoinCase(case_id=case_id, anomaly=anomaly):
                    had = [*_had(active.get(case_id)), *joined[case_id]]
                    joined[case_id].append(anomaly)
                    self._join(decision, active[case_id], more_urgent(anomaly, had), now)
                case Suppressed(case_id=case_id, anomaly=anomaly, echo=True) if case_id not in missed:
                    had = [*_had(active.get(case_id)), *joined[case_id]]
                    joined[case_id].append(anomaly)
                    self._echo(decision, more_urgent(anomaly, had), now)
                case Suppressed(case_id=case_id, anomaly=anomaly):
                    log.debug("case %s: %s suppressed: %s", case_id, anomaly.signal.key, decision.because)
            self._metrics.anomalies.labels(_name(decision)).inc()

    def _around(self, anomalies: Iterable[Anomaly]) -> set[str]:
        """The services of the anomalies, and those that they depend on."""
        services = {anomaly.signal.service for anomaly in anomalies}
        return {*services, *(below for service in services for below in self._topology.below(service))}

    def _news(self, loose: Sequence[Anomaly], ended: Sequence[Case], lasting: Lasting, now: datetime) -> list[Anomaly]:
        """What no case has, without what a case had that has ended; the end of an echo is that of what it echoed."""
        news = lasting.news(loose, [case for case in ended if not _was_echo(case)])
        self._metrics.anomalies.labels("Lasting").inc(len(loose) - len(news))
        fading_out = {id(anomaly): because for anomaly in news if (because := fading(anomaly, ended, now, MOMENT))}
        for anomaly in news:
            if id(anomaly) in fading_out:
                log.debug("%s suppressed: %s", anomaly.signal.key, fading_out[id(anomaly)])
        self._metrics.anomalies.labels("Echo").inc(len(fading_out))
        return [anomaly for anomaly in news if id(anomaly) not in fading_out]

    def _flapping(self, fingerprint: str, ended: Sequence[Case], at: datetime) -> str:
        wanted = self._ports.settings.flapping
        return flapping([fingerprint], ended, at, times=wanted.times, within=wanted.within)

    def _open(self, decision: OpenCase, flaps: str, reasons: tuple[str, ...], reach: Reach, now: datetime) -> bool:
        """Open the case, with what came with its leader. False when another daemon was first."""
        anomaly = decision.anomaly
        event = Opened(
            case_id=decision.case_id,
            service=decision.service,
            fingerprint=decision.fingerprint,
            anomaly=anomaly,
            reasons=reasons,
            reach=reach,
        )
        said = [reason for reason in reasons if reason.startswith(IMPACT)]
        told = self._tell(decision.case_id, "opened", anomaly, flaps=self._held_until(flaps), reach=said)
        # The others join before the case is due, so that its diagnosis sees all of them.
        due = now + timedelta(seconds=1) if decision.others else now
        case = self._cases.open(Entry(at=now, actor=ACTOR, event=event), told, due)
        if case is None:
            return False
        log.warning("case %s: %s %s", case.id, anomaly.signal.key, symptom(anomaly))
        self._metrics.anomalies.labels(JoinCase.__name__).inc(len(decision.others))
        for other in decision.others:
            self._add(case.id, Joined(anomaly=other), now, None)
        return True

    def _join(self, decision: JoinCase, case: Case, urgent: bool, now: datetime) -> None:  # noqa: FBT001 - one of its callers' facts
        anomaly = decision.anomaly
        if decision.leads:
            why = f"traced-to-{anomaly.signal.service}"
            told = self._tell(case.id, why, anomaly, anomaly.signal.severity if urgent else Severity.NOTE)
            event: Event = Traced(anomaly=anomaly, because=decision.because)
        else:
            told = self._tell(case.id, anomaly.signal.severity, anomaly) if urgent else ()
            event = Joined(anomaly=anomaly)
        if self._add(case.id, event, now, now if decision.leads else None, told):
            log.info("case %s: %s joins: %s", case.id, anomaly.signal.key, decision.because)
            for folded, because in decision.folds:
                self._fold(folded, case.id, because, now)

    def _fold(self, case_id: str, into: str, because: str, now: datetime) -> None:
        """Let a case end as an echo of another one: that one lists it first, so that it is never in neither."""
        folded = self._cases.load(case_id)
        for anomaly in {had.fingerprint: had for had in _had(folded)}.values():
            self._add(into, Echoed(anomaly=anomaly, because=because), now, None)
        why = f"it is an echo of case {into}: {because}"
        number = folded.changes[-1].number if folded.changes else 0
        outcome = Outcome(ending=Ending.ECHO, change=number, because=why, at=now)
        subject = f"{folded.service}: part of case {into}"
        told = self._ports.tell(f"{case_id}-closed", Severity.NOTE, subject, why, case=case_id)
        if self._add(case_id, Closed(outcome=outcome, lesson=None), now, None, told):
            log.info("case %s: ended: %s", case_id, why)

    def _echo(self, decision: Suppressed, urgent: bool, now: datetime) -> None:  # noqa: FBT001 - the same
        """List it in its case. People hear of one that asks for more than all that they heard of the case."""
        anomaly = decision.anomaly
        told = self._tell(decision.case_id, f"echo-{anomaly.signal.severity}", anomaly) if urgent else ()
        if self._add(decision.case_id, Echoed(anomaly=anomaly, because=decision.because), now, None, told):
            log.info("case %s: %s is its echo: %s", decision.case_id, anomaly.signal.key, decision.because)

    def _held_until(self, flaps: str) -> str:
        """What is said of a case that flaps, or ""."""
        if not flaps:
            return ""
        calm = duration.format(_whole(self._calm))
        return f"It is flapping: {flaps}. Its case stays open until it was quiet for {calm}, and no more is said of it."

    @property
    def _calm(self) -> timedelta:
        """How long what flaps must be quiet before it is over."""
        wanted = self._ports.settings.flapping
        return wanted.within / wanted.times

    def _tell(
        self,
        case_id: str,
        why: str,
        anomaly: Anomaly,
        severity: Severity | None = None,
        *,
        flaps: str = "",
        reach: Sequence[str] = (),
    ) -> tuple[Effect, ...]:
        if anomaly.detector == DETECTOR:
            return ()  # Alertmanager told us as it tells people: a second page for one alert is one too many
        return self._ports.tell(
            f"{case_id}-{why}",
            severity or anomaly.signal.severity,
            f"{anomaly.signal.service}: {anomaly.signal.name} {'is flapping' if flaps else headline(anomaly)}",
            "\n".join([f"It {symptom(anomaly)}. Case {case_id}. {flaps}".rstrip(), *reach]),
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
            waits = case.phase in UNDECIDED or case.phase is Phase.PROPOSED
            if not waits or case.merges or case.recovered is not None or self._young(case, now):
                continue
            if case.improvement:
                continue  # over when a night's look says so: its signals are within what is expected all along
            read = {**self._blocks, **blocks}
            seen = recovery(
                case, read, baselines, now, confirm=wanted.confirm, stale_after=wanted.stale_after, still=still
            )
            if not seen.recovered or self._flaps_on(case, now):
                continue
            if self._add(case.id, Recovered(because=seen.because), now, now):
                log.info("case %s: recovered by itself: %s", case.id, seen.because)

    def _flaps_on(self, case: Case, now: datetime) -> bool:
        """Whether the case flaps, and has not been quiet for long enough to be over."""
        fingerprints = {had.fingerprint for had in case.anomalies}
        if now - self._began >= self._calm and fingerprints.isdisjoint(self._out):
            return False
        wanted = self._ports.settings.flapping
        ended = self._cases.ended({case.service})
        return bool(flapping(fingerprints, ended, case.opened, times=wanted.times, within=wanted.within))

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


def _whole(length: timedelta) -> timedelta:
    return timedelta(seconds=round(length.total_seconds()))


def _had(case: Case | None) -> tuple[Anomaly, ...]:
    """What the case has, its echoes too."""
    return () if case is None else (*case.anomalies, *(echo.anomaly for echo in case.echoes))


def _was_echo(case: Case) -> bool:
    return case.outcome is not None and case.outcome.ending is Ending.ECHO


def _reasons(
    opening: OpenCase,
    flaps: str,
    found: Iterable[Anomaly],
    reach: Reach,
    decided: Iterable[Decision],
) -> tuple[str, ...]:
    """What is said of a case at its opening."""
    echoing = {
        one.anomaly.signal.service
        for one in decided
        if isinstance(one, Suppressed) and one.echo and one.case_id == opening.case_id
    }
    return (
        opening.because,
        *([f"flapping: {flaps}"] if flaps else []),
        severity_reason(opening.anomaly, opening.others),
        kind_reason(opening.anomaly),
        *impact_reasons(opening.anomaly, found, reach, echoing),
    )


def _name(decision: Decision) -> str:
    """How a decision is counted."""
    return "Echo" if isinstance(decision, Suppressed) and decision.echo else type(decision).__name__
