"""The whole of it: a stage, a forge and a human that live on, and daemons that are ended by kill -9 and begun again."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from daemon.ledger.ledger import Ledger
from remediation.forge.local.server import serve
from tests.faults.kills.human import Human
from tests.faults.kills.life import Way
from tests.faults.kills.setting import environment, set_up
from tests.faults.kills.stage import BAD, Stage
from tests.faults.kills.tally import Tally, count
from tests.parts.hub import TOKEN
from tests.parts.stores import Place

ROOT = Path(__file__).parents[3]
DAEMONS = 2
AT_ONCE = 4  # faults that are not mended yet
LONGEST_PAUSE = 0.3  # seconds that a daemon is at work before it is killed,
LONGEST_LIFE = (
    1.2  # and how long every fifth one may be: a case has to come on, or the same steps are met again and again
)
EARLY_DEATHS = 0.1  # the share of lives that may be ended before they are at work
PONDER = 2.0  # seconds before a human merges, where lives are to end while they wait for it
SLOWEST_CASE = 60.0  # seconds without a case that ends: it is lost


@dataclass(kw_only=True)
class Nursery:
    """The process that begins lives, on as many stages as there are."""

    process: subprocess.Popen[str]

    def begin(self, folder: Path, way: Way) -> int:
        """Begin a life on the stage in that folder; its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([str(folder), asdict(way)]), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())


