"""Pin a dependency back: where a suspect changed nothing but pinned versions, put them back as they were before it.

The manifest and its lock lines go back together, as git undoes them, and then both are read again: the versions that
the suspect changed must be those of before, every other one must be as it is now. It is the only playbook that may
touch lock files. A version that was raised for its security is a human's to put back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch, Reverted
from cases.diagnosis import Commit, Suspect
from cases.ports import Forge
from remediation.drafting import CannotDraft, Drafting
from remediation.neutral import neutral
from remediation.playbooks.promise import cited, part_of, promise, reach
from remediation.playbooks.revert import speaks_of_security
from remediation.ports import Ports
from remediation.values.pinned import Pinned, is_dependency_file, is_lock, is_unread_lock, pinned
from remediation.values.refused import NotEditable

ORIGIN = "playbook:pin-a-dependency-back"
MOST_FILES = 12
_SHOWN = 3
_PROSE = frozenset({".md", ".rst", ".adoc"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bump:
    """A version that a commit changed in a file: what was there before, and what it wrote."""

    path: str
    name: str
    before: str
    after: str

    @property
    def shown(self) -> str:
        """As in `httpx (0.29.0 back to 0.28.1)`."""
        name = self.name.partition(" (")[0].partition(";")[0]
        return f"{neutral(name, 60)} ({neutral(self.after, 40) or 'none'} back to {neutral(self.before, 40) or 'none'})"


def is_pin(change: Patch) -> bool:
    """Whether a change is this playbook's own: then it may touch lock files, and nothing but files of dependencies."""
    ours = change.kind is ChangeClass.PIN and change.origin == ORIGIN and change.blames is not None
    return ours and all(is_dependency_file(path) for part in change.parts for path in part.paths)


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Put the versions back that the suspect changed."""
    if suspect is None:
        return CannotDraft()
    forge, repository, commit = ports.forge, suspect.repository, suspect.commit
    paths = [path for path in commit.files if is_dependency_file(path)]
    if not paths or not commit.parents or len(commit.files) > MOST_FILES:
        return CannotDraft()
    try:
        bumps = tuple(bumped(forge, repository, commit, paths))
    except NotEditable as refused:
        return CannotDraft(reason=f"the pins of {commit.short} are not put back: {neutral(str(refused), 200)}")
    if not bumps:
        return CannotDraft()
    others = [path for path in commit.files if path not in paths and PurePosixPath(path).suffix not in _PROSE]
    if others:
        beside = ", ".join(neutral(path, 60) for path in others[:_SHOWN])
        return CannotDraft(reason=f"{commit.short} changed {beside} beside its pins: they may belong together")
    if speaks_of_security(commit):
        return CannotDraft(
            reason=f"{commit.short} speaks of security: whether its version goes back is a human's to say"
        )
    head = forge.head(repository)
    undone = forge.revert(repository, head, commit.sha)
    spliced = tuple(_spliced(forge, repository, head, commit, undone.conflicts))
    if spliced:  # git gives up where a neighbouring line was changed since
        done = {edit.path for edit in spliced}
        left = tuple(path for path in undone.conflicts if path not in done)
        undone = replace(undone, edits=(*undone.edits, *spliced), conflicts=left)
    wrong = _unable(undone, paths, commit)
    edits = [edit for edit in undone.edits if edit.path in paths]
    wrong = wrong or next(_inexact(forge, repository, head, edits, bumps), "")
    if wrong:
        return CannotDraft(reason=f"the pins of {commit.short} are not put back: {wrong}")
    return _patch(case, ports, suspect, edits, bumps, whole=not spliced and len(edits) == len(commit.files))


def _spliced(forge: Forge, repository: str, head: str, commit: Commit, stuck: Sequence[str]) -> Iterator[FileEdit]:
    """The files that git could not undo, each line that the commit changed put back where it stands once as it left it.

    A file with a line that was set again since is left out.
    """
    for path in stuck:
        before, after, now = (forge.read(repository, sha, path) for sha in (commit.parents[0], commit.sha, head))
        if before is None or after is None or now is None:
            continue
        old, new, lines = (content.splitlines(keepends=True) for content in (before, after, now))
        if len(old) != len(new):
            continue  # what was added or taken out has no place to go back to
        changed = [(was, became) for was, became in zip(old, new, strict=True) if was != became]
        if all(lines.count(became) == 1 for _, became in changed):
            back = {became: was for was, became in changed}
            yield FileEdit(path=path, content=b"".join(back.get(line, line) for line in lines))


def bumped(forge: Forge, repository: str, commit: Commit, paths: Sequence[str]) -> Iterator[Bump]:
    """The versions that the commit changed. Raises NotEditable where it did more to a file than that."""
    for path in paths:
        before, after = (forge.read(repository, sha, path) for sha in (commit.parents[0], commit.sha))
        if before is None or after is None:
            raise NotEditable(f"{path} came or went with it")
        if is_unread_lock(path):
            continue
        was, now = pinned(path, before), pinned(path, after)
        if not is_lock(path):
            _only_versions(path, was, now)
        for name in [name for name in was.versions if name in now.versions]:
            if was.versions[name] != now.versions[name]:
                yield Bump(path=path, name=name, before=was.versions[name], after=now.versions[name])


def _only_versions(path: str, was: Pinned, now: Pinned) -> None:
    """Raise NotEditable unless a manifest has the same dependencies as before, and nothing but versions differs."""
    came, went = now.versions.keys() - was.versions.keys(), was.versions.keys() - now.versions.keys()
    if came or went:
        what = ", ".join(sorted(name.partition(" (")[0] for name in (*came, *went))[:_SHOWN])
        raise NotEditable(f"{path}: it adds or removes a dependency ({what})")
    if was.rest != now.rest:
        raise NotEditable(f"{path}: it changes more than versions")
    odd = [n for n in was.details if was.details[n] != now.details.get(n) and was.versions[n] == now.versions[n]]
    if odd:
        raise NotEditable(f"{path}: it changes what stands beside the version of {odd[0]}")


def _unable(undone: Reverted, paths: Sequence[str], commit: Commit) -> str:
    """Why git's undoing does not do, or ""."""
    stuck = [path for path in undone.conflicts if path in paths]
    if stuck:
        return f"{', '.join(neutral(path, 60) for path in stuck[:_SHOWN])} was changed in the same place since"
    missing = [path for path in paths if path not in {edit.path for edit in undone.edits}]
    if missing:
        return f"{', '.join(neutral(path, 60) for path in missing[:_SHOWN])} is as before {commit.short} already"
    return ""


