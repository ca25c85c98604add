"""What may be done to the outside now, asked just before each effect: by the standing of its area, or by a human's yes.

Pure. The gate before a pull request asks it too; here it is asked again, for authority may be lost in between.
"""

from collections.abc import Iterator

from cases.case import Case, Hold
from cases.change import Change
from cases.events import Approved, Drafted, Entry, Event, Overridden, Override
from cases.policy import Allow, Authority, Refuse
from cases.steps import (
    ConvertToDraft,
    Effect,
    KillFlag,
    MergePullRequest,
    OpenPullRequest,
    PushBranch,
    SendNotice,
    StorePlot,
)
from cases.trust import Standing
from cases.unasked import announced


def may(case: Case, effect: Effect, standing: Standing) -> Allow | Refuse:
    """Whether the effect may be done, and by whose word. `standing` is that of the change in hand."""
    match effect:
        case ConvertToDraft() | SendNotice():
            return Allow(because="it takes nothing upon itself")
        case PushBranch() | OpenPullRequest() | StorePlot():
            return _proposal(case, standing)
        case MergePullRequest():
            return _merge(case, effect, standing)
        case KillFlag():
            return _kill(case)
        case _ if _on_a_proposal(case, effect):
            return Allow(because="it reports on a pull request that was let through")
        case _:
            return _level(standing, Authority.PROPOSE)


def _on_a_proposal(case: Case, effect: Effect) -> bool:
    """Whether it is about a pull request of the case: its text, its labels, what is said on it."""
    branch: object = getattr(effect, "branch", None)
    return any(proposal.branch == branch for proposal in case.proposals)


def _proposal(case: Case, standing: Standing) -> Allow | Refuse:
    """Whether the change in hand may become a pull request, or the next part of one."""
    if yes := word_of(case):
        return Allow(because=yes)
    change = case.change
    if any(merge.change == change.number for merge in case.merges):
        return Allow(because="its leading part was merged by a human")
    if takes_back(case, change) and standing.given >= Authority.PULL_REQUEST:
        return Allow(because=f"it takes change {change.rolls_back} back, and no demotion holds that up")
    return _level(standing, Authority.PULL_REQUEST)


def _merge(case: Case, effect: MergePullRequest, standing: Standing) -> Allow | Refuse:
    """Whether it may be merged unasked. No yes of a human's stands for it: whoever says yes merges."""
    stands = announced(case)
    if case.hold is not Hold.NONE:
        return Refuse(reasons=(f"the case is {case.hold} ({case.hold_reason})",))
    if stands is None or stands.sha != effect.sha or case.taken_over == effect.branch:
        return Refuse(reasons=("what was announced does not hold any more",))
    return _level(standing, Authority.AUTO_MERGE)


def _kill(case: Case) -> Allow | Refuse:
    """Whether everybody may be shown the control: a yes to the launch granted that, and so does whoever merged it."""
    launched = case.shows is not None or any(isinstance(entry.event, Approved) for entry in _after_first_draft(case))
    if launched:
        return Allow(because="the launch granted it, and it only turns off")
    return Refuse(reasons=("the experiment was never launched",))


def _after_first_draft(case: Case) -> Iterator[Entry]:
    drafted = False
    for entry in case.history:
        drafted = drafted or isinstance(entry.event, Drafted)
        if drafted:
            yield entry


def _level(standing: Standing, needed: Authority) -> Allow | Refuse:
    said = f"authority for {standing.area} is `{standing.level.word}` ({standing.because[0]})"
    if standing.level >= needed:
        return Allow(because=said)
    return Refuse(reasons=(f"{said}, and this needs `{needed.word}`",))


def takes_back(case: Case, change: Change) -> bool:
    """Whether it takes back an earlier change of the case."""
    return change.rolls_back is not None and any(c.number == change.rolls_back for c in case.changes)


def approved(case: Case) -> bool:
    """Whether a human said yes to the change in hand. A redraft undoes the same commit, so the yes still holds."""
    return any(isinstance(event, Approved) for event in _since_drafted(case))


def forced(case: Case) -> bool:
    """Whether a human let the change in hand pass whatever is no refusal: gates, and limits on new work."""
    return any(isinstance(e, Overridden) and e.how is Override.FORCE for e in _since_drafted(case))


def word_of(case: Case) -> str:
    """By whose word the change in hand goes on, whatever the daemon's own authority; "" for nobody's."""
    if forced(case):
        return "a human forced it"
    return "a human approved it" if approved(case) else ""


def _since_drafted(case: Case) -> Iterator[Event]:
    """What happened since the change in hand was first drafted, newest first."""
    for entry in reversed(case.history):
        if isinstance(entry.event, Drafted):
            return
        yield entry.event
