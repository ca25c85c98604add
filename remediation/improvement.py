"""The way of an improvement: the phases of any case, behind every incident, told to nobody, ended without a human.

It begins with an opportunity that the nightly look found. What is tried is a value that the operator's rule names, or
an edit by a model; it must pass the tests, and the repository's `bench` must show it in runs by turns. Where nothing is
shown, the case ends with that as its lesson, which sets the same remedy back the next time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cases.anomaly import AnomalyKind
from cases.case import Case, Phase
from cases.change import Patch
from cases.diagnosis import Diagnosis, Finding
from cases.events import Closed, Diagnosed, Entry, Escalated, Event, Harmed, Killed
from cases.lifecycle import advance
from cases.outcome import Ending, Lesson, Outcome
from cases.steps import Effect, SendNotice, StepResult
from cases.symptom import symptom
from cases.telemetry import Severity
from cases.verdict import Verdict
from config.settings import Settings
from remediation.draft import drafted_or_given_up, give_up, same_change
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.faster import faster
from remediation.evidence import Pack, pack
from remediation.giving_way import LATER, GaveWay, first_in_line, gives_way
from remediation.learn import lesson_of
from remediation.playbooks import tune
from remediation.playbooks.contract import kept
from remediation.ports import Ports
from remediation.recall import REFUSED
from remediation.speed import BENCH

BEFORE_THE_FORGE = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED})
SHOWED_NOTHING = frozenset({Ending.UNCHANGED, Ending.INCONCLUSIVE})


def remedy(settings: Settings, service: str, signal: str, *, idle: bool = False) -> str:
    """What could be tried for a signal, or for what lies `idle`, in words; "" without anything, or a way to show it."""
    known = settings.service(service)
    if settings.repository(known.repository).bench is None:
        return ""
    rules = [rule for rule in known.tune if (rule.signal, rule.answers) == (signal, "improvement")]
    if rules:
        return f"the operator's rule names {rules[0].path} in {rules[0].file}"
    paid = settings.budget.usd_per_class.improvement != 0
    asked = settings.model.provider != "none" and paid and not idle
    return "a model may find an edit" if asked else ""


def step(case: Case, ports: Ports, usual: Callable[[Case, Ports], StepResult]) -> StepResult:
    """Take the next step of an improvement, if it is its turn."""
    waits = first_in_line(case, ports) if gives_way(case) else ""
    if waits:
        return StepResult(again=ports.now + LATER, waiting=waits)
    try:
        return quietly(case, ports, usual(case, ports))
    except GaveWay as gave_way:
        return StepResult(again=ports.now + LATER, waiting=str(gave_way))


def look_into(case: Case, ports: Ports) -> StepResult:
    """OPEN → DIAGNOSED: write down what was found. Nobody's commit is suspected of what took weeks."""
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    facts, _ = pack(case, (), (), lessons, ports.now, Pack())
    anomaly = case.anomaly
    shown = f"{anomaly.signal.name} stays where it is after the change runs, or the benchmark shows nothing"
    diagnosis = Diagnosis(
        finding=Finding.OPPORTUNITY,
        claim=f"{anomaly.signal.name} {symptom(anomaly)}",
        facts=facts,
        suspects=(),
        confidence=0.0,
        disproof=shown,
        recalled=tuple(lesson.id for lesson in lessons),
    )
    return StepResult(events=(Diagnosed(diagnosis=diagnosis),))


def draft_improvement(case: Case, ports: Ports) -> StepResult:
    """DIAGNOSED → DRAFTED: what was not tried yet, what earlier lessons speak for first."""
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    reasons: list[str] = []
    able: list[Patch] = []
    for drafting in _drafted(case, ports):
        held = kept(case, drafting, ports.settings)
        if isinstance(held, CannotDraft):
            reasons.append(held.reason)
        elif failed := _tried(case, held):
            reasons.append(f"{held.title}: {failed}")
        elif refusal := _refused(held, lessons):
            reasons.append(refusal)
        else:
            able.append(held)
    if not able:
        able, reason = _by_a_model(case, ports, lessons)
        reasons.append(reason)
    if able:
        best = min(able, key=lambda change: rank(change, lessons))
        return drafted_or_given_up(case, ports, best)
    return give_up(case, ports, "; ".join(dict.fromkeys(filter(None, reasons))) or "there is nothing to try")


