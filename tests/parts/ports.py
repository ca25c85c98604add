"""Ports for the tests of one step: a forge that stands still, whatever sandbox the test wants, a ledger of its own."""

import tempfile
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cases.change import FileEdit, Part, Reverted
from cases.diagnosis import Commit
from cases.marks import Ci, ProofReport
from cases.merging import Obstacle
from cases.ports import Forge, LanguageModel, Logs, Sandbox
from cases.pull_request import Board, Comment, OpenWork, PullRequest, Remark, ShownChange
from cases.steps import Receipt
from config.settings import Settings
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from detectors.suspects import rank
from remediation.ports import Ports
from signals.deploys import AllMarkers
from signals.recorded import NoLogs
from tests.parts.nouns import NOW


class StillForge:
    """A repository with one commit at its head, on which nothing may be written."""

    def __init__(self, head: str) -> None:
        self._head = head

    def head(self, repository: str) -> str:
        del repository
        return self._head

    def commits(self, repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        del repository, since, until
        return ()

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        del repository
        return sha == ancestor

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        return repr((repository, base, edits)).encode()

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository, sha, path
        return None

    def part(self, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
        return Part(repository=repository, base=base, edits=tuple(edits), diff="", added=0, removed=0)

    def tagged(self, repository: str, tag: str) -> str | None:
        del repository, tag
        return None

    def revert(self, repository: str, base: str, commit: str, first: str = "") -> Reverted:
        raise AssertionError(f"nobody may revert {first}..{commit} of {repository} on {base}")

    def came_with(self, repository: str, sha: str) -> tuple[str, ...]:
        del repository
        return (sha,)

    def push(self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str) -> Receipt:
        raise AssertionError(f"nobody may push {branch} of {repository} ({base}, {edits}, {message})")

    def find_pull_request(self, repository: str, branch: str) -> PullRequest | None:
        del repository, branch
        return None

    def open_pull_request(
        self, repository: str, branch: str, title: str, body: str, labels: Sequence[str], *, draft: bool
    ) -> Receipt:
        raise AssertionError(f"nobody may open {branch} of {repository} ({title}, {body}, {labels}, {draft})")

    def to_draft(self, repository: str, branch: str) -> Receipt:
        raise AssertionError(f"nobody may draft {branch} of {repository}")

    def comment(self, repository: str, branch: str, key: str, body: str) -> Receipt:
        raise AssertionError(f"nobody may comment on {branch} of {repository} ({key}, {body})")

    def comments(self, repository: str, branch: str) -> tuple[Comment, ...]:
        del repository, branch
        return ()

    def to_ready(self, repository: str, branch: str) -> Receipt:
        raise AssertionError(f"nobody may show {branch} of {repository}")

    def update(
        self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str, onto: str
    ) -> Receipt:
        raise AssertionError(f"nobody may push {branch} of {repository} ({base}, {edits}, {message}, {onto})")

    def conflicts(self, repository: str, sha: str) -> tuple[str, ...]:
        del repository, sha
        return ()

    def remarks(self, repository: str, branch: str) -> tuple[Remark, ...]:
        del repository, branch
        return ()

    def reply(self, repository: str, branch: str, remark: int, key: str, body: str) -> Receipt:
        raise AssertionError(f"nobody may answer {remark} on {branch} of {repository} ({key}, {body})")

    def react(self, repository: str, comment: int, word: str) -> Receipt:
        raise AssertionError(f"nobody may put {word} under {comment} of {repository}")

    def rewrite(self, repository: str, branch: str, body: str) -> Receipt:
        raise AssertionError(f"nobody may rewrite {branch} of {repository} ({body})")

    def relabel(self, repository: str, branch: str, add: Collection[str], remove: Collection[str]) -> Receipt:
        raise AssertionError(f"nobody may label {branch} of {repository} ({add}, {remove})")

    def board(self, repository: str) -> Board | None:
        del repository
        return None

    def write_board(self, repository: str, title: str, body: str, seen: str | None) -> Receipt:
        raise AssertionError(f"nobody may write the board of {repository} ({title}, {body}, {seen})")

    def show(self, repository: str, branch: str, title: str, body: str) -> Receipt:
        raise AssertionError(f"nobody may show {branch} of {repository} ({title}, {body})")

    def shown(self, repository: str) -> tuple[ShownChange, ...]:
        del repository
        return ()

    def hide(self, repository: str, branch: str, key: str, body: str, *, done: bool) -> Receipt:
        raise AssertionError(f"nobody may hide {branch} of {repository} ({key}, {body}, {done})")

    def store_plot(
        self, repository: str, path: str, content: bytes, beside: Mapping[str, str] | None = None
    ) -> Receipt:
        raise AssertionError(f"nobody may store {path} in {repository} ({len(content)} B, {sorted(beside or ())})")

    def plot_url(self, repository: str, path: str) -> str:
        return f"http://127.0.0.1/{repository}/{path}"

    def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        del repository
        return ()

    def open_work(self, repository: str, paths: Collection[str]) -> tuple[OpenWork, ...]:
        del repository, paths
        return ()

    def ci(self, repository: str, sha: str) -> Ci:
        del repository
        return Ci(sha=sha, checks=())

    def report_proof(self, repository: str, branch: str, base: str, report: ProofReport) -> Receipt:
        raise AssertionError(f"nobody may report {report.key} on {branch} of {repository} ({base})")

    def request_reviewers(
        self, repository: str, branch: str, owners: Sequence[str], culprit: tuple[str, ...]
    ) -> Receipt:
        raise AssertionError(f"nobody may ask {owners} or {culprit} about {branch} of {repository}")

    def obstacles(self, repository: str, branch: str, sha: str) -> tuple[Obstacle, ...]:
        del repository, branch, sha
        return ()

    def merge(self, repository: str, branch: str, sha: str, message: str) -> Receipt:
        raise AssertionError(f"nobody may merge {branch} of {repository} ({sha}, {message})")

    def permissions(self, repository: str) -> tuple[tuple[str, bool, str], ...]:
        del repository
        return ()


@contextmanager
def some_ports(
    *,
    settings: Settings,
    sandbox: Sandbox,
    head: str,
    forge: Forge | None = None,
    logs: Logs | None = None,
    model: LanguageModel | None = None,
) -> Generator[Ports]:
    """Ports on a ledger of their own, at the examples' moment."""
    clock = ManualClock(NOW)
    with tempfile.TemporaryDirectory() as folder, open_ledger(f"sqlite:///{Path(folder)}/l.db", clock=clock) as ledger:
        yield Ports(
            clock=clock,
            settings=settings,
            signals={},
            changes=AllMarkers(parts=()),
            rank=rank,
            forge=forge or StillForge(head),
            sandbox=sandbox,
            lessons=ledger.lessons,
            cases=ledger.cases,
            outbox=ledger.outbox,
            receivers=("log",),
            logs=logs or NoLogs(),
            watched=settings.watched,
            model=model,
        )
