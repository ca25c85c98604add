"""Pushing: once, exactly, and never over somebody else."""

import base64
import shutil
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from cases.change import FileEdit
from cases.errors import PermanentError, TemporaryError
from remediation.forge.forge import GitForge
from remediation.forge.local.server import Fault
from remediation.forge.plots import shown_at
from tests.parts.hub import TOKEN, World, git

BRANCH = "trackwalker/case1-1"
EDITS = [FileEdit(path="a.txt", content=b"two\n")]


def test_the_commit_says_who_made_it_and_when_by_its_base(there: World) -> None:
    base = there.hub.tip()
    there.forge.push("shop", BRANCH, base, EDITS, "Raise it\n\nTrackwalker-Case: case1\nTrackwalker-Change: 1\n")
    shape = "--format=%an <%ae>|%ct|%P|%(trailers:key=Trackwalker-Case,valueonly,separator=%x2C)"
    who, when, parents, case = git(there.hub.folder, "log", "-1", shape, BRANCH).decode().strip().split("|")
    assert ("Trackwalker <trackwalker@noreply.invalid>", str(there.hub.clock + 1)) == (who, when)
    assert (base, "case1") == (parents, case)


def test_a_push_whose_answer_got_lost_is_adopted(there: World) -> None:
    there.faults.rules.append(("POST", "/git-receive-pack", Fault(status=500, after=True)))
    with pytest.raises(TemporaryError):
        there.forge.push("shop", BRANCH, there.hub.tip(), EDITS, "Because\n")
    receipt = there.forge.push("shop", BRANCH, there.hub.tip(), EDITS, "Because\n")
    assert (True, there.hub.tip(BRANCH)) == (receipt.adopted, receipt.facts["sha"])
    assert there.faults.count("POST", "/git-receive-pack") == 1


def test_many_who_push_the_same_at_once_make_one_branch(there: World) -> None:
    base = there.hub.tip()
    adapters = [there.adapter() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(f.push, "shop", BRANCH, base, EDITS, "Because\n") for f in adapters]
        receipts = [job.result() for job in jobs]
    assert {there.hub.tip(BRANCH)} == {receipt.facts["sha"] for receipt in receipts}


def test_the_same_tree_on_another_base_is_somebody_elses(there: World) -> None:
    base = there.hub.tip()
    there.forge.push("shop", BRANCH, base, EDITS, "Because\n")
    moved = there.hub.commit("More", {"more.txt": b"1\n"})
    with pytest.raises(PermanentError, match="somebody else's work"):
        there.forge.push("shop", BRANCH, moved, EDITS, "Because\n")


def test_a_refusal_of_the_forge_is_told(there: World) -> None:
    there.hub.commit("In the way", {"x.txt": b"1\n"}, branch="trackwalker", start=there.hub.tip())
    with pytest.raises(PermanentError, match="the forge refuses a push of trackwalker/case1-1 to shop"):
        there.forge.push("shop", BRANCH, there.hub.tip(), EDITS, "Because\n")
    assert there.hub.tip(BRANCH) == ""


def test_a_server_error_is_temporary(there: World) -> None:
    for status in (500, 502, 429):
        there.faults.rules.append(("GET", "/info/refs", Fault(status=status)))
        with pytest.raises(TemporaryError):
            there.forge.head("shop")
    assert there.hub.tip() == there.forge.head("shop")


class Redirect(BaseHTTPRequestHandler):
    """Sends everybody on to `target`, and notes who came."""

    target = ""
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(301)
        self.send_header("Location", self.target + self.path)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """A small server at the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_redirect_is_not_followed_with_the_token(there: World) -> None:
    Redirect.target = there.served.url
    with answering(Redirect) as address, pytest.raises(PermanentError, match="moved or was renamed"):
        there.adapter(url=f"{address}/acme/shop.git").head("shop")
    assert [path for path, _ in Redirect.asked] == ["/acme/shop.git/info/refs?service=git-upload-pack"]
    assert there.faults.count("GET", "/info/refs") == 0


class Echo(Redirect):
    """Refuses everybody, and tells them what they sent."""

    def do_GET(self) -> None:
        said = f"go away with {self.headers.get('Authorization')}\n".encode()
        self.send_response(403)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def test_a_remote_that_echoes_the_token_does_not_get_it_into_a_message(there: World) -> None:
    with answering(Echo) as address, pytest.raises(PermanentError, match="go away with Basic") as refused:
        there.adapter(url=f"{address}/acme/shop.git").head("shop")
    assert base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode() not in str(refused.value)
    assert "***" in str(refused.value)


def test_a_cache_may_be_given_as_a_relative_path(there: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    forge = GitForge([there.known], there.served.api_url, lambda: TOKEN, Path("relative/cache"), timedelta(0))
    forge.push("shop", BRANCH, forge.head("shop"), EDITS, "Because\n")
    assert there.hub.tip(BRANCH)


def test_a_mirror_whose_making_was_cut_short_is_made_again(there: World) -> None:
    there.forge.head("shop")
    mirror = next(there.cache.glob("*.git"))
    (mirror / "config").unlink()
    shutil.rmtree(mirror / "objects")
    (mirror / "packed-refs").unlink(missing_ok=True)
    shutil.rmtree(mirror / "refs")
    forge = GitForge([there.known], there.served.api_url, lambda: TOKEN, there.cache, timedelta(0))
    assert there.hub.tip() == forge.head("shop")


def test_a_mirror_that_was_thrown_away_is_made_anew(there: World) -> None:
    base = there.hub.tip()
    there.forge.head("shop")
    shutil.rmtree(there.cache)
    assert base == there.adapter().head("shop")


def test_two_pictures_at_once_are_both_kept(there: World) -> None:
    first, second = there.adapter(), there.adapter()
    first.store_plot("shop", "0.png", b"0")
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(f.store_plot, "shop", f"{n}.png", b"%d" % n) for n, f in enumerate((first, second), 1)]
        receipts = [job.result() for job in jobs]
    assert [receipt.adopted for receipt in receipts] == [False, False]
    assert {b"0.png", b"1.png", b"2.png"} == set(there.hub.listing("trackwalker-plots"))


def test_a_pictures_address_on_github_and_on_another_host() -> None:
    assert (
        shown_at("https://api.github.com", "a/b", "x y.png") == "https://github.com/a/b/raw/trackwalker-plots/x%20y.png"
    )
    assert shown_at("http://h:3/api/v3", "a/b", "c/x.png") == "http://h:3/a/b/raw/trackwalker-plots/c/x.png"


def test_a_picture_cannot_be_stored_elsewhere(there: World) -> None:
    for path in ("../x.png", ".git/x", "a\nb.png"):
        with pytest.raises(PermanentError, match="not a plain path"):
            there.forge.store_plot("shop", path, b"x")
