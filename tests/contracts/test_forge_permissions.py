"""The contract of the Forge port about permissions, and a forge that says no."""

import json
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.ports import Forge
from tests.parts.github_app import ALL, INSTALLATION, installed
from tests.parts.hub import READER, World, world
from tests.parts.proposals import BRANCH, edit


def test_an_unknown_repository_is_a_permanent_error(forge: Forge) -> None:
    with pytest.raises(PermanentError, match="no repository is called 'nowhere'"):
        forge.head("nowhere")


def test_permissions_tell_what_is_granted_and_write_nothing(there: World, forge: Forge) -> None:
    rows = forge.permissions("shop")
    assert [row for row in rows if not row[1]] == []
    assert "git can push branches" in {row[0] for row in rows}
    assert {name for name, _, said in rows if said} == {"the proof is shown as"}
    assert {"pull_requests: write", "issues: write", "statuses: write", "checks: read"} <= {row[0] for row in rows}
    assert there.written() == []


def test_a_token_that_may_only_read_is_told_so_and_refused(there: World) -> None:
    forge: Forge = there.adapter(READER)
    assert there.hub.tip() == forge.head("shop")
    refused = {name: advice for name, granted, advice in forge.permissions("shop") if not granted}
    assert set(refused) == {"pull_requests: write", "issues: write", "statuses: write", "git can push branches"}
    assert refused["pull_requests: write"] == "give the token Pull requests: read and write"
    with pytest.raises(PermanentError, match="no permission"):
        forge.push("shop", BRANCH, there.hub.tip(), [edit()], "Because\n")


def test_a_wrong_token_is_waited_out_everywhere(there: World) -> None:
    forge: Forge = there.adapter("stale-token")
    for call in (lambda: forge.head("shop"), lambda: forge.find_pull_request("shop", BRANCH)):
        with pytest.raises(TemporaryError, match="does not take the token"):
            call()
    assert [granted for _, granted, _ in forge.permissions("shop")] == [False]


def test_a_repository_that_is_not_there_is_a_permanent_error(there: World) -> None:
    forge: Forge = there.adapter(url=f"{there.served.url}/acme/gone.git", full_name="acme/gone")
    for call in (lambda: forge.head("shop"), lambda: forge.find_pull_request("shop", BRANCH)):
        with pytest.raises(PermanentError, match="no such repository"):
            call()


def test_an_archived_repository_is_a_permanent_error(there: World, forge: Forge) -> None:
    base = forge.head("shop")
    (there.hub.folder / "archived").touch()
    assert {"the repository takes changes"} <= {name for name, granted, _ in forge.permissions("shop") if not granted}
    with pytest.raises(PermanentError, match=r"archived|permission"):
        forge.push("shop", BRANCH, base, [edit()], "Because\n")


def test_a_forge_that_cannot_be_reached_is_a_temporary_error(there: World) -> None:
    forge: Forge = there.adapter(url="http://127.0.0.1:9/acme/shop.git")
    with pytest.raises(TemporaryError):
        forge.head("shop")


def test_an_empty_repository_is_a_permanent_error(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        forge: Forge = made.forge
        with pytest.raises(PermanentError, match="it is empty"):
            forge.head("shop")
        refused = [(name, advice) for name, granted, advice in forge.permissions("shop") if not granted]
        assert [(name, "empty" in advice) for name, advice in refused] == [("it has the branch main", True)]


@pytest.mark.parametrize("missing", ["contents", "pull_requests", "issues", "statuses", "checks", "deployments"])
def test_each_permission_that_a_token_lacks_is_named(there: World, missing: str) -> None:
    levels = {"contents": "write", "pull_requests": "write", "issues": "write", "statuses": "write"}
    held = {"metadata": "read", "checks": "read", "deployments": "read", **levels}
    del held[missing]
    (there.hub.root / "tokens").mkdir()
    narrow = {"token": "github_pat_made_up", "login": "trackwalker", "permissions": held}
    (there.hub.root / "tokens" / "narrow.json").write_text(json.dumps(narrow))
    rows = there.adapter("github_pat_made_up").permissions("shop")
    found = {name for name, granted, _ in rows if not granted}
    said = {name for name, _, words in rows if "not granted" in words}
    expected = {
        "contents": {"git can fetch it"},
        "pull_requests": {"pull_requests: write"},
        "issues": {"issues: write"},
        "statuses": {"statuses: read", "statuses: write"},
        "checks": {"checks: read"},
        "deployments": set[str](),
    }[missing]
    assert found == expected
    assert said == {f"{missing}: read"} & {"statuses: read", "checks: read", "deployments: read"}
    assert there.written() == []


@pytest.mark.parametrize("missing", ["contents", "issues", "checks", "deployments"])
def test_each_permission_that_an_app_lacks_is_named(there: World, missing: str) -> None:
    granted = {name: level for name, level in ALL.items() if name != missing}
    app = installed(there, granted)
    rows = app.forge().permissions("shop")
    lacking = {name: words for name, good, words in rows if not good}
    level = ALL[missing]
    wanted = {"deployments": set[str](), "contents": {"contents: write", "git can fetch it"}}
    assert set(lacking) == wanted.get(missing, {f"{missing}: {level}"})
    assert all("accept that where it is installed" in words for name, words in lacking.items() if level in name)
    assert there.written() == [f"POST /app/installations/{INSTALLATION}/access_tokens"]


def test_what_stops_everything_is_said_in_words(there: World) -> None:
    app = installed(there)
    (there.hub.folder / "archived").touch()
    rows = app.forge().permissions("shop")
    (there.hub.folder / "archived").unlink()
    assert next((name, words) for name, good, words in rows if not good) == (
        "the repository takes changes",
        "it is archived: unarchive it or take it out of the configuration",
    )
    app.change(suspended="2026-01-01T00:00:00Z")
    (told,) = [words for _, good, words in app.forge().permissions("shop") if not good]
    assert "is suspended: unsuspend it where it is installed" in told
    (told,) = [words for _, good, words in there.adapter("revoked").permissions("shop") if not good]
    assert "the forge does not take the token" in told
