"""The watched branch's past: its first-parent commits with their files and capped patches."""

import math
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import IO

from cases.diagnosis import Commit
from cases.redaction import redacted
from remediation.forge.git_command import GitCommand, local_error, text

MOST_COMMITS = 200
LONGEST_PATCH = 64 * 1024
CUT = "\n[the patch is longer; cut here]\n"

_MERGED = re.compile(r"Merge pull request #(\d+) from ")
_SQUASHED = re.compile(r"\(#(\d+)\)$")


def commits(git: GitCommand, tip: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
    """The first-parent commits reachable from `tip` whose committer time is in [since, until], newest first.

    At most MOST_COMMITS, the newest; each patch is cut at LONGEST_PATCH characters and says so.
    """
    found = listed(git, tip, since, until)
    if not found:
        return ()
    # "commit first-parent" a line: a merge is shown against the branch it went into.
    asked = "".join(f"{commit.sha} {' '.join(commit.parents[:1])}\n" for commit in found).encode()
    files = _files(git, asked)
    patches = _patches(git, asked, {commit.sha for commit in found})
    return tuple(replace(c, files=files.get(c.sha, ()), patch=patches.get(c.sha, "")) for c in found)


def pull_request_of(title: str) -> int | None:
    """The number of the pull request that a commit's title says it merged, in GitHub's two ways of saying so."""
    found = _MERGED.match(title) or _SQUASHED.search(title)
    return int(found[1]) if found else None


def listed(git: GitCommand, tip: str, since: datetime, until: datetime, *, most: int = MOST_COMMITS) -> list[Commit]:
    """The same without files and patches."""
    # A filter, not a stop: committer times need not fall from a commit to its parent.
    window = (f"--since-as-filter=@{math.ceil(since.timestamp())}", f"--until=@{math.floor(until.timestamp())}")
    shape = "--format=%H%x00%ct%x00%P%x00%an%x00%s%x00%b"
    words = ("log", "-z", "--first-parent", "--encoding=UTF-8", f"--max-count={most}", *window, shape, tip)
    fields = [text(field) for field in git.run(*words).out.removesuffix(b"\0").split(b"\0")]
    if fields == [""]:
        return []
    rows = zip(*(fields[n::6] for n in range(6)), strict=True)
    return [
        Commit(
            sha=sha,
            at=datetime.fromtimestamp(int(at), tz=UTC),
            author=redacted(author),
            title=redacted(_title(subject, body)),
            parents=tuple(parents.split()),
            pull_request=pull_request_of(subject),
        )
        for sha, at, parents, author, subject, body in rows
    ]


def _title(subject: str, body: str) -> str:
    """What a reader calls the commit: a merged pull request's own title, which the merge has in its body."""
    if not _MERGED.match(subject):
        return subject
    return next((line.strip() for line in body.splitlines() if line.strip()), subject)


def _files(git: GitCommand, asked: bytes) -> dict[str, tuple[str, ...]]:
    """The paths that each commit changes. Raw output: an entry starts with a colon, a commit's own line never does."""
    words = ("diff-tree", "--stdin", "--root", "-r", "-z", "--raw", "--no-renames")
    files: dict[str, list[str]] = {}
    current = ""
    fields = iter(git.run(*words, stdin=asked).out.split(b"\0")[:-1])
    for field in fields:
        if field.startswith(b":"):
            files[current].append(text(next(fields)))
        else:
            current = text(field).strip()
            files[current] = []
    return {sha: tuple(names) for sha, names in files.items()}


def _patches(git: GitCommand, asked: bytes, shas: AbstractSet[str]) -> dict[str, str]:
    words = ("diff-tree", "--stdin", "--root", "-p", "--no-renames", "--no-ext-diff", "--no-textconv")
    with SpooledTemporaryFile[bytes](max_size=4 << 20) as spool:
        answer = git.ask(*words, stdin=asked, to=spool)
        if answer.status != 0 or answer.timed_out:
            raise local_error(answer, "diff-tree", None)
        spool.seek(0)
        return dict(_cut_apart(spool, shas))


def _cut_apart(lines: IO[bytes], shas: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """The patch of each commit. A commit's own line is its sha; no line of a patch is: each has a mark first."""
    current, kept, size = "", list[bytes](), 0
    starts = True  # whether this piece is the start of a line: long lines come in pieces
    for piece in iter(lambda: lines.readline(LONGEST_PATCH), b""):
        named = piece.strip().decode("utf-8", "replace")
        if starts and named in shas:
            if current:
                yield current, _patch(kept, size)
            current, kept, size = named, [], 0
        else:
            if size <= LONGEST_PATCH:
                kept.append(piece)
            size += len(piece)
        starts = piece.endswith(b"\n")
    if current:
        yield current, _patch(kept, size)


def _patch(kept: Sequence[bytes], size: int) -> str:
    whole = redacted(text(b"".join(kept)))
    return whole if size <= LONGEST_PATCH and len(whole) <= LONGEST_PATCH else whole[: LONGEST_PATCH - len(CUT)] + CUT
