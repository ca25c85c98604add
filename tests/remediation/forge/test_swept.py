"""What gits left in a copy that were killed with their daemon is swept once it is surely dead."""

import os
from pathlib import Path

from remediation.forge.mirror import DEAD_LOCK_S, Mirror
from remediation.forge.own_index import OWN_INDEX, own_index
from tests.parts.hub import TOKEN, world


def test_old_locks_and_indexes_go_and_young_ones_stay(tmp_path: Path) -> None:
    with world(tmp_path / "w") as there:
        there.hub.commit("Open", {"a.py": b"a = 1\n"}, at=1_772_000_000)
        first = Mirror(there.known, lambda: TOKEN, there.cache)
        first.fetch()
        folder = first.folder
        old, young = folder / f"{OWN_INDEX}old", folder / f"{OWN_INDEX}young"
        for left in (old, young):
            left.mkdir()
            (left / "index").write_bytes(b"half of one")
        (folder / "config.lock").write_bytes(b"")
        for left in (old, folder / "config.lock"):
            at = left.stat().st_mtime - DEAD_LOCK_S - 1
            os.utime(left, (at, at))
        again = Mirror(there.known, lambda: TOKEN, there.cache)
        again.fetch()
        assert (old.exists(), young.exists(), (folder / "config.lock").exists()) == (False, True, False)
        with own_index(again.git) as index:
            assert Path(index["GIT_INDEX_FILE"]).parent.parent == folder
        assert sorted(path.name for path in folder.glob(f"{OWN_INDEX}*")) == [young.name]
