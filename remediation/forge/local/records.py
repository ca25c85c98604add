"""What the local forge knows besides git: pull requests, comments, labels, reviews, statuses. One SQLite file."""

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """An issue or a pull request. Times are `2026-01-02T03:04:05Z` or "". `head` is "" for an issue.

    head_sha  the tip of `head` when it was last seen: git is asked first as long as the branch is there
    """

    id: int
    repository: str
    number: int
    title: str
    body: str
    author: str
    created: str
    updated: str
    state: str = "open"
    closed: str = ""
    closed_by: str = ""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    head: str = ""
    base: str = ""
    head_sha: str = ""
    base_sha: str = ""
    draft: bool = False
    merged: str = ""
    merged_by: str = ""
    merge_sha: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment in a thread. `updated` is "" for one that was never edited."""

    id: int
    repository: str
    number: int
    author: str
    body: str
    created: str
    updated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review of a pull request; `state` as GitHub has it: APPROVED, CHANGES_REQUESTED, COMMENTED, PENDING."""

    id: int
    repository: str
    number: int
    author: str
    body: str
    state: str
    sha: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineComment:
    """A comment on a line of a pull request. `answers` is the first of its thread; 0 where it is that one."""

    id: int
    repository: str
    number: int
    author: str
    body: str
    path: str
    line: int
    sha: str
    answers: int
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What somebody thinks of a comment: `+1`, `eyes` and others of GitHub's."""

    id: int
    repository: str
    comment: int
    author: str
    content: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label that the repository knows."""

    id: int
    repository: str
    name: str
    color: str
    description: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What some tool says of a commit."""

    id: int
    repository: str
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    author: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One run of a check on a commit."""

    id: int
    repository: str
    sha: str
    name: str
    status: str
    conclusion: str | None
    external_id: str
    details_url: str | None
    title: str | None
    summary: str | None
    text: str | None
    started: str
    completed: str | None
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment that was asked for."""

    id: int
    repository: str
    sha: str
    ref: str
    task: str
    environment: str
    description: str | None
    payload: str
    author: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """What became of a deployment; `state` as GitHub has it."""

    id: int
    repository: str
    deployment: int
    state: str
    description: str
    environment: str
    author: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborator:
    """What somebody may do in a repository, where it was said: admin, write, read, none. Everybody else may write."""

    id: int
    repository: str
    login: str
    permission: str
    created: str


Record = TypeVar(
    "Record",
    Thread,
    Comment,
    Review,
    LineComment,
    Reaction,
    Label,
    Status,
    CheckRun,
    Deployment,
    DeploymentStatus,
    Collaborator,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    repository TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS records_by_kind ON records (repository, kind);
"""


class Records:
    """The records of every repository under one root, durable. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._database.close()

    def now(self) -> str:
        """The forge's clock is its database's."""
        with self._lock:
            return str(self._database.execute("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')").fetchone()[0])

    def later(self, than: str) -> str:
        """Now, and never the same second: what changed right after it was made shows that it did."""
        with self._lock:
            newest = "SELECT max(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), strftime('%Y-%m-%dT%H:%M:%SZ', ?, '+1 second'))"
            return str(self._database.execute(newest, (than,)).fetchone()[0])

    def add(self, kind: type[Record], repository: str, make: Callable[[int, str], Record]) -> Record:
        """Store what `make(id, now)` gives and return it."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                found = self._database.execute(
                    "INSERT INTO records (kind, repository, content) VALUES (?, ?, '') RETURNING id",
                    (kind.__name__, repository),
                ).fetchone()
                record = make(int(found[0]), self.now())
                self.save(record)
            return record

    def save(self, record: Record) -> Record:
        """Store the record in place of the one with its id."""
        with self._lock:
            content = json.dumps(asdict(record))
            self._database.execute("UPDATE records SET content = ? WHERE id = ?", (content, record.id))
            return record

    def remove(self, record: Any) -> None:  # noqa: ANN401 - any of the kinds
        """Take the record with its id away."""
        with self._lock:
            self._database.execute("DELETE FROM records WHERE id = ?", (record.id,))

    def all(self, kind: type[Record], repository: str) -> list[Record]:
        """The records of a kind, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT content FROM records WHERE repository = ? AND kind = ? AND content <> '' ORDER BY id",
                (repository, kind.__name__),
            ).fetchall()
        return [kind(**_lists_to_tuples(json.loads(row[0]))) for row in rows]

    def found(self, kind: type[Record], record_id: int) -> Record | None:
        """The record of that kind and id, whatever its repository."""
        with self._lock:
            row = self._database.execute(
                "SELECT content FROM records WHERE id = ? AND kind = ? AND content <> ''", (record_id, kind.__name__)
            ).fetchone()
        return None if row is None else kind(**_lists_to_tuples(json.loads(row[0])))

    def next_number(self, repository: str) -> int:
        """The number for the next issue or pull request: one row of numbers for both, as on GitHub."""
        return max((thread.number for thread in self.all(Thread, repository)), default=0) + 1

    def thread(self, repository: str, number: int) -> Thread | None:
        """The issue or pull request of that number."""
        return next((t for t in self.all(Thread, repository) if t.number == number), None)


def _lists_to_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples: these two fields are."""
    return fields | {name: tuple(fields[name]) for name in ("labels", "reviewers") if name in fields}
