"""The platform under the shop: exports a commit of main, and runs it in place of the one before."""

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.errors import OutsideError, ProcessError
from demo.processes import Child, free_port, get
from demo.repository import Git

EVERY = 0.5
"""Seconds between two looks at main."""
NOTHING: Mapping[str, str] = {}
READY = 10.0
"""Seconds a release may take to answer; a quiet machine needs a fifth of one."""


class Deployer:
    """Runs one shop process on a fixed port of 127.0.0.1, by hand (`deploy`) or following main (`follow`).

    A release that dies, or that cannot be started, is kept as the failure that `check`, `wait_for` and the end of the
    `with` block raise. `environment` is what releases are given beside their revision.
    """

    def __init__(
        self,
        folder: Path,
        *,
        url: str,
        token: str | None = None,
        port: int | None = None,
        environment: Mapping[str, str] = NOTHING,
    ) -> None:
        self.port = free_port() if port is None else port
        self.log = folder / "shop.log"
        self._releases = folder / "releases"
        self._mirror = Git(folder / "mirror.git", token=token)
        self._url = url
        self._environment = environment
        self._child: Child | None = None
        self._running: str | None = None
        self._failure: OutsideError | OSError | None = None
        self._turn = threading.RLock()
        self._following = threading.Event()
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="deployer")

    def __enter__(self) -> Self:
        self._releases.mkdir(parents=True)
        self._mirror.folder.mkdir()
        self._mirror("init", "--quiet", "--bare")
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._watcher.join()
        with self._turn:
            if self._child is not None:
                self._child.stop()
        if kind is None:
            self.check()

    @property
    def running(self) -> str | None:
        """The sha that serves now."""
        return self._running

    def follow(self) -> None:
        """From now on deploy whatever main is, within about a second."""
        self._following.set()

    def hold(self) -> None:
        """Stop following main: merges pile up for one deploy."""
        self._following.clear()
        with self._turn:  # a deploy that has begun is finished first
            pass

    def check(self) -> None:
        """Raise the failure, if there was one."""
        if self._failure is not None:
            raise self._failure

    def deploy(self, sha: str) -> None:
        """Export the commit and run it in place of the one before; returns when it answers. Raises OutsideError."""
        with self._turn:
            release = self._export(sha)
            before, self._running = self._child, None
            if before is not None:
                before.stop()
            self._child = self._start(release, sha)
            self._running = sha

    def wait_for(self, sha: str, *, within: float) -> None:
        """Wait until that commit serves. Raises the failure, or ProcessError after `within` seconds."""
        pause = threading.Event()
        deadline = time.monotonic() + within
        while self._running != sha:
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{sha} was not deployed within {within:g} s; {self._running} serves")
            pause.wait(0.05)

    def _export(self, sha: str) -> Path:
        release = self._releases / sha
        if release.exists():
            shutil.rmtree(release)
        self._mirror("fetch", "--quiet", self._url, "+refs/heads/main:refs/heads/main")
        self._mirror.export(sha, release)
        return release

    def _start(self, release: Path, sha: str) -> Child:
        child = Child(
            f"the shop at {sha[:10]}",
            [sys.executable, "-m", "shop", "--port", str(self.port)],
            log=self.log,
            folder=release,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "SHOP_REVISION": sha,
                "PYTHONDONTWRITEBYTECODE": "1",
                **self._environment,
            },
        )
        child.start()
        try:
            child.wait_until(lambda: self._answers(child, sha), seconds=READY)
        except BaseException:
            child.stop()
            raise
        return child

    def _answers(self, child: Child, sha: str) -> bool:
        wanted = json.dumps({"status": "ok", "revision": sha, "pid": child.pid}).encode()
        return get(self.port, "/healthz") == (HTTPStatus.OK, wanted)

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            try:
                with self._turn:
                    if self._child is not None:
                        self._child.check()
                    if self._following.is_set():
                        self._catch_up()
            except (OutsideError, OSError) as error:
                self._failure = error
                return

    def _catch_up(self) -> None:
        listed = self._mirror("ls-remote", self._url, "refs/heads/main").split()
        if listed and listed[0] != self._running:
            self.deploy(listed[0])
