"""What became of a branch's commits: which were taken back, as git's and GitHub's own messages say.

A revert is told by `This reverts commit <sha>` in a message, by `Reverts #12` (what GitHub writes into the body of such
a pull request), or by the title alone, `Revert "…"`. Messages are anybody's text: what they name counts only where it
is a commit that came to the watched branch earlier, and by another commit of it.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cases.diagnosis import Commit
from remediation.forge.git_command import GitCommand, text
from remediation.forge.history import listed

MOST_LANDED = 2_000  # commits of the watched branch
MOST_KNOWN = 20_000  # commits, those of merged branches too
MOST_MESSAGES = 500
MOST_NAMED = 10  # commits that one message takes back
BRANCHED = timedelta(days=60)
"""How much older than the window a commit may be that was merged in it."""

_SAYS = ("^This reverts commit [0-9a-f]{7,64}", r"^Reverts [^ ]*#[0-9]+", '^Revert "')
_SHA = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
_NUMBER = re.compile(r"^Reverts (?:[\w.-]+/[\w.-]+)?#(\d{1,9})\s*$", re.MULTILINE)
_QUOTED = re.compile(r'^Revert "(.+)"(?: \(#\d+\))?\s*$', re.MULTILINE)
_OURS = re.compile(r"^Trackwalker-Case: \S", re.MULTILINE)
_LONGEST_MESSAGE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A commit of the watched branch that a later one took back. `ours` where Trackwalker had proposed that."""

    commit: Commit
    by: Commit
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The watched branch in a window. `landed`, newest first, are without files and patches.

    `whole` is False where there was more than is read at once: the oldest are missing then.
    """

    landed: tuple[Commit, ...]
    undone: tuple[Undone, ...]
    whole: bool

    def of_pull_requests(self) -> tuple[Commit, ...]:
        """Those that a pull request brought."""
        return tuple(commit for commit in self.landed if commit.pull_request is not None)


def past(git: GitCommand, tip: str, since: datetime, until: datetime) -> Past:
    """What came to the branch in [since, until] by first parents, and what of it was taken back by `until`."""
    landed = listed(git, tip, since, until, most=MOST_LANDED)
    branch = _Branch(landed, _parents(git, tip, since - BRANCHED, until))
    found: dict[tuple[str, str], Undone] = {}
    for sha, message in _messages(git, tip, since, until):
        for undone in branch.undone(sha, message):
            found[undone.commit.sha, undone.by.sha] = undone
    whole = len(landed) < MOST_LANDED and len(branch.parents) < MOST_KNOWN
    ordered = sorted(found.values(), key=lambda undone: (undone.by.at, undone.commit.at, undone.commit.sha))
    return Past(landed=tuple(landed), undone=tuple(ordered), whole=whole)


def _parents(git: GitCommand, tip: str, since: datetime, until: datetime) -> dict[str, tuple[str, ...]]:
    words = ("log", f"--max-count={MOST_KNOWN}", *_window(since, until), "--format=%H %P", tip)
    rows = (line.split() for line in text(git.run(*words).out).splitlines())
    return {sha: tuple(parents) for sha, *parents in rows}


def _messages(git: GitCommand, tip: str, since: datetime, until: datetime) -> Iterator[tuple[str, str]]:
    """(sha, message) of the commits that speak of a revert, on merged branches too."""
    says = (f"--grep={form}" for form in _SAYS)
    window = _window(since - BRANCHED, until)
    words = ("log", "-z", "--encoding=UTF-8", "-E", *says, f"--max-count={MOST_MESSAGES}", *window, "--format=%H%n%B")
    for entry in text(git.run(*words, tip).out).split("\0"):
        sha, _, message = entry.partition("\n")
        if message:
            yield sha, message[:_LONGEST_MESSAGE]


def _window(since: datetime, until: datetime) -> tuple[str, str]:
    return f"--since-as-filter=@{math.ceil(since.timestamp())}", f"--until=@{math.floor(until.timestamp())}"


@dataclass(slots=True)
class _Branch:
    """The watched branch, and what each of its merges brought."""

    landed: Sequence[Commit]  # newest first
    parents: Mapping[str, tuple[str, ...]]
    place: dict[str, int] = field(init=False)  # sha → how many came after it
    brought: dict[str, str] = field(init=False)  # sha → the landed commit that has it
    shas: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.place = {commit.sha: place for place, commit in enumerate(self.landed)}
        self.brought = {commit.sha: commit.sha for commit in self.landed}
        for commit in reversed(self.landed):
            waiting = list(commit.parents[1:])
            while waiting:
                sha = waiting.pop()
                if sha in self.parents and sha not in self.brought:
                    self.brought[sha] = commit.sha
                    waiting += self.parents[sha]
        self.shas = sorted(self.brought)

    def undone(self, sha: str, message: str) -> Iterator[Undone]:
        """What the commit of that message took back, as the branch has it."""
        by = self.brought.get(sha)
        if by is None:
            return
        for named in dict.fromkeys(self._named(message, self.place[by])):
            if self.place[named] > self.place[by]:
                commit, taker = self.landed[self.place[named]], self.landed[self.place[by]]
                yield Undone(commit=commit, by=taker, ours=_OURS.search(message) is not None)

    def _named(self, message: str, after: int) -> Iterator[str]:
        """The landed commits that a message names: by sha; else by number; else by the title that it quotes."""
        known = [found for found in map(self._whole, _SHA.findall(message)[:MOST_NAMED]) if found]
        if known:
            yield from known
            return
        numbers = {int(number) for number in _NUMBER.findall(message)[:MOST_NAMED]}
        earlier = self.landed[after + 1 :]
        if numbers:
            yield from (commit.sha for commit in earlier if commit.pull_request in numbers)
            return
        titles = {title.strip() for title in _QUOTED.findall(message)[:MOST_NAMED]}
        for title in titles:  # the newest of that title: a title may be used again
            yield from (commit.sha for commit in [c for c in earlier if c.title == title][:1])

    def _whole(self, sha: str) -> str | None:
        """The landed commit that has the commit of that abbreviation; None where it is unknown, or of several."""
        place = bisect_left(self.shas, sha)
        fitting = [known for known in self.shas[place : place + 2] if known.startswith(sha)]
        return self.brought[fitting[0]] if len(fitting) == 1 else None
