"""The way through remediation: which step a case takes next, from its phase alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from cases.case import Case, Phase
from cases.events import Deployed, Escalated, Harmed
from cases.steps import SendNotice, StepResult
from cases.telemetry import Severity
from remediation.diagnose import diagnose
from remediation.draft import draft
from remediation.follow import await_deploy, await_overdue, follow
from remediation.learn import learn
from remediation.parts import merged_followers
from remediation.ports import Ports
from remediation.propose import propose
from remediation.prove import prove
from remediation.watch import JudgementSettings, watch

Step: TypeAlias = Callable[[Case, Ports], StepResult]


def rest(case: Case, ports: Ports) -> StepResult:
    """Nothing to do until a human, or a recovery, wakes the case; but a deploy that is overdue may still come."""
    if case.changes and case.merge is not None and not _ran(case):  # overdue
        return await_overdue(case, ports)
    return StepResult(waiting=f"a human is needed: {case.escalation}")


def _ran(case: Case) -> bool:
    """Whether the change in hand was ever seen to run."""
    return any(isinstance(e.event, Deployed) and e.event.change == case.change.number for e in case.history)


def watched(case: Case, ports: Ports) -> StepResult:
    """Look at what the change did; harm and questions are told as well as written down."""
    also = merged_followers(case, ports)
    if also:
        return StepResult(events=also, again=ports.now)
    wanted = ports.settings.judgement
    settings = JudgementSettings(
        warm_up=wanted.warm_up,
        window=wanted.window,
        act_within=wanted.act_within,
        look_every=wanted.look_every,
        step=wanted.step,
        history=wanted.history,
        min_samples=wanted.min_samples,
        alpha=wanted.alpha,
        holds=wanted.holds,
        margin=wanted.margin,
    )
    result = watch(case, ports.read, ports.now, settings)
    told: tuple[SendNotice, ...] = ()
    for event in result.events:
        match event:
            case Harmed(judgement=judgement):
                told += ports.tell(
                    f"{case.id}-{judgement.change}-harmful",
                    Severity.PAGE,
                    f"{case.service}: our change did harm",
                    f"{judgement.because}\nA rollback is being drafted as the next change of case {case.id}.",
                    case=case.id,
                )
            case Escalated(reason=reason):
                told += ports.tell(
                    f"{case.id}-escalated-{len(case.history)}",
                    Severity.PAGE,
                    f"{case.service}: a human is needed",
                    f"{reason}\nCase {case.id}.",
                    case=case.id,
                )
            case _:
                continue
    return replace(result, effects=(*result.effects, *told))


STEPS: Mapping[Phase, Step] = {
    Phase.OPEN: diagnose,
    Phase.DIAGNOSED: draft,
    Phase.DRAFTED: prove,
    Phase.PROVED: propose,
    Phase.PROPOSED: follow,
    Phase.MERGED: await_deploy,
    Phase.DEPLOYED: watched,
    Phase.REVERTING: draft,
    Phase.ESCALATED: rest,
}
UNDECIDED = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.ESCALATED})


def _never_ran(case: Case) -> bool:
    """Whether a human was asked about a merge that then never ran: its judgement is the end of all patience."""
    return case.phase is Phase.ESCALATED and case.merge is not None and not _ran(case)


def step(case: Case, ports: Ports) -> StepResult:
    """Take the next step of a case."""
    return step_of(case)(case, ports)


def step_of(case: Case) -> Step:
    """The step of the phase; a case that was judged, or whose signals came back before anything ran, is closed."""
    if case.judgement is not None and (case.phase is Phase.DEPLOYED or _never_ran(case)):
        return learn
    if case.phase in UNDECIDED and case.recovered is not None and not case.merges:
        return learn
    return STEPS[case.phase]
