"""A change that was proposed before and is pushed again: on a base that moved, or as a reviewer asked.

Its branch gets a further commit, never a new past: what a reviewer has seen stays where it was.
"""

from datetime import datetime

from cases.case import Case
from cases.errors import PermanentError
from cases.events import Redrafted
from cases.pull_request_events import Proposed
from cases.steps import Effect, PostComment, PushBranch, RewriteBody
from cases.verdict import Trial
from remediation.look import Look, story_of
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.pull_request_text import body, commit_message, verified
from remediation.reviewers import reported


def rounds(case: Case) -> tuple[Redrafted, ...]:
    """How the change in hand was drafted again since its pull request was opened, oldest first."""
    number, opened = case.change.number, False
    found: list[Redrafted] = []
    for entry in case.history:
        match entry.event:
            case Proposed(change=change) if change == number:
                opened = True
            case Redrafted(change=change) as again if opened and change.number == number:
                found.append(again)
            case _:
                pass
    return tuple(found)


def proposed_at(case: Case) -> datetime:
    """When the commit that is there now was asked for."""
    return next((e.at for e in reversed(case.history) if isinstance(e.event, Proposed)), case.entered)


def pushed(case: Case, back: int = 0) -> str:
    """The key of the newest push of the change in hand, or of the one `back` pushes before it."""
    key, count = f"{case.id}-{case.change.number}-branch", len(rounds(case)) - back
    return f"{key}-{count}" if count > 0 else key


def last_pushed(case: Case, ports: Ports, back: int = 0) -> str:
    """The commit that we put on the branch last; "" while the forge has not answered.

    A round that was given up before its push leaves the commit of the round before.
    """
    for steps in range(back, len(rounds(case)) + 1):
        receipt = ports.outbox.receipt(pushed(case, steps))
        if receipt is not None:
            return receipt.facts.get("sha", "")
    return ""


def further(look: Look, ports: Ports, trial: Trial) -> tuple[Effect, ...]:
    """What a further round asks of the forge: a commit on top, the text anew, and a word on what changed."""
    case, change = look.case, look.case.change
    part, branch = change.lead, change.branch(case.id)
    again, onto = rounds(case)[-1], last_pushed(case, ports, 1)
    if not onto:
        raise PermanentError(f"case {case.id}: it is not known which commit {branch} had: look at its pull request")
    key, why = f"{case.id}-{change.number}", neutral(again.because, 300)
    story = story_of(look, ports, trial)
    return (
        PushBranch(
            key=pushed(case),
            repository=part.repository,
            branch=branch,
            base=part.base,
            edits=part.edits,
            message=commit_message(case, change, f"{change.title} (again)", f"Because {why}."),
            onto=onto,
        ),
        reported(case, change, trial, "\n".join(verified(story)), len(rounds(case))),
        RewriteBody(key=f"{key}-body-{len(case.history)}", repository=part.repository, branch=branch, body=body(story)),
        PostComment(
            key=f"{key}-again-{len(rounds(case))}",
            repository=part.repository,
            branch=branch,
            body=(
                f"**Brought up to date** because {why}: on {part.base[:10]}, proved again ({trial.claim}). It is a "
                "further commit: nothing was pushed by force."
            ),
        ),
    )
