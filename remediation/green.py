"""The repository's own checks on an open pull request: a draft until they are green, looked into where they are red.

It is marked ready once, by us or by a human; whoever made it a draft for another reason, or by hand, has the last word.
"""

import logging

from cases.case import Case
from cases.change import Patch
from cases.errors import PermanentError
from cases.marks import Ci, CiState
from cases.pull_request import PullRequest
from cases.pull_request_events import Proposed, Refreshed, Shown
from cases.steps import MarkReady, StepResult
from config import duration
from remediation.neutral import neutral
from remediation.patience import UNANSWERED
from remediation.ports import Ports
from remediation.rounds import last_pushed, proposed_at

log = logging.getLogger("trackwalker.green")

EXPECTED = 20  # times as long as `forge.ci_wait`, where the watched branch has checks


def begins_as_a_draft(change: Patch, ports: Ports) -> bool:
    """Whether its pull request is opened as a draft for no other reason. What did harm is taken back at once."""
    return ports.settings.forge.draft_until_green and change.rolls_back is None


def waits_for_green(case: Case) -> bool:
    """Whether it is a draft for no other reason than its checks, as far as the case knows."""
    number = case.change.number
    for entry in reversed(case.history):
        match entry.event:
            case Shown(change=change) if change == number:
                return False
            case Refreshed(standing=standing, deploy=deploy) if standing == UNANSWERED or deploy is not None:
                return False  # it was made a draft for that
            case Proposed(change=change, until_green=until_green) if change == number:
                return until_green
            case _:
                continue
    return False


def greened(case: Case, ports: Ports, found: PullRequest) -> StepResult | None:
    """What follows from its checks now; None where nothing does. Raises TemporaryError while they cannot be read."""
    if case.taken_over == found.branch:
        return None  # theirs: a human sees their own checks
    waits = waits_for_green(case)
    if waits and not found.draft:
        return _shown(case, ports, found, "a human marked it ready", ours=False)
    if found.head != last_pushed(case, ports):
        return None  # our own push has not been seen yet
    ci = _ci(ports, found)
    if ci.state is CiState.FAILED:
        from remediation.repair import red  # only what is red needs it

        return red(case, ports, found, ci)
    because = _ready(case, ports, ci) if waits else ""
    return _shown(case, ports, found, because, ours=True) if because else None


def _ready(case: Case, ports: Ports, ci: Ci) -> str:
    """Why it need not wait any more, or ""."""
    if ci.state is CiState.PASSED:
        passed = [check.name for check in ci.checks if check.state is CiState.PASSED]
        return f"the repository's own checks are green at {ci.sha[:10]} ({len(passed)} of them)"
    if ci.state is CiState.PENDING:
        return ""
    patience = ports.settings.forge.ci_wait
    since = proposed_at(case)
    if ports.now - since < patience:
        return ""
    if ci.unread:
        return f"what its checks say cannot be known ({neutral(ci.unread, 160)})"
    if ports.now - since < EXPECTED * patience and _has_checks(case, ports):
        return ""
    waited = patience if ports.now - since < EXPECTED * patience else EXPECTED * patience
    return f"no check reported on {ci.sha[:10]} within {duration.format(waited)}"


def _has_checks(case: Case, ports: Ports) -> bool:
    """Whether the repository has checks, by the commit of the watched branch that ours stands on."""
    part = case.change.lead
    try:
        return bool(ports.forge.ci(part.repository, part.base).checks)
    except PermanentError as error:
        log.info("case %s: the checks of its base are not known: %s", case.id, error)
        return False


def _ci(ports: Ports, found: PullRequest) -> Ci:
    """What is said of the head; a forge that will never say takes nothing from what is done otherwise."""
    try:
        return ports.forge.ci(found.repository, found.head)
    except PermanentError as error:
        return Ci(sha=found.head, checks=(), unread=neutral(str(error), 160))


def _shown(case: Case, ports: Ports, found: PullRequest, because: str, *, ours: bool) -> StepResult:
    number = case.change.number
    ready = MarkReady(key=f"{case.id}-{number}-ready", repository=found.repository, branch=found.branch)
    return StepResult(
        events=(Shown(change=number, because=because),), effects=(ready,) if ours else (), again=ports.now
    )
