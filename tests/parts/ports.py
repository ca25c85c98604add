"""Ports for the tests of one step: a forge that stands still, whatever sandbox the test wants, a ledger of its own."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cases.change import FileEdit, Part, Reverted
from cases.diagnosis import Commit
from cases.ports import Forge, LanguageModel, Logs, Sandbox
from config.settings import Settings
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from daemon.replay.as_of import ReadOnlyForge
from detectors.suspects import rank
from remediation.ports import Ports
from signals.deploys import AllMarkers
from signals.recorded import NoLogs
from tests.parts.nouns import NOW


class StillForge(ReadOnlyForge):
    """A repository with one commit at its head, on which nothing may be written: to try it is an OutwardWrite."""

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

    def plot_url(self, repository: str, path: str) -> str:
        return f"http://127.0.0.1/{repository}/{path}"

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
