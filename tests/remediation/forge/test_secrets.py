"""The token reaches git through the environment of one call, and is found nowhere else."""

import logging
import os
import socket
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cases.change import FileEdit
from cases.errors import PermanentError, TrackwalkerError
from remediation.forge.forge import GitForge
from remediation.forge.git_command import GitCommand
from remediation.forge.repository import ForgeRepository
from remediation.forge.token import TokenRefused
from tests.parts.hub import TOKEN, World

RECORDER = """#!/bin/sh
printf '%s\\n' "$@" >> {log}.words
env >> {log}.environment
exec {git} "$@"
"""
WRONG = "wrong-token-0815"
EDITS = [FileEdit(path="a.txt", content=b"two\n")]
BRANCH = "trackwalker/case1-1"


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a git first on the PATH that notes its words and its environment, and then is git."""
    real = next(p for folder in os.environ["PATH"].split(":") if (p := Path(folder) / "git").exists())
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(RECORDER.format(log=tmp_path / "seen", git=real))
    (folder / "git").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up-key-8150")
    monkeypatch.setenv("GIT_TRACE_CURL", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_SSH_COMMAND", "touch /nowhere")
    return tmp_path / "seen"


def use_everything(there: World) -> None:
    forge, base = there.forge, there.hub.tip()
    forge.head("shop")
    forge.push("shop", BRANCH, base, EDITS, "Because\n")
    forge.open_pull_request("shop", BRANCH, "Title", "Body", ("trackwalker",), draft=False)
    forge.comment("shop", BRANCH, "key", "text")
    forge.store_plot("shop", "case1/1.png", b"png")
    forge.permissions("shop")


def test_no_argument_file_or_log_line_holds_the_token(
    there: World, seen: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        use_everything(there)
    words = seen.with_suffix(".words").read_text()
    assert "push" in words.splitlines()
    assert TOKEN not in words
    assert "Authorization" not in words
    assert TOKEN not in caplog.text
    assert "Popen" in caplog.text  # git's commands were logged
    files = [path for path in there.cache.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert not (tmp_path / "trace").exists()


def test_git_sees_nothing_of_the_daemons_environment(there: World, seen: Path) -> None:
    use_everything(there)
    environment = seen.with_suffix(".environment").read_text()
    assert "made-up-key-8150" not in environment
    assert "GIT_SSH_COMMAND" not in environment
    assert "GIT_TERMINAL_PROMPT=0" in environment
    assert "core.hooksPath" in environment


CALLS: dict[str, Callable[[GitForge, World], object]] = {
    "head": lambda forge, _: forge.head("shop"),
    "push": lambda forge, world: forge.push("shop", BRANCH, world.hub.tip(), EDITS, "Because\n"),
    "find": lambda forge, _: forge.find_pull_request("shop", BRANCH),
    "open": lambda forge, _: forge.open_pull_request("shop", BRANCH, "T", "B", (), draft=False),
    "comment": lambda forge, _: forge.comment("shop", BRANCH, "key", "text"),
    "picture": lambda forge, _: forge.store_plot("shop", "a.png", b"png"),
    "list": lambda forge, _: forge.open_pull_requests("shop"),
    "probe": lambda forge, _: forge.probe(),
}


@pytest.mark.parametrize("address", ["/acme/shop.git", "http://127.0.0.1:9/acme/shop.git"])
def test_no_error_shows_the_token(there: World, address: str, caplog: pytest.LogCaptureFixture) -> None:
    url = address if "://" in address else there.served.url + address
    forge = there.adapter(WRONG, url=url)
    for call in CALLS.values():
        with caplog.at_level(logging.DEBUG), pytest.raises(TrackwalkerError) as failure:
            call(forge, there)
        error = failure.value
        shown = [repr(error), str(error), caplog.text, *map(repr, (error.__cause__, error.__context__))]
        assert [text for text in shown if WRONG in text] == []


def test_a_rotated_token_is_seen_at_the_next_call(there: World) -> None:
    tokens = [WRONG]
    forge = GitForge(
        [ForgeRepository(name="shop", url=f"{there.served.url}/acme/shop.git", branch="main", full_name="acme/shop")],
        there.served.api_url,
        lambda: tokens[-1],
        there.cache / "rotated",
    )
    with pytest.raises(TokenRefused):
        forge.head("shop")
    tokens.append(TOKEN)
    assert there.hub.tip() == forge.head("shop")
    assert forge.probe() == "trackwalker"


def test_a_url_with_a_credential_in_it_is_refused() -> None:
    with pytest.raises(PermanentError, match="carries a credential") as refused:
        ForgeRepository(name="shop", url=f"http://x:{TOKEN}@127.0.0.1/a/b.git", branch="main", full_name="a/b")
    assert TOKEN not in str(refused.value)


def test_an_empty_token_is_refused_before_anything_is_sent(there: World) -> None:
    with pytest.raises(PermanentError, match="token is empty"):
        there.adapter("").probe()


def test_a_time_limit_ends_git() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.git"
        git = GitCommand(None, settings={"protocol.http.allow": "always"})
        ended = git.ask("ls-remote", url, timeout=timedelta(seconds=0.5))
    assert ended.timed_out
