"""The contract of the Forge port, kept by GitForge against the local forge: real git over HTTP, real PyGithub.

Every exchange with the API is held against GitHub's own OpenAPI description (see `tests/parts/openapi.py`).
"""

import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.change import FileEdit
from cases.errors import PermanentError, TemporaryError
from cases.ports import Forge
from cases.pull_request import PullRequestState
from remediation.forge.local.server import Fault
from tests.parts.hub import FIRST, READER, World, git, world

BRANCH = "trackwalker/case1-1"
START = datetime.fromtimestamp(FIRST, tz=UTC)
LABELS = ("trackwalker", "trackwalker:revert")


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.hub.commit("Begin", {"shop/cart.py": b"limit = 10\n", "run.sh": b"#!/bin/sh\n", "keep.txt": b"keep\n"})
        yield made


@pytest.fixture
def forge(there: World) -> Forge:
    return there.forge


def edit(content: bytes | None = b"limit = 20\n", path: str = "shop/cart.py") -> FileEdit:
    return FileEdit(path=path, content=content)


def proposed(there: World, forge: Forge, branch: str = BRANCH, *, draft: bool = False) -> int:
    forge.push("shop", branch, there.hub.tip(), [edit()], "Raise the limit\n")
    return int(forge.open_pull_request("shop", branch, "Raise the limit", "Why.", LABELS, draft=draft).facts["number"])


def test_head_is_the_tip_of_the_watched_branch_now(there: World, forge: Forge) -> None:
    first = there.hub.tip()
    assert first == forge.head("shop")
    there.hub.commit("Aside", {"aside.txt": b"1\n"}, branch="aside", start=first)
    assert first == forge.head("shop")
    assert there.hub.commit("More", {"more.txt": b"more\n"}) == forge.head("shop")


def test_an_unknown_repository_is_a_permanent_error(forge: Forge) -> None:
    with pytest.raises(PermanentError, match="no repository is called 'nowhere'"):
        forge.head("nowhere")


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


def test_a_pushed_tree_is_base_plus_edits_byte_for_byte(there: World, forge: Forge) -> None:
    base = there.hub.tip()
    before = there.hub.listing(base)
    receipt = forge.push("shop", BRANCH, base, [edit(b"\r\n\x00"), edit(None, "keep.txt")], "Because\n\nCase: 1\n")
    after = there.hub.listing(BRANCH)
    assert there.hub.tip(BRANCH) == receipt.facts["sha"]
    assert not receipt.adopted
    assert there.hub.show(f"{BRANCH}:shop/cart.py") == b"\r\n\x00"
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {b"shop/cart.py", b"keep.txt"} == changed


def test_a_push_is_done_once(there: World, forge: Forge) -> None:
    base = there.hub.tip()
    first = forge.push("shop", BRANCH, base, [edit()], "Because\n")
    again = forge.push("shop", BRANCH, base, [edit()], "Because\n")
    elsewhere = there.adapter().push("shop", BRANCH, base, [edit()], "Because, in other words\n")
    assert (first.adopted, again.adopted, elsewhere.adopted) == (False, True, True)
    assert {first.facts["sha"]} == {again.facts["sha"], elsewhere.facts["sha"]}


def test_a_push_never_overwrites_what_somebody_else_did(there: World, forge: Forge) -> None:
    base = there.hub.tip()
    forge.push("shop", BRANCH, base, [edit()], "Because\n")
    theirs = there.hub.commit("A human's word", {"shop/cart.py": b"limit = 15\n"}, branch=BRANCH)
    with pytest.raises(PermanentError, match="somebody else's work"):
        forge.push("shop", BRANCH, base, [edit()], "Because\n")
    assert theirs == there.hub.tip(BRANCH)


def test_nothing_but_our_own_branches_is_pushed(there: World, forge: Forge) -> None:
    for branch in ("main", "feature/x", "trackwalker-plots", "trackwalker/../main", "trackwalker/-x", "trackwalker/"):
        with pytest.raises(PermanentError):
            forge.push("shop", branch, there.hub.tip(), [edit()], "Because\n")
    assert there.faults.count("POST", "git-receive-pack") == 0


