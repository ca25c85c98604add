"""PROVED → PROPOSED: the policy gate, then branch, picture and pull request as effects."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from cases.case import Case, Phase
from cases.errors import PermanentError
from cases.events import Gated
from cases.policy import Allow, AskFirst, Refuse, Wait
from cases.pull_request import PullRequest, PullRequestState
from cases.pull_request_events import Proposed
from cases.steps import Effect, OpenPullRequest, PushBranch, StepResult, StorePlot
from cases.telemetry import Severity
from cases.trust import acts_in
from cases.verdict import Trial
from remediation.decision import NAME, decision_file
from remediation.draft import give_up, redraft
from remediation.green import begins_as_a_draft, waits_for_green
from remediation.look import Look, plot_of, seen, story_of
from remediation.overlap import between
from remediation.patience import is_left_in_peace
from remediation.picture import draw
from remediation.policy import HOUR, Traffic, gate
from remediation.ports import Ports
from remediation.pull_request_text import body, commit_message, labels, title, verified
from remediation.reviewers import beside
from remediation.rounds import further, pushed
from remediation.showing import to_show
from remediation.under_watch import said_beside

log = logging.getLogger("trackwalker.propose")


def propose(case: Case, ports: Ports) -> StepResult:
    """Pass the gate and ask for the pull request, or say what stands in the way."""
    change, trial = case.change, case.trial
    if trial is None:
        raise PermanentError(f"change {change.number} of case {case.id} was never tried")
    repository = change.lead.repository
    ended = _ended(case, ports)
    if ended is not None:
        return ended
    if ports.forge.head(repository) != change.lead.base:
        return redraft(case, ports, "the watched branch moved on after the change was tried")
    traffic = _traffic(case, ports)
    standing = None if ports.trust is None else ports.trust.standing(acts_in(case, change))
    decision = gate(case, change, trial, ports.settings, traffic, ports.now, standing)
    if isinstance(decision, Allow):  # the forge is asked about others only when nothing else stands in the way
        others = tuple((part, ports.forge.open_work(part.repository, part.paths)) for part in change.parts)
        decision = gate(case, change, trial, ports.settings, replace(traffic, others=others), ports.now, standing)
    match decision:
        case Refuse(reasons=reasons):
            return give_up(case, ports, f"policy refuses the change: {'; '.join(reasons)}")
        case Wait(reason=reason):
            return StepResult(again=ports.now + timedelta(minutes=5), waiting=reason)
        case AskFirst(reason=reason, show=show):
            named = f"{case.id}-{change.number}"
            shown = _shown(case, ports, trial, reason) if show else StepResult()
            where = repository if show else ""
            told = ports.tell(
                f"{named}-gate",
                Severity.TICKET,
                f"{case.service}: a change waits for your yes",
                f"{change.title}\n{trial.claim}. {reason}",
                case=case.id,
                gate=named,
            )
            gated = Gated(reason=reason, gate=named, shown=where)
            return StepResult(events=(*shown.events, gated), effects=(*shown.effects, *told))
        case Allow(draft=draft):
            look = seen(case, ports)
            case = look.case
            until_green = _until_green(case, ports, draft=draft)
            proposed = Proposed(
                change=change.number, repository=repository, branch=change.branch(case.id), until_green=until_green
            )
            effects = (
                further(look, ports, trial)
                if case.has_pull_request
                else _effects(look, ports, trial, draft=draft or until_green)
            )
            return StepResult(events=(*look.noted, proposed), effects=effects)


def _shown(case: Case, ports: Ports, trial: Trial, reason: str) -> StepResult:
    """The change in an issue, while its yes is awaited; a text that does not hold is shown nowhere."""
    look = seen(case, ports)
    try:
        issue = to_show(look, ports, trial, reason)
    except PermanentError as error:
        log.error("case %s: %s", case.id, error)  # noqa: TRY400 - a sentence, no trace
        return StepResult(events=look.noted)
    return StepResult(events=look.noted, effects=(issue,))


def _until_green(case: Case, ports: Ports, *, draft: bool) -> bool:
    """Whether its pull request is a draft for nothing but its checks; one that is open already stays what it is."""
    if case.has_pull_request:
        return waits_for_green(case) and not draft
    return not draft and begins_as_a_draft(case.change, ports)


def _ended(case: Case, ports: Ports) -> StepResult | None:
    """Where a change is on its way to its own pull request again, and that ended meanwhile: it is followed instead."""
    if not case.has_pull_request:
        return None
    part, branch = case.change.lead, case.change.branch(case.id)
    found = ports.forge.find_pull_request(part.repository, branch)
    if found is None or found.state is PullRequestState.OPEN:
        return None
    return StepResult(events=(Proposed(change=case.change.number, repository=part.repository, branch=branch),))


def _traffic(case: Case, ports: Ports) -> Traffic:
    """What is open on the forge, and what the ledger remembers of the last hours, rollbacks left out."""
    own = case.change.branch(case.id)
    others = [other for other in ports.cases.since(ports.now - HOUR) if other.id != case.id]
    opened = [
        entry.at
        for other in others
        for entry in other.history
        if not other.improvement and isinstance(entry.event, Proposed) and not _is_rollback(other, entry.event.change)
    ]
    ours = tuple(pull for pull in _open(case, ports) if pull.branch != own)
    return Traffic(
        open=ours,
        opened=opened,
        alike=tuple(pull for pull in ours if _is_alike(case, pull, ports)),
        ahead=tuple(_ahead(case, ports)),
        resting=frozenset(one.change.branch(one.id) for one in ports.cases.active() if _rests(one)),
    )


def _rests(case: Case) -> bool:
    """Whether its pull request is open, and was left in peace."""
    return case.phase is Phase.PROPOSED and is_left_in_peace(case)


def _ahead(case: Case, ports: Ports) -> Iterator[str]:
    """What of other cases is open on the same lines: the second waits for the first."""
    for other in ports.cases.active():
        if other.id == case.id or other.phase is Phase.ESCALATED or not other.changes or other.merge is not None:
            continue
        if not other.has_pull_request or (other.improvement and not case.improvement):
            continue  # what mends an incident waits for no improvement
        branch = other.change.branch(other.id)
        for part in case.change.parts:
            for path in sorted({path for theirs in other.change.parts for path in between(part, theirs)}):
                yield f"{path}: {branch} of ours touches the same lines, and this waits for it"


def _is_alike(case: Case, pull: PullRequest, ports: Ports) -> bool:
    """Whether another case opened it for the same trouble. One that this ledger does not know says it in its text."""
    owner = pull.branch.rpartition("/")[2].rpartition("-")[0]
    if owner == case.id:
        return False
    try:
        return ports.cases.load(owner).fingerprint == case.fingerprint
    except PermanentError:
        return f'"fingerprint": "{case.fingerprint}"' in pull.body


def _open(case: Case, ports: Ports) -> Iterator[PullRequest]:
    """Our open pull requests, over all repositories. One that is gone holds no other's case up."""
    lead = case.change.lead.repository
    yield from ports.forge.open_pull_requests(lead)
    for repository in ports.settings.repositories:
        if repository.name == lead:
            continue
        try:
            yield from ports.forge.open_pull_requests(repository.name)
        except PermanentError as error:
            log.warning("the open pull requests of %s are not counted: %s", repository.name, error)


