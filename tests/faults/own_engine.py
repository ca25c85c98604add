"""A Docker engine of a test's own, to be killed, stopped and started again; the machine's own engine is never touched.

It lives in namespaces of its own (network, mounts, processes), below an init that takes everything along when it ends.
Without a network namespace of its own, an engine that is told to do without a bridge would delete the other's.
"""

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.docker import engine_answers
from sandbox.engine import Engine

IMAGE = "trackwalker-tiny:1"
PROGRAMS = ("sh", "tar", "head", "cat", "rm", "sleep", "grep", "touch", "yes", "ls", "true")  # what a trial is made of
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
LONGEST_LIFE = "300"  # seconds, should the test itself be killed
READY_SECONDS = 60.0


def until(true: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait for it, and say how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + seconds, "it did not happen"
        threading.Event().wait(0.02)
    return time.monotonic() - began


@dataclass
class OwnEngine:
    """An engine at `url`, with one tiny image on it. `start` again after `kill`; the containers' state is kept."""

    folder: Path
    init: int = 0
    program: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/engine.sock"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        (self.folder / "engine.pid").unlink(missing_ok=True)  # a killed one leaves its number behind
        words = ["nsenter", "--target", str(self.init), "--net", "--mount", "--pid", "--", "dockerd"]
        words += ["--host", self.url, "--data-root", f"{self.folder}/state", "--exec-root", f"{self.folder}/run"]
        words += ["--pidfile", f"{self.folder}/engine.pid", "--bridge=none", "--iptables=false", "--ip-forward=false"]
        with (self.folder / "log").open("ab") as log:
            self.program = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(lambda: engine_answers(self.url) or self._ended(), READY_SECONDS)

    def kill(self) -> None:
        """End it as a crash would: what it started goes on."""
        assert self.program is not None
        os.kill(self._pid(), signal.SIGKILL)
        self.program.wait(10)

    def hang(self) -> None:
        """Keep it from answering anything."""
        os.kill(self._pid(), signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        assert self.program is not None
        os.kill(self._pid(), signal.SIGCONT)
        self.program.send_signal(signal.SIGCONT)  # nsenter stands still with its child

    def containers(self) -> set[str]:
        """The names of the sandbox's containers on it."""
        with Engine(self.url) as engine:
            return {found.name for found in engine.labelled("trackwalker=sandbox")}

    def _pid(self) -> int:
        """The engine's own process: the one that nsenter became the parent of."""
        assert self.program is not None
        (child,) = _children(self.program.pid)
        return child

    def _ended(self) -> bool:
        assert self.program is not None
        assert self.program.poll() is None, (self.folder / "log").read_text()[-2000:]
        return False


@contextmanager
def own_engine() -> Generator[OwnEngine]:
    """Run one until the end of the block; then nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="trackwalker-engine-"))  # a socket's path is short, pytest's are not
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    inside = subprocess.Popen(
        [*words, "docker-init", "--", "sleep", LONGEST_LIFE], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(lambda: _children(inside.pid))
    engine = OwnEngine(folder, init=_children(inside.pid)[0])
    try:
        engine.start()
        with Engine(engine.url) as connection:
            connection.import_image("trackwalker-tiny", "1", iter([_tiny_image()]), ["ENV PATH=/usr/bin:/bin"])
        yield engine
    finally:
        os.kill(engine.init, signal.SIGKILL)  # every process of its namespace goes with it
        if engine.program is not None:
            engine.program.send_signal(signal.SIGCONT)  # should the test have ended while it was to hang
        inside.wait(60)
        if engine.program is not None:
            engine.program.wait(60)
        shutil.rmtree(folder)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _tiny_image() -> bytes:
    """A tar of a shell, a few programs, and the libraries that they ask for."""
    found = {str(Path(shutil.which(name, path=PATH) or name).resolve()): name for name in PROGRAMS}
    listed = subprocess.run(["ldd", *found], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout
    libraries = {path for path in re.findall(r"(/\S+) \(0x", listed) if not path.startswith("/proc")}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for folder in ("tmp", "work", "dev", "proc", "sys"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for path, name in found.items():
            tar.add(path, f"bin/{name}")
        for path in sorted(libraries):
            tar.add(path, path.lstrip("/"))
    return buffer.getvalue()