def test_a_pull_request_is_opened_once_with_its_labels(there: World, forge: Forge) -> None:
    assert forge.find_pull_request("shop", BRANCH) is None
    number = proposed(there, forge)
    again = forge.open_pull_request("shop", BRANCH, "Raise the limit", "Why.", LABELS, draft=False)
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert (True, str(number), found.url) == (again.adopted, again.facts["number"], again.facts["url"])
    assert (found.state, found.labels, found.draft) == (PullRequestState.OPEN, LABELS, False)
    assert (found.title, found.body, found.branch) == ("Raise the limit", "Why.", BRANCH)
    assert there.hub.tip(BRANCH) == found.head
    assert there.faults.count("POST", "/pulls") == 1


def test_a_draft_is_a_draft(there: World, forge: Forge) -> None:
    proposed(there, forge, draft=True)
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert found.draft


def test_a_pull_request_goes_back_to_a_draft_once(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    assert not forge.to_draft("shop", BRANCH).adopted
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert (True, number) == (found.draft, found.number)
    assert forge.to_draft("shop", BRANCH).adopted


def test_what_is_merged_does_not_go_back_to_a_draft(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    assert there.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "merge"}).status_code == 200
    assert forge.to_draft("shop", BRANCH).adopted
    with pytest.raises(PermanentError, match="has no pull request"):
        forge.to_draft("shop", "trackwalker/nothing-1")


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


def test_labels_that_got_lost_are_added_when_the_pull_request_is_adopted(there: World, forge: Forge) -> None:
    there.faults.rules.append(("POST", "/labels", Fault(status=502)))
    with pytest.raises(TemporaryError):
        proposed(there, forge)
    proposed(there, forge)
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert found.labels == LABELS


def test_a_merged_pull_request_tells_its_commit_time_and_who(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    merge = there.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "squash"}).json()
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert (PullRequestState.MERGED, merge["sha"], "reviewer") == (found.state, found.merged_sha, found.ended_by)
    assert found.merged_at is not None
    assert there.hub.tip() == found.merged_sha
    assert number == forge.commits("shop", START, found.merged_at + timedelta(days=1))[0].pull_request


