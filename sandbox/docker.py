"""DockerSandbox: untrusted code in a hardened container that lives for one order."""

import logging
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock

from cases.errors import TemporaryError
from cases.moments import EPOCH
from cases.trying import CommandReport, Recipe, SandboxReport, TrialOrder
from sandbox.container import Container
from sandbox.engine import ANSWER_SECONDS, Engine, Labelled
from sandbox.images import ImageEngine
from sandbox.limits import check, host_limits
from sandbox.prepare import Site, prepare
from sandbox.results import CONTAINER_ENDED, TIMED_OUT, UNREADABLE

LABEL = "trackwalker"
LABEL_VALUE = "sandbox"
KEY_LABEL = "trackwalker.key"
OWNER_LABEL = "trackwalker.owner"
DEADLINE_LABEL = "trackwalker.deadline"  # epoch seconds, by the engine's clock
SETTING_UP = timedelta(minutes=2)  # what starting, unpacking and reading out may take on top of the commands
GRACE = timedelta(seconds=60)
REMOVAL_SECONDS = 15.0  # what removing a container may hold up: under load it takes an engine seconds
PREPARING_SECONDS = 300.0  # fetching and keeping an image takes an engine longer than any other answer
SWEEP_SECONDS = 60.0  # the least time between two tries to remove what could not be removed at once
LAST = frozenset({TIMED_OUT, CONTAINER_ENDED, UNREADABLE})  # after these its container can run no other command

LEFT = "container %s was left behind: %s"

log = logging.getLogger(__name__)


