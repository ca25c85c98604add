"""Change: what is proposed: edits to files. One that is guarded by a flag and measured on users is an experiment."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from cases.flags import FlagPlace
from cases.telemetry import Direction


class ChangeClass(StrEnum):
    """The action class: authority and limits are kept for each."""

    REVERT = "revert"
    CONFIGURATION = "configuration"
    FLAG = "flag"
    PIN = "pin"
    EDIT = "edit"
    EXPERIMENT = "experiment"
    IMPROVEMENT = "improvement"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """What a path holds after the change, whole. `content` None removes it."""

    path: str
    content: bytes | None
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The edits to one repository. The pushed tree is `base` plus `edits`, byte for byte, and nothing else.

    `diff` is the unified diff of the same, for readers; `added`/`removed` count its lines.
    `runs` is the commit that a deploy marker will show once this part is live, where that is not the merge itself: a
    configuration repository that sets an image's tag runs the code of that tag.
    """

    repository: str
    base: str
    edits: tuple[FileEdit, ...]
    diff: str
    added: int
    removed: int
    runs: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths touched."""
        return tuple(edit.path for edit in self.edits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """What undoing a commit on top of `base` gives.

    `conflicts` not empty means that git could not do it by itself: these files stay, and `edits` undo the others alone.
    """

    base: str
    edits: tuple[FileEdit, ...]
    diff: str
    added: int
    removed: int
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the change says it will do to a metric: judged after the deploy.

    `before` is the reading while the anomaly lasts, `after` what is promised, both in the signal's unit.
    """

    signal: str
    direction: Direction
    before: float
    after: float
    horizon: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """What the change can reach."""

    files: int
    lines: int
    services: tuple[str, ...]
    owners: tuple[str, ...]
    removes: str = ""  # what else goes away with it (a feature, for a revert)
    migrations: str = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What makes a change one: who is shown what, once it runs.

    hypothesis        its id
    control, treated  the names of the variants in the flag
    share             of users that are shown the treated one
    measured          whether the two are compared: the first step; a later one scales what was shown to work
    """

    hypothesis: str
    flag: FlagPlace
    control: str
    treated: str
    share: float
    measured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change to files. `parts` are ordered: the first is the one whose deploy is watched, the others follow it.

    number         1 for a case's first change; a rollback is the next number of the same case
    origin         who drafted it: `playbook:revert-the-culprit`, `rollback of change 1`, a model's name
    inverse_of     the commit that this exactly undoes, or None: an exact inverse is excused from size and test gates
    blames         the suspected commit that it answers, or None: what `inverse_of` is for a revert
    tests          paths of regression tests that the lead part adds: they fail again once the rest is taken out
    retires        paths of tests that go with what they tested: those in them may be missing afterwards
    because        why this and no other change, with the evidence's ids, for the reader
    cost           what drafting it cost, for the reader; "" for nothing
    marks          what its pull requests are labelled with beside the class: `partial`, `low-confidence`
    beside         what else was tried before it was chosen, a sentence each
    experiment     who is shown what once it runs; None: everybody
    """

    number: int
    kind: ChangeClass
    origin: str
    title: str
    summary: str
    parts: tuple[Part, ...]
    promise: Promise
    blast_radius: BlastRadius
    inverse_of: str | None = None
    blames: str | None = None
    tests: tuple[str, ...] = ()
    retires: tuple[str, ...] = ()
    because: str = ""
    cost: str = ""
    marks: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    rolls_back: int | None = None  # the number of the change of this case that it undoes
    experiment: Experiment | None = None

    @property
    def lead(self) -> Part:
        """The part whose deploy is watched."""
        return self.parts[0]

    @property
    def undoes(self) -> str | None:
        """The commit whose work it takes out whole: by its exact inverse, or by a version from before it."""
        return self.inverse_of or (self.blames if self.lead.runs is not None else None)

    def branch(self, case_id: str) -> str:
        """The branch that carries this change, on every repository it touches."""
        return f"trackwalker/{case_id}-{self.number}"


Change: TypeAlias = Patch