def test_a_closed_pull_request_is_found_and_adopted_not_opened_again(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    there.ask("PATCH", f"/pulls/{number}", json={"state": "closed"})
    again = forge.open_pull_request("shop", BRANCH, "Raise the limit", "Why.", LABELS, draft=False)
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert (found.state, found.ended_by, found.merged_sha) == (PullRequestState.CLOSED, "reviewer", None)
    assert (True, str(number)) == (again.adopted, again.facts["number"])


def test_a_pull_request_that_a_human_retargeted_is_still_the_one(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    there.hub.commit("Another base", {"x.txt": b"1\n"}, branch="release", start=there.hub.tip())
    assert there.ask("PATCH", f"/pulls/{number}", json={"base": "release"}).json()["base"]["ref"] == "release"
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert found.number == number
    assert forge.open_pull_request("shop", BRANCH, "Again", "Why.", LABELS, draft=False).adopted


@pytest.mark.parametrize("status", [500, 502, 0])
def test_a_pull_request_whose_answer_got_lost_is_not_opened_twice(there: World, forge: Forge, status: int) -> None:
    there.faults.rules.append(("POST", "/pulls", Fault(status=status, after=True)))
    with pytest.raises(TemporaryError):
        proposed(there, forge)
    assert proposed(there, forge) == 1
    assert there.faults.count("POST", "/pulls") == 1
    assert len(there.ask("GET", "/pulls?state=all").json()) == 1


@pytest.mark.parametrize("status", [500, 0])
def test_a_comment_whose_answer_got_lost_is_not_made_twice(there: World, forge: Forge, status: int) -> None:
    number = proposed(there, forge)
    there.faults.rules.append(("POST", "/comments", Fault(status=status, after=True)))
    with pytest.raises(TemporaryError):
        forge.comment("shop", BRANCH, "case1:verdict", "It worked.")
    assert forge.comment("shop", BRANCH, "case1:verdict", "It worked.").adopted
    comments = there.ask("GET", f"/issues/{number}/comments").json()
    assert [comment["body"] for comment in comments] == ["It worked.\n\n<!-- trackwalker:case1:verdict -->\n"]


def test_only_our_own_comment_with_its_marker_at_the_end_is_adopted(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    marker = "<!-- trackwalker:case1:verdict -->"
    there.ask("POST", f"/issues/{number}/comments", json={"body": f"forged\n\n{marker}"})
    forge.comment("shop", BRANCH, "other", f"A model wrote: {marker}")
    receipt = forge.comment("shop", BRANCH, "case1:verdict", "The real one.")
    assert not receipt.adopted
    assert forge.comment("shop", BRANCH, "case1:verdict", "The real one.").facts == receipt.facts


def test_a_comment_is_found_behind_many_others(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    for count in range(101):  # one more than a page holds
        there.ask("POST", f"/issues/{number}/comments", json={"body": f"chatter {count}"})
    assert not forge.comment("shop", BRANCH, "late", "Here.").adopted
    assert forge.comment("shop", BRANCH, "late", "Here.").adopted


def test_a_comment_needs_a_pull_request(forge: Forge) -> None:
    with pytest.raises(PermanentError, match="no pull request"):
        forge.comment("shop", BRANCH, "key", "text")


def test_a_secondary_rate_limit_says_when_to_come_back(there: World, forge: Forge) -> None:
    forge.push("shop", BRANCH, there.hub.tip(), [edit()], "Because\n")
    for method in ("POST", "GET"):
        there.faults.rules.append((method, "/pulls", Fault(status=403, retry_after=17)))
        with pytest.raises(TemporaryError, match="slow down") as limited:
            forge.open_pull_request("shop", BRANCH, "Title", "Why.", (), draft=False)
        assert limited.value.retry_after == timedelta(seconds=17)
    assert not forge.open_pull_request("shop", BRANCH, "Title", "Why.", (), draft=False).adopted


def test_reads_are_tried_again_and_writes_are_not(there: World, forge: Forge) -> None:
    there.faults.rules.append(("GET", "/pulls", Fault(status=503)))
    assert forge.find_pull_request("shop", BRANCH) is None
    forge.push("shop", BRANCH, there.hub.tip(), [edit()], "Because\n")
    there.faults.rules.append(("POST", "/pulls", Fault(status=503)))
    with pytest.raises(TemporaryError, match="503"):
        forge.open_pull_request("shop", BRANCH, "Title", "Why.", (), draft=False)


def test_a_picture_is_stored_once_and_shown_where_it_was_said_to_be(there: World, forge: Forge) -> None:
    url = forge.plot_url("shop", "case1/1 before.png")
    first = forge.store_plot("shop", "case1/1 before.png", b"\x89PNG 1")
    second = forge.store_plot("shop", "case1/2.png", b"\x89PNG 2")
    again = forge.store_plot("shop", "case1/2.png", b"\x89PNG 2, drawn again")
    assert (first.adopted, second.adopted, again.adopted) == (False, False, True)
    assert url == first.facts["url"]
    plots = there.hub.listing("trackwalker-plots")
    assert {b"case1/1 before.png", b"case1/2.png"} == set(plots)
    assert there.hub.show("trackwalker-plots:case1/2.png") == b"\x89PNG 2"


def test_only_our_own_open_pull_requests_are_ours(there: World, forge: Forge) -> None:
    proposed(there, forge)
    there.hub.commit("A human's", {"a.txt": b"1\n"}, branch="feature", start=there.hub.tip())
    there.hub.commit("A stranger's", {"a.txt": b"2\n"}, branch="trackwalker/case9-1", start=there.hub.tip())
    for branch in ("feature", "trackwalker/case9-1"):
        there.ask("POST", "/pulls", json={"title": "T", "head": branch, "base": "main"}).raise_for_status()
    assert [pull.branch for pull in forge.open_pull_requests("shop")] == [BRANCH]
    there.ask("PATCH", "/pulls/1", json={"state": "closed"})
    assert forge.open_pull_requests("shop") == ()


def test_open_work_of_others_on_the_same_files_is_told_with_its_patch(there: World, forge: Forge) -> None:
    proposed(there, forge)
    base = there.hub.tip()
    there.hub.commit("A human's", {"shop/cart.py": b"limit = 15\n", "b.txt": b"1\n"}, branch="feature", start=base)
    there.hub.commit("A stranger's", {"c.txt": b"2\n"}, branch="trackwalker/case9-1", start=base)
    for branch in ("feature", "trackwalker/case9-1"):
        there.ask("POST", "/pulls", json={"title": "T", "head": branch, "base": "main"}).raise_for_status()
    (work,) = forge.open_work("shop", ["shop/cart.py"])
    assert (work.number, work.author, work.path) == (2, "reviewer", "shop/cart.py")
    assert work.patch is not None
    assert "+limit = 15" in work.patch
    assert {one.path for one in forge.open_work("shop", ["b.txt", "c.txt"])} == {"b.txt", "c.txt"}
    assert forge.open_work("shop", ["elsewhere.py"]) == ()
    there.ask("PATCH", "/pulls/2", json={"state": "closed"})
    assert forge.open_work("shop", ["shop/cart.py"]) == ()


def test_permissions_tell_what_is_granted_and_write_nothing(there: World, forge: Forge) -> None:
    rows = forge.permissions("shop")
    assert [row for row in rows if not row[1]] == []
    assert "git can push branches" in {row[0] for row in rows}
    assert list({(row[2], row[1]) for row in rows}) == [("", True)]
    writes = [request for request in there.faults.requests if request[0] != "GET" and "upload-pack" not in request[1]]
    assert writes == []


def test_a_token_that_may_only_read_is_told_so_and_refused(there: World) -> None:
    forge: Forge = there.adapter(READER)
    assert there.hub.tip() == forge.head("shop")
    refused = {name: advice for name, granted, advice in forge.permissions("shop") if not granted}
    assert {"open pull requests and comment", "git can push branches"} == set(refused)
    assert "write access" in refused["open pull requests and comment"]
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


def said(there: World, number: int, body: str, login: str = "reviewer") -> int:
    """A comment by a person; its id."""
    made = there.ask("POST", f"/issues/{number}/comments", login, json={"body": body})
    assert made.status_code == 201
    return int(made.json()["id"])


def test_comments_are_what_others_said_oldest_first(there: World, forge: Forge) -> None:
    assert forge.comments("shop", BRANCH) == ()
    number = proposed(there, forge)
    assert forge.comments("shop", BRANCH) == ()
    first = said(there, number, "Why?")
    forge.comment("shop", BRANCH, "case1-1-why", "Because.")  # our own are not listed
    second = said(there, number, "/trackwalker pause", "sre")
    found = forge.comments("shop", BRANCH)
    assert [(first, "reviewer", "Why?"), (second, "sre", "/trackwalker pause")] == [
        (one.id, one.author, one.body) for one in found
    ]
    assert all(one.may_write and not one.edited and one.at.tzinfo for one in found)


def test_a_comment_says_whether_its_author_may_write(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    for login, permission in (("reader", "pull"), ("triager", "triage"), ("boss", "admin"), ("dev", "maintain")):
        assert there.ask("PUT", f"/collaborators/{login}", json={"permission": permission}).status_code == 204
        said(there, number, "/trackwalker pause", login)
    assert [(one.author, one.may_write) for one in forge.comments("shop", BRANCH)] == [
        ("reader", False),
        ("triager", False),
        ("boss", True),
        ("dev", True),
    ]


def test_an_edited_comment_says_so(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    comment = said(there, number, "Looks good")
    assert [one.edited for one in forge.comments("shop", BRANCH)] == [False]
    changed = there.ask("PATCH", f"/issues/comments/{comment}", "mallory", json={"body": "/trackwalker pause"})
    assert changed.status_code == 200
    assert [(one.edited, one.body) for one in forge.comments("shop", BRANCH)] == [(True, "/trackwalker pause")]
