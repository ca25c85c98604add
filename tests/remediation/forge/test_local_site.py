"""The local forge for git and for a browser."""

import random
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from cases.errors import PermanentError
from remediation.forge.local.server import serve
from tests.parts.hub import READER, TOKEN, Hub, World, git

EVIL = "<script>alert(1)</script> **bold** ![x](http://tracker.example/x.png)"


def url_with(there: World, token: str) -> str:
    return f"http://x-access-token:{token}@127.0.0.1:{there.served.port}/acme/shop.git"


def test_plain_git_clones_and_pushes(there: World, tmp_path: Path) -> None:
    copy = tmp_path / "copy.git"
    git(copy, "clone", "--quiet", "--bare", url_with(there, TOKEN), str(copy))
    assert there.hub.tip().encode() == git(copy, "rev-parse", "main").strip()
    git(copy, "push", "--quiet", url_with(there, TOKEN), "main:refs/heads/pushed")
    assert there.hub.tip() == there.hub.tip("pushed")


@pytest.mark.parametrize("protocol", ["0", "1", "2"])
def test_every_protocol_of_git_is_spoken(there: World, protocol: str) -> None:
    out = git(there.hub.folder, "-c", f"protocol.version={protocol}", "ls-remote", url_with(there, TOKEN), "main")
    assert there.hub.tip().encode() == out.split()[0]


def test_a_large_push_arrives(there: World, tmp_path: Path) -> None:
    other = Hub(tmp_path / "other").create()
    noise = random.Random(7).randbytes(3 << 20)  # noqa: S311 - noise that does not compress, not a secret
    other.commit("Large", {"large.bin": noise})
    git(other.folder, "push", "--quiet", url_with(there, TOKEN), "main:refs/heads/large")
    assert noise == there.hub.show("large:large.bin")


def test_a_reader_fetches_and_may_not_push(there: World) -> None:
    assert git(there.hub.folder, "ls-remote", url_with(there, READER))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git(there.hub.folder, "push", "--quiet", url_with(there, READER), "main:refs/heads/x")
    assert b"403" in refused.value.stderr
    assert there.hub.tip("x") == ""


def test_the_forges_own_references_cannot_be_pushed(there: World) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        git(there.hub.folder, "push", "--quiet", url_with(there, TOKEN), "main:refs/pull/1/head")


NOWHERE = [
    *("/acme/shop.git/config", "/acme/shop.git/HEAD", "/acme/shop.git/objects/info/packs", "/forge.sqlite3"),
    *("/acme/../forge.sqlite3", "/..%2f..%2fetc/passwd.git/info/refs", "/acme/shop.git/../../forge.sqlite3"),
    *("/acme/gone.git/info/refs?service=git-upload-pack", "/acme/shop/raw/main/gone", "/acme/shop/raw/gone/a.txt"),
    *("/acme/shop/raw/main/src", "/acme/shop/raw/main/../../x", "/acme/shop/raw/main/--help", "/acme/shop/pull/99"),
]


def test_nothing_else_is_served(there: World) -> None:
    for path in NOWHERE:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", there.served.port)) as wire:
            wire.sendall(request.encode())
            answer = b"".join(iter(lambda wire=wire: wire.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 404 "), path


def test_a_pull_requests_page_shows_text_as_text(there: World) -> None:
    there.hub.commit("More", {"more.txt": b"<b>more</b>\n"}, branch="more", start=there.hub.tip())
    there.ask("POST", "/pulls", json={"title": EVIL, "head": "more", "base": "main", "body": EVIL})
    there.ask("POST", "/issues/1/comments", json={"body": f"comment {EVIL}"})
    there.ask("POST", "/pulls/1/reviews", "lee", json={"event": "APPROVE", "body": EVIL})
    page = there.client.get(f"{there.served.url}/acme/shop/pull/1", auth=("reviewer", TOKEN))
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "<b>" not in page.text
    assert "comment &lt;script&gt;" in page.text
    assert "+&lt;b&gt;more&lt;/b&gt;" in page.text
    assert "sandbox" in page.headers["Content-Security-Policy"]
    index = there.client.get(there.served.url, auth=("reviewer", TOKEN))
    assert "/acme/shop/pull/1" in index.text
    assert "<script" not in index.text


def test_a_file_is_shown_raw_and_harmless(there: World) -> None:
    there.hub.commit("Files", {"p/x y.png": b"\x89PNG", "evil.html": b"<script>1</script>", "v.svg": b"<svg/>"})
    there.hub.commit("Deep", {"d.txt": b"deep\n"}, branch="a/b", start=there.hub.tip())
    base = f"{there.served.url}/acme/shop/raw"
    kinds = {"main/p/x%20y.png": "image/png", "main/evil.html": "text/plain", "main/v.svg": "image/svg+xml"}
    for path, kind in kinds.items():
        answer = there.client.get(f"{base}/{path}", auth=("reviewer", TOKEN))
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert there.client.get(f"{base}/a/b/d.txt", auth=("reviewer", TOKEN)).text == "deep\n"


def test_a_stored_picture_is_where_its_url_says(there: World) -> None:
    url = there.forge.store_plot("shop", "case1/before.png", b"\x89PNG").facts["url"]
    assert there.client.get(url, auth=("reviewer", TOKEN)).content == b"\x89PNG"


def test_a_taken_address_is_a_permanent_error(tmp_path: Path, there: World) -> None:
    with pytest.raises(PermanentError, match="cannot listen"), serve(tmp_path / "x", f"127.0.0.1:{there.served.port}"):
        pass


def test_nothing_is_left_when_it_stops(tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    with serve(tmp_path / "root", "127.0.0.1:0", TOKEN) as served:
        port = served.port
    assert before == {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
