"""The sidecar that keeps a service's flags equal to main's."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.errors import GitError
from demo.flags import FlagFollower
from tests.parts.hub import Hub

FILE = "config/flags.json"


def until(seen: Callable[[], bool], seconds: float = 10.0) -> None:
    pause, end = threading.Event(), time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end
        pause.wait(0.02)


def fails(follower: FlagFollower) -> bool:
    try:
        follower.check()
    except GitError:
        return True
    return False


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    hub = Hub(tmp_path / "forge").create()
    hub.commit("Begin", {FILE: b'{"flags": {}}\n\n', "README": b"a shop\n"})
    return hub


def followed(hub: Hub, folder: Path) -> FlagFollower:
    return FlagFollower(folder / "mirror.git", url=str(hub.folder), path=FILE, target=folder / "at" / "flags.json")


def test_the_file_is_there_at_once_and_follows_main_byte_for_byte(hub: Hub, tmp_path: Path) -> None:
    target = tmp_path / "at" / "flags.json"
    with followed(hub, tmp_path) as follower:
        assert target.read_bytes() == b'{"flags": {}}\n\n'
        for content in (b'{"flags": {"a": {}}}\r\n', b"\xff no JSON at all", b""):
            sha = hub.commit("Next", {FILE: content})
            until(lambda sha=sha: follower.shown == sha)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
            assert target.read_bytes() == content
        follower.check()
    assert [target] == list(target.parent.iterdir())


def test_a_commit_elsewhere_leaves_the_file_untouched(hub: Hub, tmp_path: Path) -> None:
    target = tmp_path / "at" / "flags.json"
    with followed(hub, tmp_path) as follower:
        before = target.stat()
        sha = hub.commit("A page", {"README": b"a better shop\n"})
        until(lambda: follower.shown == sha)
        after = target.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_while_main_has_no_such_file_the_last_one_stays(hub: Hub, tmp_path: Path) -> None:
    target = tmp_path / "at" / "flags.json"
    with followed(hub, tmp_path) as follower:
        hub.commit("By mistake", {FILE: None})
        until(lambda: fails(follower))
        assert target.read_bytes() == b'{"flags": {}}\n\n'
        sha = hub.commit("Back", {FILE: b'{"flags": {"b": {}}}'})
        until(lambda: follower.shown == sha)
        until(lambda: not fails(follower))
        assert target.read_bytes() == b'{"flags": {"b": {}}}'
