"""One soak: a world, a daemon in a process of its own, and a sample every few seconds."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from daemon.clock import SystemClock
from daemon.home import at_home
from tests.faults.soak.pace import PacedClock
from tests.faults.soak.samples import Outcome, Sample, Watcher, outcome
from tests.faults.soak.world import World, a_world
from tests.parts.dockerd import containers

LOOK = 5.0  # seconds between two samples
ENDING = 30.0
ROOT = Path(__file__).resolve().parents[3]


def live(config: Path, origin: str, zero: str, speed: str) -> None:
    """Be the daemon: as `trackwalker run` is, but on a clock that runs faster."""
    from daemon.arenas import keep_little

    keep_little()
    from config.load import load
    from daemon.endings import ending_on_signals
    from daemon.observe.logs import log_to_stderr
    from daemon.reload import run

    settings = load(config)
    log_to_stderr(form=settings.observe.log)
    clock = PacedClock(datetime.fromisoformat(origin), float(zero), float(speed))
    with ending_on_signals(clock) as ending:
        run(settings, config, clock, ending=ending)


def soak(
    folder: Path,
    *,
    minutes: float,
    speed: float,
    every: float,
    model: bool = True,
    say: Callable[[Sample, World], None] = lambda _, __: None,
) -> tuple[Outcome, list[Sample], World]:
    """Let a daemon live for so long, and judge what was seen of it."""
    machine = SystemClock()
    samples: list[Sample] = []
    with a_world(folder, speed=speed, every=every, model=model) as world:
        with at_home(folder, str(folder / "home")) as home:  # the daemon finds the same slot free
            label = f"trackwalker.owner={home.name}"
        log = folder / "log"
        with log.open("wb") as lines, subprocess.Popen(_words(world), cwd=ROOT, env=_around(world), stderr=lines) as it:
            try:
                watcher = Watcher(it.pid, folder / "trackwalker.db", log, label)
                began = machine.monotonic()
                pause = threading.Event()
                while (spent := machine.monotonic() - began) < minutes * 60:
                    pause.wait(LOOK)
                    assert it.poll() is None, log.read_text()[-5000:]
                    samples.append(watcher.look(spent))
                    say(samples[-1], world)
                it.send_signal(signal.SIGTERM)
                it.wait(ENDING)
            finally:
                it.kill()
        left = len(containers(label))
    return outcome(samples, left), samples, world


def _words(world: World) -> list[str]:
    there = [str(world.config), world.origin.isoformat(), repr(world.zero), repr(world.speed)]
    program = "import sys; from tests.faults.soak.run import live; from pathlib import Path; "
    return [sys.executable, "-c", program + "live(Path(sys.argv[1]), *sys.argv[2:])", *there]


def _around(world: World) -> dict[str, str]:
    return {**os.environ, **world.environment}
