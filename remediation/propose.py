"""PROVED → PROPOSED: the policy gate, then branch, picture and pull request as effects."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.change import Patch
from cases.errors import PermanentError
from cases.events import Entry, Gated, Proposed
from cases.lifecycle import advance
from cases.policy import Allow, AskFirst, Refuse, Wait
from cases.pull_request import PullRequest
from cases.steps import ConvertToDraft, Effect, OpenPullRequest, PostComment, PushBranch, StepResult, StorePlot
from cases.telemetry import Severity
from cases.verdict import Trial
from remediation.diagnose import onset_of
from remediation.draft import give_up, redraft
from remediation.impact import look_around
from remediation.neutral import neutral
from remediation.picture import draw
from remediation.plot import sparkline
from remediation.policy import HOUR, Traffic, gate
from remediation.ports import Ports
from remediation.pull_request_text import body, commit_message, labels, title
from remediation.reading import read
from remediation.telling import Story

log = logging.getLogger("trackwalker.propose")


def propose(case: Case, ports: Ports) -> StepResult:
    """Pass the gate and ask for the pull request, or say what stands in the way."""
    change, trial = case.change, case.trial
    if trial is None:
        raise PermanentError(f"change {change.number} of case {case.id} was never tried")
    repository = change.lead.repository
    if ports.forge.head(repository) != change.lead.base:
        return redraft(case, ports, "the watched branch moved on after the change was tried")
    traffic = _traffic(case, ports)
    decision = gate(case, change, trial, ports.settings, traffic, ports.now)
    if isinstance(decision, Allow):  # the forge is asked about others only when nothing else stands in the way
        others = tuple((part, ports.forge.open_work(part.repository, part.paths)) for part in change.parts)
        decision = gate(case, change, trial, ports.settings, replace(traffic, others=others), ports.now)
    match decision:
        case Refuse(reasons=reasons):
            return give_up(case, ports, f"policy refuses the change: {'; '.join(reasons)}")
        case Wait(reason=reason):
            return StepResult(again=ports.now + timedelta(minutes=5), waiting=reason)
        case AskFirst(reason=reason):
            told = ports.tell(
                f"{case.id}-{change.number}-gate",
                Severity.TICKET,
                f"{case.service}: a change waits for your yes",
                f"{change.title}\n{trial.claim}. {reason}",
                case=case.id,
            )
            return StepResult(events=(Gated(reason=reason),), effects=told)
        case Allow(draft=draft):
            noted = look_around(case, ports)
            for event in noted:
                case = advance(case, Entry(at=ports.now, actor="daemon", event=event))
            proposed = Proposed(change=change.number, repository=repository, branch=change.branch(case.id))
            effects = _effects(case, ports, change, trial, draft=draft)
            return StepResult(events=(*noted, proposed), effects=effects)


def taken_back(case: Case, because: str) -> tuple[Effect, ...]:
    """What a human's no does to pull requests of the change in hand: drafts again, with a comment that says why."""
    if not case.changes:
        return ()
    number = case.change.number
    merged = {merge.repository for merge in case.merges if merge.change == number}
    said = f"**Dropped** by a human: {neutral(because)}. It is a draft now, and case `{case.id}` is closed."
    effects: list[Effect] = []
    for proposal in case.proposals:
        if proposal.change != number or proposal.repository in merged:
            continue
        key, place = f"{case.id}-{number}-{proposal.repository}-dropped", (proposal.repository, proposal.branch)
        effects += [
            ConvertToDraft(key=f"{key}-draft", repository=place[0], branch=place[1]),
            PostComment(key=key, repository=place[0], branch=place[1], body=said),
        ]
    return tuple(dict.fromkeys(effects))


def _traffic(case: Case, ports: Ports) -> Traffic:
    """What is open on the forge, and what the ledger remembers of the last hours, rollbacks left out."""
    others = [other for other in ports.cases.since(ports.now - HOUR) if other.id != case.id]
    opened = [
        entry.at
        for other in others
        for entry in other.history
        if isinstance(entry.event, Proposed) and not _is_rollback(other, entry.event.change)
    ]
    ours = tuple(_open(case, ports))
    return Traffic(
        open=ours,
        opened=opened,
        alike=tuple(pull for pull in ours if _is_alike(case, pull, ports)),
    )


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


def _effects(case: Case, ports: Ports, change: Patch, trial: Trial, *, draft: bool) -> tuple[Effect, ...]:
    """In the order in which they are done: the picture first, so that the body can show it."""
    repository, branch = change.lead.repository, change.branch(case.id)
    key = f"{case.id}-{change.number}"
    plot = f"{key}/anomaly.png"
    deploys = ports.changes.deploys(case.service, onset_of(case) - ports.settings.diagnosis.look_back, ports.now)
    reading = read(case, ports)
    story = Story(
        case=case,
        change=change,
        trial=trial,
        now=ports.now,
        deploys=deploys,
        service=ports.settings.service(case.service),
        links=ports.settings.links,
        reading=reading,
        plot=ports.forge.plot_url(repository, plot),
        spark=sparkline(reading.values),
    )
    text = body(story)
    return (
        StorePlot(key=f"{key}-plot", repository=repository, path=plot, content=draw(reading, deploys)),
        PushBranch(
            key=f"{key}-branch",
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
        *ports.tell(
            f"{key}-proposed",
            Severity.TICKET,
            f"{case.service}: pull request for {case.anomaly.signal.name}",
            f"{change.title}\n{trial.claim}. It waits for a human on {branch}.",
            case=case.id,
        ),
    )
