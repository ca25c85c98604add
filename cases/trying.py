"""What a sandbox is ordered to try, and what it reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of the target repository, run by `sh -c` at the top of its tree.

    report  a file of the tree in which it leaves what each test came to; "" where it leaves none but pytest's own
    """

    name: str  # test, reproduce, lint, bench
    line: str
    timeout: timedelta
    report: str = ""


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
    tests      test id → "passed" | "failed" | "skipped", where the command left a report that can be read; else empty
    messages   test id → the last of what it failed with, of some of those that failed, where the report says it
    """

    name: str
    exit_code: int | None
    ended: str
    output: str
    seconds: float
    tests: tuple[tuple[str, str], ...] = ()
    messages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What a trial order came to: the reports of the commands that were run, in order."""

    commands: tuple[CommandReport, ...]
    seconds: float  # in all
    own_seconds: float  # of which inside the target's own commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the image of a repository's trials is made of: one that is there, and what `setup` adds to it.

    repository  whose it is; newer images of the same push out older ones
    image       what it begins with
    setup       the command that adds to it, with a network; "" adds nothing
    files       path → content: all that `setup` sees of the repository. They decide which image it is
    room_mib    what it may add, in MiB
    network     the engine's network that it is given
    secrets     variables of its environment, revealed when it starts; never of the image's, nor of any trial's
    login       user and password for the registry that `image` is fetched from; None: it must be there
    build       False: only look whether it is there
    """

    repository: str
    image: str
    setup: str = ""
    files: tuple[tuple[str, bytes], ...] = ()
    timeout: timedelta = timedelta(minutes=15)
    memory_mib: int = 512
    cpus: float = 1.0
    pids: int = 128
    room_mib: int = 1024
    network: str = "bridge"
    secrets: Mapping[str, Callable[[], str]] = field(default_factory=dict[str, Callable[[], str]])
    login: Callable[[], tuple[str, str]] | None = None
    build: bool = True
