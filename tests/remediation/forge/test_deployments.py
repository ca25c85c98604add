"""The forge's record of deployments, read through the API, held against GitHub's own description."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.errors import TemporaryError
from remediation.forge.deployments import MOST_PAGES, DeploymentRecord
from remediation.forge.github import GithubApi
from remediation.forge.local.server import Fault
from remediation.forge.token import TokenRefused
from tests.parts.hub import READER, TOKEN, World

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def deployed(there: World, ref: str = "main", environment: str = "production", *states: str) -> int:
    """Make a deployment and let it come to each of the states."""
    made = there.ask("POST", "/deployments", json={"ref": ref, "environment": environment, "auto_merge": False})
    assert made.status_code == 201, made.text
    number: int = made.json()["id"]
    for state in states:
        comes_to(there, number, state)
    return number


def comes_to(there: World, number: int, state: str) -> dict[str, Any]:
    answer = there.ask("POST", f"/deployments/{number}/statuses", json={"state": state})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def live(there: World, since: datetime = LONG_AGO, environment: str = "production") -> list[str]:
    return [sha for _, sha in there.forge.deployments("shop", environment, since)]


def test_a_deployment_counts_from_its_first_success(there: World) -> None:
    first = there.hub.tip()
    number = deployed(there, "main", "production", "queued", "in_progress")
    assert live(there) == []
    at = datetime.fromisoformat(comes_to(there, number, "success")["created_at"])
    comes_to(there, number, "inactive")  # what GitHub says of it once the next one is live
    assert there.forge.deployments("shop", "production", LONG_AGO) == ((at, first),)
    assert live(there, at + timedelta(seconds=1)) == []


def test_other_environments_and_failures_do_not_count(there: World) -> None:
    deployed(there, "main", "staging", "success")
    deployed(there, "main", "production", "failure")
    deployed(there, "main", "production")
    assert live(there) == []
    assert live(there, environment="staging") == [there.hub.tip()]


def test_a_rollback_is_a_deployment_of_its_own(there: World) -> None:
    old = there.hub.tip()
    new = there.hub.commit("More", {"more.txt": b"1\n"})
    for ref in (old, new, old):
        deployed(there, ref, "production", "success")
    assert sorted(live(there)) == sorted([old, new, old])


def test_a_look_where_nothing_changed_asks_once_and_is_answered_304(there: World) -> None:
    for _ in range(5):
        deployed(there, "main", "production", "success")
    assert len(live(there)) == 5
    before = len(there.faults.requests)
    assert len(live(there)) == 5
    assert [path.rpartition("/")[2] for _, path in there.faults.requests[before:]] == ["deployments"]
    head = there.ask("GET", "/deployments", params={"environment": "production"})
    again = there.ask(
        "GET", "/deployments", params={"environment": "production"}, headers={"If-None-Match": head.headers["ETag"]}
    )
    assert again.status_code == 304


def test_only_what_may_still_go_live_is_asked_about_again(there: World) -> None:
    deployed(there, "main", "production", "success")
    waiting = deployed(there, "main", "production", "in_progress")
    assert len(live(there)) == 1
    before = len(there.faults.requests)
    comes_to(there, waiting, "success")
    made = len(there.faults.requests)
    assert len(live(there)) == 2
    assert [path for _, path in there.faults.requests[made:]] == [
        "/api/v3/repos/acme/shop/deployments",
        f"/api/v3/repos/acme/shop/deployments/{waiting}/statuses",
    ]
    assert made == before + 1


def record(there: World, page: int, most_asked: int) -> DeploymentRecord:
    api = GithubApi(there.served.api_url, lambda: TOKEN, timedelta(0))
    return DeploymentRecord(api=api, repository=there.known, environment="production", page=page, most_asked=most_asked)


def test_more_than_one_look_can_read_is_read_by_and_by(there: World) -> None:
    for _ in range(4):
        deployed(there)
    deployed(there, "main", "production", "success")
    slow = record(there, page=2, most_asked=3)
    with pytest.raises(TemporaryError, match="2 more deployments of acme/shop to production are to be read"):
        slow.live(LONG_AGO)
    assert [sha for _, sha in slow.live(LONG_AGO)] == [there.hub.tip()]
    slow.api.close()


def test_more_than_is_ever_read_is_said(there: World) -> None:
    for _ in range(MOST_PAGES + 1):
        deployed(there)
    narrow = record(there, page=1, most_asked=3)
    with pytest.raises(TemporaryError, match="more than 5 deployments to production since 2020-01-01"):
        narrow.live(LONG_AGO)
    narrow.api.close()


def test_what_goes_wrong_is_a_sentence_without_the_token(there: World) -> None:
    there.faults.rules.append(("GET", "/deployments", Fault(status=403, retry_after=17)))
    with pytest.raises(TemporaryError, match="slow down") as limited:
        live(there)
    assert limited.value.retry_after == timedelta(seconds=17)
    there.faults.rules.append(("GET", "/deployments", Fault(status=0)))
    with pytest.raises(TemporaryError):
        live(there)
    stale = there.adapter("stale-token")
    with pytest.raises(TokenRefused, match="does not take the token") as refused:
        stale.deployments("shop", "production", LONG_AGO)
    assert "stale-token" not in str(refused.value)
    assert there.adapter(READER).deployments("shop", "production", LONG_AGO) == ()


def test_the_local_forge_filters_as_github_does(there: World) -> None:
    number = deployed(there)
    assert there.ask("GET", "/deployments/4711/statuses").status_code == 404
    listed = there.ask("GET", "/deployments", params={"environment": "production", "task": "deploy", "ref": "main"})
    assert [one["id"] for one in listed.json()] == [number]
