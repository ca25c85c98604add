"""A real `trackwalker run` in a folder of its own, with a real Prometheus and the forge; and what it says meanwhile."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases.case import Case
from daemon.home import at_home
from daemon.ledger.ledger import open_ledger
from remediation.forge.local.server import serve
from tests.parts.dockerd import base_image, containers
from tests.parts.hub import Hub
from tests.parts.prometheus import running_prometheus
from tests.parts.settings import a_document

TOKEN = "made-up-token-0123456789"
PATIENCE_S = 20.0


@dataclass
class Daemon:
    """A real `trackwalker run`, and what it has logged so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list[str])

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

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
    def url(self) -> str:
        return self.says("own health at")[0].rsplit(" ", 1)[1]

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own address
            text = answer.read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

    def polls(self, more: int) -> None:
        """Wait for that many further polls."""
        goal, by = self.metric("trackwalker_polls_total") + more, time.monotonic() + PATIENCE_S
        while self.metric("trackwalker_polls_total") < goal:
            assert time.monotonic() < by, "it does not poll:\n" + "\n".join(self.lines)
            threading.Event().wait(0.05)

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
            sys.stderr.write("\n".join(started.lines))  # shown when the test fails


@dataclass
class Place:
    """A folder with a configuration, the watches of which are in a file of their own."""

    folder: Path
    document: dict[str, Any]
    hub: Hub
    owner: str

    def write(self, **changes: Any) -> None:  # noqa: ANN401 - keys of a configuration
        whole = {**self.document, "include": "conf.d/*.yaml", **changes}
        (self.folder / "trackwalker.yaml").write_text(json.dumps(whole))

    def watch(self, more: str) -> None:
        (self.folder / "conf.d").mkdir(exist_ok=True)
        text = f"watch:\n  - {{name: errors, service: shop, query: vector(0.2), harm: up, {more}}}\n"
        (self.folder / "conf.d" / "watch.yaml").write_text(text)

    def case(self) -> Case | None:
        with open_ledger(f"sqlite:///{self.folder}/trackwalker.db") as ledger:
            return next(iter(ledger.cases.listed(1)), None)

    def containers(self) -> set[str]:
        return containers(f"trackwalker.owner={self.owner}")

    def tries(self, it: Daemon) -> None:
        """Wait until a trial runs."""
        by = time.monotonic() + PATIENCE_S
        while not self.containers():
            assert time.monotonic() < by, "nothing is tried:\n" + "\n".join(it.lines)
            threading.Event().wait(0.05)


@contextmanager
def a_place(tmp_path: Path) -> Generator[Place]:
    """A Prometheus, a forge with an empty repository, and a configuration that watches one number."""
    base_image()
    hub = Hub(tmp_path / "forge").create()
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "work").mkdir()
    with (
        running_prometheus(tmp_path / "prometheus") as prometheus,
        serve(tmp_path / "forge", "127.0.0.1:0", TOKEN) as served,
    ):
        document = a_document(
            "observe",
            signals={"prometheus": [{"name": "main", "url": prometheus.url}]},
            repositories=[{"name": "shop", "url": f"{served.url}/acme/shop.git", "full_name": "acme/shop"}],
            forge={"api_url": served.api_url, "token": "env:TOKEN"},
            api={"listen": "127.0.0.1:0"},
            cycle="200ms",
        )
        del document["watch"]
        with at_home(tmp_path / "work") as home:  # the daemon finds the same slot free
            owner = home.name
        it = Place(folder=tmp_path / "work", document=document, hub=hub, owner=owner)
        it.write()
        it.watch("threshold: 0.5")
        yield it
