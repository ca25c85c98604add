"""Revert in part: where undoing the culprit conflicts in some files, undo the others, if those that stay do not care.

The rule: what stays and what goes back have nothing to do with each other. No name that came or went with the culprit
in a file of one side came or went in a file of the other side, with the culprit or since; and no file of one side names
the module of one on the other. Documents may stay whatever they say. Where that cannot be told, because a file is no
text or because several commits came together, a human has to do it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cases.case import Case
from cases.change import ChangeClass, Patch, Reverted
from cases.diagnosis import Suspect
from cases.ports import Forge
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.code import text_of
from remediation.neutral import neutral
from remediation.playbooks.promise import cited, promise
from remediation.playbooks.revert import blast_radius, brought_with, first_of, part
from remediation.ports import Ports

ORIGIN = "playbook:revert-in-part"
MARK = "partial"
RULE = "no name that the commit brought or took away on one side came or went on the other, and neither names the other"
_WORD = re.compile(r"[A-Za-z_$][\w$]{2,}")
_PROSE = frozenset({".md", ".rst", ".adoc"})
_PROSE_NAMES = frozenset({"changelog", "changes", "news", "authors", "contributors", "readme", "license"})
_COMMON_STEMS = frozenset({"__init__", "index", "main", "mod", "lib"})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A path with its words before the culprit, after it, and now; none where it was not there.

    `readable` is False where it is no text.
    """

    path: str
    before: frozenset[str]
    after: frozenset[str]
    now: frozenset[str]
    readable: bool

    @property
    def words(self) -> frozenset[str]:
        """Every word that it ever had of the three."""
        return self.before | self.after | self.now

    @property
    def moved(self) -> frozenset[str]:
        """The names that came or went with the culprit."""
        return self.before ^ self.after

    @property
    def unsteady(self) -> frozenset[str]:
        """The names that came or went with the culprit or since."""
        return self.words - (self.before & self.after & self.now)

    @property
    def module(self) -> str:
        """What others import it as: the name without its end, or that of its folder."""
        path = PurePosixPath(self.path)
        return path.parent.name if path.stem in _COMMON_STEMS else path.stem

    @property
    def is_prose(self) -> bool:
        """Whether it is a document, which nothing depends on."""
        path = PurePosixPath(self.path.lower())
        return path.suffix in _PROSE or path.stem in _PROSE_NAMES


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Undo what can be undone of a suspect that conflicts; asked after the whole revert."""
    if suspect is None:
        return CannotDraft()
    commit, repository, forge = suspect.commit, suspect.repository, ports.forge
    together = brought_with(forge, repository, commit)
    undone = forge.revert(repository, forge.head(repository), together[-1], first_of(together))
    if not undone.conflicts or not undone.edits:
        return CannotDraft()
    if len(together) > 1:
        return CannotDraft(reason=f"{len(together)} commits came together, and some of their files conflict")
    ends = (commit.parents[0], commit.sha, undone.base)
    stays = [_file(forge, repository, path, ends) for path in undone.conflicts]
    goes = [_file(forge, repository, edit.path, ends) for edit in undone.edits]
    linked = next(links(stays, goes), "")
    if linked:
        reason = (
            f"undoing {commit.short} conflicts in {_listed(undone.conflicts)}, and the rest cannot go alone: {linked}"
        )
        return CannotDraft(reason=reason)
    if all(file.is_prose for file in goes):
        return CannotDraft(
            reason=f"of {commit.short} only documents could be undone: {_listed([f.path for f in goes])}"
        )
    return _patch(case, ports, suspect, undone)


def links(stays: Sequence[File], goes: Sequence[File]) -> Iterator[str]:
    """What ties the sides together, as sentences; nothing where they are independent."""
    for one in stays:
        for other in goes:
            if one.is_prose or other.is_prose:
                continue
            yield from (f"{neutral(file.path, 80)} is no text" for file in (one, other) if not file.readable)
            shared = sorted((one.moved & other.unsteady) | (other.moved & one.unsteady))
            if shared:
                named = ", ".join(neutral(word, 40) for word in shared[:3])
                yield f"{neutral(one.path, 80)} and {neutral(other.path, 80)} share what it changed ({named})"
            for file, against in ((one, other), (other, one)):
                if file.module in against.words:
                    yield f"{neutral(against.path, 80)} names {neutral(file.path, 80)}"


def _patch(case: Case, ports: Ports, suspect: Suspect, undone: Reverted) -> Patch:
    commit = suspect.commit
    stay, title = _listed(undone.conflicts), neutral(commit.title, 60)
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.REVERT,
        origin=ORIGIN,
        title=f"Revert “{title}” in part" + (f" (PR {commit.pull_request})" if commit.pull_request else ""),
        summary=(
            f"Undoes what {commit.short} did in {_listed([edit.path for edit in undone.edits])}; what it did in {stay} "
            f"stays, for it was changed since. They are independent: {RULE}."
        ),
        parts=(part(suspect.repository, undone),),
        promise=promise(case),
        blast_radius=blast_radius(undone, ports.settings.service(case.service), removes=f"part of {title}"),
        blames=commit.sha,
        because=f"undoing {commit.short} whole conflicts in {stay}{cited(case, commit.sha)}",
        marks=(MARK,),
    )


def _file(forge: Forge, repository: str, path: str, ends: tuple[str, str, str]) -> File:
    held = [forge.read(repository, sha, path) for sha in ends]
    texts = [text_of(content) if content is not None else "" for content in held]
    before, after, now = (frozenset(_WORD.findall(text or "")) for text in texts)
    readable = None not in texts and any(content is not None for content in held)
    return File(path=path, before=before, after=after, now=now, readable=readable)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""  # noqa: PLR2004 - three are read, more are counted
    return ", ".join(neutral(path, 80) for path in paths[:3]) + more
