"""Revert the culprit: undo one commit (a merge commit whole, against its first parent) on top of what is there now."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from cases.case import Case
from cases.change import BlastRadius, ChangeClass, Part, Patch, Promise, Reverted
from cases.diagnosis import Commit
from config.settings import ServiceSettings
from remediation.neutral import neutral

ORIGIN = "playbook:revert-the-culprit"
HORIZON = timedelta(minutes=30)
MIGRATIONS = ("migration", "alembic/versions", "schema.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotRevert:
    """Why the undoing was not drafted."""

    reason: str


Drafting: TypeAlias = Patch | CannotRevert


def revert(
    case: Case, number: int, repository: str, culprit: Commit, undone: Reverted, service: ServiceSettings
) -> Drafting:
    """Draft the undoing of a suspect."""
    if undone.conflicts:
        return CannotRevert(
            reason=f"undoing {culprit.short} conflicts in {', '.join(map(neutral, undone.conflicts[:3]))}"
        )
    if not undone.edits:
        return CannotRevert(reason=f"{culprit.short} is undone already on the watched branch")
    anomaly = case.anomaly
    title = neutral(culprit.title, 60)
    return Patch(
        number=number,
        kind=ChangeClass.REVERT,
        origin=ORIGIN,
        title=f"Revert “{title}”" + (f" (PR {culprit.pull_request})" if culprit.pull_request else ""),
        summary=f"Undoes {culprit.short} exactly, on top of {undone.base[:10]}.",
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
) -> Drafting:
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
    return Patch(
        number=number,
        kind=ChangeClass.REVERT,
        origin=f"rollback of change {harmful.number}",
        title=f"Roll back: {harmful.title}",
        summary=f"Undoes {merged.short} exactly, because it was judged harmful.",
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
    paths = [edit.path for edit in undone.edits]
    found = [path for path in paths if any(mark in path.lower() for mark in MIGRATIONS)]
    return BlastRadius(
        files=len(paths),
        lines=undone.added + undone.removed,
        services=(service.name, *service.depends),
        owners=tuple(service.owners),
        removes=removes,
        migrations=f"found: {', '.join(map(neutral, found[:3]))}" if found else "none found",
    )
