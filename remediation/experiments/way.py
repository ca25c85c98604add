"""The way of an experiment: the phases of any case, with three gates on it.

open → (portfolio) → diagnosed → drafted → proved → (launch) → proposed → merged → deployed: looked at → (analysis) →
the next share, on the same way again, until everybody is shown it; then code of its own goes without its flag.
Whatever else it comes to, everybody is shown the control at once, and a pull request takes out what it left behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from cases.case import Case, Phase
from cases.change import Patch
from cases.diagnosis import Diagnosis, Finding
from cases.errors import PermanentError, TemporaryError
from cases.events import Diagnosed, Disproved, Drafted, Escalated, Event, Gated, Judged, Killed, Looked
from cases.may import approved
from cases.moments import iso
from cases.outcome import Judgement, Ruling
from cases.steps import Effect, KillFlag, PostComment, StepResult
from cases.telemetry import Severity
from cases.verdict import Verdict
from config.settings import Settings
from inference.experiments.ruling import Word
from remediation.drafting import CannotDraft
from remediation.evidence import Pack, pack
from remediation.experiments.build import first, next_share, scaled, taken_back
from remediation.experiments.idea import idea_of, place_of, wanted_of
from remediation.experiments.kept import CODE, FLAG, kept
from remediation.experiments.look import Seen, breached, judged, look, said
from remediation.experiments.words import comment, portfolio_question, segments_said
from remediation.experiments.written import may_be_written_again
from remediation.learn import closing
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.worth import Worth, worth_of

Step: TypeAlias = Callable[[Case, Ports], StepResult]
KEPT_EVERY, KEPT = timedelta(days=1), 7
"""How often a look is kept while nothing follows from one; where an experiment is shorter than a week, so many are."""
BLIND = timedelta(days=2)
"""After so long without a look nobody is shown what nobody sees: a day at the least, as one look a day is kept."""
TAKEN = timedelta(minutes=10)
"""Between two looks for whether a flag that another experiment has is free."""


def gate_of(case: Case, which: str) -> str:
    """The name of a gate of the case: `portfolio`, or `analysis` of the change in hand."""
    return f"{case.id}-{which}" if not case.changes else f"{case.id}-{case.change.number}-{which}"


def suppose(case: Case, ports: Ports) -> StepResult:
    """OPEN → (portfolio) → DIAGNOSED: ask whether the idea is to be built, with all that speaks for it."""
    goal, idea = idea_of(case)
    if not approved(case):
        question = portfolio_question(case)
        told = ports.tell(
            f"{case.id}-portfolio",
            Severity.TICKET,
            f"{case.service}: an idea for {goal.name}",
            question,
            case=case.id,
            gate=gate_of(case, "portfolio"),
        )
        return StepResult(events=(Gated(reason=question, gate=gate_of(case, "portfolio")),), effects=told)
    facts, _ = pack(case, (), (), ports.lessons.recall(case.fingerprint, case.service), ports.now, Pack())
    diagnosis = Diagnosis(
        finding=Finding.OPPORTUNITY,
        claim=idea.statement,
        facts=facts,
        suspects=(),
        confidence=0.0,
        disproof=f"the interval of its effect on {goal.signal} comes to lie below {goal.criteria.lift:g}",
        recalled=idea.cited,
        cited=idea.cited,
    )
    return StepResult(events=(Diagnosed(diagnosis=diagnosis),))


def build(case: Case, ports: Ports) -> StepResult:
    """DIAGNOSED → DRAFTED: the flag, once no other experiment has it."""
    place = place_of(case, ports.settings)
    if case.trial is not None and _refused_last(case):
        failed = [check for check in case.trial.checks if check.verdict is Verdict.FAILED]
        said = "; ".join(f"{check.name.lower()}: {check.detail}" for check in failed)
        if case.change.origin in {CODE, FLAG}:
            ended = closing(case, ports)
            return replace(ended, effects=(*ended.effects, _left(case, f"without it {said}")))
        if not (case.change.cost and may_be_written_again(case)):
            return _asked(case, ports, f"the sandbox refused it: {said}")
    taken = next((other for other in ports.cases.active() if other.id != case.id and _has(other, place.key)), None)
    if taken is not None:
        return StepResult(again=ports.now + TAKEN, waiting=f"{place} belongs to the experiment of case {taken.id} now")
    return _drafted(case, ports, first(case, ports))


def measured(case: Case, ports: Ports) -> StepResult:
    """DEPLOYED: look at what users do, and do what follows from it."""
    if case.change.rolls_back is not None:
        return closing(case, ports)
    if case.judgement is not None:
        return _after(case, ports, case.judgement)
    experiment = case.change.experiment
    if experiment is None:
        # a clean-up, or a human's own merge that was taken for ours: nobody knows whom that shows what
        return _tidied(case, ports) if case.change.origin == CODE else closing(case, ports)
    try:
        seen = look(case, ports)
    except PermanentError as error:
        return unmeasured(case, ports, str(error))
    except TemporaryError as error:
        since = _seen_last(case)
        if ports.now - since < BLIND:
            raise
        return unmeasured(case, ports, f"{error}; nothing was seen since {iso(since)}")
    if breached(seen) or (experiment.measured and seen.ruling.word is Word.KILL):
        return ended(case, ports, seen)
    if not experiment.measured:
        return _settled(case, ports, seen)
    if seen.ruling.word is Word.SCALE:
        return _won(case, ports, seen)
    return _go_on(case, ports, seen, wanted_of(case, ports.settings).look_every)


def ended(case: Case, ports: Ports, seen: Seen) -> StepResult:
    """Everybody is shown the control at once; what is left behind follows as a pull request."""
    judgement = judged(case, seen, ports.now)
    harm = judgement.ruling is Ruling.HARMFUL
    events: tuple[Event, ...] = (seen.looked,)
    because = f"change {seen.change}: {judgement.because}"
    events += (Killed(because=because, judgement=judgement),) if harm else (Judged(judgement=judgement),)
    told = ports.tell(
        f"{case.id}-{seen.change}-ended",
        Severity.PAGE if harm else Severity.NOTE,
        f"{case.service}: an experiment {'does harm' if harm else 'ended'}",
        f"{judgement.because}.\nEverybody is shown the control from now on. Case {case.id}.",
        case=case.id,
    )
    return StepResult(
        events=events,
        effects=(kill(case, ports.settings, judgement.because), _commented(case, judgement, seen.looked), *told),
    )


def unmeasured(case: Case, ports: Ports, why: str) -> StepResult:
    """What nobody can measure is shown to nobody: it ends, and nothing is known of it."""
    goal, _ = idea_of(case)
    because = f"it cannot be measured: {neutral(why, 300)}"
    judgement = Judgement(
        change=case.change.number, ruling=Ruling.INCONCLUSIVE, at=ports.now, because=because, signal=goal.signal
    )
    told = ports.tell(
        f"{case.id}-{case.change.number}-ended",
        Severity.TICKET,
        f"{case.service}: an experiment ended unmeasured",
        f"{because}.\nEverybody is shown the control from now on. Case {case.id}.",
        case=case.id,
    )
    seen = Looked(change=case.change.number, users=(0, 0), crossed=0, because=because)
    effects = (kill(case, ports.settings, because), _commented(case, judgement, seen), *told)
    return StepResult(events=(Judged(judgement=judgement),), effects=effects)


def _seen_last(case: Case) -> datetime:
    """When users were seen last, as far as it is kept: once a day, or when it began to run."""
    looked = [entry.at for entry in case.history if isinstance(entry.event, Looked)]
    return max([*looked, case.deploys[-1].started])


def kill(case: Case, settings: Settings, because: str) -> KillFlag:
    """The effect that shows everybody the control."""
    return KillFlag(key=f"{case.id}-flag-off", place=place_of(case, settings), because=neutral(because, 200))


def take_back(case: Case, ports: Ports) -> StepResult:
    """REVERTING → DRAFTED: take out what the experiment left; its case ends where that is nothing."""
    off = kill(case, ports.settings, case.escalation or "it was taken back")
    drafting = taken_back(case, ports)
    if drafting is None:
        result = closing(case, ports)
    elif isinstance(drafting, CannotDraft):
        result = _asked(case, ports, drafting.reason)
    else:
        result = StepResult(events=(Drafted(change=drafting),))
    return StepResult(events=result.events, effects=(off, *result.effects), again=result.again)


def _won(case: Case, ports: Ports, seen: Seen) -> StepResult:
    """The interval lies above the bar: ask, once, whether more users are to be shown it."""
    goal, _ = idea_of(case)
    judgement = judged(case, seen, ports.now)
    share = next_share(case)
    ask = f"show it to {share:.0%} of users next?" if share is not None else "keep it for everybody?"
    apart = f" {segments_said(seen.segments)}" if seen.segments is not None else ""
    question = f"It works: {said(goal, seen)}.{apart} Now {ask}"
    gate = gate_of(case, "analysis")
    worth = worth_of(case, ports.settings, ports.spent(case.id), seen.looked) if ports.spent is not None else None
    told = ports.tell(gate, Severity.TICKET, f"{case.service}: an experiment worked", question, case=case.id, gate=gate)
    return StepResult(
        events=(seen.looked, Judged(judgement=judgement), Gated(reason=question, gate=gate)),
        effects=(_commented(case, judgement, seen.looked, worth), *told),
    )


def _settled(case: Case, ports: Ports, seen: Seen) -> StepResult:
    """A larger share: with no guardrail broken for long enough it stays."""
    wanted = wanted_of(case, ports.settings)
    until = case.deploys[-1].started + wanted.settle
    if ports.now < until:
        return _go_on(case, ports, seen, min(wanted.look_every, until - ports.now))
    share = case.shows.share if case.shows else 0.0
    because = f"shown to {share:.0%} of users since {iso(case.deploys[-1].started)}, and no guardrail is broken"
    goal, _ = idea_of(case)
    judgement = Judgement(
        change=seen.change, ruling=Ruling.WORKED, at=ports.now, because=because, signal=goal.signal, recovered=True
    )
    return StepResult(
        events=(seen.looked, Judged(judgement=judgement)), effects=(_commented(case, judgement, seen.looked),)
    )


def _after(case: Case, ports: Ports, judgement: Judgement) -> StepResult:
    """The judgement is told: the next share, the clean-up, or the end."""
    if judgement.ruling is not Ruling.WORKED:
        return take_back(case, ports)
    share = next_share(case)
    return _tidied(case, ports) if share is None else _drafted(case, ports, scaled(case, ports, share))


def _tidied(case: Case, ports: Ports) -> StepResult:
    """Everybody is shown it: what the experiment brought beside goes, and its case ends once nothing is left to do."""
    drafting = kept(case, ports)
    if isinstance(drafting, Patch):
        return StepResult(events=(Drafted(change=drafting),))
    ended = closing(case, ports)
    return ended if drafting is None else replace(ended, effects=(*ended.effects, _left(case, drafting.reason)))


def _left(case: Case, why: str) -> Effect:
    """That the flag stays where it is, on the pull request that was last merged."""
    _, idea = idea_of(case)
    merge = case.merges[-1]
    change = next(change for change in case.changes if change.number == merge.change)
    return PostComment(
        key=f"{case.id}-{case.change.number}-left",
        repository=merge.repository,
        branch=change.branch(case.id),
        body=f"**The flag {neutral(idea.turn.flag, 40)} stays**, for a human to take out: {neutral(why, 300)}.",
    )


def _go_on(case: Case, ports: Ports, seen: Seen, every: timedelta) -> StepResult:
    """Nothing follows yet. One look a day is kept, and more of what is shorter than a week."""
    looked = [entry.at for entry in case.history if isinstance(entry.event, Looked)]
    often = min(KEPT_EVERY, wanted_of(case, ports.settings).shortest / KEPT)
    due = not looked or ports.now - looked[-1] >= often
    events: tuple[Event, ...] = (seen.looked,) if due else ()
    goal, _ = idea_of(case)
    return StepResult(events=events, again=ports.now + every, waiting=said(goal, seen))


def _commented(case: Case, judgement: Judgement, look: Looked, worth: Worth | None = None) -> Effect:
    change = next(change for change in case.changes if change.number == judgement.change)
    return PostComment(
        key=f"{case.id}-{change.number}-judgement",
        repository=change.lead.repository,
        branch=change.branch(case.id),
        body=comment(case, judgement, look, worth),
    )


def _drafted(case: Case, ports: Ports, drafting: Patch | CannotDraft) -> StepResult:
    if isinstance(drafting, CannotDraft):
        return _asked(case, ports, drafting.reason)
    return StepResult(events=(Drafted(change=drafting),))


def _asked(case: Case, ports: Ports, reason: str) -> StepResult:
    told = ports.tell(
        f"{case.id}-escalated-{len(case.history)}",
        Severity.TICKET,
        f"{case.service}: an experiment needs a human",
        f"{reason}\nCase {case.id}.",
        case=case.id,
    )
    return StepResult(events=(Escalated(reason=reason),), effects=told)


def _refused_last(case: Case) -> bool:
    """Whether the sandbox refused it since it was last begun; a retry begins anew."""
    last = next(e.event for e in reversed(case.history) if isinstance(e.event, Diagnosed | Disproved))
    return isinstance(last, Disproved)


def _has(other: Case, flag: str) -> bool:
    """Whether another case's experiment has the flag: from its first draft to its end."""
    return other.hypothesis is not None and bool(other.changes) and other.hypothesis.turn.flag == flag


STEPS: Mapping[Phase, Step] = {
    Phase.OPEN: suppose,
    Phase.DIAGNOSED: build,
    Phase.DEPLOYED: measured,
    Phase.REVERTING: take_back,
}
"""The phases in which an experiment goes a way of its own."""
