"""The contract of the Forge port about pull requests."""

from datetime import timedelta

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.ports import Forge
from cases.pull_request import PullRequestState
from remediation.forge.local.server import Fault
from tests.parts.hub import World
from tests.parts.proposals import BRANCH, LABELS, START, edit, proposed


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
