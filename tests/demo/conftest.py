"""A shop's repository, and a forge small enough to be read at once."""

import base64
import json
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from demo.errors import GitError
from demo.repository import Clone, Git, create_repository

TOKEN = "made-up-token-4711"
STORY_BEGINS = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def first_bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create_repository(tmp_path_factory.mktemp("first"), until=STORY_BEGINS)


@pytest.fixture
def bare(tmp_path: Path, first_bare: Path) -> Path:
    """A repository of its own for each test; copied, for making one takes half a second."""
    return shutil.copytree(first_bare, tmp_path / "forge/acme/shop.git")


@pytest.fixture
def clone(tmp_path: Path, bare: Path) -> Clone:
    return Clone(tmp_path / "developer", url=str(bare))


class SmallForge(ThreadingHTTPServer):
    """GitHub's documented shapes for three calls over one bare repository, in which it really merges."""

    daemon_threads = True

    def __init__(self, bare: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self.git = Git(bare)
        self.pulls: list[dict[str, Any]] = []

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v3"

    def label(self, number: int, name: str) -> None:
        self.pulls[number - 1]["labels"].append({"name": name})

    def open(self, wanted: dict[str, str]) -> tuple[int, dict[str, Any]]:
        heads = self.git("for-each-ref", "--format=%(refname:short)").splitlines()
        if wanted["head"] not in heads or wanted["base"] not in heads:
            return 422, {"message": "Validation Failed"}
        head = {"ref": wanted["head"], "sha": self.git("rev-parse", wanted["head"])}
        pull: dict[str, Any] = {
            "number": len(self.pulls) + 1,
            "title": wanted["title"],
            "state": "open",
            "head": head,
            "labels": [],
            "draft": False,
            "node_id": f"T_{len(self.pulls) + 1}",
        }
        self.pulls.append(pull)
        return 201, pull

    def merge(self, number: int, wanted: dict[str, str]) -> tuple[int, dict[str, Any]]:
        pull = self.pulls[number - 1]
        head = self.git("rev-parse", pull["head"]["ref"])
        if wanted.get("sha", head) != head:
            return 409, {"message": "Head branch was modified. Review and try the merge again."}
        try:
            tree = self.git("merge-tree", "--write-tree", "main", head)
        except GitError:
            return 405, {"message": "Pull Request is not mergeable"}
        parents = ["-p", "main"] if wanted["merge_method"] == "squash" else ["-p", "main", "-p", head]
        sha = self.git("commit-tree", tree, *parents, "-m", f"{pull['title']} (#{number})")
        self.git("update-ref", "refs/heads/main", sha)
        pull["state"] = "closed"
        return 200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


class _Calls(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.path.startswith("/api/v3/repos/acme/shop/pulls?state=open")
        self._write(200, [pull for pull in self._forge.pulls if pull["state"] == "open"])

    def do_POST(self) -> None:
        assert self.path == "/api/v3/repos/acme/shop/pulls"
        self._write(*self._forge.open(self._body()))

    def do_PUT(self) -> None:
        found = re.fullmatch(r"/api/v3/repos/acme/shop/pulls/(\d+)/merge", self.path)
        assert found is not None
        self._write(*self._forge.merge(int(found[1]), self._body()))

    @property
    def _forge(self) -> SmallForge:
        return cast("SmallForge", self.server)

    def _body(self) -> dict[str, str]:
        read: dict[str, str] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return read

    def _write(self, status: int, answer: object) -> None:
        wanted = "Basic " + base64.b64encode(f"shop-developer:{TOKEN}".encode()).decode()
        if self.headers["Authorization"] != wanted:
            status, answer = 401, {"message": "Bad credentials"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def small_forge(bare: Path) -> Iterator[SmallForge]:
    with SmallForge(bare) as forge:
        serving = threading.Thread(target=forge.serve_forever, args=(0.02,))
        serving.start()
        yield forge
        forge.shutdown()
        serving.join()