class DockerSandbox:
    """The port `Sandbox` on a Docker engine. It never falls back to the host: no engine means TemporaryError.

    owner       whose containers these are: the identity of the store. Containers of this owner that this object does
                not know are left-overs of an earlier life, and `reap` removes them; so two daemons that run at the
                same time need two owners. Anybody's container is removed once it is 60 s past its deadline.
    url         the engine, unix:// or tcp://; by default DOCKER_HOST, else the usual socket
    patience_s  how long the engine may take to answer anything, in seconds, before it counts as gone
    runtime     another OCI runtime of the engine, such as `runsc`; by default the engine's own
    removal_s   how long it may take to remove a container before that is left for later
    sweep_s     the least time between two tries to remove what was left
    """

    def __init__(
        self,
        *,
        owner: str,
        url: str | None = None,
        patience_s: float = ANSWER_SECONDS,
        runtime: str | None = None,
        removal_s: float = REMOVAL_SECONDS,
        sweep_s: float = SWEEP_SECONDS,
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
        self._preparing: dict[str, Lock] = {}
        self._closed = False

    def describe(self) -> str:
        """Which sandbox this is, in words for a pull request."""
        runtime = f", runtime {self._runtime}" if self._runtime else ""
        return (
            "a throwaway Docker container (no network, no capabilities, read-only, unprivileged, "
            f"its own list of system calls{runtime})"
        )

    def run(self, order: TrialOrder) -> SandboxReport:
        """Run the order's commands, one after the other, in one container, up to one that time or the container ended.

        Raises TemporaryError when no engine answers or the sandbox was closed meanwhile, PermanentError for a missing
        image or a tree that does not fit. The container is gone when this returns, whatever happened; one that the
        engine cannot remove within seconds holds nothing up, and is removed before a later order, or by `reap`.
        """
        check(order)
        self._sweep()
        began = time.monotonic()
        reports: list[CommandReport] = []
        with Engine(self._url, self._patience_s) as engine, self._container(engine, order) as container:
            container.unpack(order.tree)
            for command in order.commands:
                report = container.run(command)
                reports.append(report)
                if report.ended == CONTAINER_ENDED and self._closed:
                    raise TemporaryError(f"{command.name!r} was running")
                if report.ended in LAST:
                    break
        return SandboxReport(
            commands=tuple(reports),
            seconds=time.monotonic() - began,
            own_seconds=sum(report.seconds for report in reports),
        )

    def ready(self, image: str) -> None:
        """Raise TemporaryError when no engine answers, PermanentError when it has no such image."""
        with Engine(self._url, self._patience_s) as engine:
            engine.volumes(image)

    def prepare(self, recipe: Recipe) -> str:
        """The image that a recipe comes to: see `sandbox.prepare`.

        A repository's are made one at a time, so that who waits finds the image; just looking waits for nobody.
        """
        site = Site(
            connect=lambda: ImageEngine(self._url, max(self._patience_s, PREPARING_SECONDS)),
            labels=self._labels,
            enter=self._enter,
            leave=self._leave,
            runtime=self._runtime,
        )
        if not recipe.build:
            return prepare(recipe, site)
        with self._lock:
            turn = self._preparing.setdefault(recipe.repository, Lock())
        with turn:
            return prepare(recipe, site)

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
        with Engine(self._url, self._patience_s) as engine:
            now = engine.now()
            found = engine.labelled(f"{LABEL}={LABEL_VALUE}")
        return tuple(sorted(each.name for each in found if now > _deadline(each) + GRACE))

    def close(self) -> None:
        """Kill what runs, from any thread: each `run` raises TemporaryError within seconds, and so does any later."""
        with self._lock:
            self._closed = True
            live = sorted(self._live)
        if live:
            with Engine(self._url, self._patience_s) as engine:
                for name in live:
                    engine.remove(name)

    def _left_behind(self, found: Labelled) -> bool:
        with self._lock:
            return found.labels.get(OWNER_LABEL) == self._owner and found.name not in self._live

    @contextmanager
    def _container(self, engine: Engine, order: TrialOrder) -> Generator[Container]:
        """A started container of the order, killed and removed at the end of the block, however it ends."""
        name = f"trackwalker-{secrets.token_hex(8)}"
        self._enter(name)
        try:
            self._start(engine, name, order)
            yield Container(engine, name)
        except TemporaryError as error:
            if self._closed:
                raise TemporaryError(f"the sandbox was closed while trial {order.key} ran; run it again") from error
            raise
        finally:
            self._leave(name)

    def _enter(self, name: str) -> None:
        with self._lock:
            if self._closed:
                raise TemporaryError("the sandbox is closed: the daemon is ending")
            self._live.add(name)

    def _leave(self, name: str) -> None:
        """Remove the container over a fresh connection: the order's own may be stuck behind unread output."""
        try:
            with Engine(self._url, self._removal_s) as engine:
                self._remove(engine, name)
        except TemporaryError as error:
            # What the order showed still holds, or its own error is on its way.
            self._quarantine(name, error)
        finally:
            with self._lock:
                self._live.discard(name)

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

    def _sweep(self) -> None:
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

    def _start(self, engine: Engine, name: str, order: TrialOrder) -> None:
        life = sum((command.timeout for command in order.commands), SETTING_UP)
        host = host_limits(order, engine.volumes(order.image), self._runtime)
        engine.create(
            name=name,
            image=order.image,
            seconds=round(life.total_seconds()),
            labels=self._labels(order.key, engine, life),
            host=host,
        )

    def _labels(self, key: str, engine: Engine, life: timedelta) -> dict[str, str]:
        deadline = engine.now() + life
        return {
            LABEL: LABEL_VALUE,
            KEY_LABEL: key,
            OWNER_LABEL: self._owner,
            DEADLINE_LABEL: str(round(deadline.timestamp())),
        }


def _deadline(found: Labelled) -> datetime:
    """When a container should have ended; one whose label says nothing readable is overdue."""
    stamp = found.labels.get(DEADLINE_LABEL, "")
    return EPOCH + timedelta(seconds=int(stamp)) if stamp.isdecimal() else EPOCH


def engine_answers(url: str | None = None) -> bool:
    """Whether there is a Docker engine here that answers at once."""
    try:
        with Engine(url, 2.0) as engine:
            engine.now()
    except TemporaryError:
        return False
    return True
