"""The contract of the Forge port about code: commits, trees, reverts, as git has them."""

import io
import tarfile
from datetime import timedelta

import pytest

from cases.change import FileEdit
from cases.errors import PermanentError
from cases.ports import Forge
from tests.parts.hub import FIRST, World, git
from tests.parts.proposals import START, edit


def test_head_is_the_tip_of_the_watched_branch_now(there: World, forge: Forge) -> None:
    first = there.hub.tip()
    assert first == forge.head("shop")
    there.hub.commit("Aside", {"aside.txt": b"1\n"}, branch="aside", start=first)
    assert first == forge.head("shop")
    assert there.hub.commit("More", {"more.txt": b"more\n"}) == forge.head("shop")


def test_commits_of_a_window_are_newest_first_with_files_patch_and_pull_request(there: World, forge: Forge) -> None:
    there.hub.commit("Old (#3)", {"a.txt": b"1\n"}, at=FIRST + 1000)
    squashed = there.hub.commit("Squashed (#12)", {"a.txt": b"2\n"}, at=FIRST + 2000)
    side = there.hub.commit("On the side", {"b.txt": b"1\n"}, branch="side", start=squashed, at=FIRST + 2100)
    merged = there.hub.commit("Merge pull request #13 from acme/side", {"b.txt": b"1\n"}, merge=side, at=FIRST + 2200)
    there.hub.commit("New", {"a.txt": b"3\n"}, at=FIRST + 9000)

    found = forge.commits("shop", START + timedelta(seconds=2000), START + timedelta(seconds=2200))

    assert [merged, squashed] == [commit.sha for commit in found]
    assert [commit.pull_request for commit in found] == [13, 12]
    assert [commit.files for commit in found] == [("b.txt",), ("a.txt",)]
    assert (squashed, side) == found[0].parents
    assert "+2\n" in found[1].patch
    assert START + timedelta(seconds=2000) == found[1].at


def test_contains_follows_ancestry_and_knows_abbreviations(there: World, forge: Forge) -> None:
    first = there.hub.tip()
    second = there.hub.commit("More", {"more.txt": b"1\n"})
    aside = there.hub.commit("Aside", {"a.txt": b"1\n"}, branch="aside", start=first)
    asked = ((second, first[:8]), (second[:7], second), (first, second), (second, aside), (second, "abcdef1234"))
    assert [forge.contains("shop", *pair) for pair in asked] == [True, True, False, False, False]
    assert not forge.contains("shop", second, "main")


def test_a_tree_is_the_base_with_the_edits_made(there: World, forge: Forge) -> None:
    edits = [edit(), edit(None, "keep.txt"), FileEdit(path="new/tool", content=b"\x00\xff", executable=True)]
    packed = forge.tree("shop", there.hub.tip(), edits)
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as tar:
        files = {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in tar.getmembers() if m.isfile()}
        assert tar.getmember("new/tool").mode & 0o100
        assert not tar.getmember("run.sh").mode & 0o100
    assert files == {"shop/cart.py": b"limit = 20\n", "run.sh": b"#!/bin/sh\n", "new/tool": b"\x00\xff"}


def test_a_revert_undoes_one_commit_on_top_of_later_ones(there: World, forge: Forge) -> None:
    culprit = there.hub.commit("Break it", {"shop/cart.py": b"limit = 0\n", "extra.txt": b"x\n"})
    base = there.hub.commit("Later", {"later.txt": b"later\n"})
    undone = forge.revert("shop", base, culprit)
    assert [(e.path, e.content) for e in undone.edits] == [("extra.txt", None), ("shop/cart.py", b"limit = 10\n")]
    assert (base, 1, 2, ()) == (undone.base, undone.added, undone.removed, undone.conflicts)
    assert "+limit = 10\n" in undone.diff


