"""SIGHUP: the file is read again by the running daemon, and either all of it is in force or nothing has changed."""

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
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from cases.case import Case, Phase
from cases.moments import EPOCH
from config.credentials import secrets_in
from config.load import load
from config.wording import key
from daemon.clock import SystemClock
from daemon.home import at_home
from daemon.ledger.ledger import open_ledger
from daemon.reload import Hangups, hearing_hangups
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
def daemon(folder: Path) -> Generator[Daemon]:
    words = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run"]
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


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
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


def test_a_file_in_force_a_refused_one_and_the_next(place: Place) -> None:
    place.hub.commit("Open the shop", {"README.md": b"hello\n"})
    with daemon(place.folder) as it:
        url = it.url
        it.polls(2)

        # Refused as a whole, although what it says of the threshold could be used: the old one stays in force.
        place.watch("threshold: 0.1, severity: urgent, sorce: main")
        it.hang_up()
        refused = "reload refused: conf.d/watch.yaml:2: watch[0]."
        assert [line.split(refused)[1] for line in it.says(refused, 2)] == [
            'severity: "urgent" is not page, ticket or note; write severity: page',
            "sorce: is not a known key; did you mean source?",
        ]
        it.hang_up()
        it.says(refused, 4)
        it.polls(3)
        assert it.metric("trackwalker_config_reload_ok") == 0
        (told,) = it.says("trackwalker.yaml was refused; the old settings stay")  # once, though it was read twice
        assert "urgent" in told
        assert place.case() is None

        # What only a restart can change, a secret that is not there, an image that is not there.
        place.watch("threshold: 0.5")
        place.write(store="sqlite:///other.db")
        it.hang_up()
        said = "store: cannot change while the daemon runs: it needs a restart; restart it, or write store:"
        it.says(f'trackwalker.yaml:1: {said} "sqlite:///trackwalker.db"')
        place.write(links={"grafana": "https://grafana.example"}, api={"listen": "127.0.0.1:0", "token": "env:ABSENT"})
        it.hang_up()
        it.says("reload refused: api.token: the environment variable ABSENT is not set")
        repository = {**place.document["repositories"][0], "sandbox": {"image": "no-such-image"}}
        place.write(repositories=[repository])
        it.hang_up()
        it.says("no-such-image")
        it.polls(2)
        assert it.metric("trackwalker_config_reload_ok") == 0

        # Taken: the same process at the same port, which goes on counting.
        counted = it.metric("trackwalker_polls_total")
        place.write()
        place.watch("threshold: 0.1")
        it.hang_up()
        it.says("are in force")
        it.says("shop/errors reads 0.2")
        assert it.metric("trackwalker_config_reload_ok") == 1
        assert it.metric("trackwalker_polls_total") > counted
        assert {line.rsplit(" ", 1)[1] for line in it.says("own health at", 2)} == {url}

        it.hang_up()
        it.says("what is in force already")
        place.write(runtime={"executor": "inline"})
        it.hang_up()
        it.hang_up()
        it.says("are in force", 2)

        place.watch("threshold: 0.16")
        it.hang_up()
        assert it.end() < 5
        assert it.process.returncode == 0
    assert "Traceback" not in "\n".join(it.lines)


@pytest.mark.long
def test_a_trial_in_hand_comes_to_its_end_or_is_taken_up_again(place: Place) -> None:
    now = int((SystemClock().now() - EPOCH) / timedelta(seconds=1))
    place.hub.commit("Open the shop", {"shop.txt": b"good\n"}, at=now - 3000)
    place.hub.commit("Close the shop", {"shop.txt": b"bad\n"}, at=now - 60)
    here = {"test": "true", **place.document["repositories"][0]}
    slow = [{**here, "reproduce": "sleep 100"}]
    brisk = [{**here, "reproduce": "sleep 1; grep -q good shop.txt"}]
    more = {"deploys": [{"merge": {"delay": "1s"}}], "detection": {"step": "1s", "recent": "30s"}}
    place.watch("threshold: 0.1")
    place.write(repositories=slow, **more)
    with daemon(place.folder) as it:
        (drafted,) = it.says("→ drafted")
        case_id = drafted.split("case ")[1][:8]
        place.tries(it)
        place.write(repositories=brisk, **more)
        it.hang_up()
        it.says(f"the present step of {case_id} ends first")
        it.polls(2)  # it goes on watching meanwhile
        assert it.end() < 5
        assert it.process.returncode == 0
    assert place.containers() == set()
    case = place.case()
    assert case is not None
    assert (case.id, case.phase, case.trials) == (case_id, Phase.DRAFTED, ())

    with daemon(place.folder) as it:
        place.tries(it)
        place.watch("threshold: 0.11")
        it.hang_up()
        it.says(f"the present step of {case_id} ends first")
        it.says("are in force")
        it.says(f"case {case_id}: drafted → proved")
        last = place.case()
        assert last is not None
        assert (last.id, len(last.trials)) == (case_id, 1)
        assert it.end() < 5
    assert "Traceback" not in "\n".join(it.lines)


def test_a_hangup_is_answered_once_and_the_old_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with hearing_hangups() as hangups:
        assert hangups.pending() is False
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert [hangups.pending(), hangups.pending()] == [True, False]
    assert before is signal.getsignal(signal.SIGHUP)
    assert Hangups().pending() is False


def test_every_secret_of_a_file_is_found() -> None:
    path = Path(__file__).parents[1] / "config" / "full.yaml"
    found = {str(secret) for _, secret in secrets_in(load(path))}
    written = set(re.findall(r"\b(?:env:\w+|file:/[\w/]+|cmd:\w+)", yaml.dump(yaml.safe_load(path.read_text()))))
    assert written
    assert {secret.split(" ")[0] for secret in found} == written
    assert "forge.token" in {key(loc) for loc, _ in secrets_in(load(path))}
