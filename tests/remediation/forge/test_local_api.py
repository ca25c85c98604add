"""The local forge's API: GitHub's shapes (each exchange is validated) and GitHub's meaning (said here)."""

import base64
import re
from datetime import timedelta
from typing import Any

import pytest

from remediation.forge.github import GithubApi
from remediation.forge.local.api import ROUTES
from remediation.forge.local.server import serve
from remediation.forge.survey import Survey
from tests.parts.github_app import installed
from tests.parts.hub import READER, TOKEN, Hub, World
from tests.parts.openapi import operation_of

BRANCH = "feature/more"


@pytest.fixture
def number(there: World) -> int:
    """A pull request by `bot` from BRANCH."""
    there.hub.commit("More", {"more.txt": b"more\n", "a.txt": b"two\n"}, branch=BRANCH, start=there.hub.tip())
    return opened(there)["number"]


def opened(there: World, head: str = BRANCH, login: str = "bot", *, draft: bool = False) -> dict[str, Any]:
    answer = there.ask("POST", "/pulls", login, json={"title": "More", "head": head, "base": "main", "draft": draft})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_every_route_is_one_of_githubs() -> None:
    rest = [(method, path) for method, path, _ in ROUTES if path.startswith("/api/v3")]  # GraphQL has no OpenAPI
    filled = [(method, re.sub("<.*?>", "1", path).removeprefix("/api/v3")) for method, path in rest]
    assert len(ROUTES) == len(rest) + 1
    assert [route for route in filled if operation_of(*route) is None] == []


def test_who_asks_is_who_they_say_with_the_token(there: World) -> None:
    url = f"{there.served.api_url}/user"
    assert there.client.get(url, auth=("reviewer", TOKEN)).json()["login"] == "reviewer"
    for scheme in ("token", "Bearer"):
        assert there.client.get(url, headers={"Authorization": f"{scheme} {TOKEN}"}).json()["login"] == "trackwalker"
    assert there.client.get(f"{there.served.api_url}/rate_limit", auth=("reviewer", TOKEN)).status_code == 200


def test_a_token_sees_every_repository_page_by_page(there: World) -> None:
    for name in ("api", "web"):
        Hub(there.hub.root, full_name=f"beta/{name}").create()
    url, auth = f"{there.served.api_url}/user/repos", ("reviewer", TOKEN)
    first = there.client.get(url, auth=auth, params={"per_page": "2"})
    second = there.client.get(first.links["next"]["url"], auth=auth)
    names = [repository["full_name"] for page in (first, second) for repository in page.json()]
    assert names == ["acme/shop", "beta/api", "beta/web"]
    survey = Survey(GithubApi(there.served.api_url, lambda: TOKEN, timedelta(0)))
    assert {seen.full_name: seen.branch for seen in survey.repositories()}["acme/shop"] == "main"
    assert survey.read("acme/shop", "a.txt") == there.hub.show("main:a.txt")
    assert survey.read("acme/shop", "nothing/there.txt") is None
    assert survey.read("beta/api", "README.md") is None  # an empty repository
    survey.close()


def test_nobody_comes_in_without_the_token(there: World) -> None:
    for path in ("/api/v3/user", "/api/v3/repos/acme/shop", "/acme/shop.git/info/refs", "/", "/acme/shop/pull/1"):
        for auth in (None, ("reviewer", "wrong"), ("reviewer", "")):
            answer = there.client.get(there.served.url + path, auth=auth)
            assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, True)
    assert there.ask("GET", "", token="wrong").json()["message"] == "Bad credentials"


def test_a_reader_reads(there: World, number: int) -> None:
    assert there.ask("GET", "", token=READER).json()["permissions"] == {"admin": False, "pull": True, "push": False}
    for method, path, body in (
        ("POST", "/pulls", {"title": "T", "head": BRANCH, "base": "main"}),
        ("PUT", f"/pulls/{number}/merge", {}),
        ("POST", f"/issues/{number}/comments", {"body": "x"}),
        ("DELETE", f"/git/refs/heads/{BRANCH}", None),
    ):
        assert there.ask(method, path, token=READER, json=body).status_code == 403
    assert there.ask("GET", f"/issues/{number}/comments").json() == []


