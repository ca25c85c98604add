"""The pool: hardened containers that were started ahead, so that a trial waits for none. One life, one order.

An idle container has run nothing of any repository. It is taken once, killed after that order, and another is started
in the background. What is in it is the same as in one that is started for its order; only the waiting is saved.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from threading import Lock, Thread

from cases.errors import PermanentError, TemporaryError
from sandbox.container import Container
from sandbox.containers import Containers
from sandbox.engine import Engine, Image
from sandbox.shape import Shape

IDLE = timedelta(minutes=30)  # how long a container waits before another takes its place
AGAIN_SECONDS = 30.0  # how long after it failed the next one is started
JOIN_SECONDS = 2.0
KEY = "pool"

TAKEN, MISSED, UNFILLED = "taken", "missed", "unfilled"
"""What a pool tells: an order got a waiting container, or had to start its own; or none could be started ahead."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What is kept in a pool.

    size     how many containers wait, in all; 0 is no pool
    shapes   what they are like before the first order, and how long an order of each may take
    idle     how long one waits before another takes its place
    again_s  how many seconds after one could not be started that is tried again
    """

    size: int = 0
    shapes: tuple[tuple[Shape, timedelta], ...] = ()
    idle: timedelta = IDLE
    again_s: float = AGAIN_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A started container with a connection of its own. `until` and `retired` are seconds on the monotonic clock."""

    name: str
    shape: Shape
    image: Image
    engine: Engine
    container: Container
    until: float  # when it ends by itself
    retired: float  # when it is too old to be taken

    def fits(self, shape: Shape, now: float, life: timedelta) -> bool:
        """Whether it may serve an order of that shape that takes `life` at most."""
        return self.shape == shape and now < self.retired and now + life.total_seconds() <= self.until


class Pool:
    """Keeps containers waiting, of the shapes that were asked for last.

    held  asked before a container is started ahead: whether nothing may be started now. Raises TemporaryError when it
          cannot tell, which counts as yes
    told  hears TAKEN, MISSED and UNFILLED

    Nothing is started before the first `tend` or `take`. One thread at a time starts and removes, and ends once there
    is nothing to do. Safe for threads.
    """

    def __init__(self, containers: Containers, stock: Stock) -> None:
        self.held: Callable[[], bool] = lambda: False
        self.told: Callable[[str], object] = lambda _: None
        self._containers = containers
        self._size = stock.size
        self._idle = stock.idle.total_seconds()
        self._again_s = stock.again_s
        self._lives = dict(reversed(stock.shapes))  # by shape, the one that was asked for last at the end
        self._waiting: list[Waiting] = []
        self._leaving: list[str] = []
        self._worker: Thread | None = None
        self._fill_at = 0.0
        self._failing = False
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    @property
    def at_work(self) -> bool:
        """Whether something is being started or removed."""
        return self._worker is not None

    def take(self, shape: Shape, life: timedelta) -> Waiting | None:
        """A container for one order, which takes `life` at most; None when none waits. Another is started meanwhile."""
        while (found := self._pop(shape, life)) is not None:
            try:
                state = found.engine.state(found.name)
                if state is not None and state.running and found.engine.image(shape.image) == found.image:
                    self.told(TAKEN)
                    self._wake()
                    return found
            except TemporaryError as error:
                log.info("the waiting container %s is given up: %s", found.name, error)
            except PermanentError:  # its image is gone: starting one for the order says so
                pass
            self.leave(found)
        self.told(MISSED)
        self._wake()
        return None

    def leave(self, waiting: Waiting) -> None:
        """Remove one that served, in the background."""
        waiting.container.hang_up()
        waiting.engine.close()
        with self._lock:
            self._leaving.append(waiting.name)
        self._wake()

    def tend(self) -> None:
        """Start what is missing and replace what is old, in the background. To be called now and then."""
        self._wake()

    def close(self) -> None:
        """Hang up; the containers themselves are closed by `Containers`. Waits a moment for what is being started."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            worker = self._worker
        for each in waiting:
            each.container.hang_up()
            each.engine.close()
        if worker is not None:
            worker.join(JOIN_SECONDS)

    def _pop(self, shape: Shape, life: timedelta) -> Waiting | None:
        now = time.monotonic()
        with self._lock:
            known = self._lives.pop(shape, timedelta(0))
            self._lives[shape] = max(known, life)
            found = next((each for each in self._waiting if each.fits(shape, now, life)), None)
            if found is not None:
                self._waiting.remove(found)
            return found

    def _wake(self) -> None:
        with self._lock:
            if self._worker is not None or self._containers.closed:
                return
            self._worker = Thread(target=self._work, name="trackwalker-pool", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job()

    def _next(self) -> Callable[[], None] | None:
        """What to do next. None, and the worker ends, when there is nothing."""
        try:
            held = self.held()
        except TemporaryError:
            held = True  # nobody can say whether it may
        with self._lock:
            if not self._containers.closed:
                self._retire()
                if self._leaving:
                    name = self._leaving.pop(0)
                    return lambda: self._containers.leave(name)
                missing = self._missing()
                if missing is not None and not held and time.monotonic() >= self._fill_at:
                    return lambda: self._fill(missing)
            self._worker = None
            return None

    def _wanted(self) -> Counter[Shape]:
        """How many of each: the shapes of the last orders share the pool evenly."""
        return Counter(islice(cycle(reversed(self._lives)), self._size if self._lives else 0))

    def _missing(self) -> Shape | None:
        have = Counter(each.shape for each in self._waiting)
        return next((shape for shape, count in self._wanted().items() if have[shape] < count), None)

    def _retire(self) -> None:
        """Let go of what is old, what is too short-lived by now for an order of its shape, and what nobody wants."""
        now, wanted, kept = time.monotonic(), self._wanted(), list[Waiting]()
        for each in self._waiting:
            life = self._lives.get(each.shape, timedelta(0))
            if each.fits(each.shape, now, life) and wanted[each.shape] > 0:
                wanted[each.shape] -= 1
                kept.append(each)
            else:
                each.container.hang_up()
                each.engine.close()
                self._leaving.append(each.name)
        self._waiting = kept

    def _fill(self, shape: Shape) -> None:
        """Start one. Where that fails each order starts its own, with the same walls."""
        life = self._idle + self._lives[shape].total_seconds()
        until = time.monotonic() + life
        try:
            started = self._started(shape, until, timedelta(seconds=life))
        except (TemporaryError, PermanentError) as error:
            self._fill_at = time.monotonic() + self._again_s
            if not self._containers.closed:
                level = logging.INFO if self._failing else logging.WARNING
                log.log(level, "no container can be started ahead, so each trial starts its own: %s", error)
                self.told(UNFILLED)
            self._failing = True
            return
        self._failing = False
        with self._lock:
            closed = self._containers.closed
            if not closed:
                self._waiting.append(started)
        if closed:
            started.container.hang_up()
            started.engine.close()
            self._containers.leave(started.name)

    def _started(self, shape: Shape, until: float, life: timedelta) -> Waiting:
        engine = self._containers.engine()
        name = ""
        try:
            image = engine.image(shape.image)
            name = self._containers.start(engine, shape, image, KEY, life)
            container = Container(engine, name)
            container.prepare()
        except BaseException:
            engine.close()
            if name:
                self._containers.leave(name)
            raise
        return Waiting(
            name=name,
            shape=shape,
            image=image,
            engine=engine,
            container=container,
            until=until,
            retired=time.monotonic() + self._idle,
        )
