"""One throwaway container at work: the tree goes in, commands run, bounded records come out."""

import selectors
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event

from cases.errors import PermanentError, TemporaryError
from cases.trying import Command, CommandReport
from sandbox.engine import Engine
from sandbox.limits import REPORT_BYTES, TEMPORARY, USER, WORK, pytest_options
from sandbox.output import Frames, Tail
from sandbox.results import CONTAINER_ENDED, OUT_OF_MEMORY, TIMED_OUT, UNREADABLE, End, end_of
from sandbox.stream import CHUNK, Stream

UNPACK_SECONDS = 60.0
COLLECT_SECONDS = 20.0
ENDING_SECONDS = 2.0
ASK_SECONDS = 1.0  # how often the engine is asked whether a command that keeps its stream open has ended
FIRST_PAUSE_SECONDS = 0.01
NOT_STARTED = 126  # from here on a shell's and an engine's own codes begin

# Each waits for its standard input: output that comes before the stream is attached would be lost. A command's two
# outputs are one pipe, so that they stay in order. A report that the tree holds already is nobody's answer.
RUN = 'read -r go; rm -f -- "$2"; exec /bin/sh -c "$1" </dev/null 2>&1'
UNPACK = f'read -r size; head -c "$size" | tar -xf - -C {WORK}'
# The kernel's own count of kills for memory (cgroup v2, v1), then the first report that is a plain file, then the end.
COLLECT = (
    "IFS= read -r own; IFS= read -r ours; "
    "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null; "
    'echo "==report=="; for f in "$own" "$ours"; do if [ -f "$f" ]; then exec head -c "$1" "$f"; fi; done'
)
BOUNDARY = b"==report==\n"
UNPACKING = ("/bin/sh", "-c", UNPACK)
COLLECTING = ("/bin/sh", "-c", COLLECT, "sh", str(REPORT_BYTES + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One exec: its exit code, its last output, and how long it took.

    `exit_code` is None when it did not end by itself: its container is `gone`, or time ran out and it may still run.
    """

    exit_code: int | None
    gone: bool
    output: Tail
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A command that was started, and waits for its input."""

    exec_id: str
    stream: Stream


class Container:
    """A started container. After a command timed out nothing more can be asked of it: it must be removed."""

    def __init__(self, engine: Engine, name: str, user: str = USER) -> None:
        self._engine = engine
        self._name = name
        self._user = user
        self._kills = 0  # for want of memory, so far
        self._commands = 0
        self._begun: dict[Sequence[str], Begun] = {}

    def prepare(self) -> None:
        """Start ahead what every order needs once, so that it waits for nothing but its input."""
        try:
            for argv in (UNPACKING, COLLECTING):
                self._begun[argv] = self._begin(argv, {})
        except BaseException:  # the first of them may have begun
            self.hang_up()
            raise

    def hang_up(self) -> None:
        """Close what was started ahead and not used."""
        while self._begun:
            self._begun.popitem()[1].stream.close()

    def unpack(self, tree: bytes) -> None:
        """Unpack a tar at the working folder. Raises PermanentError when it does not fit or is no tar."""
        ran = self.execute(UNPACKING, (f"{len(tree)}\n".encode(), tree), UNPACK_SECONDS)
        gone = ran.gone or (_not_its_own(ran.exit_code) and self._ends())
        if gone or ran.exit_code is None:
            why = "its container ended" if gone else f"it took more than {UNPACK_SECONDS:.0f} s"
            raise TemporaryError(f"the tree could not be unpacked in the sandbox: {why}; it is tried again")
        if ran.exit_code != 0:
            raise PermanentError(
                f"the tree ({len(tree) / 1024 / 1024:.1f} MiB) could not be unpacked in the sandbox; raise "
                f"sandbox.memory_mib if it does not fit. tar said: {ran.output.text()[-400:].strip()}"
            )

    def run(self, command: Command, environment: Mapping[str, str] | None = None) -> CommandReport:
        """Run a command of the repository to its end, or to its time limit."""
        self._commands += 1
        path = f"{TEMPORARY}/trackwalker-junit-{self._commands}.xml"
        own = f"{WORK}/{command.report}" if command.report else ""
        argv = ("/bin/sh", "-c", RUN, "sh", command.line, own)
        env = {**(environment or {}), **pytest_options(path)}
        ran = self.execute(argv, (b"\n",), command.timeout.total_seconds(), env=env)
        told = CommandReport(
            name=command.name, exit_code=None, ended=TIMED_OUT, output=ran.output.text(), seconds=ran.seconds
        )
        if ran.exit_code is not None:
            return self._collected(told, ran, (own, path))
        return self._without_container(told) if ran.gone else told

    def _collected(self, told: CommandReport, did: Ran, paths: tuple[str, str]) -> CommandReport:
        """Complete a report with what the container holds of the command: kills for memory, and a report of tests."""
        ran = self._collect(paths)
        kernel, boundary, left = ran.output.content().partition(BOUNDARY)
        if ran.gone or (_not_its_own(ran.exit_code) and self._ends()):
            return self._without_container(told)
        if ran.exit_code != 0 or not boundary:
            return replace(told, ended=UNREADABLE)  # it may never have started; its exit code alone proves nothing
        kills = _kills(kernel)
        end = end_of(did.exit_code or 0, short_of_memory=kills > self._kills)
        self._kills = kills
        from sandbox.reports.reading import read, spoken  # with five formats: needed with the first report
        from sandbox.reports.report import UnreadableReport

        try:
            found = read(left) if left else spoken(did.output)
        except UnreadableReport as unreadable:
            return _noted(told, end, f"its report was not read: {unreadable}")
        return replace(told, exit_code=end.exit_code, ended=end.ended, tests=found.tests, messages=found.messages)

    def _collect(self, paths: tuple[str, str]) -> Ran:
        """Read it out; once more where the process that waited for it since before the command did not live to."""
        ahead = COLLECTING in self._begun
        asked = ("".join(f"{path}\n" for path in paths).encode(),)
        ran = self.execute(COLLECTING, asked, COLLECT_SECONDS, Tail(REPORT_BYTES + CHUNK))
        if ahead and (ran.gone or ran.exit_code != 0 or BOUNDARY not in ran.output.content()):
            return self.execute(COLLECTING, asked, COLLECT_SECONDS, Tail(REPORT_BYTES + CHUNK))
        return ran

    def _without_container(self, told: CommandReport) -> CommandReport:
        """Complete the report of a command whose container ended under it. Raises TemporaryError if it was removed."""
        self._ends()
        state = self._engine.state(self._name)
        if state is None:
            raise TemporaryError(f"the container was removed while {told.name!r} ran in it; run the trial again")
        return replace(told, ended=OUT_OF_MEMORY if state.short_of_memory else CONTAINER_ENDED)

    def _ends(self) -> bool:
        """Whether the container has ended. The engine may take a moment to say so after its processes are gone."""
        by = time.monotonic() + ENDING_SECONDS
        while (state := self._engine.state(self._name)) and state.running and time.monotonic() < by:
            Event().wait(FIRST_PAUSE_SECONDS)
        return state is None or not state.running

    def execute(
        self,
        argv: Sequence[str],
        stdin: Sequence[bytes],
        seconds: float,
        output: Tail | None = None,
        *,
        env: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run one command with its input, reading its output to the end or to the time limit, whichever is first."""
        began = time.monotonic()
        output = output or Tail()
        exit_code, gone = None, False
        try:
            begun = self._begun.pop(argv, None) or self._begin(argv, env or {})
            try:
                with self._engine.talking():
                    ended = self._converse(begun, stdin, Frames(output), began + seconds)
            finally:
                begun.stream.close()
            exit_code = self._exit_code(begun.exec_id, began + seconds) if ended else None
        except TemporaryError:
            # Engines word it in many ways that the container is gone; an engine that is gone raises here as well.
            gone = self._ends()
            if not gone:
                raise
        return Ran(exit_code=exit_code, gone=gone, output=output, seconds=time.monotonic() - began)

    def _begin(self, argv: Sequence[str], env: Mapping[str, str]) -> Begun:
        exec_id = self._engine.execute(self._name, argv, env, self._user)
        return Begun(exec_id=exec_id, stream=self._engine.attach(exec_id))

    def _exit_code(self, exec_id: str, deadline: float) -> int | None:
        """The exit code of a command that has closed its output; some do so and go on, until the deadline (None)."""
        pause = FIRST_PAUSE_SECONDS
        while (code := self._engine.exit_code(exec_id)) is None and time.monotonic() < deadline:
            Event().wait(pause)
            pause = min(2 * pause, ASK_SECONDS)
        return code

    def _converse(self, begun: Begun, stdin: Sequence[bytes], frames: Frames, deadline: float) -> bool:
        """Write the input and read the output until the command has ended (True) or the deadline came (False).

        A process that the command left behind may hold the stream open, quiet or flooding: so the engine is asked
        for the exit code now and then, too.
        """
        stream = begun.stream
        unsent = [memoryview(piece) for piece in stdin]
        ask_at = time.monotonic() + ASK_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while (now := time.monotonic()) < deadline:
                if now >= ask_at:
                    if self._engine.exit_code(begun.exec_id) is not None:
                        return True
                    ask_at = time.monotonic() + ASK_SECONDS
                for _, events in selector.select(min(ask_at, deadline) - now):
                    if events & selectors.EVENT_READ and not _received(stream, frames):
                        return True
                    if events & selectors.EVENT_WRITE:
                        unsent = _sent(stream, unsent)
                        if not unsent:
                            selector.modify(stream, selectors.EVENT_READ)
        return False


def _received(stream: Stream, frames: Frames) -> bool:
    """Take what is there; False at the end of the stream."""
    while (chunk := stream.receive()) is not None:
        if not chunk:
            return False
        frames.feed(chunk)
        if not stream.held_back():
            break
    return True


def _sent(stream: Stream, unsent: list[memoryview]) -> list[memoryview]:
    """Send a piece; what is left. Nothing is once nobody reads any more: the command has ended, and will say how."""
    try:
        rest = unsent[0][stream.send(unsent[0]) :]
    except BrokenPipeError:
        return []
    return [rest, *unsent[1:]] if rest else unsent[1:]


def _not_its_own(exit_code: int | None) -> bool:
    """Whether an exit code says that a command could not be started, or that something ended it."""
    return exit_code is not None and exit_code >= NOT_STARTED


def _kills(kernel: bytes) -> int:
    """The kernel's count of processes killed for memory, as both cgroup versions write it; 0 where it is not shown."""
    for line in kernel.splitlines():
        word, _, count = line.partition(b" ")
        if word == b"oom_kill" and count.isdigit():
            return int(count)
    return 0


def _noted(told: CommandReport, end: End, note: str) -> CommandReport:
    return replace(told, exit_code=end.exit_code, ended=end.ended, output=f"{told.output}\n[trackwalker: {note}]")
