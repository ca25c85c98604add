"""Revert the culprit: undo the whole pull request that brought it, on top of what is there now.

A merge commit is undone against its first parent, a squash commit is the pull request, and of a pull request that was
merged by rebase all its commits are undone together.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from cases.case import Case
from cases.change import BlastRadius, ChangeClass, Part, Patch, Promise, Reverted
from cases.diagnosis import Commit, Suspect
from cases.ports import Forge
from config.settings import ServiceSettings
from remediation.drafting import HORIZON, CannotDraft, Drafting
from remediation.neutral import neutral
from remediation.playbooks.stored import stored
from remediation.ports import Ports

ORIGIN = "playbook:revert-the-culprit"


_SECURITY = re.compile(r"\bCVE-\d|\bGHSA-|\bsecur|vulnerab|\bexploit", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotRevert:
    """Why the undoing was not drafted."""

    reason: str


Undoing: TypeAlias = Patch | CannotRevert


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Revert a suspect on top of the watched branch as it is now."""
    if suspect is None:
        return CannotDraft()
    commit, repository = suspect.commit, suspect.repository
    together = brought_with(ports.forge, repository, commit)
    undone = ports.forge.revert(repository, ports.forge.head(repository), together[-1], first_of(together))
    service = ports.settings.service(case.service)
    drafted = revert(case, len(case.changes) + 1, repository, commit, undone, service, together=together)
    return CannotDraft(reason=drafted.reason) if isinstance(drafted, CannotRevert) else drafted


def speaks_of_security(commit: Commit) -> bool:
    """Whether a commit's title says that it was made for security."""
    return _SECURITY.search(commit.title) is not None


def brought_with(forge: Forge, repository: str, commit: Commit) -> tuple[str, ...]:
    """The commits of the pull request that brought this one, oldest first; itself where it stands for all of it."""
    if commit.pull_request is not None or len(commit.parents) != 1:
        return (commit.sha,)
    return forge.came_with(repository, commit.sha)


def first_of(together: tuple[str, ...]) -> str:
    """The oldest of several commits, as `Forge.revert` takes it; "" for one alone."""
    return together[0] if len(together) > 1 else ""


def revert(
    case: Case,
    number: int,
    repository: str,
    culprit: Commit,
    undone: Reverted,
    service: ServiceSettings,
    *,
    together: tuple[str, ...] = (),
) -> Undoing:
    """Draft the undoing of a suspect, and of the commits that came `together` with it."""
    if undone.conflicts:
        return CannotRevert(
            reason=f"undoing {culprit.short} conflicts in {', '.join(map(neutral, undone.conflicts[:3]))}"
        )
    if not undone.edits:
        return CannotRevert(reason=f"{culprit.short} is undone already on the watched branch")
    anomaly = case.anomaly
    title = neutral(culprit.title, 60)
    named = culprit.short
    if len(together) > 1:
        named += f" and the {len(together) - 1} that came with it ({together[0][:10]} to {together[-1][:10]})"
    hole = " Its title speaks of security: undoing it may open what it closed." if speaks_of_security(culprit) else ""
    return Patch(
        number=number,
        kind=ChangeClass.REVERT,
        origin=ORIGIN,
        title=f"Revert “{title}”" + (f" (PR {culprit.pull_request})" if culprit.pull_request else ""),
        summary=f"Undoes {named} exactly, on top of {undone.base[:10]}.{hole}",
        parts=(part(repository, undone),),
        promise=Promise(
            signal=anomaly.signal.key,
            direction=anomaly.direction.opposite,
            before=anomaly.value,
            after=anomaly.expected,
            horizon=HORIZON,
        ),
        blast_radius=blast_radius(undone, service, removes=title),
        inverse_of=culprit.sha,
    )


def roll_back(
    case: Case, harmful: Patch, number: int, merged: Commit, undone: Reverted, service: ServiceSettings
) -> Undoing:
    """Draft the undoing of the case's own harmful change, as another change of the same case."""
    if undone.conflicts:
        return CannotRevert(
            reason=f"rolling back {merged.short} conflicts in {', '.join(map(neutral, undone.conflicts[:3]))}"
        )
    if not undone.edits:
        return CannotRevert(reason=f"{merged.short} is undone already on the watched branch")
    judgement = next((j for j in reversed(case.judgements) if j.change == harmful.number), None)
    anomaly = case.anomaly
    before = judgement.after if judgement and judgement.after is not None else anomaly.value
    after = judgement.anomalous if judgement and judgement.anomalous is not None else anomaly.expected
    braked = judgement is not None and judgement.braked
    why = "its service broke down right after it" if braked else "it was judged harmful"
    return Patch(
        number=number,
        kind=ChangeClass.REVERT,
        origin=f"rollback of change {harmful.number}",
        title=f"Roll back: {harmful.title}",
        summary=f"Undoes {merged.short} exactly, because {why}.",
        parts=(part(harmful.lead.repository, undone),),
        promise=Promise(
            signal=harmful.promise.signal,
            direction=anomaly.direction.opposite,
            before=before,
            after=after,
            horizon=HORIZON,
        ),
        blast_radius=blast_radius(undone, service, removes=neutral(harmful.title, 80)),
        inverse_of=merged.sha,
        rolls_back=harmful.number,
    )


def part(repository: str, undone: Reverted) -> Part:
    """The one part of a revert."""
    return Part(
        repository=repository,
        base=undone.base,
        edits=undone.edits,
        diff=undone.diff,
        added=undone.added,
        removed=undone.removed,
    )


def blast_radius(undone: Reverted, service: ServiceSettings, *, removes: str) -> BlastRadius:
    """What the undoing touches."""
    return BlastRadius(
        files=len(undone.edits),
        lines=undone.added + undone.removed,
        services=(service.name, *service.depends),
        owners=tuple(service.owners),
        removes=removes,
        migrations=stored([edit.path for edit in undone.edits], undone.diff),
    )
