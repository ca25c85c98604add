"""What stands beside a deployed service and keeps its file of flags equal to main's: a GitOps sidecar.

The service itself reads the file through OpenFeature (flagd's FILE mode), and needs no deploy for a flag. The file is
put in place whole, by a rename: whoever reads it sees the old one or the new one.
"""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.errors import GitError
from demo.repository import Git

EVERY = 0.25
"""Seconds between two looks at main: a look costs one git process, and a change is seen within two of them."""


class FlagFollower:
    """Keeps `target` equal to `path` at the tip of main, from before the block begins.

    While main cannot be read, or has no such file, the service keeps the last one; `check` says so.
    """

    def __init__(self, folder: Path, *, url: str, path: str, target: Path, token: str | None = None) -> None:
        self._mirror = Git(folder, token=token)
        self._url = url
        self._path = path
        self._target = target
        self._shown = ""
        self._failure: GitError | OSError | None = None
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="flags")

    def __enter__(self) -> Self:
        self._mirror.folder.mkdir(parents=True)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._mirror("init", "--quiet", "--bare")
        self._catch_up()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._watcher.join()

    @property
    def shown(self) -> str:
        """The sha whose flags the service has."""
        return self._shown

    def check(self) -> None:
        """Raise why the last look failed, if it did."""
        if self._failure is not None:
            raise self._failure

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            try:
                self._catch_up()
            except (GitError, OSError) as failure:  # the next look may find it well again
                self._failure = failure
            else:
                self._failure = None

    def _catch_up(self) -> None:
        listed = self._mirror("ls-remote", self._url, "refs/heads/main").split()
        if not listed:
            raise GitError(f"{self._url} has no main")
        if listed[0] == self._shown:
            return
        self._mirror("fetch", "--quiet", "--depth=1", self._url, "+refs/heads/main:refs/heads/main")
        sha = self._mirror("rev-parse", "refs/heads/main")
        self._put(self._mirror.file(sha, self._path))
        self._shown = sha

    def _put(self, content: bytes) -> None:
        if self._target.exists() and self._target.read_bytes() == content:
            return
        new = self._target.with_name(f".{self._target.name}.new")
        new.write_bytes(content)
        new.replace(self._target)
