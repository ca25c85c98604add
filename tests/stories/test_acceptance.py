"""The demo's story with every part real, and the daemon ended by SIGKILL at each phase it comes to."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from cases.case import Phase
from cases.outcome import Ending
from daemon.clock import SystemClock
from daemon.home import at_home
from daemon.ledger.ledger import open_ledger
from daemon.stage import FULL_NAME, Stage, staged
from daemon.story import Telling, play
from sandbox.containers import OWNER_LABEL
from tests.parts.dockerd import ensure_dockerd

STRUCK = (Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.PROPOSED, Phase.MERGED, Phase.DEPLOYED)


@dataclass
class Striker:
    """Runs the daemon as its own process, and kills it the first time that a case is seen in each phase."""

    struck: list[Phase] = field(default_factory=list[Phase])
    lives: int = 0

    @contextmanager
    def __call__(self, config: Path) -> Generator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._live, args=(config, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _live(self, config: Path, over: threading.Event) -> None:
        with open_ledger(f"sqlite:///{config.parent}/trackwalker.db") as ledger:
            while not over.is_set():
                self.lives += 1
                with (config.parent / "daemon.log").open("a") as log:
                    process = subprocess.Popen(
                        [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run", "--config", config],
                        stdout=log,
                        stderr=log,
                        cwd=config.parent,
                    )
                written = 0
                while process.poll() is None and not over.wait(0.02):
                    if written == (written := _written(config.parent)):
                        continue
                    phases = {case.phase for case in ledger.cases.listed()}
                    fresh = next((phase for phase in STRUCK if phase in phases and phase not in self.struck), None)
                    if fresh is not None:
                        self.struck.append(fresh)
                        os.kill(process.pid, signal.SIGKILL)
                process.terminate()
                process.wait(timeout=20)


def _written(folder: Path) -> int:
    """When the daemon last wrote to its store: asked far more often than cases can be read."""
    log = folder / "trackwalker.db-wal"
    return log.stat().st_mtime_ns if log.exists() else 0


def comments(stage: Stage, number: int) -> list[str]:
    token = (stage.folder / "forge-token").read_text()
    url = f"{stage.forge_url}/api/v3/repos/{FULL_NAME}/issues/{number}/comments"
    with httpx.Client(trust_env=False) as client:
        listed = client.get(url, headers={"Authorization": f"Bearer {token}"}).json()
    return [comment["body"] for comment in listed]


@pytest.mark.timeout(300)
def test_the_story_ends_the_same_whenever_the_daemon_is_killed(tmp_path: Path) -> None:
    ensure_dockerd()
    clock = SystemClock()
    striker = Striker()
    telling = Telling(clock=clock, say=lambda at, what: print(f"{at:%H:%M:%S} {what}"))  # noqa: T201 - shown on failure
    with staged(tmp_path, clock, prometheus=True, docker=True) as stage:
        told = play(stage, telling, striker)
        assert told.case.outcome is not None
        assert told.case.outcome.ending is Ending.WORKED
        # the proof takes the case from drafted to proved in one breath, so a phase may pass unseen: most are struck
        assert len(striker.struck) >= 5, striker.struck
        assert striker.lives == len(striker.struck) + 1
        number = told.pull_request["number"]
        assert stage.api.open_pull_requests(label="trackwalker") == ()
        stages = [body.split("**")[1].split()[0].strip(".:") for body in comments(stage, number)]
        assert stages == ["Merged", "Deployed", "Worked"]
        assert [m for m in stage.pager.messages if "pull request for" in m]
    with at_home(tmp_path) as home:  # other tests have containers of their own meanwhile
        owned = f"label={OWNER_LABEL}={home.name}"
    left = subprocess.run(["docker", "ps", "-aq", "--filter", owned], capture_output=True, text=True, check=True)
    assert left.stdout.split() == []
    assert (tmp_path / "story.png").stat().st_size > 5_000