@contextmanager
def nursery() -> Generator[Nursery]:
    """The parent of lives, until the block ends."""
    command = [sys.executable, "-m", "tests.faults.kills.nursery"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Nursery(process=process)
        finally:
            process.kill()


@dataclass(kw_only=True)
class Reaper:
    """A stage in play. `lives` are the process ids of the daemons that run, by slot."""

    stage: Stage
    ledger: Ledger
    nursery: Nursery
    way: Way
    lives: list[int] = field(default_factory=list[int])
    broken: list[str] = field(default_factory=list[str])
    kills: int = 0

    def begin(self, daemons: int = DAEMONS) -> None:
        """Begin that many daemons."""
        self.lives = [self.nursery.begin(self.stage.folder, self.way) for _ in range(daemons)]

    def kill(self, slot: int, *, whole_group: bool) -> None:
        """SIGKILL to a daemon, alone or with everything that it started; the next life begins at once."""
        self.finish(slot, signal.SIGKILL, whole_group=whole_group)
        self.kills += 1
        self.lives[slot] = self.nursery.begin(self.stage.folder, self.way)

    def finish(self, slot: int, how: signal.Signals, *, whole_group: bool = True) -> None:
        """End a daemon and wait until it has ended."""
        pid = self.lives[slot]
        try:
            end = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            (os.killpg if whole_group else os.kill)(pid, how)
            select.select([end], [], [], 20)
        except ProcessLookupError:
            return
        finally:
            os.close(end)

    def up(self, slot: int) -> None:
        """Wait until a daemon that was begun is at work."""
        mark, pause = self.stage.folder / f"{self.lives[slot]}.up", threading.Event()
        for _ in range(4000):
            if mark.exists():
                return
            pause.wait(0.005)
        raise AssertionError(f"daemon {self.lives[slot]} did not come up; see {self.stage.folder / 'log'}")

    def ended(self, slot: int, within: float) -> bool:
        """Wait until a daemon ends by itself."""
        try:
            end = os.pidfd_open(self.lives[slot])
        except ProcessLookupError:
            return True  # and the nursery has taken note of it already
        try:
            return bool(select.select([end], [], [], within)[0])
        finally:
            os.close(end)

    def feed(self) -> None:
        """Break further services, so that there always are some to work on."""
        while len(self.broken) < self.stage.services and len(self.broken) - self.closed() < AT_ONCE:
            service = self.stage.names[len(self.broken)]
            self.broken.append(service)
            self.stage.becomes(service, BAD)

    def closed(self) -> int:
        """How many cases have come to their end."""
        with self.ledger.database.reading() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM cases WHERE phase = 'closed'").scalar() or 0

    def settled(self) -> bool:
        """Whether every fault has become a case that is closed, and nothing is owed to anybody."""
        with self.ledger.database.reading() as connection:
            owed = connection.exec_driver_sql("SELECT count(*) FROM effects WHERE state = 'intended'").scalar()
        return not owed and self.closed() >= len(self.broken)

    def drain(self, patience: float = SLOWEST_CASE) -> None:
        """No more kills: wait until all is settled, or until nothing moves any more."""
        pause, before, since = threading.Event(), -1, time.monotonic()
        while not self.settled():
            closed = self.closed()
            if closed != before:
                before, since = closed, time.monotonic()
            if time.monotonic() - since > patience:
                return
            pause.wait(0.1)


@contextmanager
def playing(
    folder: Path, parent: Nursery, way: Way, *, services: int, place: Place, ponder: float = 0.0
) -> Generator[Reaper]:
    """A stage with its forge and its human; every daemon of it is gone at the end.

    Who never looks is given a human who squashes: a branch that was merged otherwise cannot be proposed a second time.
    """
    with ExitStack() as stack:
        api = stack.enter_context(ThreadPoolExecutor(1, "api"))
        human = Human(api, "squash" if way.naive else "merge", ponder)
        served = stack.enter_context(serve(folder / "forge", "127.0.0.1:0", TOKEN, around=human.watch))
        stage = set_up(folder, services, served.api_url, place)
        with place.opened(clock=stage.clock) as ledger, human.at_work(stage):
            reaper = Reaper(stage=stage, ledger=ledger, nursery=parent, way=way)
            try:
                yield reaper
            finally:
                for slot in range(len(reaper.lives)):
                    reaper.finish(slot, signal.SIGKILL)


def at_random(
    folder: Path,
    parent: Nursery,
    *,
    kills: int,
    seed: int,
    place: Place,
    way: Way | None = None,
    say: Callable[[str], object] = str,
) -> Tally:
    """Kill a random one of two daemons at random moments, that many times; then let all come to an end, and count."""
    choose = random.Random(seed)  # noqa: S311 - of a test, and seeded
    began, pause = time.monotonic(), threading.Event()
    with playing(folder, parent, way or Way(), services=10 + kills // 4, place=place) as reaper:
        reaper.feed()
        reaper.begin()
        for number in range(kills):
            victim = choose.randrange(DAEMONS)
            if choose.random() >= EARLY_DEATHS:
                reaper.up(victim)
            pause.wait(choose.uniform(0, LONGEST_PAUSE if number % 5 else LONGEST_LIFE))
            reaper.kill(victim, whole_group=choose.random() < 0.5)
            reaper.feed()
            if number % 50 == 0:
                say(f"{number} kills, {reaper.closed()} cases closed, {time.monotonic() - began:.0f} s")
        say(f"{kills} kills, {reaper.closed()} cases closed, {time.monotonic() - began:.0f} s")
        reaper.drain()
        for slot in range(DAEMONS):
            reaper.finish(slot, signal.SIGTERM)
        return count(reaper.stage, reaper.ledger, reaper.broken, reaper.kills, time.monotonic() - began)


def at_every_site(
    folder: Path,
    parent: Nursery,
    *,
    way: Way,
    place: Place,
    cases: int = 1,
    daemons: int = 1,
    ponder: float = PONDER,
) -> Tally:
    """Each life ends by its own hand at the first site that was not struck yet; until all came to an end. Then count.

    A site belongs to a case, so that with more of them each is struck in every one.
    """
    began, moved = time.monotonic(), time.monotonic()
    with playing(folder, parent, way, services=cases, place=place, ponder=ponder) as reaper:
        for service in reaper.stage.names:
            reaper.broken.append(service)
            reaper.stage.becomes(service, BAD)
        reaper.begin(daemons)
        while not reaper.settled() and time.monotonic() - moved < SLOWEST_CASE:
            for slot in range(daemons):
                if reaper.ended(slot, within=0.05):
                    moved = time.monotonic()
                    reaper.kills += 1
                    reaper.lives[slot] = parent.begin(folder, way)
        for slot in range(daemons):
            reaper.finish(slot, signal.SIGTERM)
        return count(reaper.stage, reaper.ledger, reaper.broken, reaper.kills, time.monotonic() - began)
