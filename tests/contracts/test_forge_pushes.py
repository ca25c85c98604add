"""The contract of the Forge port about pushes: branches and pictures."""

import pytest

from cases.errors import PermanentError
from cases.ports import Forge
from tests.parts.hub import World
from tests.parts.proposals import BRANCH, edit


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
