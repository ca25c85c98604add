"""Playbook: a kind of change that needs no language model, as anybody can write one. A plug-in imports only `cases`.

It is found by its entry point, in the group `trackwalker.playbooks`: an object with what `Playbook` names, or a class
of such without arguments. It answers with whole files or with why it has none, and writes nothing: the house makes the
diff, the promise and the blast radius, and refuses what leaves the scope or looks like a secret. Sandbox, gate and a
human come after it, as after any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cases.case import Case
from cases.change import ChangeClass, FileEdit
from cases.diagnosis import Commit, Suspect

GROUP = "trackwalker.playbooks"
"""The group of entry points."""

OPEN_TO_ALL = frozenset({ChangeClass.CONFIGURATION, ChangeClass.FLAG, ChangeClass.EDIT})
"""The classes that a plug-in may draft: the others are excused from some gate, and stay in the house."""


class Reads(Protocol):
    """What a playbook may look at: repositories, by the configuration's names. See `cases.ports.Forge`."""

    def head(self, repository: str) -> str:
        """The sha at the tip of the watched branch now."""
        ...

    def commits(self, repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        """The first-parent commits of the watched branch in the window, newest first."""
        ...

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is `sha` or one of its ancestors."""
        ...

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        """What the file at `path` holds in the tree of `sha`; None when there is no such regular file."""
        ...

    def tagged(self, repository: str, tag: str) -> str | None:
        """The commit that the git tag of that name points to, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a playbook is asked about.

    suspect     the commit that is answered: it ran before the onset; None where the trouble itself is asked about
    repository  where the change would go: the suspect's repository, or the service's
    head        the commit that the change would stand on
    now         the time, for whoever needs it: a playbook asks no clock
    """

    case: Case
    suspect: Suspect | None
    repository: str
    head: str
    reads: Reads
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What a playbook would change, in the repository that it was asked about.

    edits     whole files, on top of `Asked.head`
    title     one line; `summary` what it does, in a sentence or two
    because   why this and no other change
    evidence  ids of facts that the diagnosis holds and that `because` rests on; at least one, where it holds any
    """

    edits: Sequence[FileEdit]
    title: str
    summary: str
    because: str
    evidence: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRemedy:
    """Why there is none, as a sentence; "" where this kind of change was never in question."""

    reason: str = ""


class Playbook(Protocol):
    """One kind of change."""

    @property
    def name(self) -> str:
        """What it is called in pull requests and lessons: small letters, digits and hyphens."""
        ...

    @property
    def kind(self) -> ChangeClass:
        """The class of its changes: one of OPEN_TO_ALL."""
        ...

    def remedy(self, asked: Asked) -> Remedy | NoRemedy:
        """Answer: with a change, or with why there is none. The same question has the same answer, always."""
        ...
