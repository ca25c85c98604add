"""The whole loop on an application that is not ours, with every part real, judged by what left the daemon's process."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from daemon.clock import SystemClock
from demo.forge_api import OpenPullRequest
from tests.parts.dockerd import ensure_dockerd
from tests.parts.flaskr.commits import AFTER, BAD, BEFORE
from tests.parts.flaskr.image import left_of
from tests.parts.flaskr.source import TESTS
from tests.parts.flaskr.stage import FULL_NAME, FlaskrStage, flaskr_stage

T = TypeVar("T")
TRACKWALKER = (sys.executable, "-P", "-c", "from daemon.main import main; main()")
HEALTHY_S = 10.0  # live traffic before the bad deploy
REVIEW_S = 22.0  # what the reviewer takes: long enough to know how bad it is, at a reading each 5 s
LOOK_S = 0.25
MOST_LINES = 60


@contextmanager
def daemon(config: Path) -> Generator[subprocess.Popen[bytes]]:
    """The daemon as a process of its own; ended by SIGTERM, and to end well."""
    with (config.parent / "daemon.log").open("wb") as log:
        process = subprocess.Popen([*TRACKWALKER, "run", "--config", config], stdout=log, stderr=log, cwd=config.parent)
    try:
        yield process
        process.terminate()
        assert process.wait(timeout=30) == 0, log_of(config.parent)
    finally:
        process.kill()
        process.wait()


def said(config: Path, *words: str) -> Any:  # noqa: ANN401 - a JSON document
    """What a command prints for programs."""
    command = [*TRACKWALKER, *words, "--config", str(config), "--json"]
    told = subprocess.run(command, cwd=config.parent, capture_output=True, text=True, check=False, timeout=60)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def log_of(folder: Path) -> str:
    return (folder / "daemon.log").read_text()[-3000:]


def asked(stage: FlaskrStage, path: str) -> Any:  # noqa: ANN401 - a JSON document
    """What the forge's API shows of the repository."""
    url = f"{stage.forge_url}/api/v3/repos/{FULL_NAME}{path}"
    with httpx.Client(trust_env=False) as client:
        return client.get(url, headers={"Authorization": f"Bearer {stage.token}"}).raise_for_status().json()


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def until(
    stage: FlaskrStage, process: "subprocess.Popen[bytes]", scene: str, seconds: float, look: Callable[[], T]
) -> T:
    """Look until there is something, and check that every part lives meanwhile."""
    for _ in range(int(seconds / LOOK_S)):
        if found := look():
            return found
        stage.check()
        assert process.poll() is None, log_of(stage.folder)
        pause(LOOK_S)
    raise AssertionError(f"waited {seconds:.0f} s for {scene}, in vain:\n{log_of(stage.folder)}")


def break_it(stage: FlaskrStage) -> str:
    """Merge the bad pull request among innocent ones, and deploy them all; the sha of its merge."""
    stage.developers.merge_pull_request(BEFORE)
    bad = stage.developers.merge_pull_request(BAD)
    stage.deployer.deploy(stage.developers.merge_pull_request(AFTER))
    return bad


def stages_told(stage: FlaskrStage, number: int) -> list[str]:
    """The first word of each comment: Merged, Deployed, Worked."""
    return [
        comment["body"].split("**")[1].split()[0].strip(".:") for comment in asked(stage, f"/issues/{number}/comments")
    ]


def folded(body: str, summary: str) -> str:
    found = re.search(rf"<details><summary>{summary}</summary>(.*?)</details>", body, re.DOTALL)
    assert found is not None, body
    return found[1]


def is_shown_well(stage: FlaskrStage, found: OpenPullRequest, bad: str) -> None:
    """The pull request as a reviewer sees it: the exact revert, and why, and how it was proved."""
    pull = asked(stage, f"/pulls/{found.number}")
    body = pull["body"]
    files = {file["filename"] for file in asked(stage, f"/pulls/{found.number}/files")}
    assert {"flaskr/blog.py", "flaskr/templates/blog/index.html"} == files
    assert pull["title"].startswith("Revert")
    assert BAD.title in pull["title"]
    assert {"trackwalker", "trackwalker:revert"} == {label["name"] for label in pull["labels"]}
    assert not pull["draft"]
    assert len(body.splitlines()) <= MOST_LINES, body
    assert "**proved**" in body
    verified = folded(body, "Verified")
    assert "| Reproduction | exit 1 | exit 0 | **passed**" in verified
    assert f"| What passed still passes | {TESTS} passed | {TESTS} passed | **passed**" in verified
    why = folded(body, "Why we think so")
    assert bad[:7] in why
    assert "ZeroDivisionError" in why
    assert "flaskr/blog.py" in why
    assert "OverflowError" not in body  # an old error of flaskr's, which goes on as before


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_bad_merge_of_flaskr_is_found_proved_reverted_and_judged(tmp_path: Path) -> None:
    ensure_dockerd()
    with flaskr_stage(tmp_path, SystemClock()) as stage:
        with daemon(stage.config) as process:
            pause(HEALTHY_S)
            assert {"stray 500"} >= {what for what in list(stage.visitors.counts) if what.endswith(" 500")}
            bad = break_it(stage)
            (case,) = until(stage, process, "a case", 60, lambda: said(stage.config, "cases", "list"))
            (found,) = until(
                stage, process, "a pull request", 90, lambda: stage.api.open_pull_requests(label="trackwalker")
            )
            is_shown_well(stage, found, bad)
            assert stage.visitors.counts["read 500"] > 0
            pause(REVIEW_S)
            merged = stage.reviewer.merge_next(within=20)
            assert found.number == merged.number
            stage.deployer.deploy(merged.sha)
            until(stage, process, "the marker", 60, lambda: "Deployed" in stages_told(stage, found.number))
            until(stage, process, "the judgement", 150, lambda: len(stages_told(stage, found.number)) > 2)
            assert stages_told(stage, found.number) == ["Merged", "Deployed", "Worked"]
        shown = said(stage.config, "cases", "show", case["id"])
        assert (shown["phase"], shown["outcome"]["ending"]) == ("closed", "worked"), shown
        (lesson,) = said(stage.config, "lessons")
        assert (case["id"], "worked") == (lesson["case"], lesson["ending"])
        assert BAD.title in lesson["text"]
        assert stage.visitors.counts["read 200"] > 0
        assert left_of(stage.image) == []