def _inexact(
    forge: Forge, repository: str, head: str, edits: Sequence[FileEdit], bumps: Sequence[Bump]
) -> Iterator[str]:
    """What is not exactly as it was before the suspect, or not as it is now, where it should be."""
    for edit in edits:
        now = forge.read(repository, head, edit.path)
        if now is None or edit.content is None:
            yield f"{neutral(edit.path, 80)} came or went since"
            continue
        if is_unread_lock(edit.path):
            continue
        try:
            held, after = pinned(edit.path, now), pinned(edit.path, edit.content)
        except NotEditable as refused:
            yield neutral(str(refused), 160)
            continue
        own = {bump.name: bump for bump in bumps if bump.path == edit.path}
        yield from _odd(edit.path, held.versions, after.versions, own)


def _odd(path: str, now: Mapping[str, str], after: Mapping[str, str], own: Mapping[str, Bump]) -> Iterator[str]:
    for name, bump in own.items():
        if now.get(name) != bump.after:
            is_now = neutral(now.get(name, "gone"), 40)
            yield f"{neutral(name, 60)} in {neutral(path, 60)} was set again since: it is {is_now}"
        elif after.get(name) != bump.before:
            yield f"{neutral(name, 60)} in {neutral(path, 60)} would not come back as it was"
    if not is_lock(path):
        moved = sorted(n for n in now.keys() | after.keys() if n not in own and now.get(n) != after.get(n))
        if moved:
            yield f"{neutral(moved[0], 60)} in {neutral(path, 60)} would change as well"


def _patch(
    case: Case, ports: Ports, suspect: Suspect, edits: Sequence[FileEdit], bumps: Sequence[Bump], *, whole: bool
) -> Patch:
    commit = suspect.commit
    part = part_of(ports.forge, suspect.repository, ports.forge.head(suspect.repository), edits)
    direct = [bump for bump in bumps if not is_lock(bump.path)] or list(bumps)
    named = list(dict.fromkeys(bump.shown for bump in direct))
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    locks = [neutral(path, 60) for path in part.paths if is_lock(path)]
    with_locks = f", with the lines of {', '.join(locks[:_SHOWN])} that came with it" if locks else ""
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.PIN,
        origin=ORIGIN,
        title=neutral(f"Pin {named[0]}{' and others' if len(named) > 1 else ''}", 100),
        summary=(
            f"Puts {', '.join(named[:_SHOWN])}{more} where it was before {commit.short}{with_locks}, and nothing else. "
            f"What the newer version mended comes back with it."
        ),
        parts=(part,),
        promise=promise(case),
        blast_radius=reach(
            (part,),
            ports.settings.service(case.service),
            removes=neutral(commit.title, 60),
            migrations="none found",
        ),
        inverse_of=commit.sha if whole else None,
        blames=commit.sha,
        because=f"{commit.short} changed versions alone: {', '.join(named[:_SHOWN])}{more}{cited(case, commit.sha)}",
    )
