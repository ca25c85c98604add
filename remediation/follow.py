"""PROPOSED → MERGED → DEPLOYED: what humans and the deploy do with the pull request."""

from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.errors import PermanentError
from cases.events import Deployed, Judged
from cases.moments import iso
from cases.outcome import Judgement, Ruling
from cases.pull_request import PullRequest, PullRequestState
from cases.pull_request_events import ClosedUnmerged, Merged, TakenOver
from cases.steps import ConvertToDraft, Effect, PostComment, StepResult
from cases.telemetry import Deploy, Severity
from cases.unasked import announced
from config import duration
from remediation.by_hand import ByHand, Read, by_hand
from remediation.diffs import lines_apart
from remediation.draft import give_up
from remediation.green import waits_for_green
from remediation.impact import look_around, moved_lines
from remediation.learn import closing
from remediation.moments import SKEW
from remediation.neutral import neutral
from remediation.parts import followers, merged_as, merged_followers, propose_followers
from remediation.playbooks.image_tag import tag_at
from remediation.ports import Ports
from remediation.rounds import last_pushed
from remediation.tend import tend
from remediation.unasked import freed_by, no_more, unasked, withdrawn
from remediation.why_closed import SILENT, question, said_before

PATIENCE = timedelta(minutes=10)  # between two looks for a deploy that is overdue


def follow(case: Case, ports: Ports) -> StepResult:
    """Look at the pull request: merged, closed, taken over by a human, or still waiting."""
    change = case.change
    repository, branch = change.lead.repository, change.branch(case.id)
    found = ports.forge.find_pull_request(repository, branch)
    if found is None:
        return give_up(case, ports, f"the pull request of {branch} is gone from the forge")
    match found.state:
        case PullRequestState.MERGED:
            return _merged(case, ports, found)
        case PullRequestState.CLOSED:
            return _closed(case, ports, found)
        case PullRequestState.OPEN:
            done = by_hand(case, ports, _what_counts(case, ports))
            if done is None:
                return _open(case, ports, found)
            now = ports.forge.find_pull_request(repository, branch)
            if now is None or now.state is not PullRequestState.OPEN:  # it ended between the two looks: that was it
                return StepResult(again=ports.now, waiting=f"{found.url} has just ended")
            return _superseded(case, ports, found, done)


def follow_to_its_end(case: Case, ports: Ports) -> StepResult:
    """Of a case that a human has in hand: whether its pull request was merged or closed; it is not tended meanwhile."""
    change = case.change
    found = ports.forge.find_pull_request(change.lead.repository, change.branch(case.id))
    if found is not None and found.state is PullRequestState.MERGED:
        return _merged(case, ports, found)
    if found is not None and found.state is PullRequestState.CLOSED:
        return _closed(case, ports, found)
    return StepResult(again=ports.now + PATIENCE, waiting=f"a human is needed: {case.escalation}")


def await_deploy(case: Case, ports: Ports) -> StepResult:
    """Look for a marker that the merge runs. The merge time itself never counts as one."""
    merge = _merge(case)
    running = running_deploy(case, ports, merge)
    if running is not None:
        return deployed(case, ports, merge, running)
    also = merged_followers(case, ports)
    deadline = merge.merged_at + ports.settings.judgement.deploy_wait
    if ports.now >= deadline:
        waited = duration.format(ports.settings.judgement.deploy_wait)
        because = f"merged as {merge.sha[:10]}, and no deploy marker said within {waited} that it runs"
        asked = give_up(
            case,
            ports,
            f"{because}. It is not judged before one does: look at the deployment, and at `deploys` in the config",
        )
        return replace(asked, events=(*also, *asked.events), effects=(*asked.effects, _overdue(case, because)))
    return StepResult(
        events=also,
        again=ports.now + ports.settings.cycle,
        waiting=f"merged as {merge.sha[:10]}; no deploy marker says yet that it runs (until {iso(deadline)})",
    )


