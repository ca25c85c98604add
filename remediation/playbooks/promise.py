"""What the playbooks share: the promise, the evidence they cite, the part they draft, and how a value is shown."""

from collections.abc import Sequence
from dataclasses import replace

from cases.case import Case
from cases.change import BlastRadius, FileEdit, Part, Promise
from cases.diagnosis import Commit
from cases.ports import Forge
from config.settings import ServiceSettings
from remediation.drafting import HORIZON
from remediation.neutral import neutral
from remediation.values.nodes import Scalar

_LOSES_ITS_BIT = "old mode 100755\nnew mode 100644"


def promise(case: Case) -> Promise:
    """The signal of the case comes back to what was expected of it."""
    anomaly = case.anomaly
    return Promise(
        signal=anomaly.signal.key,
        direction=anomaly.direction.opposite,
        before=anomaly.value,
        after=anomaly.expected,
        horizon=HORIZON,
    )


def cited(case: Case, sha: str) -> str:
    """The evidence that speaks of a commit, as in ` (E3, E4)`; "" when none does."""
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    suspect = next((suspect for suspect in suspects if suspect.commit.sha == sha), None)
    return f" ({', '.join(suspect.evidence)})" if suspect and suspect.evidence else ""


def reading_cited(case: Case) -> str:
    """The evidence that speaks of the case's anomaly."""
    anomaly = case.anomaly
    source = f"{anomaly.signal.source}: {anomaly.signal.query}"
    facts = case.diagnosis.facts if case.diagnosis else ()
    ids = [fact.id for fact in facts if fact.source == source]
    return f" ({', '.join(ids[:2])})" if ids else ""


def part_of(forge: Forge, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
    """The part with these edits; a file that could be run before can be run after."""
    kept = [
        replace(edit, executable=_LOSES_ITS_BIT in forge.part(repository, base, [edit]).diff)
        if edit.content is not None
        else edit
        for edit in edits
    ]
    return forge.part(repository, base, kept)


def is_inverse(forge: Forge, part: Part, commit: Commit) -> bool:
    """Whether git's own undoing of the commit gives just these bytes."""
    undone = forge.revert(part.repository, part.base, commit.sha)
    ours = {edit.path: edit for edit in part.edits}
    return not undone.conflicts and {edit.path: edit for edit in undone.edits} == ours


def reach(parts: Sequence[Part], service: ServiceSettings, *, removes: str = "", migrations: str) -> BlastRadius:
    """What the parts touch together."""
    return BlastRadius(
        files=sum(len(part.paths) for part in parts),
        lines=sum(part.added + part.removed for part in parts),
        services=(service.name, *service.depends),
        owners=tuple(service.owners),
        removes=removes,
        migrations=migrations,
    )


def shown(scalar: Scalar) -> str:
    """A value for people, as it is written in the file."""
    return neutral(scalar.source, 60) or "nothing"
