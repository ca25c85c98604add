"""The command line from outside: what it prints, what it ends with, what it needs."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from remediation.forge.local.server import serve
from sandbox.base_image import ensure_base_image
from tests.parts.dockerd import ensure_dockerd
from tests.parts.hub import Hub
from tests.parts.prometheus import running_prometheus
from tests.parts.settings import a_document

TOKEN = "made-up-token-0123456789"
IDLE_MB = 73  # of its own; 97 to 107 with the pages of libraries, more or fewer


def trackwalker(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a folder of its own."""
    return subprocess.run(
        command(*words), cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def command(*words: str) -> list[str]:
    return [sys.executable, "-P", "-c", "from daemon.main import main; main()", *words]


def test_help_is_quick_and_lists_every_command(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = trackwalker("--help", folder=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert shown.returncode == 0
    for word in ("init", "check", "run", "demo", "cases", "pause", "resume", "forge", "approve"):
        assert f"  {word} " in shown.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 0.4


@pytest.mark.parametrize(
    "word",
    [
        "init",
        "discover",
        "check",
        "run",
        "demo",
        "cases",
        "approve",
        "reject",
        "guide",
        "pause",
        "resume",
        "lessons",
        "templates",
        "forge",
        "image",
    ],
)
def test_every_command_explains_itself(tmp_path: Path, word: str) -> None:
    shown = trackwalker(word, "--help", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "Usage:" in shown.stdout


def test_init_writes_once_and_what_it_wrote_is_valid(tmp_path: Path) -> None:
    first = trackwalker("init", folder=tmp_path)
    assert first.returncode == 0
    written = (tmp_path / "trackwalker.yaml").read_text()
    second = trackwalker("init", folder=tmp_path)
    assert second.returncode == 2
    assert "is there already" in second.stderr
    assert (tmp_path / "trackwalker.yaml").read_text() == written
    assert trackwalker("cases", folder=tmp_path).stdout.startswith("no cases")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("run",), 2, "trackwalker.yaml: there is no such file; run `trackwalker init`"),
        (("check", "--config", "nowhere.yaml"), 2, "nowhere.yaml: there is no such file"),
        (("cases", "show", "12345678"), 2, "there is no case 12345678"),
        (("approve", "12345678"), 2, "there is no case 12345678"),
        (("nonsense",), 2, "No such command 'nonsense'"),
        (("forge", "--root", "missing"), 2, "missing is no folder"),
    ],
)
def test_bad_use_is_one_clear_message(tmp_path: Path, words: tuple[str, ...], status: int, said: str) -> None:
    if words[0] in {"cases", "approve"}:
        assert trackwalker("init", folder=tmp_path).returncode == 0
    ended = trackwalker(*words, folder=tmp_path)
    assert ended.returncode == status
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_bad_config_is_refused_at_its_lines(tmp_path: Path) -> None:
    (tmp_path / "trackwalker.yaml").write_text("signals: {prometheus: [{name: main, url: nowhere}]}\nwatch: []\n")
    ended = trackwalker("run", folder=tmp_path)
    assert ended.returncode == 2
    assert "trackwalker.yaml:1: signals.prometheus[0].url" in ended.stderr
    assert "trackwalker.yaml:2: watch" in ended.stderr


@dataclass
class Around:
    """Everything a daemon needs, on this machine."""

    folder: Path
    document: dict[str, Any]
    hub: Hub

    def write(self, **changes: Any) -> None:  # noqa: ANN401 - keys of a configuration
        (self.folder / "trackwalker.yaml").write_text(json.dumps({**self.document, **changes}))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return trackwalker(*words, folder=self.folder, TOKEN=TOKEN)


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Around]:
    ensure_dockerd()
    ensure_base_image()
    hub = Hub(tmp_path / "forge").create()
    sha = hub.commit("Open the shop", {"README.md": b"hello\n"}, at=int(time.monotonic()) + 1_700_000_000)
    (tmp_path / "prometheus").mkdir()
    with (
        running_prometheus(tmp_path / "prometheus") as prometheus,
        serve(tmp_path / "forge", "127.0.0.1:0", TOKEN, readers=("reader",)) as served,
    ):
        (tmp_path / "work").mkdir()
        document = a_document(
            signals={"prometheus": [{"name": "main", "url": prometheus.url}]},
            # a query that has readings at every moment, and a marker that names the commit
            watch=[{"name": "errors", "service": "shop", "query": "vector(0.01)", "harm": "up"}],
            repositories=[{"name": "shop", "url": f"{served.url}/acme/shop.git", "full_name": "acme/shop"}],
            deploys=[{"merge": {"delay": "2m"}}],
            forge={"api_url": served.api_url, "token": "env:TOKEN"},
            api={"listen": "127.0.0.1:0"},
            cycle="1s",
        )
        assert sha
        it = Around(folder=tmp_path / "work", document=document, hub=hub)
        it.write()
        yield it


