"""A git that is killed with its daemon leaves locks in the mirror. They hold nobody up: no case, and not for ever."""

import os
from pathlib import Path

import pytest

from cases.errors import TemporaryError
from remediation.forge.forge import GitForge
from tests.parts.hub import World, world

AGE = 60  # seconds; a lock that is this old is nobody's
LOCKS = ("config.lock", "packed-refs.lock", "refs/remotes/origin/main.lock", "HEAD.lock")


def restarted(it: World) -> tuple[GitForge, Path]:
    """An adapter that used its mirror in an earlier life, and one of its next life on the same folder; the mirror."""
    before = it.forge
    before.head("shop")
    (mirror,) = it.cache.glob("*.git")
    return GitForge([it.known], it.served.api_url, lambda: "made-up-token-4711", it.cache), mirror


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_that_an_earlier_life_left_is_removed(tmp_path: Path, name: str) -> None:
    with world(tmp_path) as it:
        it.hub.commit("Open the shop", {"README.md": b"hello\n"})
        forge, mirror = restarted(it)
        sha = it.hub.commit("Go on", {"README.md": b"hello again\n"})
        lock = mirror / name
        lock.touch()
        old = lock.stat().st_mtime - AGE
        os.utime(lock, (old, old))
        assert forge.head("shop") == sha
        assert not lock.exists()
        forge.close()


@pytest.mark.parametrize("name", ["config.lock", "refs/remotes/origin/main.lock"])
def test_a_lock_that_somebody_may_still_hold_is_waited_for_and_not_for_ever(tmp_path: Path, name: str) -> None:
    with world(tmp_path) as it:
        it.hub.commit("Open the shop", {"README.md": b"hello\n"})
        forge, mirror = restarted(it)
        sha = it.hub.commit("Go on", {"README.md": b"hello again\n"})
        lock = mirror / name
        lock.touch()
        with pytest.raises(TemporaryError, match="lock"):
            forge.head("shop")
        assert lock.exists()
        old = lock.stat().st_mtime - AGE
        os.utime(lock, (old, old))
        assert forge.head("shop") == sha
        forge.close()
