"""Restore a value: put back the scalars that a suspect commit changed in configuration files, and nothing else.

It takes away less than a revert, and it can be done where lines beside the value have changed since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.diagnosis import Commit, Suspect
from cases.errors import PermanentError
from cases.ports import Forge
from config.settings import ServiceSettings
from remediation.drafting import CannotDraft, Drafting
from remediation.neutral import neutral
from remediation.playbooks.promise import cited, is_inverse, part_of, promise, reach, shown
from remediation.ports import Ports
from remediation.values.edit import Changed, NotComparable, differences, is_configuration, put_back, read_value
from remediation.values.nodes import Scalar
from remediation.values.pinned import is_version
from remediation.values.place import Place
from remediation.values.refused import NotEditable
from remediation.values.sensitive import sensitive

ORIGIN = "playbook:restore-a-value"
MOST_VALUES = 3
MOST_FILES = 20  # a commit of more is no change of a value or two


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One value that a commit changed. `places` has more than one where aliases repeat it."""

    path: str
    places: tuple[Place, ...]
    before: Scalar
    after: Scalar

    @property
    def shown(self) -> str:
        """As in `pool.size in config/app.yaml`."""
        return f"{neutral(self.places[0].shown, 80)} in {neutral(self.path, 80)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """All that a commit did: the values that it changed, and in words what else."""

    values: tuple[Touched, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorted:
    """Which values can be put back, and why the others are left."""

    able: tuple[Touched, ...]
    left: tuple[str, ...]


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Restore before a revert where the commit changed only values, or where it did more and cannot be reverted."""
    if suspect is None:
        return CannotDraft()
    forge, repository, commit = ports.forge, suspect.repository, suspect.commit
    head = forge.head(repository)
    touch = touched(forge, repository, commit)
    if not touch.values:
        return CannotDraft()
    if touch.others and _can_be_reverted(forge, repository, head, commit):
        return CannotDraft()
    service = ports.settings.service(case.service)
    return restore(case, len(case.changes) + 1, repository, commit, forge, head, service)


def restore(
    case: Case, number: int, repository: str, suspect_commit: Commit, forge: Forge, head: str, service: ServiceSettings
) -> Drafting:
    """Draft the putting back of at most MOST_VALUES values on top of `head`."""
    commit = suspect_commit
    touch = touched(forge, repository, commit)
    if not touch.values:
        return CannotDraft(reason=f"{commit.short} changed no value of a configuration file")
    chosen = _sorted(forge, repository, head, commit, touch.values)
    if not chosen.able:
        return CannotDraft(reason="; ".join(chosen.left))
    if len(chosen.able) > MOST_VALUES:
        return CannotDraft(
            reason=f"{commit.short} changed {len(chosen.able)} values, more than the {MOST_VALUES} that are put back"
        )
    try:
        edits = tuple(_edits(forge, repository, head, chosen.able))
    except NotEditable as refused:
        return CannotDraft(reason=neutral(str(refused), 300))
    part = part_of(forge, repository, head, edits)
    whole = not touch.others and not chosen.left
    return Patch(
        number=number,
        kind=ChangeClass.CONFIGURATION,
        origin=ORIGIN,
        title=_title(commit, chosen.able),
        summary=_summary(commit, chosen, touch.others),
        parts=(part,),
        promise=promise(case),
        blast_radius=reach((part,), service, migrations="none found"),
        inverse_of=commit.sha if whole and is_inverse(forge, part, commit) else None,
        blames=commit.sha,
        because=f"{_history(commit, chosen.able)}{cited(case, commit.sha)}",
    )


def touched(forge: Forge, repository: str, commit: Commit) -> Touch:
    """What a commit changed, against its first parent."""
    if not commit.parents or len(commit.files) > MOST_FILES:
        return Touch(values=(), others=("the first commit" if not commit.parents else f"{len(commit.files)} files",))
    values: list[Touched] = []
    others: list[str] = []
    for path in commit.files:
        before, after = (
            forge.read(repository, sha, path) if is_configuration(path) else None
            for sha in (commit.parents[0], commit.sha)
        )
        if before is None or after is None:
            others.append(neutral(path, 80))
            continue
        found = differences(before, after, path)
        if isinstance(found, NotComparable):
            others.append(f"{neutral(path, 80)} ({neutral(found.reason, 120)})")
            continue
        others += [f"{neutral(path, 80)}: {neutral(other, 120)}" for other in found.others]
        values += _by_span(path, found.changed)
    return Touch(values=tuple(values), others=tuple(others))