def test_what_is_not_there_is_404(there: World) -> None:
    for path in ("/branches/gone", "/pulls/99", "/issues/99", "/contents/gone", "/git/ref/heads/gone", "/compare/main"):
        answer = there.ask("GET", path)
        assert (answer.status_code, "message" in answer.json()) == (404, True)
    gone = there.client.get(f"{there.served.api_url}/repos/acme/gone", auth=("reviewer", TOKEN))
    assert (gone.status_code, gone.json()["message"]) == (404, "Not Found")


def test_branches_and_references(there: World) -> None:
    tip = there.hub.tip()
    made = there.ask("POST", "/git/refs", json={"ref": "refs/heads/new/one", "sha": tip})
    assert (201, tip) == (made.status_code, there.hub.tip("new/one"))
    assert there.ask("POST", "/git/refs", json={"ref": "refs/heads/new/one", "sha": tip}).status_code == 422
    assert there.ask("POST", "/git/refs", json={"ref": "refs/heads/x", "sha": "f" * 40}).status_code == 422
    assert {"main", "new/one"} == {branch["name"] for branch in there.ask("GET", "/branches").json()}
    assert there.ask("GET", "/branches/new/one").json()["commit"]["sha"] == tip
    newer = there.hub.commit("Newer", {"n.txt": b"1\n"})
    assert there.ask("PATCH", "/git/refs/heads/new/one", json={"sha": newer}).json()["object"]["sha"] == newer
    back = {"sha": tip}
    assert there.ask("PATCH", "/git/refs/heads/new/one", json=back).status_code == 422
    assert there.ask("PATCH", "/git/refs/heads/new/one", json={**back, "force": True}).status_code == 200
    assert there.ask("GET", "/git/ref/heads/new/one").json()["object"]["sha"] == tip
    assert there.ask("DELETE", "/git/refs/heads/new/one").status_code == 204
    assert there.ask("DELETE", "/git/refs/heads/main").status_code == 422
    assert there.hub.tip("new/one") == ""


@pytest.mark.usefixtures("number")
def test_commits_and_comparison(there: World) -> None:
    tip = there.hub.tip(BRANCH)
    whole = there.ask("GET", f"/commits/{BRANCH}").json()
    assert (tip, {"more.txt", "a.txt"}) == (whole["sha"], {file["filename"] for file in whole["files"]})
    assert there.ask("GET", f"/commits/{tip[:9]}").json()["stats"] == {"additions": 2, "deletions": 1, "total": 3}
    assert there.ask("GET", f"/git/commits/{tip}").json()["message"] == "More"
    first = there.ask("GET", f"/commits/{there.hub.tip()}").json()
    assert {"added"} == {file["status"] for file in first["files"]}
    listed = there.ask("GET", f"/commits?sha={BRANCH}&path=more.txt").json()
    assert [tip] == [commit["sha"] for commit in listed]
    assert there.ask("GET", "/commits?since=2030-01-01T00:00:00Z").json() == []
    compared = there.ask("GET", f"/compare/main...{BRANCH}").json()
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("ahead", 1, 0)
    assert there.ask("GET", f"/compare/{BRANCH}...main").json()["status"] == "behind"
    assert there.ask("GET", "/commits/gone").status_code == 422


def test_contents(there: World) -> None:
    held = there.ask("GET", "/contents/src/b.py").json()
    assert base64.b64decode(held["content"]) == b"b = 1\n"
    top = there.ask("GET", "/contents/?ref=main").json()
    assert [(item["name"], item["type"]) for item in top] == [("a.txt", "file"), ("src", "dir")]
    assert [item["path"] for item in there.ask("GET", "/contents/src").json()] == ["src/b.py"]