def await_overdue(case: Case, ports: Ports) -> StepResult:
    """A human was told that the merge is not seen to run. It may still come; at the end of the window it never did."""
    merge = _merge(case)
    running = running_deploy(case, ports, merge)
    if running is not None:
        return deployed(case, ports, merge, running)
    wanted = ports.settings.judgement
    if ports.now < merge.merged_at + wanted.deploy_wait + wanted.window:
        again = ports.now + PATIENCE
        return StepResult(again=again, waiting=f"a human is needed: {case.escalation}")
    because = f"merged as {merge.sha[:10]}; no deploy marker ever said that it runs: nothing to judge by"
    judgement = Judgement(change=case.change.number, ruling=Ruling.INCONCLUSIVE, at=ports.now, because=because)
    text = f"**Inconclusive.** {because[0].upper()}{because[1:]}."
    return StepResult(events=(Judged(judgement=judgement),), effects=(_comment(case, "judgement", text),))


def running_deploy(case: Case, ports: Ports, merge: Merged) -> Deploy | None:
    """The first deploy since the merge that carries it.

    A marker may name the merge itself, a later commit that holds it, or, for a part that sets which version runs, the
    commit of that version.
    """
    deploys = ports.changes.deploys(case.service, merge.merged_at - SKEW, ports.now)
    runs = case.change.lead.runs
    named = next((d for d in deploys if d.runs(merge.sha) or (runs is not None and d.runs(runs))), None)
    if named is not None or not deploys:
        return named
    ports.forge.head(merge.repository)  # a later merge may carry ours: have the newest commits at hand
    return next((d for d in deploys if ports.forge.contains(merge.repository, d.commit, merge.sha)), None)


def deployed(case: Case, ports: Ports, merge: Merged, running: Deploy) -> StepResult:
    """It runs: the watch begins."""
    text = (
        f"**Deployed.** {running.commit[:10]} runs since {iso(running.started)} ({neutral(running.source, 80)}), "
        f"{(running.started - merge.merged_at).total_seconds():.0f} s after the merge. {_watched(case, ports)}"
    )
    return StepResult(
        events=(Deployed(change=case.change.number, deploy=running),), effects=(_comment(case, "deployed", text),)
    )


def _watched(case: Case, ports: Ports) -> str:
    """What follows now that it runs."""
    if case.hypothesis is None:
        return (
            f"The watch lasts {duration.format(ports.settings.judgement.window)} at most; its judgement is posted here."
        )
    if case.change.experiment is None:
        return "Nothing is measured of it: nothing changes for anybody."
    if case.change.experiment.measured:
        return f"Users are compared for {case.hypothesis.plan.days} days at most; what came of it is posted here."
    return "Its guardrails are watched before more users are shown it."


def _merge(case: Case) -> Merged:
    if case.merge is None:
        raise PermanentError(f"case {case.id} waits for a deploy, and its history has no merge")
    return case.merge


def _overdue(case: Case, because: str) -> Effect:
    text = f"**Not seen to run.** {because[0].upper()}{because[1:]}. Nothing is judged until one does."
    return _comment(case, "not-deployed", text)


def _what_counts(case: Case, ports: Ports) -> Read:
    """The image's tag, where the change sets one; otherwise all that a file holds."""
    config = ports.settings.service(case.service).config
    if config is None or config.image_tag is None or case.change.lead.repository != config.repository:
        return lambda content: content
    place = config.image_tag

    def tag(content: bytes | None) -> str | None:
        return None if content is None else tag_at(content, config.file, place)

    return tag


def _superseded(case: Case, ports: Ports, found: PullRequest, done: ByHand) -> StepResult:
    """A human was quicker. The pull request goes back to a draft, so that nobody merges it unawares."""
    change = case.change
    who = f"{neutral(done.commit.author, 40)} in {done.commit.short}"
    effects: tuple[Effect, ...] = (
        ConvertToDraft(
            key=f"{case.id}-{change.number}-draft", repository=change.lead.repository, branch=change.branch(case.id)
        ),
    )
    if not done.same:
        reason = f"{done.what} ({who}), and {found.url} would undo that; it is a draft now"
        asked = give_up(case, ports, reason)
        said = _comment(case, "by-hand", f"**Back to a draft.** {reason[0].upper()}{reason[1:]}.")
        return replace(asked, effects=(*effects, said, *asked.effects))
    at, by = done.commit.at, done.commit.author
    event = merged_as(change.number, replace(found, merged_sha=done.commit.sha, merged_at=at, ended_by=by))
    text = (
        f"**Back to a draft.** {done.what[0].upper()}{done.what[1:]}: {who}. There is nothing left to merge here; what "
        "it does is watched all the same, and judged here."
    )
    return StepResult(events=(event,), effects=(*effects, _comment(case, "by-hand", text)))


