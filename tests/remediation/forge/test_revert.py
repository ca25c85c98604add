"""Undoing a commit in its awkward shapes."""

import pytest

from cases.errors import PermanentError
from tests.parts.hub import Entry, World

BRANCH = "trackwalker/case1-1"


def test_a_merge_commit_is_undone_against_its_first_parent(there: World) -> None:
    start = there.hub.tip()
    before = there.hub.listing(start)
    there.hub.commit("Side 1", {"side.txt": b"1\n"}, branch="side", start=start)
    side = there.hub.commit("Side 2", {"side.txt": b"2\n", "a.txt": b"side\n"}, branch="side")
    merged = there.hub.commit(
        "Merge pull request #5 from acme/side", {"side.txt": b"2\n", "a.txt": b"side\n"}, merge=side
    )
    there.hub.commit("Later", {"src/b.py": b"b = 2\n"})
    base = there.hub.commit("Later still", {"src/b.py": b"b = 1\n"})

    undone = there.forge.revert("shop", base, merged)
    there.forge.push("shop", BRANCH, base, undone.edits, "Revert\n")

    assert [(e.path, e.content) for e in undone.edits] == [("a.txt", b"one\n"), ("side.txt", None)]
    assert before == there.hub.listing(BRANCH)


def test_a_removed_file_comes_back_with_its_bit_and_its_bytes(there: World) -> None:
    tool = Entry(content=b"\x7fELF\x00\xff", mode="100755")
    there.hub.commit("Tool", {"tool": tool})
    culprit = there.hub.commit("Remove it", {"tool": None})
    undone = there.forge.revert("shop", culprit, culprit)
    assert [(e.path, e.content, e.executable) for e in undone.edits] == [("tool", b"\x7fELF\x00\xff", True)]
    assert (undone.added, undone.removed) == (0, 0)  # a binary has no lines


def test_lines_around_later_changes_are_merged(there: World) -> None:
    lines = [b"line %d\n" % n for n in range(30)]
    there.hub.commit("Long", {"long.txt": b"".join(lines)})
    culprit = there.hub.commit("Break line 3", {"long.txt": b"".join([*lines[:3], b"broken\n", *lines[4:]])})
    base = there.hub.commit(
        "Line 25", {"long.txt": b"".join([*lines[:3], b"broken\n", *lines[4:25], b"new\n", *lines[26:]])}
    )
    undone = there.forge.revert("shop", base, culprit)
    assert [b"".join([*lines[:25], b"new\n", *lines[26:]])] == [e.content for e in undone.edits]
    assert (undone.added, undone.removed) == (1, 1)


def test_what_was_undone_already_needs_no_edit(there: World) -> None:
    culprit = there.hub.commit("Break it", {"a.txt": b"broken\n"})
    base = there.hub.commit('Revert "Break it"', {"a.txt": b"one\n"})
    undone = there.forge.revert("shop", base, culprit)
    assert (undone.edits, undone.conflicts, undone.diff) == ((), (), "")


def test_a_file_changed_after_it_came_conflicts_when_it_should_go(there: World) -> None:
    culprit = there.hub.commit("Add", {"new.txt": b"1\n"})
    base = there.hub.commit("Change", {"new.txt": b"2\n"})
    assert there.forge.revert("shop", base, culprit).conflicts == ("new.txt",)


def test_only_what_is_part_of_the_base_can_be_undone(there: World) -> None:
    base = there.hub.tip()
    aside = there.hub.commit("Aside", {"c.txt": b"1\n"}, branch="aside", start=base)
    with pytest.raises(PermanentError, match="no part of"):
        there.forge.revert("shop", base, aside)


def test_the_first_commit_cannot_be_undone(there: World) -> None:
    base = there.hub.tip()
    with pytest.raises(PermanentError, match="first commit"):
        there.forge.revert("shop", base, base)


def test_an_unknown_commit_is_said_to_be_unknown(there: World) -> None:
    for base, commit in ((there.hub.tip(), "f" * 40), ("f" * 40, there.hub.tip()), (there.hub.tip(), "HEAD")):
        with pytest.raises(PermanentError, match="has no commit"):
            there.forge.revert("shop", base, commit)


def test_nothing_is_written_to_the_remote(there: World) -> None:
    culprit = there.hub.commit("Break it", {"a.txt": b"broken\n"})
    there.forge.revert("shop", culprit, culprit)
    assert [path for _, path in there.faults.requests if path.endswith("git-receive-pack")] == []