def rank(change: Patch, lessons: Sequence[Lesson]) -> int:
    """How far a remedy is set back: by each time that it showed nothing, less each time that it worked."""
    mine = [lesson for lesson in lessons if _same_remedy(change, lesson)]
    return sum(lesson.ending in SHOWED_NOTHING for lesson in mine) - sum(had.ending is Ending.WORKED for had in mine)


def _by_a_model(case: Case, ports: Ports, lessons: Sequence[Lesson]) -> tuple[list[Patch], str]:
    """What a model drafts where no rule is left; an edit of what lies idle would be none."""
    if case.anomaly.kind is AnomalyKind.WASTE:
        return [], ""
    drafting = kept(case, faster(case, ports), ports.settings)
    if isinstance(drafting, CannotDraft):
        return [], drafting.reason
    refusal = _refused(drafting, lessons)
    return ([], refusal) if refusal else ([drafting], "")


def _drafted(case: Case, ports: Ports) -> Iterator[Drafting]:
    """Everything that can be drafted without a model."""
    yield from tune.each(case, ports)


def _tried(case: Case, drafting: Patch) -> str:
    """What the sandbox said of the very same change before; "" where it was not tried."""
    trials = {trial.change: trial for trial in case.trials}
    for earlier in case.changes:
        if earlier.number in trials and same_change(earlier, drafting):
            checks = [check for check in trials[earlier.number].checks if check.verdict is not Verdict.PASSED]
            return "; ".join(f"{check.name.lower()}: {check.detail}" for check in checks) or "it was tried"
    return ""


def _refused(change: Patch, lessons: Sequence[Lesson]) -> str:
    """A remembered no, of a human or of production: it is not tried again by itself."""
    for lesson in lessons:
        if lesson.ending in REFUSED - SHOWED_NOTHING and _same_remedy(change, lesson):
            return f"{change.title}: the like ended {lesson.ending} before (lesson {lesson.id})"
    return ""


def _same_remedy(change: Patch, lesson: Lesson) -> bool:
    return lesson.strategy == change.origin and set(lesson.paths) == set(change.lead.paths)


def quietly(case: Case, ports: Ports, result: StepResult) -> StepResult:
    """The result, told to nobody but as a note; what no change was found for ends here, and wakes no human.

    Harm that our merged change did is told as any harm is.
    """
    result = _ended(case, ports, result)
    if any(isinstance(event, Harmed | Killed) for event in result.events):
        return result
    return replace(result, effects=tuple(_softened(effect) for effect in result.effects))


def _softened(effect: Effect) -> Effect:
    if not isinstance(effect, SendNotice):
        return effect
    return replace(effect, notice=replace(effect.notice, severity=Severity.NOTE))


def _ended(case: Case, ports: Ports, result: StepResult) -> StepResult:
    """A closed case in place of one that a human would be asked about, as long as nothing was opened."""
    asked = next((event for event in result.events if isinstance(event, Escalated)), None)
    if asked is None or case.phase not in BEFORE_THE_FORGE or case.proposals:
        return result
    before: tuple[Event, ...] = tuple(event for event in result.events if event is not asked)
    for event in before:
        case = advance(case, Entry(at=ports.now, actor="daemon", event=event))
    number = case.changes[-1].number if case.changes else 0
    because = f"no improvement was shown: {asked.reason}"
    outcome = Outcome(ending=_ending(case), change=number, because=because, at=ports.now)
    closed = Closed(outcome=outcome, lesson=lesson_of(case, outcome, ""))
    return StepResult(events=(*before, closed), effects=())


def _ending(case: Case) -> Ending:
    """Unchanged where the benchmark was run to its end and showed no gain; nothing is known where it was not."""
    trial = case.trials[-1] if case.trials else None
    bench = next((check for check in trial.checks if check.name == BENCH), None) if trial else None
    ran = bench is not None and bench.verdict in {Verdict.FAILED, Verdict.INCONCLUSIVE} and bench.seconds > 0
    return Ending.UNCHANGED if ran else Ending.INCONCLUSIVE
