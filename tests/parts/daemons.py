"""A real `trackwalker run` in a process of its own, and what it says meanwhile."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = "made-up-token-0123456789"
PATIENCE_S = 60.0


def until(true: Callable[[], object], what: str) -> None:
    """Wait for it."""
    by = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < by, f"it did not happen: {what}"
        threading.Event().wait(0.03)


@dataclass
class Daemon:
    """The process, and what it has logged so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list[str])

    def read(self) -> None:
        """Take in what it logs, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def says(self, words: str, times: int = 1) -> list[str]:
        """Wait until that many lines hold the words; those lines."""
        by = time.monotonic() + PATIENCE_S
        while True:
            found = [line for line in self.lines if words in line]
            if len(found) >= times:
                return found
            assert time.monotonic() < by, f"{words!r} was not said; what was:\n{self.text}"
            assert self.process.poll() is None, f"it ended:\n{self.text}"
            threading.Event().wait(0.02)

    @property
    def text(self) -> str:
        """All that it logged."""
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.says("own health at")[0].rsplit(" ", 1)[1]

    def notices(self) -> list[dict[str, Any]]:
        """What the log's receiver was told."""
        told = [line[line.index("{") :] for line in self.lines if "trackwalker.notice" in line]
        return [json.loads(line) for line in told]

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own address
            text = answer.read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

    def polls(self, more: int) -> None:
        """Wait for that many further polls."""
        goal = self.metric("trackwalker_polls_total") + more
        until(lambda: self.metric("trackwalker_polls_total") >= goal, f"it polls; what it said:\n{self.text}")

    def hang_up(self) -> None:
        """SIGHUP: read the configuration again."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Let it stand still, as a machine that is suspended does."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on as if nothing had been."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> float:
        """SIGTERM; the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=PATIENCE_S)
        return time.monotonic() - began


@contextmanager
def daemon(folder: Path, config: str = "trackwalker.yaml") -> Generator[Daemon]:
    """Started now; killed at the end of the block when it still runs."""
    words = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run", "--config", config]
    environment = {**os.environ, "TOKEN": TOKEN}
    with subprocess.Popen(words, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        started = Daemon(process)
        reader = threading.Thread(target=started.read)
        reader.start()
        try:
            yield started
        finally:
            process.kill()
            reader.join()
            sys.stderr.write(f"{config}:\n{started.text}\n")  # shown when the test fails