def _merged(case: Case, ports: Ports, found: PullRequest) -> StepResult:
    free = freed_by(case, ports)
    event = replace(merged_as(case.change.number, found), edited=edited(case, ports, found), unasked=free)
    who = " by itself, as nobody said no" if free else ""
    text = f"**Merged** as {event.sha[:10]}{who}. The watch starts when a deploy marker says that it runs."
    noted = look_around(case, ports) if case.hypothesis is None else ()
    moved = moved_lines(fact for note in noted for fact in note.facts)
    if moved:
        text += "\n\nWhile it lasted:\n" + "\n".join(moved)
    events, effects = propose_followers(case, found)
    if events:
        places = ", ".join(neutral(part.repository, 60) for part in followers(case.change))
        text += f"\n\nThe next part follows now, as a pull request of {places}."
    return StepResult(events=(*noted, event, *events), effects=(_comment(case, "merged", text), *effects))


def edited(case: Case, ports: Ports, found: PullRequest) -> float:
    """The share of our lines that a human changed on the branch before the merge, in [0, 1].

    Files that they touched beside ours count nothing: they say nothing of what we proposed.
    """
    receipt = ports.outbox.receipt(f"{case.id}-{case.change.number}-branch")
    if receipt is None or receipt.facts.get("sha") == found.head or found.merged_sha is None:
        return 0.0
    lead = case.change.lead
    moved = sum(
        lines_apart(edit.content or b"", ports.forge.read(lead.repository, found.merged_sha, edit.path) or b"")
        for edit in lead.edits
    )
    return min(1.0, moved / max(1, lead.added + lead.removed))


def _closed(case: Case, ports: Ports, found: PullRequest) -> StepResult:
    by = neutral(found.ended_by or "a human", 40)
    repository, branch = case.change.lead.repository, case.change.branch(case.id)
    said = said_before(ports.forge.comments(repository, branch))
    because = f"closed without a merge; {said}" if said else SILENT
    event = ClosedUnmerged(change=case.change.number, url=found.url, by=by, because=because)
    ended = closing(case, ports, extra=(event,), url=found.url)
    if said or not ports.settings.pull_requests.ask_why:
        return ended
    return replace(ended, effects=(*ended.effects, question(case)))


def _open(case: Case, ports: Ports, found: PullRequest) -> StepResult:
    pushed = last_pushed(case, ports)
    held = waits_for_green(case)  # a draft of ours, which nobody meant as a no
    what = "is a draft until the repository's own checks are green" if held else "waits for a human"
    waits = StepResult(again=ports.now + ports.settings.cycle, waiting=f"{found.url} {what}")
    if pushed and found.head != pushed and case.taken_over != found.branch:
        return _taken_over(case, ports, found, waits)
    tended = withdrawn(case, ports, found) or tend(case, ports, found)
    return tended or (None if held else unasked(case, ports, found)) or waits


def _taken_over(case: Case, ports: Ports, found: PullRequest, waits: StepResult) -> StepResult:
    """A human committed to the branch: it is theirs, and what was announced of it is taken back."""
    taken, effects = TakenOver(branch=found.branch, sha=found.head), _told(case, ports, found)
    if announced(case) is None:
        return replace(waits, events=(taken,), effects=effects)
    withheld, said = no_more(case, f"somebody committed to {neutral(found.branch, 80)}")
    return replace(waits, events=(withheld, taken), effects=(said, *effects))


def _told(case: Case, ports: Ports, found: PullRequest) -> tuple[Effect, ...]:
    """That a human has it in hand now. The branch is never written again, so it is said once."""
    return ports.tell(
        f"{case.id}-{case.change.number}-taken-over",
        Severity.TICKET,
        f"{case.service}: a human works on {found.branch}",
        f"A human committed to {found.branch} (it is at {found.head[:10]} now). It is left alone from here on, and its "
        f"pull request is still followed: {found.url}",
        case=case.id,
        link=found.url,
    )


def _comment(case: Case, stage: str, body: str) -> Effect:
    change = case.change
    return PostComment(
        key=f"{case.id}-{change.number}-{stage}",
        repository=change.lead.repository,
        branch=change.branch(case.id),
        body=body,
    )