def test_a_pull_request_that_was_merged_by_rebase_is_undone_whole(there: World, forge: Forge) -> None:
    start = there.hub.tip()
    there.hub.commit("One", {"shop/cart.py": b"limit = 1\n"}, branch="topic", start=start)
    there.hub.commit("Two", {"extra.txt": b"x\n"}, branch="topic")
    there.hub.commit("Before", {"before.txt": b"1\n"})
    number = there.ask("POST", "/pulls", json={"title": "Both", "head": "topic", "base": "main"}).json()["number"]
    merge = there.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "rebase"}).json()
    two, one = there.hub.tip(), git(there.hub.folder, "rev-parse", "main~1").decode().strip()
    assert merge["sha"] == two
    alone = there.hub.commit("Later", {"later.txt": b"1\n"})
    assert forge.came_with("shop", one) == (one, two)
    assert forge.came_with("shop", two) == (one, two)
    assert forge.came_with("shop", alone) == (alone,)
    undone = forge.revert("shop", alone, two, one)
    assert [(e.path, e.content) for e in undone.edits] == [("extra.txt", None), ("shop/cart.py", b"limit = 10\n")]
    with pytest.raises(PermanentError, match="does not follow"):
        forge.revert("shop", alone, one, two)


def test_where_some_files_conflict_the_others_can_be_undone(there: World, forge: Forge) -> None:
    culprit = there.hub.commit("Break it", {"shop/cart.py": b"limit = 0\n", "extra.txt": b"x\n"})
    base = there.hub.commit("Build on it", {"shop/cart.py": b"limit = 0  # for now\n"})
    undone = forge.revert("shop", base, culprit)
    assert undone.conflicts == ("shop/cart.py",)
    assert [(e.path, e.content) for e in undone.edits] == [("extra.txt", None)]
    assert (undone.added, undone.removed) == (0, 1)
    assert "cart.py" not in undone.diff


def test_a_revert_that_conflicts_names_the_paths_and_gives_no_edits(there: World, forge: Forge) -> None:
    culprit = there.hub.commit("Break it", {"shop/cart.py": b"limit = 0\n"})
    base = there.hub.commit("Build on it", {"shop/cart.py": b"limit = 0  # for now\n"})
    undone = forge.revert("shop", base, culprit)
    assert (undone.conflicts, undone.edits, undone.diff) == (("shop/cart.py",), (), "")


def test_a_file_is_read_as_a_commit_has_it(there: World, forge: Forge) -> None:
    old, new = there.hub.tip(), there.hub.commit("More", {"shop/cart.py": b"limit = 11\r\n"})
    assert forge.read("shop", old, "shop/cart.py") == b"limit = 10\n"
    assert forge.read("shop", new[:10], "shop/cart.py") == b"limit = 11\r\n"
    assert forge.read("shop", new, "shop") is None
    assert forge.read("shop", new, "shop/*.py") is None
    with pytest.raises(PermanentError, match="not a plain path"):
        forge.read("shop", new, "../cart.py")
    with pytest.raises(PermanentError, match="has no commit"):
        forge.read("shop", "1234567", "shop/cart.py")


def test_a_part_has_its_diff_and_its_counts(there: World, forge: Forge) -> None:
    part = forge.part("shop", there.hub.tip(), [edit(b"limit = 20\nmore = 1\n")])
    assert ("shop", there.hub.tip(), 2, 1) == (part.repository, part.base, part.added, part.removed)
    assert "-limit = 10\n+limit = 20\n+more = 1\n" in part.diff


def test_a_tag_is_its_commit(there: World, forge: Forge) -> None:
    first = there.hub.tip()
    there.hub.tag("v1.0", first)
    there.hub.tag("v1.1", there.hub.commit("More", {"more.txt": b"more\n"}), annotated=True)
    assert first == forge.tagged("shop", "v1.0")
    assert there.hub.tip() == forge.tagged("shop", "v1.1")
    assert forge.tagged("shop", "v1") is None
    assert forge.tagged("shop", "--upload-pack=x") is None
