"""A bare repository to write any history into, and a local forge that serves it: real git, real HTTP, no network."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from remediation.forge.forge import GitForge
from remediation.forge.local.application import DATABASE
from remediation.forge.local.records import Comment, Records
from remediation.forge.local.server import Fault, Served, serve
from remediation.forge.repository import ForgeRepository
from tests.parts.openapi import OpenApi

TOKEN = "made-up-token-4711"
READER = "made-up-reader-1147"
GIT = shutil.which("git") or "git"  # found once: a test may put another git first on the PATH
UNHURRIED = {  # a forge of our own, without any checks
    "write_spacing": "1ms", "writes_per_minute": 100_000, "writes_per_hour": 1_000_000, "draft_until_green": False,
}  # fmt: skip
FIRST = 1_772_000_000  # epoch seconds of a history's first commit


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a path holds: a file, or (mode 120000, 160000) a symbolic link or a submodule's commit."""

    content: bytes
    mode: str = "100644"


WHO = {f"GIT_{role}_{part}": "developer@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    """Run git as a plain user would, with nobody's configuration."""
    plain = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_DIR": str(folder)}
    environment = {**os.environ, **WHO, **plain}
    return subprocess.run([GIT, *words], input=stdin, env=environment, check=True, capture_output=True).stdout


@dataclass
class Hub:
    """The bare repository `acme/shop` below `root`."""

    root: Path
    full_name: str = "acme/shop"
    clock: int = FIRST

    @property
    def folder(self) -> Path:
        return self.root / f"{self.full_name}.git"

    def create(self) -> "Hub":
        self.folder.mkdir(parents=True)
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main")
        return self

    def commit(
        self,
        title: str,
        files: Mapping[str | bytes, bytes | Entry | None],
        *,
        branch: str = "main",
        merge: str = "",
        at: int = 0,
        author: str = "developer",
        start: str = "",
    ) -> str:
        """Write a commit on top of the branch (or of `start`) and return its sha. None removes a file."""
        self.clock = at or self.clock + 60
        message = title.encode()
        above = start or self.tip(branch)
        lines = [b"commit refs/heads/%s" % branch.encode()]
        lines.append(b"committer %s <developer@example.com> %d +0000" % (author.encode(), self.clock))
        lines.append(b"data %d\n%s" % (len(message), message))
        lines += [b"from " + above.encode()] if above else []
        lines += [b"merge " + merge.encode()] if merge else []
        for path, held in files.items():
            lines.append(_line(path, held))
        git(self.folder, "fast-import", "--quiet", "--force", stdin=b"\n".join([*lines, b""]))
        return self.tip(branch)

    def tip(self, branch: str = "main") -> str:
        found = git(self.folder, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return found.decode().strip()

    def tag(self, name: str, sha: str, *, annotated: bool = False) -> None:
        words = ("-a", "-m", name) if annotated else ()
        git(self.folder, "tag", *words, name, sha)

    def listing(self, what: str) -> dict[bytes, bytes]:
        """Path → "mode type sha" of a whole tree."""
        rows = git(self.folder, "ls-tree", "-r", "-z", "--full-tree", what).split(b"\0")[:-1]
        return {path: head for head, _, path in (row.partition(b"\t") for row in rows)}

    def show(self, what: str) -> bytes:
        return git(self.folder, "cat-file", "blob", what)


def _line(path: str | bytes, held: bytes | Entry | None) -> bytes:
    raw = path if isinstance(path, bytes) else path.encode()
    quoted = b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    if held is None:
        return b"D " + quoted
    entry = held if isinstance(held, Entry) else Entry(content=held)
    if entry.mode == "160000":
        return b"M 160000 %s %s" % (entry.content, quoted)
    return b"M %s inline %s\ndata %d\n%s" % (entry.mode.encode(), quoted, len(entry.content), entry.content)


@dataclass
class Faults:
    """Which requests go wrong: each rule is used up by the first request that it fits. `heard` is told of each."""

    rules: list[tuple[str, str, Fault]] = field(default_factory=list[tuple[str, str, Fault]])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    heard: Callable[[str, str], None] | None = None

    def __call__(self, method: str, path: str) -> Fault | None:
        self.requests.append((method, path))
        if self.heard is not None:
            self.heard(method, path)
        for rule in self.rules:
            if rule[0] == method and path.endswith(rule[1]):
                self.rules.remove(rule)
                return rule[2]
        return None

    def count(self, method: str, end: str) -> int:
        return sum(m == method and path.endswith(end) for m, path in self.requests)


@dataclass
class World:
    """A forge that is served, the hub below it, and the adapter that speaks to it."""

    hub: Hub
    served: Served
    known: ForgeRepository
    forge: GitForge
    faults: Faults
    cache: Path
    client: httpx.Client
    made: list[GitForge] = field(default_factory=list[GitForge])
    others: dict[str, Hub] = field(default_factory=dict[str, Hub])
    answered: Sequence[tuple[str, str, int]] = ()  # method, path below the API, status; in order, faults left out

    def written(self, since: int = 0) -> list[str]:
        """What was written through the API, and which pushes were sent, behind that many requests to the API."""
        done = [f"{m} {path}" for m, path, status in self.answered[since:] if m != "GET" and status < 400]
        pushes = [path for method, path in self.faults.requests if method == "POST"]
        return done + [f"push {path}" for path in pushes if path.endswith("git-receive-pack")]

    def another(self, name: str) -> Hub:
        """One more repository of acme's, with nothing in it yet."""
        self.others[name] = Hub(self.hub.root, full_name=f"acme/{name}").create()
        return self.others[name]

    def adapter(self, token: str | Callable[[], str] = TOKEN, **changes: str) -> GitForge:
        """Another adapter for the same forge and all its repositories, with a cache of its own."""
        source = token if callable(token) else lambda: token
        fields = {"name": "shop", "url": f"{self.served.url}/acme/shop.git", "branch": "main", "full_name": "acme/shop"}
        known = [ForgeRepository(**(fields | changes))]
        for name, hub in self.others.items():
            url = f"{self.served.url}/{hub.full_name}.git"
            known.append(ForgeRepository(name=name, url=url, branch="main", full_name=hub.full_name))
        folder = self.cache / f"other-{len(list(self.cache.glob('other-*')))}"
        folder.mkdir(parents=True)
        self.made.append(GitForge(known, self.served.api_url, source, folder, timedelta(0)))
        return self.made[-1]

    def flood(self, number: int, many: int, body: str, login: str) -> None:
        """Put that many comments of one person under a pull request at once."""
        records = Records(self.hub.root / DATABASE)
        for _ in range(many):
            records.add(
                Comment,
                self.hub.full_name,
                lambda new_id, now: Comment(
                    id=new_id, repository=self.hub.full_name, number=number, author=login, body=body, created=now
                ),
            )
        records.close()

    def ask(
        self,
        method: str,
        path: str,
        login: str = "reviewer",
        token: str = TOKEN,
        name: str = "shop",
        **more: Any,  # noqa: ANN401 - httpx's own
    ) -> httpx.Response:
        """One request to the API by a person, below the repository."""
        url = f"{self.served.api_url}/repos/acme/{name}{path}"
        return self.client.request(method, url, auth=(login, token), **more)


@contextmanager
def world(folder: Path, around: Callable[[Any], Any] | None = None) -> Generator[World]:
    """A world in the folder; every exchange with its API is held against GitHub's description at the end."""
    openapi, faults = OpenApi(), Faults()
    hub = Hub(folder / "forge").create()
    watch = around or openapi.around
    with serve(folder / "forge", "127.0.0.1:0", TOKEN, readers=(READER,), faults=faults, around=watch) as served:
        known = ForgeRepository(name="shop", url=f"{served.url}/acme/shop.git", branch="main", full_name="acme/shop")
        cache = folder / "cache"
        forge = GitForge([known], served.api_url, lambda: TOKEN, cache, timedelta(0))
        with httpx.Client(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ) as client:  # plain HTTP only: no roots to load
            built = World(hub, served, known, forge, faults, cache, client, answered=openapi.answered)
            yield built
            for adapter in (forge, *built.made):
                adapter.close()
    assert openapi.failures == [], "\n".join(openapi.failures)
