"""The demo as a user runs it, on a machine with neither Prometheus nor Docker, and with both."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parts.dockerd import ensure_dockerd

LONGEST_S = 180
PULL_REQUEST_S = 10
HIDDEN = ("prometheus", "promtool", "docker", "dockerd")


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("bare", [True, False])
def test_the_whole_story_happens_in_time(tmp_path: Path, bare: bool) -> None:  # noqa: FBT001 - pytest's parameter
    environment = {**os.environ, "HOME": str(tmp_path)}
    if bare:
        programs = tmp_path / "bin"
        programs.mkdir()
        for folder in os.environ["PATH"].split(os.pathsep):
            for program in Path(folder).glob("*") if Path(folder).is_dir() else ():
                if program.name not in HIDDEN and not (programs / program.name).exists():
                    (programs / program.name).symlink_to(program)
        environment |= {"PATH": str(programs), "DOCKER_HOST": "unix:///nowhere/docker.sock"}
        assert shutil.which("prometheus", path=str(programs)) is None
    else:
        ensure_dockerd()
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-P", "-c", "from daemon.main import main; main()", "demo", "--json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert time.monotonic() - began < LONGEST_S
    told = json.loads(ended.stdout)
    assert set(told) >= {"ok", "story", "parts", "timeline", "case", "pull_request", "outcome", "lesson"}
    assert told["ok"] is True
    assert told["outcome"]["ending"] == "worked"
    assert told["pull_request"]["opened_after_seconds"] <= PULL_REQUEST_S
    assert ("recorder" in told["parts"]["telemetry"]) is bare
    assert ("process" in told["parts"]["sandbox"]) is bare
    assert (tmp_path / "demo-out" / "story.png").exists()


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_value_set_wrong_is_put_back_by_one_line_as_a_draft(tmp_path: Path) -> None:
    ensure_dockerd()
    ended = subprocess.run(
        [
            *(sys.executable, "-P", "-c", "from daemon.main import main; main()"),
            *("demo", "--json", "--story", "wrong-value"),
        ],
        cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout)
    assert (told["story"], told["outcome"]["ending"]) == ("wrong-value", "worked")
    (change,) = told["case"]["changes"]
    assert change["kind"] == "configuration"
    assert change["title"].startswith("Restore pool_size to 6 in config/shop.yaml")
    said = [line["what"] for line in told["timeline"]]
    assert any("correlated, not reproduced" in line for line in said)
    assert any(line.endswith("is open, as a draft") for line in said)
