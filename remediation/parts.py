"""A change in several repositories: the first part leads and is watched; the others follow once it is merged.

The fast mitigation is often the version that the configuration repository names; the code revert comes after it, or
the next deploy would bring the fault back. Each part is a pull request of its own, on the same branch name.
"""

import logging

from cases.case import Case
from cases.change import Part, Patch
from cases.errors import PermanentError
from cases.events import Event
from cases.pull_request import PullRequest, PullRequestState
from cases.pull_request_events import Merged, Proposed
from cases.steps import Effect, OpenPullRequest, PushBranch
from remediation.claims import files
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.pull_request_text import commit_message, labels

log = logging.getLogger("trackwalker.parts")


def followers(change: Patch) -> tuple[Part, ...]:
    """The parts behind the first."""
    return change.parts[1:]


def propose_followers(case: Case, lead: PullRequest) -> tuple[tuple[Event, ...], tuple[Effect, ...]]:
    """The pull requests of the other parts, now that the leading one is merged."""
    change = case.change
    branch = change.branch(case.id)
    events: list[Event] = []
    effects: list[Effect] = []
    for part in followers(change):
        events.append(Proposed(change=change.number, repository=part.repository, branch=branch))
        key = f"{case.id}-{change.number}-{part.repository}"
        effects += [
            PushBranch(
                key=f"{key}-branch",
                repository=part.repository,
                branch=branch,
                base=part.base,
                edits=part.edits,
                message=commit_message(case, change, _title(change), f"Follows {lead.url}, which is merged."),
            ),
            OpenPullRequest(
                key=f"{key}-pull-request",
                repository=part.repository,
                branch=branch,
                title=_title(change),
                body=_body(case, change, part, lead),
                labels=labels(change),
                draft=False,
            ),
        ]
    return tuple(events), tuple(effects)


def merged_followers(case: Case, ports: Ports) -> tuple[Event, ...]:
    """What humans merged of the following parts since the last look."""
    change = case.change
    known = {(merge.change, merge.repository) for merge in case.merges}
    proposed = {(proposal.change, proposal.repository) for proposal in case.proposals}
    events: list[Event] = []
    for part in followers(change):
        place = (change.number, part.repository)
        if place not in proposed or place in known:
            continue
        try:
            found = ports.forge.find_pull_request(part.repository, change.branch(case.id))
            if found is not None and found.state is PullRequestState.MERGED:
                events.append(merged_as(change.number, found))
        except PermanentError as error:
            # Its own push said so to a human already; the leading part is watched all the same.
            log.warning("case %s: the part in %s cannot be looked at: %s", case.id, part.repository, error)
    return tuple(events)


def merged_as(change: int, found: PullRequest) -> Merged:
    """The event of a merged pull request. PermanentError where the forge does not say as which commit."""
    if found.merged_sha is None or found.merged_at is None:
        raise PermanentError(f"the forge says that {found.url} is merged, and not as which commit")
    return Merged(
        change=change,
        repository=found.repository,
        pull_request=found.number,
        url=found.url,
        sha=found.merged_sha,
        merged_at=found.merged_at,
        by=found.ended_by or "unknown",
    )


def _title(change: Patch) -> str:
    removed = change.blast_radius.removes or change.title
    return neutral(f"Revert “{removed}” ({change.blames[:10]})" if change.blames else change.title, 100)


def _body(case: Case, change: Patch, part: Part, lead: PullRequest) -> str:
    """Short: the leading pull request has the story. What this one is for, and what happens without it."""
    size = f"{files(len(part.paths))}, +{part.added} -{part.removed}"
    blamed = (change.blames or "the culprit")[:10]
    return "\n".join(
        (
            f"1. Follows {lead.url}, merged: production goes back to the version from before the fault.",
            f"2. The code still has the fault: this takes {blamed} out ({size}).",
            "3. **Without it** the next deploy of the watched branch brings the fault back.",
            f"4. **How it was proved:** see “Verified” in {lead.url}.",
            f"5. **Rollback:** `git revert` of the merge. Case `{case.id}`, change {change.number}.",
            "",
            f'<!-- trackwalker:{{"case": "{case.id}", "change": {change.number}, "part": "{part.repository}"}} -->',
        )
    )
