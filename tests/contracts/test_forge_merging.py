"""The contract of the Forge port about merging: just the commit that was proved, once, and never past an obstacle."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.merging import STOP_LABEL
from cases.ports import Forge
from cases.pull_request import PullRequestState
from remediation.forge.local.server import Fault
from tests.parts.hub import World, git
from tests.parts.proposals import BRANCH, edit, proposed

MESSAGE = "Raise the limit\n\nIt was too low.\n\nTrackwalker-Case: case1\n"


def checked(there: World, sha: str, state: str = "success", context: str = "build") -> None:
    """What a tool says of the commit."""
    told: dict[str, Any] = {"state": state, "context": context, "description": "Built.", "target_url": None}
    there.ask("POST", f"/statuses/{sha}", "ci", json=told).raise_for_status()


def ready(there: World, forge: Forge) -> tuple[int, str]:
    """A pull request whose checks are green: its number, and the commit at its tip."""
    number = proposed(there, forge)
    sha = there.hub.tip(BRANCH)
    checked(there, sha)
    return number, sha


def reviews(there: World, number: int, event: str, login: str = "sre") -> None:
    there.ask("POST", f"/pulls/{number}/reviews", login, json={"event": event, "body": "."}).raise_for_status()


def test_it_is_squashed_as_our_own_words_say_it_and_once(there: World, forge: Forge) -> None:
    number, sha = ready(there, forge)
    before = there.hub.tip()
    assert forge.obstacles("shop", BRANCH, sha) == ()
    done = forge.merge("shop", BRANCH, sha, MESSAGE)
    assert (done.adopted, done.facts) == (False, {"sha": there.hub.tip(), "by": "trackwalker", "ours": "yes"})
    told = git(there.hub.folder, "log", "-1", "--format=%P%n%B", there.hub.tip()).decode().strip().split("\n")
    assert told == [before, f"Raise the limit (#{number})", "", "It was too low.", "", "Trackwalker-Case: case1"]
    assert there.hub.show("main:shop/cart.py") == b"limit = 20\n"
    again = there.adapter().merge("shop", BRANCH, sha, MESSAGE)
    assert (again.adopted, again.facts) == (True, done.facts)
    assert forge.obstacles("shop", BRANCH, sha) == ()
    assert there.faults.count("PUT", "/merge") == 1
    found = forge.find_pull_request("shop", BRANCH)
    assert found is not None
    assert (found.state, found.ended_by) == (PullRequestState.MERGED, "trackwalker")


@pytest.mark.long
def test_what_a_human_merged_is_adopted_as_theirs(there: World, forge: Forge) -> None:
    number, sha = ready(there, forge)
    there.ask("PUT", f"/pulls/{number}/merge", json={"merge_method": "merge"}).raise_for_status()
    done = forge.merge("shop", BRANCH, sha, MESSAGE)
    assert (done.adopted, done.facts) == (True, {"sha": there.hub.tip(), "by": "reviewer", "ours": ""})


@pytest.mark.long
def test_a_merge_whose_answer_got_lost_is_adopted(there: World, forge: Forge) -> None:
    _, sha = ready(there, forge)
    there.faults.rules.append(("PUT", "/merge", Fault(status=0, after=True)))
    with pytest.raises(TemporaryError):
        forge.merge("shop", BRANCH, sha, MESSAGE)
    done = forge.merge("shop", BRANCH, sha, MESSAGE)
    assert (done.adopted, done.facts["sha"], done.facts["ours"]) == (True, there.hub.tip(), "yes")
    assert there.faults.count("PUT", "/merge") == 1


@pytest.mark.long
def test_it_is_merged_as_the_repository_lets_it_be(there: World, forge: Forge) -> None:
    for place, (allowed, parents) in enumerate((("merge rebase", 2), ("rebase", 1))):
        branch, path = f"trackwalker/case{place}-1", f"shop/{place}.py"
        forge.push("shop", branch, there.hub.tip(), [edit(path=path)], "Raise the limit\n")
        forge.open_pull_request("shop", branch, "Raise the limit", "Why.", (), draft=False)
        checked(there, there.hub.tip(branch))
        (there.hub.folder / "merges").write_text(allowed)
        forge.merge("shop", branch, there.hub.tip(branch), MESSAGE)
        assert len(git(there.hub.folder, "log", "-1", "--format=%P", there.hub.tip()).split()) == parents
        assert there.hub.show(f"main:{path}") == b"limit = 20\n"


def test_whatever_stands_against_it_is_said_and_nothing_is_merged(there: World, forge: Forge) -> None:
    number, sha = ready(there, forge)
    checked(there, sha, "pending", "tests")
    (waits,) = forge.obstacles("shop", BRANCH, sha)
    assert (waits.passes, waits.because) == (True, f"checks have not finished on {sha[:10]}: tests")
    with pytest.raises(TemporaryError, match="checks have not finished"):
        forge.merge("shop", BRANCH, sha, MESSAGE)
    steps: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: checked(there, sha, "failure", "tests"), f"checks failed on {sha[:10]}: tests"),
        (lambda: forge.to_draft("shop", BRANCH), "it is a draft"),
        (lambda: forge.relabel("shop", BRANCH, (STOP_LABEL,), ()), f"it is labelled {STOP_LABEL}"),
        (lambda: reviews(there, number, "REQUEST_CHANGES"), "sre requested changes"),
        (
            lambda: there.hub.commit("Another", {"shop/cart.py": b"limit = 30\n"}),
            "it conflicts with the watched branch",
        ),
        (lambda: retargeted(there, number), "it goes into release, and main is watched"),
        (lambda: there.hub.commit("Mine", {"b.txt": b"1\n"}, branch=BRANCH), "its branch is at "),
    )
    for count, (does, said) in enumerate(steps, start=1):
        does()
        found = forge.obstacles("shop", BRANCH, sha)
        assert len([one for one in found if one.because.startswith(said)]) == 1, found
        assert len(found) == count
        with pytest.raises(PermanentError, match=re.escape(said)):
            forge.merge("shop", BRANCH, sha, MESSAGE)
    there.ask("PATCH", f"/pulls/{number}", json={"state": "closed"}).raise_for_status()
    assert [one.because for one in forge.obstacles("shop", BRANCH, sha)] == ["it is closed"]
    assert there.faults.count("PUT", "/merge") == 0


def retargeted(there: World, number: int) -> None:
    """A human lets it go into another branch, with which it conflicts as well."""
    there.hub.commit("Another base", {"x.txt": b"1\n"}, branch="release", start=there.hub.tip())
    there.ask("PATCH", f"/pulls/{number}", json={"base": "release"}).raise_for_status()


@pytest.mark.long
def test_no_check_is_no_pass_and_a_red_one_outweighs_it_all(there: World, forge: Forge) -> None:
    proposed(there, forge)
    sha = there.hub.tip(BRANCH)
    (found,) = forge.obstacles("shop", BRANCH, sha)
    assert (found.passes, found.because) == (True, f"no check has said anything of {sha[:10]}")
    there.faults.rules.append(("GET", "/check-runs", Fault(status=403)))
    (unread,) = forge.obstacles("shop", BRANCH, sha)
    assert not unread.passes


@pytest.mark.long
def test_a_reviewers_last_decision_counts_and_a_strangers_does_not(there: World, forge: Forge) -> None:
    number, sha = ready(there, forge)
    reviews(there, number, "REQUEST_CHANGES")
    reviews(there, number, "COMMENT")
    assert [one.because for one in forge.obstacles("shop", BRANCH, sha)] == ["sre requested changes"]
    reviews(there, number, "APPROVE")
    there.ask("PUT", "/collaborators/mallory", json={"permission": "pull"}).raise_for_status()
    reviews(there, number, "REQUEST_CHANGES", "mallory")
    assert there.adapter().obstacles("shop", BRANCH, sha) == ()


@pytest.mark.long
def test_the_forges_own_no_is_given_up_with_its_words(there: World, forge: Forge) -> None:
    _, sha = ready(there, forge)
    (there.hub.folder / "merges").write_text("")
    with pytest.raises(PermanentError, match="Rebase merges are not allowed"):
        forge.merge("shop", BRANCH, sha, MESSAGE)
    with pytest.raises(PermanentError, match="no pull request"):
        forge.merge("shop", "trackwalker/case9-1", sha, MESSAGE)
    with pytest.raises(PermanentError, match="is not Trackwalker's to write"):
        forge.merge("shop", "feature", sha, MESSAGE)
