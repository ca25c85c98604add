"""A look at comments is cheap: what has not changed is not sent again, and nobody is asked about twice."""

from datetime import timedelta

from remediation.forge.comments import CommentRecord
from remediation.forge.github import GithubApi
from tests.parts.hub import TOKEN, World

BRANCH = "trackwalker/case1-1"


def test_a_look_at_comments_that_have_not_changed_costs_an_unchanged_answer_a_page(there: World) -> None:
    there.hub.commit("Begin", {"a.txt": b"1\n"})
    there.forge.push("shop", BRANCH, there.hub.tip(), [], "Nothing yet\n")
    number = there.forge.open_pull_request("shop", BRANCH, "Title", "Why.", (), draft=False).facts["number"]
    path = f"/issues/{number}/comments"
    api = GithubApi(there.served.api_url, lambda: TOKEN, timedelta(0))
    try:
        record = CommentRecord(api=api, page=2)
        for index in range(3):
            there.ask("POST", path, json={"body": f"comment {index}"})
        assert [one.body for one in record.comments(there.known, BRANCH)] == ["comment 0", "comment 1", "comment 2"]
        before = len(there.faults.requests)
        assert len(record.comments(there.known, BRANCH)) == 3
        assert there.faults.requests[before:] == [("GET", f"/api/v3/repos/acme/shop{path}")] * 2
        there.ask("POST", path, json={"body": "one more"})
        before = len(there.faults.requests)
        assert record.comments(there.known, BRANCH)[-1].body == "one more"
        asked = [request[1].rpartition("/shop/")[2] for request in there.faults.requests[before:]]
        assert sorted(asked) == ["collaborators/reviewer/permission"] + [f"issues/{number}/comments"] * 3
    finally:
        api.close()
