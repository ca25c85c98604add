"""Real daemons in processes of their own, and a place for them: a configuration, a store and a forge."""

import json
import os
import re
import signal
import socket
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

from remediation.forge.local.server import serve
from tests.parts.hub import Hub
from tests.parts.settings import a_document

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
    """A real `trackwalker run`, and what it has logged so far."""

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
            assert time.monotonic() < by, f"{words!r} was not said; what was:\n" + "\n".join(self.lines)
            assert self.process.poll() is None, "it ended:\n" + "\n".join(self.lines)
            threading.Event().wait(0.02)

    @property
    def text(self) -> str:
        """All that it logged."""
        return "\n".join(self.lines)

    def notices(self) -> list[dict[str, Any]]:
        """What the log's receiver was told."""
        told = [line[line.index("{") :] for line in self.lines if "trackwalker.notice" in line]
        return [json.loads(line) for line in told]

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        url = self.says("own health at")[0].rsplit(" ", 1)[1]
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:  # noqa: S310 - our own address
            text = answer.read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

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


@dataclass
class Place:
    """A folder with a configuration and a store."""

    folder: Path
    document: dict[str, Any]
    hub: Hub

    @property
    def store(self) -> str:
        """The address of the store that all its daemons share."""
        return f"sqlite:///{self.folder}/trackwalker.db"

    @contextmanager
    def daemon(self, **changes: Any) -> Generator[Daemon]:  # noqa: ANN401 - keys of a configuration
        """Start one, with settings of its own; it is killed at the end of the block."""
        number = len(list(self.folder.glob("*.yaml")))
        config = self.folder / f"daemon-{number}.yaml"
        config.write_text(json.dumps({**self.document, **changes}))
        words = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run", "--config", str(config)]
        with subprocess.Popen(
            words, cwd=self.folder, env={**os.environ, "TOKEN": TOKEN}, stderr=subprocess.PIPE, text=True
        ) as process:
            started = Daemon(process)
            reader = threading.Thread(target=started.read)
            reader.start()
            try:
                yield started
            finally:
                process.kill()
                reader.join()
                sys.stderr.write(f"daemon {number}:\n{started.text}\n")  # shown when the test fails


@contextmanager
def a_place(folder: Path, prometheus: str, **more: Any) -> Generator[Place]:  # noqa: ANN401 - keys of a configuration
    """A shop whose errors are out of range as soon as anybody looks; the daemons turn quickly."""
    hub = Hub(folder / "forge").create()
    (folder / "work").mkdir()
    with serve(folder / "forge", "127.0.0.1:0", TOKEN) as served:
        document = a_document(
            "pull_request",
            **{
                "store": f"sqlite:///{folder}/work/trackwalker.db",
                "signals": {"prometheus": [{"name": "main", "url": prometheus}]},
                "repositories": [{"name": "shop", "url": f"{served.url}/acme/shop.git", "full_name": "acme/shop"}],
                "forge": {"api_url": served.api_url, "token": "env:TOKEN", "write_spacing": "1ms"},
                "watch": [
                    {"name": "errors", "service": "shop", "query": "vector(0.2)", "harm": "up", "threshold": 0.1}
                ],
                "deploys": [{"merge": {"delay": "1s"}}],
                "detection": {"step": "1s", "recent": "30s"},
                "api": {"listen": "127.0.0.1:0"},
                "cycle": "200ms",
                "runtime": {"lease": "1s"},
                **more,
            },
        )
        yield Place(folder=folder / "work", document=document, hub=hub)


@contextmanager
def a_hole() -> Generator[tuple[str, Callable[[], int]]]:
    """An address where connections are taken and nothing is ever answered, and how many were made there."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def take() -> None:
            while not over.is_set():
                try:
                    held.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", lambda: len(held)
        finally:
            over.set()
            thread.join()
            for one in held:
                one.close()
