"""PROPOSED → MERGED → DEPLOYED: what humans and the deploy do with the pull request."""

from datetime import timedelta

from cases.case import Case
from cases.errors import PermanentError
from cases.events import ClosedUnmerged, Deployed, Judged, Merged, TakenOver
from cases.moments import iso
from cases.outcome import Judgement, Ruling
from cases.pull_request import PullRequest, PullRequestState
from cases.steps import Effect, PostComment, StepResult
from cases.telemetry import Severity
from config import duration
from remediation.draft import give_up
from remediation.learn import closing
from remediation.neutral import neutral
from remediation.ports import Ports

SKEW = timedelta(minutes=2)  # how far the clocks of forge and telemetry may be apart


def follow(case: Case, ports: Ports) -> StepResult:
    """Look at the pull request: merged, closed, taken over by a human, or still waiting."""
    change = case.change
    repository, branch = change.lead.repository, change.branch(case.id)
    found = ports.forge.find_pull_request(repository, branch)
    if found is None:
        return give_up(case, ports, f"the pull request of {branch} is gone from the forge")
    match found.state:
        case PullRequestState.MERGED:
            return _merged(case, found)
        case PullRequestState.CLOSED:
            return _closed(case, ports, found)
        case PullRequestState.OPEN:
            return _open(case, ports, found)


def await_deploy(case: Case, ports: Ports) -> StepResult:
    """Look for a marker that the merge runs. The merge time itself never counts as one."""
    merge = case.merge
    if merge is None:
        raise PermanentError(f"case {case.id} is merged, and its history has no merge")
    deadline = merge.merged_at + ports.settings.judgement.deploy_wait
    deploys = ports.changes.deploys(case.service, merge.merged_at - SKEW, ports.now)
    running = next((deploy for deploy in deploys if deploy.runs(merge.sha)), None)
    if running is None and deploys:
        ports.forge.head(merge.repository)  # a later merge may carry ours: have the newest commits at hand
        running = next((d for d in deploys if ports.forge.contains(merge.repository, d.commit, merge.sha)), None)
    if running is not None:
        text = (
            f"**Deployed.** {running.commit[:10]} runs since {iso(running.started)} ({neutral(running.source, 80)}), "
            f"{(running.started - merge.merged_at).total_seconds():.0f} s after the merge. The watch lasts "
            f"{duration.format(ports.settings.judgement.window)} at most; its judgement is posted here."
        )
        return StepResult(
            events=(Deployed(change=case.change.number, deploy=running),),
            effects=(_comment(case, "deployed", text),),
        )
    if ports.now >= deadline:
        return _never_deployed(case, ports, merge)
    return StepResult(
        again=ports.now + ports.settings.cycle,
        waiting=f"merged as {merge.sha[:10]}; no deploy marker says yet that it runs (until {iso(deadline)})",
    )


def _never_deployed(case: Case, ports: Ports, merge: Merged) -> StepResult:
    waited = duration.format(ports.settings.judgement.deploy_wait)
    because = f"merged as {merge.sha[:10]}; no deploy marker said within {waited} that it runs: nothing to judge by"
    judgement = Judgement(change=case.change.number, ruling=Ruling.INCONCLUSIVE, at=ports.now, because=because)
    return StepResult(
        events=(Judged(judgement=judgement),),
        effects=(
            _comment(case, "judgement", f"**Inconclusive.** {because[0].upper()}{because[1:]}."),
            *ports.tell(
                f"{case.id}-{case.change.number}-no-marker",
                Severity.TICKET,
                f"{case.service}: merged, not seen to run",
                f"{because}. Check `deploys` in the configuration against what the service exports.",
                case=case.id,
                link=merge.url,
            ),
        ),
    )


def _merged(case: Case, found: PullRequest) -> StepResult:
    if found.merged_sha is None or found.merged_at is None:
        raise PermanentError(f"the forge says that {found.url} is merged, and not as which commit")
    event = Merged(
        change=case.change.number,
        repository=found.repository,
        pull_request=found.number,
        url=found.url,
        sha=found.merged_sha,
        merged_at=found.merged_at,
        by=found.ended_by or "unknown",
    )
    text = f"**Merged** as {found.merged_sha[:10]}. The watch starts when a deploy marker says that it runs."
    return StepResult(events=(event,), effects=(_comment(case, "merged", text),))


def _closed(case: Case, ports: Ports, found: PullRequest) -> StepResult:
    by = neutral(found.ended_by or "a human", 40)
    event = ClosedUnmerged(change=case.change.number, url=found.url, by=by, because="closed without a merge")
    return closing(case, ports, extra=(event,), url=found.url)


def _open(case: Case, ports: Ports, found: PullRequest) -> StepResult:
    receipt = ports.outbox.receipt(f"{case.id}-{case.change.number}-branch")
    pushed = receipt.facts.get("sha") if receipt else None
    waiting = f"{found.url} waits for a human"
    again = ports.now + ports.settings.cycle
    if pushed and found.head != pushed and case.taken_over != found.branch:
        return StepResult(events=(TakenOver(branch=found.branch, sha=found.head),), again=again, waiting=waiting)
    return StepResult(again=again, waiting=waiting)


def _comment(case: Case, stage: str, body: str) -> Effect:
    change = case.change
    return PostComment(
        key=f"{case.id}-{change.number}-{stage}",
        repository=change.lead.repository,
        branch=change.branch(case.id),
        body=body,
    )
