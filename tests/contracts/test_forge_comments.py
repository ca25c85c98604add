"""The contract of the Forge port about comments."""

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.ports import Forge
from remediation.forge.local.application import OWN_LOGIN
from remediation.forge.local.server import Fault
from tests.parts.hub import World
from tests.parts.proposals import BRANCH, proposed, said


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


def test_of_several_that_were_made_at_once_the_first_stays(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    marker = "<!-- trackwalker:case1:verdict -->"
    for who in (OWN_LOGIN, OWN_LOGIN, "reviewer"):
        said(there, number, f"It worked.\n\n{marker}", who)
    receipt = forge.comment("shop", BRANCH, "case1:verdict", "It worked.")
    first, other = there.ask("GET", f"/issues/{number}/comments").json()
    assert (receipt.adopted, receipt.facts) == (True, {"url": first["html_url"], "merged": "1"})
    assert other["user"]["login"] == "reviewer", "nobody else's is touched"


def test_a_comment_that_came_between_our_look_and_our_write_is_kept_and_ours_removed(
    there: World, forge: Forge
) -> None:
    number, marker = proposed(there, forge), "<!-- trackwalker:case1:verdict -->"

    def late(method: str, path: str) -> None:
        if (method, path.rpartition("/")[2]) == ("POST", "comments"):
            there.faults.heard = None
            said(there, number, f"It worked.\n\n{marker}", OWN_LOGIN)

    there.faults.heard = late
    receipt = forge.comment("shop", BRANCH, "case1:verdict", "It worked, says the second.")
    (kept,) = there.ask("GET", f"/issues/{number}/comments").json()
    assert kept["body"].startswith("It worked.\n")
    assert (receipt.adopted, receipt.facts) == (True, {"url": kept["html_url"], "merged": "1"})


def test_a_comment_is_found_behind_many_others(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    for count in range(101):  # one more than a page holds
        there.ask("POST", f"/issues/{number}/comments", json={"body": f"chatter {count}"})
    assert not forge.comment("shop", BRANCH, "late", "Here.").adopted
    assert forge.comment("shop", BRANCH, "late", "Here.").adopted


def test_a_comment_needs_a_pull_request(forge: Forge) -> None:
    with pytest.raises(PermanentError, match="no pull request"):
        forge.comment("shop", BRANCH, "key", "text")


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
