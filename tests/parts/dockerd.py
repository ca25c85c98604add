"""A real Docker engine for the tests, with the base image on it. Without one they fail: see `make machine`."""

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

from cases.errors import TemporaryError
from sandbox.base_image import ensure_base_image
from sandbox.engine import Engine

READY_SECONDS = 30
ENDING_SECONDS = 20


@cache
def ensure_dockerd() -> None:
    """Start dockerd unless an engine answers; the one that was started here is stopped when the tests end."""
    if _answers():
        return
    program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert program is not None, "no Docker engine answers, and there is no dockerd to start: run `make machine`"
    assert os.geteuid() == 0, "no Docker engine answers, and only root can start dockerd"
    log = Path(tempfile.mkdtemp(prefix="trackwalker-dockerd-")) / "log"
    with log.open("wb") as output:
        engine = subprocess.Popen([program], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    atexit.register(_stop, engine, log)
    by = time.monotonic() + READY_SECONDS
    while not _answers():
        assert engine.poll() is None, f"dockerd ended: {log.read_text()[-2000:]}"
        assert time.monotonic() < by, f"dockerd is not ready after {READY_SECONDS} s: {log.read_text()[-2000:]}"
        threading.Event().wait(0.1)


@cache
def base_image() -> str:
    """The base image's name on a running engine."""
    ensure_dockerd()
    return ensure_base_image()


def containers(label: str) -> set[str]:
    """The names of the containers with that label."""
    with Engine() as engine:
        return {found.name for found in engine.labelled(label)}


def _answers() -> bool:
    try:
        with Engine(patience_s=5):
            return True
    except TemporaryError:
        return False


def _stop(engine: "subprocess.Popen[bytes]", log: Path) -> None:
    engine.terminate()
    engine.wait(ENDING_SECONDS)
    shutil.rmtree(log.parent)
