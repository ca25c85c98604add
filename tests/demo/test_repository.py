"""The shop's repository and its pull requests."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from demo.errors import ForgeApiError, GitError
from demo.faults import AFTER, BAD, BEFORE, HISTORY
from demo.forge_api import ForgeApi
from demo.repository import Clone, Git, ShopRepository
from demo.reviewer import Reviewer
from tests.demo.conftest import STORY_BEGINS, TOKEN, SmallForge


def test_the_history_is_dated_and_the_same_each_time(bare: Path) -> None:
    dated = Git(bare)("log", "--first-parent", "--format=%aI %an <%ae>", "main").splitlines()
    assert len(dated) == len(HISTORY) + 1
    assert dated == sorted(dated, reverse=True)
    assert all(line.endswith("shop developer <developer@shop.example>") for line in dated)
    assert dated[0] < STORY_BEGINS.isoformat()
    assert dated[-1].startswith("2025-12-31")


def test_a_merge_is_a_merge_commit_on_the_remotes_main(clone: Clone) -> None:
    before = clone.head()
    sha = clone.merge(BEFORE)
    assert clone.head() == sha
    assert clone.git("rev-parse", f"{sha}^1") == before
    assert clone.git("log", "-1", "--format=%s", f"{sha}^2") == BEFORE.title


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1)])
def test_a_pull_request_is_pushed_opened_and_merged(
    tmp_path: Path, bare: Path, small_forge: SmallForge, method: str, parents: int
) -> None:
    with ForgeApi(small_forge.api_url, repository="acme/shop", token=TOKEN) as api:
        repository = ShopRepository(tmp_path / "developer", url=str(bare), api=api, token=TOKEN)
        shas = [
            repository.merge_pull_request(commit, method="squash" if method == "squash" else "merge")
            for commit in (BEFORE, BAD, AFTER)
        ]
        assert repository.head() == shas[-1]
    assert [len(Git(bare)("rev-parse", f"{sha}^@").split()) for sha in shas] == [parents] * 3
    assert [pull["title"] for pull in small_forge.pulls] == [BEFORE.title, BAD.title, AFTER.title]


def test_the_reviewer_merges_only_what_carries_the_label(clone: Clone, small_forge: SmallForge) -> None:
    with ForgeApi(small_forge.api_url, repository="acme/shop", token=TOKEN) as api:
        numbers = [
            api.open_pull_request(title=commit.title, body=commit.body, branch=clone.push_branch(commit))
            for commit in (BEFORE, AFTER)
        ]
        reviewer = Reviewer(api, every=0.02)
        assert reviewer.look() is None
        with pytest.raises(ForgeApiError, match=r"no mergeable .* label 'trackwalker' within 0\.1 s"):
            reviewer.merge_next(within=0.1)
        small_forge.label(numbers[1], "trackwalker")
        merged = reviewer.merge_next(within=5)
        assert (merged.number, merged.title, merged.sha) == (2, AFTER.title, clone.head())
        assert reviewer.look() is None


def test_the_reviewer_does_not_merge_what_moved_while_it_looked(clone: Clone, small_forge: SmallForge) -> None:
    with ForgeApi(small_forge.api_url, repository="acme/shop", token=TOKEN) as api:
        number = api.open_pull_request(title=BEFORE.title, body="", branch=clone.push_branch(BEFORE))
        small_forge.label(number, "trackwalker")
        small_forge.pulls[0]["head"]["sha"] = clone.head()  # what the list said is not what the branch is
        assert Reviewer(api).look() is None


def test_a_refused_call_names_itself_and_not_its_token(small_forge: SmallForge) -> None:
    with (
        ForgeApi(small_forge.api_url, repository="acme/shop", token="another-secret") as api,
        pytest.raises(ForgeApiError, match=r"GET pulls.* of acme/shop with 401: .*Bad credentials") as failure,
    ):
        api.open_pull_requests(label="trackwalker")
    assert failure.value.status == 401
    assert "another-secret" not in repr(failure.value) + str(failure.value)


class _Listener(BaseHTTPRequestHandler):
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.headers.get("Authorization", ""))
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that writes down who knocks, and lets nobody in."""
    heard: list[str] = []
    handler = type("Listener", (_Listener,), {"heard": heard})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/acme/shop.git", heard
        server.shutdown()
        serving.join()


def test_git_sends_the_token_and_keeps_it_nowhere(tmp_path: Path, bare: Path, listener: tuple[str, list[str]]) -> None:
    url, heard = listener
    clone = Clone(tmp_path / "developer", url=str(bare), token=TOKEN)
    clone.git("remote", "set-url", "origin", url)
    with pytest.raises(GitError, match=r"`git ls-remote`.*403") as failure:
        clone.head()
    basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert heard == [f"Basic {basic}"]
    kept = b"".join(path.read_bytes() for path in clone.tree.rglob("*") if path.is_file()).decode(errors="replace")
    for secret in (TOKEN, basic):
        assert secret not in str(failure.value) + repr(failure.value)
        assert secret not in kept
