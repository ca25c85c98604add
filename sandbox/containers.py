"""The containers of one owner: each is known from before it is started until it is gone, or waits in quarantine."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock

from cases.errors import PermanentError, TemporaryError
from cases.moments import EPOCH
from cases.trying import Companion
from sandbox.engine import Engine, Image, Labelled, Traits
from sandbox.limits import companion_limits, host_limits
from sandbox.shape import Shape

LABEL = "trackwalker"
LABEL_VALUE = "sandbox"
KEY_LABEL = "trackwalker.key"
OWNER_LABEL = "trackwalker.owner"
DEADLINE_LABEL = "trackwalker.deadline"  # epoch seconds, by the engine's clock
GRACE = timedelta(seconds=60)
CLOSED = "the sandbox is closed: the daemon is ending"
LEFT = "container %s was left behind: %s"
NEVER = "kvm"  # gVisor's platform that hangs where virtual machines cannot be nested

log = logging.getLogger(__name__)


class Containers:
    """Starts and removes them. Safe for threads: every method connects anew, or is given a connection.

    See `sandbox.docker.DockerSandbox` for the arguments.
    """

    def __init__(
        self, *, owner: str, url: str | None, patience_s: float, runtime: str | None, removal_s: float, sweep_s: float
    ) -> None:
        self._owner = owner
        self._url = url
        self._patience_s = patience_s
        self._runtime = runtime
        self._removal_s = min(patience_s, removal_s)
        self._sweep_s = sweep_s
        self._live: set[str] = set()
        self._left: set[str] = set()  # in quarantine: no order's any more, and the engine could not remove them yet
        self._sweep_at = 0.0
        self._lock = Lock()
        self._closed = False
        self._rootless = False

    @property
    def closed(self) -> bool:
        """Whether nothing may be started any more."""
        return self._closed

    @property
    def rootless(self) -> bool:
        """Whether the engine said so when it was asked last."""
        return self._rootless

    def engine(self) -> Engine:
        """A connection."""
        return Engine(self._url, self._patience_s)

    def start(self, engine: Engine, shape: Shape, image: Image, key: str, life: timedelta) -> str:
        """Start a hardened container that idles, and ends by itself after `life`. Its name.

        Raises PermanentError where the engine would leave a wall out, or lacks the runtime.
        """
        host = host_limits(shape, image.volumes, self._runtime)

        def create(name: str, labels: Mapping[str, str]) -> None:
            seconds = round(life.total_seconds())
            engine.create(name=name, image=image.digest, seconds=seconds, labels=labels, host=host)

        return self._start(engine, key, life, create)

    def start_companion(
        self,
        engine: Engine,
        companion: Companion,
        *,
        beside: str,
        cpus: float,
        key: str,
        life: timedelta,
        environment: Mapping[str, str],
    ) -> tuple[str, str]:
        """Start a companion in the network of the container `beside`. Its name, and the user it begins as."""
        image = engine.image(companion.image)
        host = companion_limits(companion, beside, cpus, image.volumes, image.user)

        def create(name: str, labels: Mapping[str, str]) -> None:
            engine.create_companion(name=name, image=image.digest, environment=environment, labels=labels, host=host)

        return self._start(engine, key, life, create), image.user

    def labels(self, key: str, engine: Engine, life: timedelta) -> dict[str, str]:
        """What a container is known by, also after the end of this process."""
        deadline = engine.now() + life
        return {
            LABEL: LABEL_VALUE,
            KEY_LABEL: key,
            OWNER_LABEL: self._owner,
            DEADLINE_LABEL: str(round(deadline.timestamp())),
        }

    def enter(self, name: str) -> None:
        """Note a container before it is made. Raises TemporaryError once nothing may begin."""
        with self._lock:
            if self._closed:
                raise TemporaryError(CLOSED)
            self._live.add(name)

    def leave(self, name: str) -> None:
        """Remove a container over a fresh connection: the order's own may be stuck behind unread output."""
        try:
            with Engine(self._url, self._removal_s) as engine:
                self._remove(engine, name)
        except TemporaryError as error:
            # What the order showed still holds, or its own error is on its way.
            self._quarantine(name, error)
        finally:
            with self._lock:
                self._live.discard(name)

    def sweep(self) -> None:
        """Try again to remove what could not be removed, now and then, until one does not go."""
        with self._lock:
            left = sorted(self._left) if time.monotonic() >= self._sweep_at else []
        if not left:
            return
        with Engine(self._url, self._removal_s) as engine:
            there = {found.name for found in engine.labelled(f"{LABEL}={LABEL_VALUE}")}
            for name in left:
                if name in there and not self._remove(engine, name):
                    return  # the engine is still busy with it, or hangs
                with self._lock:
                    self._left.discard(name)

    def reap(self) -> int:
        """Remove the containers that an earlier life of this owner left behind, and anybody's that is overdue."""
        with Engine(self._url, self._removal_s) as engine:
            now = engine.now()
            return sum(
                self._remove(engine, found.name)
                for found in engine.labelled(f"{LABEL}={LABEL_VALUE}")
                if self._left_behind(found) or now > _deadline(found) + GRACE
            )

    def overdue(self) -> tuple[str, ...]:
        """The names of containers, anybody's, that are 60 s past their deadline. Removes nothing."""
        with self.engine() as engine:
            now = engine.now()
            found = engine.labelled(f"{LABEL}={LABEL_VALUE}")
        return tuple(sorted(each.name for each in found if now > _deadline(each) + GRACE))

    def close(self) -> None:
        """Kill what there is, and let nothing new begin. From any thread."""
        with self._lock:
            self._closed = True
            live = sorted(self._live)
        if live:
            with self.engine() as engine:
                for name in live:
                    engine.remove(name)

    def look(self, engine: Engine) -> Traits:
        """What the engine is. Raises PermanentError where it would leave a wall out, or lacks the runtime."""
        traits = engine.traits()
        self._rootless = traits.rootless
        if traits.lacking:
            raise PermanentError(
                f"the Docker engine at {engine.address} cannot limit {', '.join(traits.lacking)}, so nothing is run in "
                "it; a rootless engine needs cgroup version 2 with its controllers delegated by systemd"
            )
        if self._runtime is None:
            return traits
        words = traits.runtimes.get(self._runtime)
        if words is None:
            there = ", ".join(sorted(traits.runtimes))
            raise PermanentError(
                f"the Docker engine at {engine.address} has no runtime {self._runtime!r} (it has {there}); add it to "
                "the engine's daemon.json, or write sandbox: {runtime: docker}"
            )
        if any(word.rpartition("=")[2] == NEVER for word in words):
            raise PermanentError(
                f"the runtime {self._runtime!r} of the Docker engine at {engine.address} is set to the platform kvm, "
                "in which containers were seen to hang; give it --platform=systrap or --platform=ptrace"
            )
        return traits

    def _start(
        self, engine: Engine, key: str, life: timedelta, create: Callable[[str, Mapping[str, str]], None]
    ) -> str:
        name = f"trackwalker-{secrets.token_hex(8)}"
        self.enter(name)
        try:
            self.look(engine)
            create(name, self.labels(key, engine, life))
        except BaseException:
            self.leave(name)  # it may be half there
            raise
        return name

    def _left_behind(self, found: Labelled) -> bool:
        with self._lock:
            return found.labels.get(OWNER_LABEL) == self._owner and found.name not in self._live

    def _remove(self, engine: Engine, name: str) -> bool:
        """Remove a container; False when it was gone. One that cannot be removed now holds up no other."""
        try:
            return engine.remove(name)
        except TemporaryError as error:
            self._quarantine(name, error)
            return False

    def _quarantine(self, name: str, error: TemporaryError) -> None:
        log.warning(LEFT, name, error)
        with self._lock:
            self._left.add(name)
            self._sweep_at = time.monotonic() + self._sweep_s


def _deadline(found: Labelled) -> datetime:
    """When a container should have ended; one whose label says nothing readable is overdue."""
    stamp = found.labels.get(DEADLINE_LABEL, "")
    return EPOCH + timedelta(seconds=int(stamp)) if stamp.isdecimal() else EPOCH