def _is_rollback(case: Case, number: int) -> bool:
    return any(change.number == number and change.rolls_back is not None for change in case.changes)


def _effects(look: Look, ports: Ports, trial: Trial, *, draft: bool) -> tuple[Effect, ...]:
    """In the order in which they are done: the picture first, so that the body can show it."""
    case, change = look.case, look.case.change
    repository, branch = change.lead.repository, change.branch(case.id)
    key = f"{case.id}-{change.number}"
    story = story_of(look, ports, trial)
    text = body(story)
    return (
        StorePlot(
            key=f"{key}-plot",
            repository=repository,
            path=plot_of(case),
            content=draw(look.reading, look.deploys),
            beside={NAME: decision_file(story)},
        ),
        PushBranch(
            key=pushed(case),
            repository=repository,
            branch=branch,
            base=change.lead.base,
            edits=change.lead.edits,
            message=commit_message(case, change, change.title, change.summary),
        ),
        OpenPullRequest(
            key=f"{key}-pull-request",
            repository=repository,
            branch=branch,
            title=title(change),
            body=text,
            labels=labels(change),
            draft=draft,
        ),
        *beside(case, ports, change, trial, "\n".join(verified(story))),
        *said_beside(case, ports),
        *ports.tell(
            f"{key}-proposed",
            Severity.TICKET,
            f"{case.service}: pull request for {case.anomaly.signal.name}",
            f"{change.title}\n{trial.claim}. It waits for a human on {branch}.",
            case=case.id,
        ),
    )
