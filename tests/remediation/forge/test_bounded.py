"""An API that answers with too much, too slowly, or with what is not GitHub's is waited for, at little cost."""

import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from cases.change import FileEdit
from cases.errors import TemporaryError
from remediation.forge import bounded
from remediation.forge.forge import GitForge
from remediation.forge.github import GithubApi
from remediation.forge.local.application import Wsgi
from remediation.forge.repository import ForgeRepository
from tests.faults.memory import little_memory
from tests.parts.hub import TOKEN, world
from tests.parts.misbehaving import Misbehaving, drips, floods, misbehaving
from tests.parts.web import says

BRANCH = "trackwalker/case1-1"
MOST_MB = 60  # 16 MiB of it are kept
SHAPES = (
    *('["x"]', "[1]", '{"a": 1}', '"x"', "7", "null", "[null]", "[[]]", '[{"head": 1}]', "<html>", "", "[" * 100_000),
    "[" + "{}," * 2**20 + "{}]",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Misbehaving]:
    with misbehaving() as running:
        yield running


@pytest.fixture
def forge(server: Misbehaving, tmp_path: Path) -> Iterator[GitForge]:
    known = ForgeRepository(name="shop", url=f"{server.url}/acme/shop.git", branch="main", full_name="acme/shop")
    made = GitForge([known], f"{server.url}/api/v3", lambda: "made-up", tmp_path, timedelta(0))
    yield made
    made.close()


def bomb() -> bytes:
    """300 kB that unpack to 300 MB; made without ever holding those, which would be this process's memory too."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(300)) + packer.flush()


@pytest.mark.parametrize("behave", [floods, says(200, bomb(), Content_Encoding="gzip")], ids=["long", "packed"])
def test_an_answer_of_hundreds_of_megabytes_is_not_read_to_its_end(
    server: Misbehaving, forge: GitForge, behave: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    server.behave = behave
    for _ in range(2):
        with little_memory(MOST_MB), pytest.raises(TemporaryError, match="larger than 16 MiB"):
            forge.find_pull_request("shop", BRANCH)


def test_an_answer_that_drips_is_not_waited_for(
    server: Misbehaving, forge: GitForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "LONGEST", 0.3)
    server.behave = drips(server, headers=False)
    with pytest.raises(TemporaryError, match="takes longer"):
        forge.find_pull_request("shop", BRANCH)


@pytest.mark.parametrize("body", SHAPES, ids=lambda text: text[:12])
def test_what_is_not_githubs_is_waited_for_and_no_bug_of_ours(server: Misbehaving, forge: GitForge, body: str) -> None:
    server.behave = says(200, body)
    for ask in (
        lambda: forge.find_pull_request("shop", BRANCH),
        lambda: forge.open_pull_requests("shop"),
        lambda: forge.comments("shop", BRANCH),
    ):
        with pytest.raises(TemporaryError, match=r"not GitHub's|no JSON"):
            ask()


def test_an_answer_that_breaks_off_is_waited_for(server: Misbehaving, forge: GitForge) -> None:
    def half(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"[")

    server.behave = half
    with pytest.raises(TemporaryError, match="cannot be reached"):
        forge.find_pull_request("shop", BRANCH)


def test_what_cannot_be_unpacked_is_waited_for(server: Misbehaving, forge: GitForge) -> None:
    server.behave = says(200, b"no gzip at all", Content_Encoding="gzip")
    with pytest.raises(TemporaryError, match="cannot be reached"):
        forge.find_pull_request("shop", BRANCH)


def test_connections_are_used_again(tmp_path: Path) -> None:
    """Whoever bounds the library's reads turns this off, unless it is turned on again."""
    ports: list[str] = []

    def around(inner: Wsgi) -> Wsgi:
        def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
            ports.append(environ["REMOTE_PORT"])
            return inner(environ, start_response)

        return application

    with world(tmp_path, around) as there:
        api = GithubApi(there.served.api_url, lambda: TOKEN, timedelta(0))
        for _ in range(3):
            api.heard("its settings", "/repos/acme/shop", {})
        api.close()
    assert len(ports) == 3
    assert len(set(ports)) == 1


@pytest.mark.parametrize("body", [b"", b" " * 2**20, b"001e# service=git-upload-pack\n00000000"])
def test_a_repository_that_answers_as_if_it_were_empty_is_waited_for(tmp_path: Path, body: bytes) -> None:
    """Git takes all of these for a list of no branches; then none would be there, and what is there would be lost."""
    blank = threading.Event()

    def around(inner: Wsgi) -> Wsgi:
        def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
            if not blank.is_set() or not environ["PATH_INFO"].endswith("/info/refs"):
                return inner(environ, start_response)
            kind = "application/x-git-upload-pack-advertisement" if body.startswith(b"001e") else "text/plain"
            start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
            return [body]

        return application

    with world(tmp_path, around) as there:
        tip = there.hub.commit("Open the shop", {"a.txt": b"one\n"})
        assert there.forge.head("shop") == tip
        blank.set()
        for ask in (
            lambda: there.forge.head("shop"),
            lambda: there.forge.push("shop", BRANCH, tip, [FileEdit(path="a.txt", content=b"two\n")], "Because\n"),
            lambda: there.forge.tagged("shop", "v1"),
        ):
            for _ in range(2):
                with pytest.raises(TemporaryError, match="as if it were empty"):
                    ask()
        blank.clear()
        assert there.forge.head("shop") == tip