def test_a_pull_request_shows_what_git_has(there: World, number: int) -> None:
    shown = there.ask("GET", f"/pulls/{number}").json()
    assert tuple(shown[k] for k in ("mergeable", "mergeable_state", "commits", "changed_files")) == (
        True,
        "clean",
        1,
        2,
    )
    files = there.ask("GET", f"/pulls/{number}/files").json()
    assert {f["filename"]: f["patch"] for f in files if f["status"] == "modified"} == {
        "a.txt": "@@ -1 +1 @@\n-one\n+two"
    }
    newer = there.hub.commit("Even more", {"more.txt": b"even more\n"}, branch=BRANCH)
    assert newer == there.ask("GET", f"/pulls/{number}").json()["head"]["sha"]
    assert [c["commit"]["message"] for c in there.ask("GET", f"/pulls/{number}/commits").json()] == [
        "More",
        "Even more",
    ]


@pytest.mark.usefixtures("number")
def test_pull_requests_are_filtered_and_paged(there: World) -> None:
    for count in range(3):
        there.hub.commit(f"Branch {count}", {"c.txt": b"%d\n" % count}, branch=f"b{count}", start=there.hub.tip())
        opened(there, f"b{count}")
    there.ask("PATCH", "/pulls/2", json={"state": "closed"})
    assert numbers(there, "/pulls") == [4, 3, 1]
    assert numbers(there, "/pulls?state=closed") == [2]
    assert numbers(there, "/pulls?head=acme:b1") == [3]
    assert numbers(there, "/pulls?head=stranger:b1") == []
    assert numbers(there, "/pulls?base=other") == []
    assert numbers(there, "/pulls?state=all&direction=asc&per_page=2") == [1, 2]
    page = there.ask("GET", "/pulls?state=all&direction=asc&per_page=2")
    assert {"next", "last"} == set(page.links)
    assert [pull["number"] for pull in there.client.get(page.links["next"]["url"], auth=("k", TOKEN)).json()] == [3, 4]


def numbers(there: World, path: str) -> list[int]:
    return [pull["number"] for pull in there.ask("GET", path).json()]


@pytest.mark.parametrize(
    ("body", "because"),
    [
        ({"head": BRANCH}, "A pull request already exists for acme:feature/more."),
        ({"head": f"acme:{BRANCH}"}, "A pull request already exists for acme:feature/more."),
        ({"head": "same"}, "No commits between main and same"),
        ({"head": "gone"}, None),
        ({"head": BRANCH, "base": "gone"}, None),
        ({"head": BRANCH, "title": ""}, None),
    ],
)
def test_a_pull_request_that_cannot_be_is_422(there: World, number: int, body: dict[str, str], because: str) -> None:
    there.ask("POST", "/git/refs", json={"ref": "refs/heads/same", "sha": there.hub.tip()})
    answer = there.ask("POST", "/pulls", json={"title": "T", "base": "main", **body})
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
    assert because == answer.json()["errors"][0].get("message")
    assert [number] == numbers(there, "/pulls?state=all")


def test_a_merge_has_two_parents_and_a_squash_one(there: World, number: int) -> None:
    base, head = there.hub.tip(), there.hub.tip(BRANCH)
    merged = there.ask("PUT", f"/pulls/{number}/merge").json()
    commit = there.ask("GET", f"/git/commits/{merged['sha']}").json()
    assert [base, head] == [parent["sha"] for parent in commit["parents"]]
    assert commit["message"] == f"Merge pull request #{number} from acme/{BRANCH}\n\nMore"
    there.hub.commit("Next", {"next.txt": b"1\n"}, branch="next", start=there.hub.tip())
    second = opened(there, "next")["number"]
    squashed = there.ask("PUT", f"/pulls/{second}/merge", json={"merge_method": "squash"}).json()
    commit = there.ask("GET", f"/git/commits/{squashed['sha']}").json()
    assert [merged["sha"]] == [parent["sha"] for parent in commit["parents"]]
    assert (f"More (#{second})", squashed["sha"]) == (commit["message"], there.hub.tip())
    shown = there.ask("GET", f"/pulls/{second}").json()
    assert (shown["merged"], shown["merged_by"]["login"], shown["state"]) == (True, "reviewer", "closed")
    assert there.ask("GET", f"/issues/{second}").json()["closed_by"]["login"] == "reviewer"


