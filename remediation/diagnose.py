"""OPEN → DIAGNOSED: gather evidence, rank suspects, recall what was learnt. Nobody is accused.

No model is needed. One is asked only where code cannot tell: of several suspects, or where no change fits and errors
came with the trouble. It must cite facts that it was shown, and name commits and code that exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cases.case import Case
from cases.diagnosis import Commit, Diagnosis, EvidenceKind, Finding, Hypothesis
from cases.errors import TemporaryError
from cases.events import Diagnosed, Escalated
from cases.incident import Incident, telling_values
from cases.moments import iso
from cases.ports import LanguageModel
from cases.steps import StepResult
from cases.telemetry import Deploy, Severity
from remediation.conclusion import Findings, conclude, convicted, fits, nothing
from remediation.confidence import MOST_LESSONS
from remediation.consult import Matter, Opinion, consult
from remediation.edit.again import stands
from remediation.edit.asking import reason
from remediation.edit.brief import reader
from remediation.edit.locate import Located, located
from remediation.edit.places import Place
from remediation.evidence import Pack, pack
from remediation.follow_up import FollowUp
from remediation.operational import Symptoms, causes
from remediation.playbooks import plugged, tune
from remediation.playbooks.python_edit import in_question
from remediation.playbooks.tune import rules
from remediation.ports import Ports
from remediation.precedent import Precedent, precedent
from remediation.reach import add_reach
from remediation.recall import reconsider
from remediation.traces import Traces, traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was gathered, and what a conclusion would be drawn from now."""

    case: Case
    ports: Ports
    pack: Pack
    findings: Findings
    logs: Traces
    commits: Sequence[Commit]
    precedent: Precedent | None

    def opinion(self, model: LanguageModel, places: Sequence[Place]) -> Opinion:
        """What the model says of these places. Raises TemporaryError. What it asked to see is in the pack then."""
        case, ports = self.case, self.ports
        repository = ports.settings.service(case.service).repository
        read = reader(ports.forge, repository, ports.forge.head(repository))
        follow_up = FollowUp(
            case=case, ports=ports, commits=self.commits, repository=repository, onset=onset_of(case), pack=self.pack
        )
        matter = Matter(
            case=case.id,
            suspects=[suspect for suspect in self.findings.suspects if suspect.evidence],
            places=places,
            read=read,
            words=words(case, self.logs.words),
            follow_up=follow_up,
        )
        return consult(model, matter)

    def told(self, opinion: Opinion, because: str = "") -> Findings:
        """The findings with what a model said, and the facts that it asked for."""
        found = self.findings
        return replace(
            found,
            facts=tuple(self.pack.facts),
            hypotheses=_joined(opinion.hypotheses, found.hypotheses),
            links=opinion.links,
            blind=(*found.blind, *filter(None, (because, opinion.because))),
        )


def diagnose(case: Case, ports: Ports) -> StepResult:
    """Rank what changed before the onset, and where the logs point. With nothing that fits, a human gets the case."""
    gathered = gather(case, ports)
    findings = gathered.findings
    if any(fits(suspect) for suspect in findings.suspects):
        if ports.model is not None and convicted(findings.suspects, findings.causes) is None:
            if (led := _led(gathered)) is not None:
                return StepResult(events=(Diagnosed(diagnosis=led),))
            findings = gathered.told(_unhurried(gathered, ports.model))
        return StepResult(events=(Diagnosed(diagnosis=conclude(case, findings)),))
    return _without_suspect(gathered)


def gather(case: Case, ports: Ports) -> Gathered:
    """Everything that is seen without a model."""
    service = ports.settings.service(case.service)
    now, onset = ports.now, onset_of(case)
    since = onset - ports.settings.diagnosis.look_back
    deploys = ports.changes.deploys(case.service, since, now)
    commits = ports.forge.commits(service.repository, since, now)
    logs = traces(case, ports, service.repository)
    gathered = Pack()
    symptoms = gathered.anomalies(case.anomalies)
    hypotheses, told = logs.facts(gathered, ports)
    incident = Incident(
        service=case.service,
        anomalies=case.anomalies,
        onset=onset,
        words=words(case, logs.words),
        raised=logs.raised(told),
    )
    ranked = ports.rank(incident, service.repository, commits, deploys)
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    before = precedent(case, ports, lessons)
    reconsidered = reconsider(ranked, lessons, before.merges if before else ())
    ranked = reconsidered.suspects
    others = [had for other in _live(ports) if other.id != case.id for had in other.anomalies]
    seen = Symptoms(case=case, others=others, errors=logs.errors, facts=symptoms, told=told)
    operational = causes(seen, gathered)
    _, suspects = pack(case, ranked, deploys, lessons, now, gathered)
    for cause in operational:
        gathered.add(f"{cause.kind}: {cause.told}", ", ".join(cause.evidence), now, kind=EvidenceKind.CAUSE)
    add_reach(gathered, case, service, ports.settings.services, now)
    running = () if deploys else ports.changes.running(case.service, onset)
    findings = Findings(
        facts=tuple(gathered.facts),
        suspects=suspects,
        hypotheses=hypotheses,
        remarks=reconsidered.remarks,
        cited=reconsidered.cited,
        causes=operational,
        lessons=lessons,
        unseen=_unseen(deploys, running, commits, since),
        blind=(logs.blind,) if logs.blind else (),
        outcomes=ports.lessons.newest(MOST_LESSONS),
    )
    return Gathered(
        case=case, ports=ports, pack=gathered, findings=findings, logs=logs, commits=commits, precedent=before
    )


