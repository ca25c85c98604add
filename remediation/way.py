"""The way through remediation: which step a case takes next, from its phase alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from cases.case import Case, Phase
from cases.errors import PermanentError
from cases.events import Closed, Deployed, Escalated, Harmed, Killed, Rejected
from cases.outcome import Judgement
from cases.steps import SendNotice, StepResult, StorePlot
from cases.telemetry import Deploy, Severity, Signal
from remediation import improvement
from remediation.back_to_draft import left_behind, taken_back
from remediation.diagnose import diagnose
from remediation.draft import draft
from remediation.follow import await_deploy, await_overdue, follow, follow_to_its_end
from remediation.improvement import draft_improvement, look_into
from remediation.learn import dismissal, learn, left_on
from remediation.parts import merged_followers
from remediation.ports import Ports
from remediation.propose import propose
from remediation.prove import prove
from remediation.seen import Seen
from remediation.unattended import lasting
from remediation.watch import Around, JudgementSettings, watch

Step: TypeAlias = Callable[[Case, Ports], StepResult]


def rest(case: Case, ports: Ports) -> StepResult:
    """Nothing to do until a human, or a recovery, wakes the case; but a deploy that is overdue may still come."""
    if case.changes and case.merge is not None and not _ran(case):  # overdue
        return await_overdue(case, ports)
    if case.has_pull_request and case.merge is None:
        return follow_to_its_end(case, ports)
    return StepResult(waiting=f"a human is needed: {case.escalation}")


def recovered(case: Case, ports: Ports) -> StepResult:
    """The trouble is over by itself: the case ends, and what it left open is nobody's any more."""
    if case.has_pull_request and case.merge is None:
        answered = follow_to_its_end(case, ports)
        if answered.events:  # a merge may be what mended it
            return answered
    ended = learn(case, ports)
    return replace(ended, effects=(*ended.effects, *left_behind(case, "the signals came back by themselves")))


def dismiss(case: Case, ports: Ports) -> StepResult:
    """A human said no: what is open goes back to a draft, and the case ends with a remembered reason."""
    outcome, lesson = dismissal(case, case.escalation, ports.now)
    effects = (*left_on(case, case.escalation), *taken_back(case, case.escalation))
    return StepResult(events=(Closed(outcome=outcome, lesson=lesson),), effects=effects)


def _rejected(case: Case) -> bool:
    """Whether it was a human's no that brought the case where it is."""
    ended = (e.event for e in reversed(case.history) if isinstance(e.event, Rejected | Escalated | Killed))
    return case.phase is Phase.ESCALATED and isinstance(next(ended, None), Rejected)


def _ran(case: Case) -> bool:
    """Whether the change in hand was ever seen to run."""
    return any(isinstance(e.event, Deployed) and e.event.change == case.change.number for e in case.history)


def _around(case: Case, ports: Ports) -> Around:
    """What else bears on the judgement of a case, read when it is asked for."""

    def others(since: datetime, until: datetime) -> Sequence[Deploy]:
        return ports.changes.deploys(case.service, since, until)

    def unattended(signal: Signal) -> Sequence[timedelta]:
        return lasting(signal, ports.cases.ended([case.service]))

    def plot(seen: Seen, judgement: Judgement, key: str, repository: str) -> tuple[StorePlot, str]:
        from remediation.picture import draw_look

        if seen.judged is None:
            raise PermanentError(f"case {case.id} has no reading of {seen.signal.key} to draw")
        path = f"{key.removesuffix('-judgement')}/judgement.png"
        drawn = draw_look(case, seen, seen.judged, judgement, others(case.anomaly.onset, ports.now))
        stored = StorePlot(key=f"{key}-plot", repository=repository, path=path, content=drawn)
        return stored, ports.forge.plot_url(repository, path)

    return Around(others=others, unattended=unattended, plot=plot)


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
    result = watch(case, ports.read, ports.now, settings, _around(case, ports))
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
OF_AN_IMPROVEMENT: Mapping[Phase, Step] = {Phase.OPEN: look_into, Phase.DIAGNOSED: draft_improvement}
UNDECIDED = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.ESCALATED})


def _never_ran(case: Case) -> bool:
    """Whether a human was asked about a merge that then never ran: its judgement is the end of all patience."""
    return case.phase is Phase.ESCALATED and case.merge is not None and not _ran(case)


def step(case: Case, ports: Ports) -> StepResult:
    """Take the next step of a case."""
    usual = step_of(case)
    if case.hypothesis is not None:
        return usual(case, ports)
    return improvement.step(case, ports, usual) if case.improvement else usual(case, ports)


def step_of(case: Case) -> Step:
    """The step of the phase; a case that was judged, or whose signals came back before anything ran, is closed."""
    if _rejected(case):
        return dismiss
    if case.judgement is not None and _never_ran(case):
        return learn
    if case.hypothesis is not None:
        from remediation.experiments.way import STEPS as OF_AN_EXPERIMENT

        return OF_AN_EXPERIMENT.get(case.phase, STEPS[case.phase])
    if case.judgement is not None and case.phase is Phase.DEPLOYED:
        return learn
    on_the_forge = bool(case.proposals) and case.phase is not Phase.ESCALATED  # drafted again: its pull request is open
    if case.phase in UNDECIDED and case.recovered is not None and not case.merges and not on_the_forge:
        return recovered
    return OF_AN_IMPROVEMENT.get(case.phase, STEPS[case.phase]) if case.improvement else STEPS[case.phase]
