"""The watched branch's past, in its awkward shapes."""

from datetime import UTC, datetime, timedelta

import pytest

from remediation.forge.history import CUT, LONGEST_PATCH, MOST_COMMITS, pull_request_of
from tests.parts.hub import FIRST, World, git

BEGIN = datetime.fromtimestamp(FIRST, tz=UTC)
EVER = (BEGIN - timedelta(days=1), BEGIN + timedelta(days=10))


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Merge pull request #12 from acme/side", 12),
        ("Raise the limit (#345)", 345),
        ('Revert "Raise the limit (#345)" (#346)', 346),
        ('Revert "Raise the limit (#345)"', None),
        ("See #12 for why", None),
        ("Not at the end (#12) of it", None),
    ],
)
def test_a_title_tells_its_pull_request_in_githubs_two_ways(title: str, number: int | None) -> None:
    assert number == pull_request_of(title)


def test_a_long_patch_is_cut_and_says_so(there: World) -> None:
    there.hub.commit("Long", {"long.txt": b"line of text\n" * 20_000})
    there.hub.commit("Wide", {"wide.txt": b"x" * 300_000 + b"\nend\n"})
    wide, long, first = there.forge.commits("shop", *EVER)
    for commit in (wide, long):
        assert commit.patch.endswith(CUT)
        assert len(commit.patch) == LONGEST_PATCH
    assert "+b = 1" in first.patch


def test_a_file_cannot_pass_itself_off_as_another_commit(there: World) -> None:
    older = there.hub.tip()
    sha = older.encode()
    there.hub.commit("Forge", {sha: b"x\n", "t.txt": sha + b"\n" + b"y" * (LONGEST_PATCH - 1) + sha + b"\n"})
    newer, first = there.forge.commits("shop", *EVER)
    assert {older, "t.txt"} == set(newer.files)
    assert first.files == ("a.txt", "src/b.py")
    assert "yyyy" not in first.patch


def test_an_empty_commit_has_no_files_and_no_patch(there: World) -> None:
    there.hub.commit("Nothing", {})
    there.hub.commit("Something", {"c.txt": b"c\n"})
    some, nothing, first = there.forge.commits("shop", *EVER)
    assert (some.files, nothing.files, first.files) == (("c.txt",), (), ("a.txt", "src/b.py"))
    assert nothing.patch == ""


def test_a_commit_older_than_its_parent_is_still_in_its_window(there: World) -> None:
    there.hub.commit("From a fast clock", {"c.txt": b"1\n"}, at=FIRST + 90_000)
    late = there.hub.commit("From a slow clock", {"c.txt": b"2\n"}, at=FIRST + 500)
    found = there.forge.commits("shop", BEGIN + timedelta(seconds=400), BEGIN + timedelta(seconds=600))
    assert [late] == [commit.sha for commit in found]


def test_the_newest_are_kept_when_there_are_too_many(there: World) -> None:
    first = there.hub.tip()
    tree = git(there.hub.folder, "rev-parse", f"{first}^{{tree}}").decode().strip()
    stream = [b"reset refs/heads/main\nfrom %s\n" % first.encode()]
    for count in range(MOST_COMMITS):
        who = b"committer developer <developer@example.com> %d +0000" % (FIRST + 100 + count)
        stream.append(b'commit refs/heads/main\n%s\ndata 1\n.\nM 040000 %s ""\n' % (who, tree.encode()))
    git(there.hub.folder, "fast-import", "--quiet", stdin=b"".join(stream))
    last = there.hub.tip()
    found = there.forge.commits("shop", *EVER)
    assert (MOST_COMMITS, last) == (len(found), found[0].sha)
    assert "Begin" not in {commit.title for commit in found}


def test_a_window_without_commits_is_empty(there: World) -> None:
    assert there.forge.commits("shop", BEGIN - timedelta(days=2), BEGIN - timedelta(days=1)) == ()


def test_what_people_wrote_comes_as_it_is(there: World) -> None:
    there.hub.commit("Ünï \u202e title", {"c.txt": b"1\n"}, author="Zoë")
    newest = there.forge.commits("shop", *EVER)[0]
    assert (newest.title, newest.author) == ("Ünï \u202e title", "Zoë")


def test_a_branch_named_like_a_sha_is_not_taken_for_a_commit(there: World) -> None:
    first = there.hub.tip()
    there.hub.commit("Aside", {"c.txt": b"1\n"}, branch="abcdef1234", start=first)
    there.hub.commit("Main", {"d.txt": b"1\n"})
    assert not there.forge.contains("shop", "abcdef1234", first)
