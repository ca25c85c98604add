"""The demo's stories of experiments, as a user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError
from daemon.stage_checkout import CONFIG, FLAG, GOAL, HABITS, SHORTENED, installed
from tests.parts.dockerd import ensure_dockerd

GOAL_S = 5.0
"""Seconds from a breach until nobody is treated any more."""


def played(folder: Path, story: str) -> dict[str, Any]:
    ensure_dockerd()
    ended = subprocess.run(
        [*(sys.executable, "-P", "-c", "from daemon.main import main; main()"), "demo", "--json", "--story", story],
        cwd=folder, env={**os.environ, "HOME": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:] + ended.stdout[-2000:]
    told = json.loads(ended.stdout)
    assert set(told) >= {"ok", "story", "parts", "timeline", "case", "pull_request", "outcome", "lesson"}
    assert (told["ok"], told["story"]) == (True, story)
    assert told["lesson"]["text"]
    page = folder / told["page"]
    assert "checkout-abandonment" in page.read_text()
    return told


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_better_text_is_found_and_shown_to_everybody(tmp_path: Path) -> None:
    told = played(tmp_path, "checkout")
    assert told["outcome"]["ending"] == "worked"
    titles = [change["title"] for change in told["case"]["changes"]]
    assert len(titles) == 2
    assert titles[1] == f"Show {FLAG} to everybody"
    low, high = told["looks"][-1]["low"], told["looks"][-1]["high"]
    assert 0.05 < low < HABITS["Pay"].leaves - HABITS["Place my order"].leaves < high
    assert told["stopped_after_seconds"] is None
    said = [line["what"] for line in told["timeline"]]
    assert sum(line.startswith("idea ") for line in said) == 3
    assert sum("the script says reject" in line for line in said) == 2


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_text_that_does_harm_is_turned_off_at_once(tmp_path: Path) -> None:
    told = played(tmp_path, "guardrail")
    assert told["outcome"]["ending"] == "rolled back"
    assert "shop/cancelled" in told["outcome"]["because"]
    assert 0 < told["stopped_after_seconds"] <= GOAL_S
    assert [change["title"].split()[0] for change in told["case"]["changes"]] == ["Try", "Take"]


def test_what_is_missing_is_said_with_what_to_install() -> None:
    with pytest.raises(PermanentError, match=r"need no-such-package, .*install trackwalker\[experiments,duckdb\]"):
        installed(("duckdb", "no-such-package"))


def test_what_is_said_to_be_short_is_what_the_configuration_has() -> None:
    said = " ".join(SHORTENED)
    for key, word in (("shortest: 21s", "21 s"), ("settle: 5s", "5 s"), ("look_every: 1s", "each second")):
        assert key in CONFIG
        assert word in said
    assert "steps: [1]" in CONFIG
    assert "horizon: {horizon}" in GOAL