def test_what_cannot_be_merged_is_405_and_what_moved_is_409(there: World, number: int) -> None:
    moved = there.ask("PUT", f"/pulls/{number}/merge", json={"sha": "f" * 40})
    assert moved.status_code == 409
    there.hub.commit("Conflict", {"a.txt": b"three\n"})
    shown = there.ask("GET", f"/pulls/{number}").json()
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    assert there.ask("PUT", f"/pulls/{number}/merge").status_code == 405
    there.ask("PATCH", f"/pulls/{number}", json={"state": "closed"})
    assert there.ask("PUT", f"/pulls/{number}/merge").status_code == 405


def test_a_draft_is_merged_once_it_is_ready(there: World) -> None:
    there.hub.commit("More", {"more.txt": b"1\n"}, branch=BRANCH, start=there.hub.tip())
    number = opened(there, draft=True)["number"]
    refused = there.ask("PUT", f"/pulls/{number}/merge")
    assert (refused.status_code, refused.json()["message"]) == (405, "Pull Request is still a draft")
    assert there.ask("PATCH", f"/pulls/{number}", json={"draft": False}).json()["draft"] is False
    assert there.ask("PUT", f"/pulls/{number}/merge").status_code == 200


def test_a_closed_one_is_reopened_and_a_merged_one_is_not(there: World, number: int) -> None:
    there.ask("PATCH", f"/pulls/{number}", json={"state": "closed"})
    assert there.ask("GET", f"/pulls/{number}").json()["state"] == "closed"
    assert there.ask("PATCH", f"/pulls/{number}", json={"state": "open", "title": "Again"}).json()["title"] == "Again"
    there.ask("PUT", f"/pulls/{number}/merge")
    assert there.ask("PATCH", f"/pulls/{number}", json={"state": "open"}).status_code == 422


def test_a_branch_that_is_deleted_closes_its_pull_request(there: World, number: int) -> None:
    there.ask("DELETE", f"/git/refs/heads/{BRANCH}")
    shown = there.ask("GET", f"/pulls/{number}").json()
    assert (shown["state"], shown["merged"]) == ("closed", False)


def test_reviews(there: World, number: int) -> None:
    own = there.ask("POST", f"/pulls/{number}/reviews", "bot", json={"event": "APPROVE"})
    assert (own.status_code, "own pull request" in own.text) == (422, True)
    assert there.ask("POST", f"/pulls/{number}/reviews", json={"event": "APPROVE", "body": "Good"}).status_code == 200
    listed = there.ask("GET", f"/pulls/{number}/reviews").json()
    assert [("APPROVED", "reviewer", there.hub.tip(BRANCH))] == [
        (r["state"], r["user"]["login"], r["commit_id"]) for r in listed
    ]
    asked = there.ask("POST", f"/pulls/{number}/requested_reviewers", json={"reviewers": ["lee"]})
    assert [user["login"] for user in asked.json()["requested_reviewers"]] == ["lee"]
    assert there.ask("POST", f"/pulls/{number}/requested_reviewers", json={"reviewers": ["bot"]}).status_code == 422


