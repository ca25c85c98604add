"""ProcessSandbox: a limited process on this host. Only the demo may use it, and only for its own bundled service.

It is no container. What it isolates depends on the machine and on who starts it: `describe` says it in plain words.
"""

import contextlib
import json
import os
import selectors
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from cases.errors import PermanentError, TemporaryError
from cases.trying import Command, CommandReport, Recipe, SandboxReport, TrialOrder
from sandbox.limits import ENVIRONMENT, FILE_BYTES, OPEN_FILES, REPORT_BYTES, check, pytest_options
from sandbox.output import Tail
from sandbox.reports.reading import read, spoken
from sandbox.reports.report import UnreadableReport
from sandbox.results import TIMED_OUT, end_of

NOBODY = 65534
PREFIX = "trackwalker-process-"
# Temporary files, home folders and sockets of this host: covered wherever the kernel allows it.
HIDDEN = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/home")  # noqa: S108 - they are what gets hidden
ADDRESS_SPACE = 4  # of it a threaded Python reserves several times what it uses
PROCESSES = 512  # counted over all processes of the user, so only where that user is nobody
DRAIN_SECONDS = 1.0
CHUNK = 65_536
PROBE_SECONDS = 20.0
UNPACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Launch:
    """What `launch.py` is asked. `isolated` asks for namespaces, in which `hidden` folders are empty but for `kept`."""

    line: str
    folder: str
    environment: dict[str, str]
    limits: dict[str, int]
    user: int | None
    isolated: bool
    hidden: tuple[str, ...]
    kept: tuple[str, ...]
    writable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The folders of one order: the tree, and a home beside it. Neither can be renamed by what runs in them."""

    base: Path

    @property
    def work(self) -> Path:
        return self.base / "work"

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def tree(self) -> Path:
        return self.base / "tree.tar"


class ProcessSandbox:
    """The port `Sandbox` without a container, for the demo alone. `order.image` and `order.cpus` do not apply."""

    def describe(self) -> str:
        """Which sandbox this is and what it does not isolate, in words for a pull request."""
        kind = "a process on this host (no container): only for the demo's own service"
        if self._isolated:
            return (
                f"{kind}. It has no network and sees no other process, no home folder and no temporary file of the "
                "host; it shares the host's kernel and reads what every user may read"
            )
        return (
            f"{kind}. It has a clean environment and limits on time, memory and files; nothing else is isolated: it "
            f"has the network, and the files of its user ({self._refusal})"
        )

    def run(self, order: TrialOrder) -> SandboxReport:
        """Run the order's commands, one after the other, in one folder; the last may be one that timed out.

        Raises PermanentError for a tree that cannot be unpacked, or when root cannot be given up.
        """
        check(order)
        self.ready(order.image)
        began = time.monotonic()
        reports: list[CommandReport] = []
        with _place() as place:
            self._unpack(order.tree, place)
            for command in order.commands:
                reports.append(self._command(order, command, place, len(reports) + 1))
                if reports[-1].ended == TIMED_OUT:
                    break
        return SandboxReport(
            commands=tuple(reports),
            seconds=time.monotonic() - began,
            own_seconds=sum(report.seconds for report in reports),
        )

    def ready(self, image: str) -> None:  # noqa: ARG002 - the port's: no image is used here
        """Raise PermanentError when root cannot be given up."""
        if self._unusable:
            raise PermanentError(
                f"the process sandbox cannot give up root on this machine ({self._unusable}); start Docker, or run the "
                "demo as an ordinary user"
            )

    def prepare(self, recipe: Recipe) -> str:
        """Nothing can be set up here. Raises PermanentError where a recipe asks for it."""
        if recipe.setup:
            raise PermanentError(f"{recipe.repository} has a setup, which only the Docker sandbox runs")
        return recipe.image

    def reap(self) -> int:
        """Remove the folders of processes that are no more."""
        left = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if not _alive(path)]
        for path in left:
            shutil.rmtree(path)
        return len(left)

    @cached_property
    def _refusal(self) -> str:
        """Why this machine gives us no namespaces, or "" when it does. Tried once, by running a Python in them."""
        if sys.platform != "linux":
            return "this system has no namespaces"
        return self._try(isolated=True)

    @property
    def _isolated(self) -> bool:
        return not self._refusal

    @cached_property
    def _unusable(self) -> str:
        """Why not even an unprivileged Python runs here, or ""."""
        return "" if self._isolated else self._try(isolated=False)

    def _try(self, *, isolated: bool) -> str:
        with _place() as place:
            launch = _launch(f"{shlex.quote(sys.executable)} -c pass", place, {}, {}, isolated=isolated)
            ran = _run(launch, PROBE_SECONDS)
        lines = ran.output.text().strip().splitlines()
        return "" if ran.exit_code == 0 else (lines[-1] if lines else "it did not start in time")

    def _unpack(self, tree: bytes, place: _Place) -> None:
        """Unpack the tar with the rights of what will run in it, so that a hostile one can do no more than that."""
        place.tree.write_bytes(tree)
        ran = _run(_launch("tar -xf ../tree.tar", place, {}, {}, isolated=self._isolated), UNPACK_SECONDS)
        place.tree.unlink()
        if ran.exit_code != 0:
            raise PermanentError(f"the tree could not be unpacked. tar said: {ran.output.text()[-400:].strip()}")

    def _command(self, order: TrialOrder, command: Command, place: _Place, number: int) -> CommandReport:
        seconds = command.timeout.total_seconds()
        path = place.home / f"trackwalker-junit-{number}.xml"
        limits = {
            "AS": order.memory_mib * ADDRESS_SPACE * 1024 * 1024,
            "CPU": int(seconds) + 1,
            "FSIZE": FILE_BYTES,
            "NOFILE": OPEN_FILES,
            "CORE": 0,
        } | ({"NPROC": PROCESSES} if os.geteuid() == 0 else {})
        launch = _launch(command.line, place, limits, pytest_options(str(path)), isolated=self._isolated)
        own = place.work / command.report if command.report else path
        if _inside(own, place.work) and own.is_file():
            own.unlink()  # a report that the tree holds already is nobody's answer
        ran = _run(launch, seconds)
        told = CommandReport(
            name=command.name, exit_code=None, ended=TIMED_OUT, output=ran.output.text(), seconds=ran.seconds
        )
        left = own if _inside(own, place.work) and own.exists() else path
        return told if ran.exit_code is None else _completed(told, ran, left)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    exit_code: int | None  # None: time ran out
    output: Tail
    seconds: float


def _launch(
    line: str, place: _Place, limits: dict[str, int], environment: dict[str, str], *, isolated: bool
) -> _Launch:
    python = Path(sys.executable).parent
    home = str(place.home)
    path = f"{python}:/usr/local/bin:/usr/bin:/bin"
    hidden = tuple(dict.fromkeys((*HIDDEN, str(Path.home()))))
    kept = tuple(dict.fromkeys((sys.prefix, sys.base_prefix)))
    return _Launch(
        line=line,
        folder=str(place.work),
        environment={**ENVIRONMENT, "HOME": home, "TMPDIR": home, "PATH": path, **environment},
        limits=limits,
        user=NOBODY if os.geteuid() == 0 else None,
        isolated=isolated,
        hidden=hidden,
        kept=tuple(each for each in kept if any(Path(each).is_relative_to(folder) for folder in hidden)),
        writable=str(place.base),
    )


def _run(launch: _Launch, seconds: float) -> _Ran:
    """Start it in a process group of its own, read its output to the end or the time limit, then kill the group."""
    began = time.monotonic()
    output = Tail()
    argv = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), json.dumps(asdict(launch))]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={}, start_new_session=True
    ) as process:
        try:
            exit_code = _follow(process, output, began + seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):  # the usual case: nothing of the group is left
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return _Ran(exit_code=exit_code, output=output, seconds=time.monotonic() - began)


def _follow(process: "subprocess.Popen[bytes]", output: Tail, deadline: float) -> int | None:
    """Read until the process has ended, and what it had written by then; its exit code, or None at the deadline."""
    if process.stdout is None:
        raise TemporaryError("a process of the sandbox started without an output")
    pipe = process.stdout.fileno()
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            if (left := deadline - time.monotonic()) <= 0:
                return None
            if selector.select(min(left, 0.05)) and not _read(pipe, output):
                with contextlib.suppress(subprocess.TimeoutExpired):  # the loop looks at the clock
                    process.wait(min(left, 0.05))
    by = time.monotonic() + DRAIN_SECONDS  # what it left behind may go on writing
    while time.monotonic() < by and _read(pipe, output):
        pass
    code = process.returncode
    return code if code >= 0 else 128 - code


def _read(pipe: int, output: Tail) -> bool:
    """Take one piece of output; False when there is none now."""
    try:
        chunk = os.read(pipe, CHUNK)
    except BlockingIOError:
        return False
    output.add(chunk)
    return bool(chunk)


def _completed(told: CommandReport, ran: _Ran, path: Path) -> CommandReport:
    # too much memory shows as the program's own MemoryError here
    end = end_of(ran.exit_code or 0, short_of_memory=False)
    told = replace(told, exit_code=end.exit_code, ended=end.ended)
    try:
        left = _plain_file(path)
        found = read(left) if left else spoken(ran.output)
        return replace(told, tests=found.tests, messages=found.messages)
    except UnreadableReport as unreadable:
        return replace(told, output=f"{told.output}\n[trackwalker: its report was not read: {unreadable}]")


def _inside(path: Path, folder: Path) -> bool:
    """Whether the folder of that path is really below this one: untrusted code may have made a link of it."""
    return path.parent.resolve().is_relative_to(folder.resolve())


def _plain_file(path: Path) -> bytes:
    """The bytes of a plain file that untrusted code may have written, or none: no link, pipe or device is followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UnreadableReport(f"it is no plain file ({error.strerror})") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UnreadableReport("it is no plain file")
        return file.read(REPORT_BYTES + 1)


@contextlib.contextmanager
def _place() -> Generator[_Place]:
    """Folders for one order, gone at the end of the block with all that is in them."""
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as base:
        place = _Place(base=Path(base))
        place.base.chmod(0o755)
        for folder in (place.work, place.home):
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder, NOBODY, NOBODY)
        yield place


def _alive(path: Path) -> bool:
    """Whether the process that made this folder still runs."""
    pid = path.name.removeprefix(PREFIX).split("-", 1)[0]
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