def _live(ports: Ports) -> list[Case]:
    """What goes wrong now: what could be better says nothing of tonight."""
    return [case for case in ports.cases.active() if not case.improvement]


def onset_of(case: Case) -> datetime:
    """The earliest onset among the anomalies of a case."""
    return min(anomaly.onset for anomaly in case.anomalies)


def words(case: Case, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """What names the symptom, most telling first: what the logs name, label values, signal names, the service."""
    labels = telling_values(case.anomalies)
    signals = [anomaly.signal.name for anomaly in case.anomalies]
    return tuple(dict.fromkeys([*extra, *labels, *signals, case.service]))


def _unhurried(gathered: Gathered, model: LanguageModel) -> Opinion:
    """What the model says of suspects that are there anyway: one that is busy holds no change up."""
    try:
        return gathered.opinion(model, gathered.logs.places)
    except TemporaryError as error:
        return Opinion(because=reason(error))


def _without_suspect(gathered: Gathered) -> StepResult:
    """No change fits. A rule to tune by goes on to a draft, as does a place in the code with a model; else a human."""
    case, ports, findings = gathered.case, gathered.ports, gathered.findings
    if rules(case, ports.settings.service(case.service)):
        return StepResult(events=(Diagnosed(diagnosis=conclude(case, findings)),))
    remark = ""
    if ports.model is not None and gathered.logs.errors and not _is_operational(findings):
        if (led := _led(gathered)) is not None:
            return StepResult(events=(Diagnosed(diagnosis=led),))
        mapped = _places(gathered, ports.model)
        opinion = gathered.opinion(ports.model, mapped.places)
        findings = gathered.told(opinion, mapped.because)
        if opinion.usable:
            return StepResult(events=(Diagnosed(diagnosis=conclude(case, findings)),))
        remark = opinion.because
    diagnosis = conclude(case, findings)
    patterned = in_question(findings.hypotheses, ports.settings, case.service)
    if (patterned or plugged.drafters()) and not _is_operational(findings):
        return StepResult(events=(Diagnosed(diagnosis=diagnosis),))
    place = f"; {diagnosis.hypotheses[0].statement}" if diagnosis.hypotheses else ""
    named = diagnosis.finding in {Finding.NOTHING, Finding.OPERATIONAL}
    shown = diagnosis.claim if named else nothing(findings)
    because = f"no change explains it: {shown}{place}" + (f"; {remark}" if remark else "")
    return StepResult(
        events=(Diagnosed(diagnosis=diagnosis), Escalated(reason=because)),
        effects=ports.tell(
            f"{case.id}-escalated", Severity.PAGE, f"{case.service}: a human is needed", because, case=case.id
        ),
    )


def _led(gathered: Gathered) -> Diagnosis | None:
    """The diagnosis that a precedent leads to, so that no model need be asked; None where it does not say enough.

    It has to be the very same: the errors are raised where an edit mended them, and its stretches stand there again; or
    a rule tuned the value, and does so still; or one suspect alone changed the files that were mended, and the sandbox
    can tell. A case that was looked at before had its chance.
    """
    before, findings, ports = gathered.precedent, gathered.findings, gathered.ports
    case = gathered.case
    if before is None or case.diagnosis is not None or _is_operational(findings):
        return None
    service = ports.settings.service(case.service)
    familiar = [suspect for suspect in findings.suspects if fits(suspect) and before.touches(suspect)]
    if before.edit is not None:
        same = before.leads(findings.hypotheses) and stands(before.edit, ports)
    elif before.lesson.strategy == tune.ORIGIN:
        same = bool(rules(case, service))
    else:
        shown = ports.settings.repository(service.repository).reproduce is not None
        same = len(familiar) == 1 and (shown or bool(familiar[0].mechanism))
        rest = [suspect for suspect in findings.suspects if suspect not in familiar]
        findings = replace(findings, suspects=(*familiar, *rest)) if same else findings
    return replace(conclude(case, findings), precedent=before.lesson.id) if same else None


def _places(gathered: Gathered, model: LanguageModel) -> Located:
    """Where to look in the code: where the traces lead, else where a model would by the map of the repository."""
    logs, case = gathered.logs, gathered.case
    if logs.places:
        return Located(places=logs.places)
    return located(case, gathered.ports, model, gathered.findings.facts, words(case, logs.words))


def _is_operational(findings: Findings) -> bool:
    """Whether more than log lines show that nobody changed it: no edit is asked of a model for that."""
    return bool(findings.causes) and findings.causes[0].sure


def _joined(said: tuple[Hypothesis, ...], traced: tuple[Hypothesis, ...]) -> tuple[Hypothesis, ...]:
    """A model's hypotheses and then the traces' own. Both stay: only a trace names the exception."""
    return (*said, *traced)


def _unseen(
    deploys: Sequence[Deploy], running: Sequence[str], commits: Sequence[Commit], since: datetime
) -> tuple[str, ...]:
    """What could not be seen of changes, in words, with what would mend it."""
    unseen: list[str] = []
    if not deploys and not running:
        unseen.append(
            f"no deploy marker since {iso(since)}, so nothing can be said to have been running; "
            "check `deploys` in the configuration against what the service exports"
        )
    if not commits:
        unseen.append(f"no commit on the watched branch since {iso(since)}")
    return tuple(unseen)
