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
class Companion:
    """A server that the commands of a trial need beside them, such as a database: a container of its own.

    It shares the trial's network, which holds nothing but a loopback: the commands reach it on 127.0.0.1, and by its
    name; nobody else does, and it reaches nobody else. In `environment`, `offers` and `ready` these are replaced:
    `{host}`, `{port}`, `{user}`, `{password}` (random, another one each trial) and `{database}`.

    port         where it listens; once something does, and `ready` is None, it counts as ready
    ready        a command for `sh -c` inside it that exits 0 once it is ready; None: see `port`
    environment  variables of its own
    offers       variables that the trial's commands get
    memory_mib   its memory, in MiB, beside that of the trial
    writable     paths in it that must be writable: each is a temporary file system, as are the image's volumes
    """

    name: str
    image: str
    port: int | None = None
    ready: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    offers: tuple[tuple[str, str], ...] = ()
    memory_mib: int = 256
    writable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOrder:
    """One tree to run commands on, one after the other, in one throwaway container.

    key         labels whatever is started for it, so that it can be reaped
    tree        an uncompressed tar of the repository's tree
    companions  what runs beside it, and ends with it
    """

    key: str
    image: str
    tree: bytes
    commands: tuple[Command, ...]
    memory_mib: int = 512
    cpus: float = 1.0
    pids: int = 128
    companions: tuple[Companion, ...] = ()


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
