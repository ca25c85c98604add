"""A change that may not be proposed yet, shown in an issue: where authority stands at `propose`.

The issue has the header, the proof and the diff; a writer's yes there opens the pull request, a no is remembered with
its reason. Once nothing waits for it any more, it is closed with the reason.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case, Hold, Phase
from cases.moments import iso
from cases.steps import ShowChange
from cases.verdict import Trial
from remediation.look import Look, story_of
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.pull_request_text import body_to_show, title

BACK = timedelta(hours=1)  # for which the signals must be back by themselves, before the issue is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Why an issue is closed. `done`: what it asked for came about."""

    because: str
    done: bool


def to_show(look: Look, ports: Ports, trial: Trial, because: str) -> ShowChange:
    """The issue of the change in hand. `because`: what its yes waits for."""
    case, change = look.case, look.case.change
    return ShowChange(
        key=f"{case.id}-{change.number}-shown-{len(case.history)}",
        repository=change.lead.repository,
        branch=change.branch(case.id),
        title=f"{title(change)} (proposal)",
        body=body_to_show(story_of(look, ports, trial), because),
    )


def over(case: Case, branch: str, url: str, now: datetime) -> Over | None:
    """Why the issue that shows the change of that branch is over; None while somebody's word there still counts.

    `url` is that of the branch's pull request, "" where there is none.
    """
    if url:
        return Over(because=f"**Opened** as {url}: what follows is said there", done=True)
    if not case.active:
        ended = case.outcome.because if case.outcome else "the case is closed"
        return Over(because=f"**Over.** {neutral(ended, 300)}", done=False)
    if case.phase is Phase.ESCALATED:  # by a no there as well, until the case's next step closes it
        return Over(because=f"**Over.** {neutral(case.escalation, 300)}", done=False)
    if not case.changes or case.change.branch(case.id) != branch:
        now_it = f"case `{case.id}` is {case.phase} now, with another change or none"
        return Over(because=f"**Overtaken**: {now_it}", done=False)
    if case.hold is Hold.GATE and case.recovered is not None and now - case.recovered >= BACK:
        said = f"**Over**: the signals are back by themselves since {iso(case.recovered)}"
        return Over(because=said, done=False)
    return None
