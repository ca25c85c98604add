"""The platform under the shop, with real processes."""

import os
import signal
import subprocess
import sys
import threading
from http import HTTPStatus
from pathlib import Path

import psutil
import pytest

from demo.deployment import Deployer
from demo.errors import ProcessError
from demo.faults import AFTER, BEFORE, Commit, WholeFile
from demo.load import UNANSWERED, Load
from demo.processes import get
from demo.repository import Clone

WORLD = """
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from demo.deployment import Deployer
from demo.history import make_history
from demo.load import Load
from demo.repository import Clone
from demo.telemetry import open_telemetry

signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite that runs in the background has it ignored
root, bare = Path(sys.argv[1]), sys.argv[2]
sha = Clone(root / "clone", url=bare).head()
history = make_history(end=datetime.now(UTC), revision=sha)
with Deployer(root / "platform", url=bare) as platform:
    platform.deploy(sha)
    with Load(platform.port), open_telemetry(
        root / "telemetry", target_port=platform.port, history=history, now=lambda: datetime.now(UTC)
    ):
        print("running", flush=True)
        Event().wait(30)
"""


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every process whose command line or working folder lies in that folder."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            places = [process.cwd(), *process.cmdline()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if process.pid != os.getpid() and any(str(folder) in place for place in places):
            found.append(process)
    return found


def test_merges_pile_up_while_it_holds_and_go_out_together(tmp_path: Path, bare: Path, clone: Clone) -> None:
    base = clone.head()
    with Deployer(tmp_path / "platform", url=str(bare)) as platform:
        platform.deploy(base)
        assert f'build_info{{service="shop",revision="{base}"}} 1' in get(platform.port, "/metrics")[1].decode()
        clone.merge(BEFORE)
        both = clone.merge(AFTER)
        assert platform.running == base
        platform.follow()
        with Load(platform.port, rate=50) as load:
            platform.wait_for(both, within=10)
            assert load.counts.get(UNANSWERED, 0) < 50  # the gap between two releases is under a second
            threading.Event().wait(0.3)
        assert {path.name for path in (tmp_path / "platform/releases").iterdir()} == {base, both}
        platform.hold()
        assert load.counts["200"] > 0
    assert processes_of(tmp_path) == []
    with pytest.raises(ConnectionRefusedError):
        get(platform.port, "/healthz")


def test_a_release_that_dies_is_an_error_that_shows(tmp_path: Path, bare: Path, clone: Clone) -> None:
    def outlive() -> None:
        with Deployer(tmp_path / "platform", url=str(bare)) as platform:
            platform.deploy(clone.head())
            (shop,) = processes_of(tmp_path / "platform")
            shop.kill()
            with pytest.raises(ProcessError, match="status -9"):
                platform.wait_for("another sha", within=5)

    with pytest.raises(ProcessError, match="is not running"):
        outlive()
    assert processes_of(tmp_path) == []


def test_a_release_that_cannot_start_shows_its_last_words(tmp_path: Path, bare: Path, clone: Clone) -> None:
    broken = Commit(
        title="Break it", body="", edits=(WholeFile(path="shop/__main__.py", text="import no_such_part\n"),)
    )
    sha = clone.merge(broken)
    with (
        Deployer(tmp_path / "platform", url=str(bare)) as platform,
        pytest.raises(ProcessError, match="No module named 'no_such_part'"),
    ):
        platform.deploy(sha)
    assert processes_of(tmp_path) == []


def test_load_is_bounded() -> None:
    with pytest.raises(ValueError, match="between 0 and 100 requests a second"):
        Load(1, rate=101)


def test_ctrl_c_leaves_no_process(tmp_path: Path, bare: Path) -> None:
    command = [sys.executable, "-c", WORLD, str(tmp_path), str(bare)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=Path.cwd()
    ) as world:
        assert world.stdout is not None
        assert world.stdout.readline() == "running\n"
        assert len(processes_of(tmp_path)) == 3  # itself, the shop and Prometheus
        os.killpg(world.pid, signal.SIGINT)
        _, said = world.communicate(timeout=10)
    assert "KeyboardInterrupt" in said
    assert "Error" not in said
    assert processes_of(tmp_path) == []


def test_health_is_told_by_the_release_itself(tmp_path: Path, bare: Path, clone: Clone) -> None:
    sha, others = clone.head(), set(threading.enumerate())
    with Deployer(tmp_path / "platform", url=str(bare)) as platform:
        platform.deploy(sha)
        status, body = get(platform.port, "/healthz")
        assert status == HTTPStatus.OK
        assert sha.encode() in body
    assert set(threading.enumerate()) <= others
