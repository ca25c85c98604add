"""The contract of the spoken half of the Forge port, kept by GitForge against the local forge.

Every exchange with the API is held against GitHub's own OpenAPI description (see `tests/parts/openapi.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.change import FileEdit
from cases.errors import PermanentError
from cases.ports import Forge
from cases.pull_request import ISSUE
from remediation.forge.shown import LABEL
from remediation.sealed import seal
from tests.parts.hub import World, git, world

BRANCH = "trackwalker/case1-1"
NAMES: dict[str, str | int] = {"case": "case1", "change": 1}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.hub.commit("Begin", {"shop/cart.py": b"limit = 10\n", "keep.txt": b"keep\n"})
        yield made


@pytest.fixture
def forge(there: World) -> Forge:
    return there.forge


def edit(content: bytes = b"limit = 20\n") -> FileEdit:
    return FileEdit(path="shop/cart.py", content=content)


def proposed(there: World, forge: Forge) -> tuple[int, str]:
    """Its number, and the commit of its branch."""
    pushed = forge.push("shop", BRANCH, there.hub.tip(), [edit()], "Raise the limit\n")
    body = seal("1. It is broken.", NAMES)
    opened = forge.open_pull_request("shop", BRANCH, "Raise the limit", body, ("trackwalker",), draft=True)
    return int(opened.facts["number"]), pushed.facts["sha"]


def test_our_text_is_rewritten_once_and_theirs_is_left(there: World, forge: Forge) -> None:
    number, _ = proposed(there, forge)
    text = there.ask("GET", f"/pulls/{number}").json()["body"]
    there.ask("PATCH", f"/pulls/{number}", json={"body": f"Mine.\r\n{text}\r\nAlso mine."})
    new = seal("1. It is fine again.", NAMES)
    assert not forge.rewrite("shop", BRANCH, new).adopted
    before = there.faults.count("PATCH", f"/issues/{number}")
    again = forge.rewrite("shop", BRANCH, new)
    assert (again.adopted, again.facts["kept"]) == (True, "it says just that")
    assert there.faults.count("PATCH", f"/issues/{number}") == before
    body = there.ask("GET", f"/pulls/{number}").json()["body"]
    assert body == f"Mine.\n{new}\nAlso mine."
    there.ask("PATCH", f"/pulls/{number}", json={"body": body.replace("fine again", "not fine")})
    kept = forge.rewrite("shop", BRANCH, seal("1. New.", NAMES))
    assert (kept.adopted, kept.facts["kept"]) == (True, "somebody edited it")


def test_labels_come_and_go_and_a_draft_is_shown(there: World, forge: Forge) -> None:
    number, _ = proposed(there, forge)
    assert not forge.relabel("shop", BRANCH, ("trackwalker:rebase",), ()).adopted
    assert not forge.relabel("shop", BRANCH, ("x y",), ("trackwalker:rebase", "never there")).adopted
    assert forge.relabel("shop", BRANCH, ("x y",), ("trackwalker:rebase",)).adopted
    assert {one["name"] for one in there.ask("GET", f"/issues/{number}/labels").json()} == {"trackwalker", "x y"}
    assert [forge.to_ready("shop", BRANCH).adopted for _ in range(2)] == [False, True]
    assert not there.ask("GET", f"/pulls/{number}").json()["draft"]


def test_remarks_are_read_and_answered_once_in_their_thread(there: World, forge: Forge) -> None:
    number, sha = proposed(there, forge)
    line = {"body": "Why 20?", "commit_id": sha, "path": "shop/cart.py", "line": 1}
    asked = there.ask("POST", f"/pulls/{number}/comments", json=line).json()["id"]
    there.ask("POST", f"/pulls/{number}/reviews", json={"body": "Change it", "event": "REQUEST_CHANGES"})
    assert [forge.reply("shop", BRANCH, -asked, "r-1", "Because.").adopted for _ in range(2)] == [False, True]
    there.ask("POST", f"/pulls/{number}/comments/{asked}/replies", json={"body": "I see"})
    first, *more = forge.remarks("shop", BRANCH)
    assert (first.id, first.path, first.line, first.thread, first.may_write) == (
        -asked,
        "shop/cart.py",
        1,
        -asked,
        True,
    )
    assert {(one.body, one.state, one.thread == -asked) for one in more} == {
        ("Change it", "changes_requested", False),
        ("I see", "", True),
    }
    assert forge.remarks("shop", "trackwalker/none-1") == ()
    for _ in range(2):  # one of a kind of each person
        forge.react("shop", -asked, "eyes")


def test_there_is_one_dashboard_and_it_is_written_when_it_changes(there: World, forge: Forge) -> None:
    assert forge.board("shop") is None
    there.ask("POST", "/issues", json={"title": "Dashboard", "body": "x", "labels": ["trackwalker:dashboard"]})
    assert not forge.write_board("shop", "Dashboard", "- [ ] one", None).adopted
    first = forge.board("shop")
    assert first is not None
    assert forge.write_board("shop", "Dashboard", "- [ ] one", first.body).adopted
    assert not forge.write_board("shop", "Dashboard", "- [ ] two", first.body).adopted
    assert forge.write_board("shop", "Dashboard", "- [ ] three", first.body).adopted  # it was ticked meanwhile
    found = forge.board("shop")
    assert found is not None
    assert found.body.startswith("- [ ] two")
    assert len(there.ask("GET", "/issues").json()) == 2


def test_a_further_commit_stands_on_ours_and_merges_a_base_that_moved(there: World, forge: Forge) -> None:
    _, first = proposed(there, forge)
    base = there.hub.commit("More", {"more.txt": b"1\n"})
    for adopted in (False, True):
        again = forge.update("shop", BRANCH, base, [edit(b"limit = 30\n")], "Again\n", first)
        assert again.adopted is adopted
    second = again.facts["sha"]
    assert git(there.hub.folder, "rev-list", "--parents", "-n", "1", second).decode().split() == [second, first, base]
    third = forge.update("shop", BRANCH, base, [edit(b"limit = 40\n")], "More\n", second).facts["sha"]
    assert git(there.hub.folder, "rev-list", "--parents", "-n", "1", third).decode().split() == [third, second]
    assert git(there.hub.folder, "diff", "--name-only", base, third).decode().split() == ["shop/cart.py"]
    there.hub.commit("Theirs", {"keep.txt": b"mine\n"}, branch=BRANCH)
    with pytest.raises(PermanentError, match="somebody else's work"):
        forge.update("shop", BRANCH, base, [edit(b"limit = 50\n")], "No\n", third)
    git(there.hub.folder, "update-ref", "-d", f"refs/heads/{BRANCH}")
    with pytest.raises(PermanentError, match="it is gone"):
        forge.update("shop", BRANCH, base, [edit(b"limit = 50\n")], "No\n", third)


def test_what_git_cannot_merge_is_named(there: World, forge: Forge) -> None:
    _, ours = proposed(there, forge)
    there.hub.commit("Aside", {"aside.txt": b"1\n"})
    forge.head("shop")
    assert forge.conflicts("shop", ours) == ()
    there.hub.commit("Against it", {"shop/cart.py": b"limit = 5\n"})
    forge.head("shop")
    assert forge.conflicts("shop", ours) == ("shop/cart.py",)


@pytest.mark.parametrize("many", [400, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_flood_of_comments_is_read_once_and_its_author_is_one_question(tmp_path: Path, many: int) -> None:
    with world(tmp_path, around=lambda application: application) as there:  # as many answers are not held to the letter
        there.hub.commit("Begin", {"shop/cart.py": b"limit = 10\n"})
        number, _ = proposed(there, there.forge)
        there.ask("PUT", "/collaborators/mallory", json={"permission": "pull"})
        there.flood(number, many, "/trackwalker pause", "mallory")
        there.ask("POST", f"/issues/{number}/comments", json={"body": "/trackwalker explain"})
        said = there.forge.comments("shop", BRANCH)
        assert len(said) == many + 1
        assert [one.may_write for one in said].count(True) == 1
        assert there.faults.count("GET", "/mallory/permission") == 1
        before = len(there.faults.requests)
        assert len(there.forge.comments("shop", BRANCH)) == many + 1
        assert len(there.faults.requests) - before == 2  # only where something new may stand


def test_a_change_is_shown_in_one_issue_until_it_is_over(there: World, forge: Forge) -> None:
    body = seal("1. It is broken.", NAMES)
    there.ask("POST", "/issues", json={"title": "x", "body": f"<!-- trackwalker:shows:{BRANCH} -->", "labels": [LABEL]})
    assert forge.comments("shop", f"{ISSUE}{BRANCH}") == ()
    first = forge.show("shop", BRANCH, "Raise the limit", body)
    number = int(first.facts["number"])
    assert [first.adopted, there.adapter().show("shop", BRANCH, "Raise the limit", body).adopted] == [False, True]
    there.ask("POST", f"/issues/{number}/comments", json={"body": "/trackwalker approve"})
    (said,) = forge.comments("shop", f"{ISSUE}{BRANCH}")
    assert (said.author, said.may_write, said.body) == ("reviewer", True, "/trackwalker approve")
    for again in (forge, there.adapter()):
        assert again.comment("shop", f"{ISSUE}{BRANCH}", "k-1", "Taken.").adopted is (again is not forge)
    assert not forge.show("shop", BRANCH, "Raise the limit", seal("1. It is still broken.", NAMES)).adopted
    text = there.ask("GET", f"/issues/{number}").json()["body"]
    there.ask("PATCH", f"/issues/{number}", json={"body": text.replace("still", "not")})
    assert forge.show("shop", BRANCH, "Raise the limit", body).adopted  # a human's word stands
    assert [(one.branch, one.number) for one in forge.shown("shop")] == [(BRANCH, number)]
    closed = [forge.hide("shop", BRANCH, "k-2", "Over.", done=False).adopted for _ in range(2)]
    assert closed == [False, True]
    assert forge.shown("shop") == ()
    assert there.ask("GET", f"/issues/{number}").json()["state"] == "closed"
    assert len(there.ask("GET", f"/issues/{number}/comments").json()) == 3
