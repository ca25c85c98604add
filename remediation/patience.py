"""A pull request that nobody answers: after a while it is left in peace, until somebody says something."""

from datetime import datetime

from cases.case import Case
from cases.pull_request_events import Proposed, Refreshed
from cases.steps import ConvertToDraft, PostComment, StepResult
from config import duration
from remediation.ports import Ports

UNANSWERED = "unanswered"


def left_in_peace(case: Case, ports: Ports) -> StepResult | None:
    """What follows from nobody's answer; None where there is one, or it is not time yet."""
    since, resting = _since(case)
    patience = ports.settings.pull_requests.unanswered
    if ports.now - since < patience and not resting:
        return None
    if _answered(case, ports):
        return None
    if resting:
        return StepResult(again=ports.now + ports.settings.cycle, waiting="nobody answers: it is left in peace")
    number, part, branch = case.change.number, case.change.lead, case.change.branch(case.id)
    place = {"repository": part.repository, "branch": branch}
    waited = duration.format(patience)
    said = (
        f"**Left in peace.** Nobody said anything here for {waited}, so this is a draft again, and is brought up to "
        "date no more. Any comment wakes it; closing it is a no that is remembered."
    )
    event = Refreshed(change=number, standing=UNANSWERED, because=f"nobody said anything for {waited}")
    key = f"{case.id}-{number}-{UNANSWERED}"
    effects = (ConvertToDraft(key=f"{key}-draft", **place), PostComment(key=key, **place, body=said))
    return StepResult(events=(event,), effects=effects, again=ports.now + ports.settings.cycle)


def is_left_in_peace(case: Case) -> bool:
    """Whether it was left in peace, and nothing was written anew since."""
    told = (e.event for e in reversed(case.history) if isinstance(e.event, Refreshed | Proposed))
    newest = next(told, None)
    return isinstance(newest, Refreshed) and newest.standing == UNANSWERED


def _since(case: Case) -> tuple[datetime, bool]:
    """Since when an answer is awaited, and whether it is left in peace already."""
    for entry in reversed(case.history):
        match entry.event:
            case Refreshed(standing=standing) if standing == UNANSWERED:
                return entry.at, True
            case Proposed():
                return entry.at, False
            case _:
                continue
    return case.entered, False


def _answered(case: Case, ports: Ports) -> bool:
    """Whether anybody ever said anything there, whoever it is: a stranger's question is an answer too.

    When it was said does not matter: the forge's clock is not ours.
    """
    repository, branch = case.change.lead.repository, case.change.branch(case.id)
    return bool(ports.forge.comments(repository, branch) or ports.forge.remarks(repository, branch))
