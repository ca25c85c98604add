"""Child processes of the demo: started in a session of their own, watched, and always taken down."""

import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.errors import ProcessError

LAST_LINES = 15
PATIENCE = 5.0
"""Seconds that a child gets to end by itself before it is killed."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now. Whoever uses it must still check who answers there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: int, path: str, *, timeout: float = 2.0) -> tuple[int, bytes]:
    """GET a path of a server on 127.0.0.1; return status and body.

    Raises OSError or http.client.HTTPException when nobody, or nobody sane, answers within `timeout` seconds.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


class Child:
    """One process whose output goes to a log file.

    It gets a session of its own, so that Ctrl-C reaches only the demo, which then stops its children in order.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._folder = folder
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id; raises ProcessError before the start."""
        if self._process is None:
            raise ProcessError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        """Start the process; its output is appended to the log file."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise ProcessError, with the end of its log, if the process is not alive."""
        if self._process is None or self._process.poll() is not None:
            status = None if self._process is None else self._process.returncode
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])
            raise ProcessError(f"{self.name} is not running (status {status}); the end of {self.log}:\n{tail}")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Ask `ready` every 20 ms until it is true; a refused connection means not yet. Raises ProcessError."""
        pause = threading.Event()
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                if ready():
                    return
                last = "it answers, but not as it should"
            except (OSError, http.client.HTTPException) as error:
                last = f"{type(error).__name__}: {error}"
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} was not ready after {seconds:g} s ({last}); see {self.log}")
            pause.wait(0.02)

    def stop(self) -> None:
        """End the process: ask, wait, then kill. Does nothing when it is gone already."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