def test_issues_comments_and_labels(there: World, number: int) -> None:
    issue = there.ask("POST", "/issues", json={"title": "Slow", "labels": ["bug"]}).json()
    assert number + 1 == issue["number"]  # one row of numbers
    assert there.ask("GET", f"/pulls/{issue['number']}").status_code == 404
    assert there.ask("POST", "/labels", json={"name": "bug", "color": "ff0000"}).status_code == 201
    assert there.ask("POST", "/labels", json={"name": "bug"}).status_code == 422
    there.ask("POST", f"/issues/{number}/labels", json={"labels": ["bug", "new"]})
    there.ask("POST", f"/issues/{number}/labels", json=["new", "third"])
    on_it = [label["name"] for label in there.ask("GET", f"/issues/{number}/labels").json()]
    assert on_it == ["bug", "new", "third"]
    assert {"bug", "new", "third"} == {label["name"] for label in there.ask("GET", "/labels").json()}
    said = there.ask("POST", f"/issues/{number}/comments", json={"body": "Hm"}).json()
    assert (said["body"], said["user"]["login"]) == ("Hm", "reviewer")
    assert there.ask("POST", f"/issues/{number}/comments", json={"body": ""}).status_code == 422
    assert there.ask("GET", f"/issues/{number}").json()["comments"] == 1
    changed = there.ask("PATCH", f"/issues/{issue['number']}", json={"state": "closed", "labels": ["new"]}).json()
    assert (changed["state"], [label["name"] for label in changed["labels"]]) == ("closed", ["new"])


def test_statuses_check_runs_and_deployments(there: World) -> None:
    tip = there.hub.tip()
    assert there.ask("GET", f"/commits/{tip}/status").json()["state"] == "pending"
    for state in ("pending", "success"):
        answer = there.ask("POST", f"/statuses/{tip}", json={"state": state, "context": "ci", "target_url": None})
        assert answer.status_code == 201
    combined = there.ask("GET", "/commits/main/status").json()
    assert (combined["state"], combined["total_count"]) == ("success", 1)
    there.ask("POST", f"/statuses/{tip}", json={"state": "failure", "context": "lint"})
    assert there.ask("GET", "/commits/main/status").json()["state"] == "failure"
    run = {"name": "tests", "head_sha": tip, "conclusion": "success", "output": {"title": "T", "summary": "S"}}
    token = installed(there).source()()  # only an App may
    assert there.ask("POST", "/check-runs", token=token, json=run).json()["status"] == "completed"
    runs = there.ask("GET", "/commits/main/check-runs?check_name=tests").json()
    assert (runs["total_count"], runs["check_runs"][0]["conclusion"]) == (1, "success")
    deployed = there.ask("POST", "/deployments", json={"ref": "main", "environment": "production", "payload": {"a": 1}})
    assert (201, tip, {"a": 1}) == (deployed.status_code, deployed.json()["sha"], deployed.json()["payload"])


def test_pygithub_reviews_and_merges(there: World, number: int) -> None:
    import github

    api = github.Github(
        auth=github.Auth.Login("reviewer", TOKEN),
        base_url=there.served.api_url,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    try:
        pull = api.get_repo("acme/shop").get_pull(number)
        pull.create_review(event="APPROVE", body="Good")
        assert list(api.get_repo("acme/shop").get_commit(pull.head.sha).get_check_runs()) == []
        assert pull.merge(merge_method="squash", sha=pull.head.sha).merged
        api.get_repo("acme/shop").get_git_ref(f"heads/{BRANCH}").delete()
    finally:
        api.close()
    assert there.hub.tip(BRANCH) == ""


def test_a_page_of_another_site_cannot_write(there: World) -> None:
    answer = there.ask("POST", "/issues", json={"title": "T"}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    own = there.ask("POST", "/issues", json={"title": "T"}, headers={"Origin": there.served.url})
    assert own.status_code == 201


def test_what_is_known_outlives_the_server(there: World, number: int) -> None:
    root = there.hub.root
    with serve(root, "127.0.0.1:0") as again:  # no token: everybody may
        answer = there.client.get(f"{again.api_url}/repos/acme/shop/pulls/{number}")
    assert (answer.status_code, answer.json()["user"]["login"]) == (200, "bot")