def _by_span(path: str, changed: Sequence[Changed]) -> Iterator[Touched]:
    """One value for each span of the text: those that an alias repeats belong together."""
    together: dict[tuple[int, int], list[Changed]] = {}
    for change in changed:
        together.setdefault((change.old.start, change.new.start), []).append(change)
    for same in together.values():
        yield Touched(path=path, places=tuple(change.place for change in same), before=same[0].old, after=same[0].new)


def _sorted(forge: Forge, repository: str, head: str, commit: Commit, values: Sequence[Touched]) -> _Sorted:
    able: list[Touched] = []
    left: list[str] = []
    for value in values:
        why = _unable(forge.read(repository, head, value.path), value, commit)
        if why:
            left.append(f"{value.shown} {why}")
        else:
            able.append(value)
    return _Sorted(able=tuple(able), left=tuple(left))


def _unable(content: bytes | None, value: Touched, commit: Commit) -> str:
    """Why a value is left as it is, or ""."""
    if is_version(value.path, value.places[0].keys):
        return "is the version of a dependency: that is no value to put back"
    if any(sensitive(place, value.before, value.after) for place in value.places):
        return "looks like a secret: a human has to put it back"
    if content is None:
        return "is gone with its file"
    try:
        now = read_value(content, value.path, value.places[0])
    except NotEditable as refused:
        return f"cannot be put back: {neutral(str(refused), 160)}"
    if now.meaning == value.before.meaning:
        return f"is {shown(now)} again already"
    if now.meaning != value.after.meaning:
        return f"was changed again since {commit.short}: it is {shown(now)} now, and whoever set that knows why"
    refusal = value.before.refusal or now.refusal
    return f"{refusal}: a human has to put it back" if refusal else ""


def _edits(forge: Forge, repository: str, head: str, values: Sequence[Touched]) -> Iterator[FileEdit]:
    for path in dict.fromkeys(value.path for value in values):
        wanted = {place: value.before for value in values if value.path == path for place in value.places}
        content = forge.read(repository, head, path) or b""
        yield FileEdit(path=path, content=put_back(content, path, wanted))


def _can_be_reverted(forge: Forge, repository: str, head: str, commit: Commit) -> bool:
    try:
        return not forge.revert(repository, head, commit.sha).conflicts
    except PermanentError:
        return False  # a symbolic link, a submodule: a human's, but the values beside it are not


def _title(commit: Commit, values: Sequence[Touched]) -> str:
    if len(values) > 1:
        paths = list(dict.fromkeys(value.path for value in values))
        where = neutral(paths[0], 60) if len(paths) == 1 else f"{len(paths)} files"
        return f"Restore {len(values)} values in {where} (changed by {commit.short})"
    only = values[0]
    name, path = neutral(only.places[0].shown, 60), neutral(only.path, 60)
    return f"Restore {name} to {shown(only.before)} in {path} ({shown(only.after)} since {commit.short})"


def _summary(commit: Commit, chosen: _Sorted, others: Sequence[str]) -> str:
    put = "; ".join(f"{value.shown} from {shown(value.after)} to {shown(value.before)}" for value in chosen.able)
    sentences = [f"Puts back {put}, and touches nothing else."]
    if chosen.left:
        sentences.append(f"Left as they are: {'; '.join(chosen.left[:MOST_VALUES])}.")
    if others:
        more = f" and {len(others) - MOST_VALUES} more" if len(others) > MOST_VALUES else ""
        sentences.append(f"What else {commit.short} did stays: {', '.join(others[:MOST_VALUES])}{more}.")
    return " ".join(sentences)


def _history(commit: Commit, values: Sequence[Touched]) -> str:
    return "; ".join(
        f"{value.shown} was {shown(value.before)} until {commit.short} and is {shown(value.after)} since"
        for value in values
    )
