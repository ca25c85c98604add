"""DockerSandbox: untrusted code in a hardened container that lives for one order."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock

from cases.errors import TemporaryError
from cases.trying import Command, CommandReport, Recipe, SandboxReport, TrialOrder
from sandbox.companions import Companions, companions_of
from sandbox.container import Container
from sandbox.containers import CLOSED, Containers
from sandbox.engine import ANSWER_SECONDS, Engine
from sandbox.limits import check
from sandbox.pool import Pool, Stock
from sandbox.results import CONTAINER_ENDED, EXITED, TIMED_OUT, UNREADABLE
from sandbox.shape import Shape, life_of

REMOVAL_SECONDS = 15.0  # what removing a container may hold up: under load it takes an engine seconds
PREPARING_SECONDS = 300.0  # fetching and keeping an image takes an engine longer than any other answer
SWEEP_SECONDS = 60.0  # the least time between two tries to remove what could not be removed at once
LAST = frozenset({TIMED_OUT, CONTAINER_ENDED, UNREADABLE})  # after these its container can run no other command


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Where one order is run."""

    engine: Engine
    name: str
    container: Container


class DockerSandbox:
    """The port `Sandbox` on a Docker engine. It never falls back to the host: no engine means TemporaryError.

    owner       whose containers these are: the identity of the store. Containers of this owner that this object does
                not know are left-overs of an earlier life, and `reap` removes them; so two daemons that run at the
                same time need two owners. Anybody's container is removed once it is 60 s past its deadline.
    url         the engine, unix:// or tcp://; by default DOCKER_HOST (with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH),
                else the usual socket. Nothing relies on a path of this host, so the engine may be elsewhere
    patience_s  how long the engine may take to answer anything, in seconds, before it counts as gone
    runtime     another OCI runtime of the engine, such as `runsc`; by default the engine's own
    removal_s   how long it may take to remove a container before that is left for later
    sweep_s     the least time between two tries to remove what was left
    stock       which containers wait, started ahead (see `sandbox.pool`); whoever asks for some calls `close`
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
        stock: Stock | None = None,
    ) -> None:
        self._runtime = runtime
        self._containers = Containers(
            owner=owner, url=url, patience_s=patience_s, runtime=runtime, removal_s=removal_s, sweep_s=sweep_s
        )
        self.pool = Pool(self._containers, stock) if stock and stock.size else None
        self._url, self._patience = url, patience_s
        self._lock = Lock()
        self._preparing: dict[str, Lock] = {}

    def describe(self) -> str:
        """Which sandbox this is, in words for a pull request."""
        runtime = f", runtime {self._runtime}" if self._runtime else ""
        rootless = ", rootless engine" if self._containers.rootless else ""
        return (
            "a throwaway Docker container (no network, no capabilities, read-only, unprivileged, "
            f"its own list of system calls{runtime}{rootless})"
        )

    def run(self, order: TrialOrder) -> SandboxReport:
        """Run the order's commands, one after the other, in one container, up to one that time or the container ended.

        Raises TemporaryError when no engine answers or the sandbox was closed meanwhile, PermanentError for a missing
        image, a tree that does not fit or a companion that does not start. The container is gone when this returns,
        whatever happened; one that waited in the pool, or that the engine cannot remove within seconds, holds nothing
        up, and is removed in the background, before a later order, or by `reap`.
        """
        check(order)
        if self._containers.closed:
            raise TemporaryError(CLOSED)
        self._containers.sweep()
        began = time.monotonic()
        reports: list[CommandReport] = []
        with (
            self._room(order) as room,
            companions_of(order, self._containers, room.engine, room.container, room.name) as companions,
        ):
            room.container.unpack(order.tree)
            companions.wait()
            for command in order.commands:
                report, last = self._command(room.container, command, companions)
                reports.append(report)
                if last:
                    break
        return SandboxReport(
            commands=tuple(reports),
            seconds=time.monotonic() - began,
            own_seconds=sum(report.seconds for report in reports),
        )

    def ready(self, image: str) -> None:
        """Raise TemporaryError when no engine answers, PermanentError when it cannot hold what is run, or no image."""
        with self._containers.engine() as engine:
            self._containers.look(engine)
            engine.image(image)

    def prepare(self, recipe: Recipe) -> str:
        """The image that a recipe comes to: see `sandbox.prepare`.

        A repository's are made one at a time, so that who waits finds the image; just looking waits for nobody.
        """
        if not recipe.build:
            return self._prepared(recipe)
        with self._lock:
            turn = self._preparing.setdefault(recipe.repository, Lock())
        with turn:
            return self._prepared(recipe)

    def _prepared(self, recipe: Recipe) -> str:
        from sandbox.images import ImageEngine  # a daemon that waits needs neither
        from sandbox.prepare import Site, prepare

        site = Site(
            connect=lambda: ImageEngine(self._url, max(self._patience, PREPARING_SECONDS)),
            labels=self._containers.labels,
            enter=self._containers.enter,
            leave=self._containers.leave,
            runtime=self._runtime,
        )
        return prepare(recipe, site)

    def reap(self) -> int:
        """Remove the containers that an earlier life of this owner left behind, and anybody's that is overdue."""
        return self._containers.reap()

    def overdue(self) -> tuple[str, ...]:
        """The names of containers, anybody's, that are 60 s past their deadline. Removes nothing."""
        return self._containers.overdue()

    def close(self) -> None:
        """Kill what runs, from any thread: each `run` raises TemporaryError within seconds, and so does any later."""
        try:
            self._containers.close()
        finally:
            if self.pool is not None:
                self.pool.close()

    def _command(self, container: Container, command: Command, companions: Companions) -> tuple[CommandReport, bool]:
        """Run one command; its report, and whether no other can follow."""
        report = container.run(command, companions.environment)
        if report.ended == CONTAINER_ENDED and self._containers.closed:
            raise TemporaryError(f"{command.name!r} was running")
        if report.ended == EXITED and report.exit_code != 0 and (gone := companions.ended()):
            # It may have failed for just that.
            ended = f"killed: its companion {gone} ended before it did"
            return replace(report, exit_code=None, ended=ended, tests=()), True
        return report, report.ended in LAST

    @contextmanager
    def _room(self, order: TrialOrder) -> Generator[_Room]:
        """A started container for the order, removed at the end of the block, however it ends."""
        try:
            waiting = self.pool.take(Shape.of(order), life_of(order)) if self.pool is not None else None
            if self.pool is None or waiting is None:
                with self._fresh(order) as room:
                    yield room
            else:
                try:
                    yield _Room(engine=waiting.engine, name=waiting.name, container=waiting.container)
                finally:
                    self.pool.leave(waiting)
        except TemporaryError as error:
            if self._containers.closed:
                raise TemporaryError(f"the sandbox was closed while trial {order.key} ran; run it again") from error
            raise

    @contextmanager
    def _fresh(self, order: TrialOrder) -> Generator[_Room]:
        with self._containers.engine() as engine:
            image = engine.image(order.image)
            name = self._containers.start(engine, Shape.of(order), image, order.key, life_of(order))
            try:
                yield _Room(engine=engine, name=name, container=Container(engine, name))
            finally:
                self._containers.leave(name)


def engine_answers(url: str | None = None) -> bool:
    """Whether there is a Docker engine here that answers at once."""
    try:
        with Engine(url, 2.0) as engine:
            engine.now()
    except TemporaryError:
        return False
    return True
