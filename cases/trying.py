"""What a sandbox is ordered to try, and what it reports."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of the target repository, run by `sh -c` at the top of its tree."""

    name: str  # test, reproduce, setup
    line: str
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOrder:
    """One tree to run commands on, one after the other, in one throwaway container.

    key      labels whatever is started for it, so that it can be reaped
    tree     an uncompressed tar of the repository's tree
    """

    key: str
    image: str
    tree: bytes
    commands: tuple[Command, ...]
    memory_mib: int = 512
    cpus: float = 1.0
    pids: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReport:
    """What one command did.

    exit_code  None when it did not end by itself
    ended      "exited", "timed out", "out of memory" or "killed: …"
    output     its last characters, both streams, bounded
    tests      test id → "passed" | "failed" | "skipped", where the command left a JUnit report; else empty
    """

    name: str
    exit_code: int | None
    ended: str
    output: str
    seconds: float
    tests: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What a trial order came to: the reports of the commands that were run, in order."""

    commands: tuple[CommandReport, ...]
    seconds: float  # in all
    own_seconds: float  # of which inside the target's own commands
