"""Which commits of a branch were taken back, in all the ways in which git and GitHub say so."""

from datetime import UTC, datetime, timedelta

from remediation.forge.reverts import Past
from tests.parts.hub import FIRST, World

BEGIN = datetime.fromtimestamp(FIRST, tz=UTC)


def past(there: World) -> Past:
    return there.forge.past("shop", BEGIN - timedelta(days=1), BEGIN + timedelta(days=10))


def undone(there: World) -> list[tuple[str, str]]:
    return [(found.commit.title, found.by.title) for found in past(there).undone]


def commit(there: World, message: str, *, branch: str = "main", merge: str = "", start: str = "") -> str:
    return there.hub.commit(message, {"c.txt": message.encode()}, branch=branch, merge=merge, start=start)


def test_git_names_the_commit(there: World) -> None:
    bad = commit(there, "Cache the cart")
    commit(there, "Something else")
    commit(there, f'Revert "Cache the cart"\n\nThis reverts commit {bad}.')
    commit(there, f"Take it out again\n\nThis reverts commit {bad[:12]}, reversing\nchanges made to {bad}.")
    assert undone(there) == [
        ("Cache the cart", 'Revert "Cache the cart"'),
        ("Cache the cart", "Take it out again"),
    ]
    assert past(there).whole


def test_github_names_the_pull_request_or_quotes_its_title(there: World) -> None:
    commit(there, "Cache the cart (#12)")
    commit(there, "Round totals (#13)")
    commit(there, 'Revert "Cache the cart" (#14)\n\nReverts acme/shop#12')
    commit(there, 'Revert "Round totals (#13)" (#15)')
    assert undone(there) == [
        ("Cache the cart (#12)", 'Revert "Cache the cart" (#14)'),
        ("Round totals (#13)", 'Revert "Round totals (#13)" (#15)'),
    ]
    assert [found.pull_request for found in past(there).of_pull_requests()] == [15, 14, 13, 12]
    assert not any(found.ours for found in past(there).undone)


def test_what_we_proposed_ourselves_is_told_apart(there: World) -> None:
    bad = commit(there, "Cache the cart")
    commit(there, f"Revert it\n\nThis reverts commit {bad}.\n\nTrackwalker-Case: C1\nTrackwalker-Change: 1")
    assert [found.ours for found in past(there).undone] == [True]


def test_what_was_merged_is_taken_back_by_the_merge_that_brought_the_revert(there: World) -> None:
    start = there.hub.tip()
    bad = commit(there, "Cache the cart", branch="cache", start=start)
    commit(there, "Merge pull request #12 from acme/cache\n\nA cart that is quick", merge=bad)
    back = commit(there, f'Revert "Cache the cart"\n\nThis reverts commit {bad}.', branch="back", start=there.hub.tip())
    commit(there, "Merge pull request #13 from acme/back\n\nTake the cache out", merge=back)
    (found,) = past(there).undone
    assert (found.commit.title, found.commit.pull_request) == ("A cart that is quick", 12)
    assert (found.by.title, found.by.pull_request) == ("Take the cache out", 13)


def test_a_message_can_name_only_what_came_earlier_and_by_another_commit(there: World) -> None:
    start = there.hub.tip()
    first = commit(there, "Try it", branch="side", start=start)
    second = commit(there, f"Not like this\n\nThis reverts commit {first}.", branch="side")
    commit(there, "Merge pull request #12 from acme/side\n\nNothing in the end", merge=second)
    commit(there, 'Revert "Later"')
    later = commit(there, "Later")
    commit(there, "Names nobody\n\nThis reverts commit 0123456789abcdef. Reverts #9999999999")
    commit(there, f"Quotes it only: This reverts commit {later}.")
    assert undone(there) == []


def test_a_window_has_only_what_came_in_it(there: World) -> None:
    bad = there.hub.commit("Cache the cart", {"c.txt": b"1"}, at=FIRST + 86_400)
    there.hub.commit(f"Back\n\nThis reverts commit {bad}.", {"c.txt": b"2"}, at=FIRST + 3 * 86_400)
    day = timedelta(days=1)
    assert there.forge.past("shop", BEGIN + day / 2, BEGIN + 2 * day).undone == ()
    assert there.forge.past("shop", BEGIN + 2 * day, BEGIN + 4 * day).undone == ()
    assert len(there.forge.past("shop", BEGIN + day / 2, BEGIN + 4 * day).undone) == 1
    assert there.forge.past("shop", BEGIN + 20 * day, BEGIN + 30 * day).landed == ()