def test_check_reaches_everything_and_says_what_falls_short(around: Around) -> None:
    fine = around.run("check", "--json")
    findings = json.loads(fine.stdout)["findings"]
    short = [(finding["system"], finding["said"]) for finding in findings if not finding["ok"]]
    # its one commit is years old
    assert [system for system, _ in short] == ["deploys[0] merge and delay", "deploys of shop"]
    assert fine.returncode == 1
    assert {"source main", "watch shop/errors", "repository shop", "sandbox"} <= {f["system"] for f in findings}

    around.write(signals={"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}]})
    down = around.run("check")
    assert down.returncode == 3
    assert "refuses connections" in " ".join(down.stdout.replace("│", "").split())

    around.write(forge={**around.document["forge"], "token": "env:ABSENT"})
    unset = around.run("check")
    assert unset.returncode == 1
    assert "ABSENT is not set" in " ".join(unset.stdout.replace("│", "").split())


def test_without_a_docker_engine_run_refuses(around: Around) -> None:
    ended = trackwalker("run", folder=around.folder, TOKEN=TOKEN, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert ended.returncode == 3
    assert "Docker engine" in ended.stderr
    assert "Traceback" not in ended.stderr
    around.write(sandbox={"runtime": "process"})
    refused = around.run("run")
    assert refused.returncode == 2
    assert "only `trackwalker demo` uses it" in refused.stderr


def test_an_idle_daemon_is_small_answers_and_ends_in_order(around: Around) -> None:
    process = subprocess.Popen(
        command("run"), cwd=around.folder, env={**os.environ, "TOKEN": TOKEN}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    url = ""
    for line in process.stderr:
        if "own health at" in line:
            url = line.rsplit(" ", 1)[1].strip()
            break
    try:
        _wait_for_polls(url, 5)
        assert json.loads(_get(f"{url}/healthz")) == {"ok": True}
        assert json.loads(_get(f"{url}/readyz"))["ready"] is True
        assert "trackwalker_blind_signals 0.0" in _get(f"{url}/metrics")
        memory = psutil.Process(process.pid).memory_info()
        assert (memory.rss - memory.shared) / 1e6 <= IDLE_MB
        assert "Nothing waits for a human" in _get(f"{url}/"), "pages are loaded when somebody comes"
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        process.communicate(timeout=10)
    assert time.monotonic() - began < 5
    assert process.returncode == 0


def test_a_prometheus_that_is_away_makes_it_blind_and_not_ready(around: Around) -> None:
    around.write(signals={"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}]})
    ended = around.run("run", "--cycles", "2")
    assert ended.returncode == 0
    assert "shop/errors is blind" in ended.stderr
    assert "refuses connections" in ended.stderr


def test_pause_and_resume_are_kept_in_the_ledger(around: Around) -> None:
    assert around.run("pause", "--reason", "maintenance").stdout.startswith("paused")
    assert around.run("resume").stdout == "resumed\n"
    assert around.run("resume").stdout == "it was not paused\n"


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - an address of this test
        return answer.read().decode()


def _wait_for_polls(url: str, polls: int) -> None:
    for _ in range(200):
        text = _get(f"{url}/metrics")
        counted = [line for line in text.splitlines() if line.startswith("trackwalker_polls_total")]
        if sum(float(line.rsplit(" ", 1)[1]) for line in counted) >= polls:
            return
        time.sleep(0.1)  # noqa: TID251 - waits for another process
    raise AssertionError("the daemon does not poll")
