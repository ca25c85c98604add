"""A GitHub App, played against the local forge: signed with a real key, verified with its public half."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from cases.errors import PermanentError, TemporaryError
from cases.marks import CiState, ProofReport
from daemon.clock import ManualClock, SystemClock
from remediation.forge.token import TokenRefused
from tests.parts.github_app import ALL, ID, INSTALLATION, SLUG, Installed, installed, key_pair
from tests.parts.hub import World
from tests.parts.proposals import BRANCH, proposed

PATH = f"/app/installations/{INSTALLATION}"


@pytest.fixture
def it(there: World) -> Installed:
    there.hub.commit("Code", {"shop/cart.py": b"limit = 10\n"})
    return installed(there)


def asked(it: Installed, said: dict[str, Any], key: str = "", algorithm: str = "RS256") -> int:
    """The status of a look at the installation with a token that says this."""
    now = int(SystemClock().now().timestamp())
    whole = {"iat": now - 60, "exp": now + 540, "iss": str(ID), **said}
    token = jwt.encode({k: v for k, v in whole.items() if v is not None}, key or it.key, algorithm=algorithm)
    headers = {"Authorization": f"Bearer {token}"}
    return it.there.client.get(f"{it.there.served.api_url}{PATH}", headers=headers).status_code


def test_a_pull_request_by_an_app_from_push_to_report(it: Installed) -> None:
    there, forge = it.there, it.forge()
    base = there.hub.tip()
    number = proposed(there, forge)
    pull = there.ask("GET", f"/pulls/{number}").json()
    assert pull["user"] == {**pull["user"], "login": f"{SLUG}[bot]", "type": "Bot"}
    assert forge.comment("shop", BRANCH, "k", "Here.").adopted is False
    assert forge.comment("shop", BRANCH, "k", "Here.").adopted
    assert [one.number for one in forge.open_pull_requests("shop")] == [number]
    report = ProofReport(key="case1-1-proof", title="Proved", text="| a | passed |", proved=True)
    receipts = [forge.report_proof("shop", BRANCH, base, report) for _ in range(2)]
    assert [(one.adopted, one.facts["as"]) for one in receipts] == [(False, "check run"), (True, "check run")]
    (run,) = there.ask("GET", f"/commits/{BRANCH}/check-runs").json()["check_runs"]
    shown = (run["conclusion"], run["output"]["summary"], run["external_id"])
    assert shown == ("success", "| a | passed |", "case1-1-proof")
    tokens = [path for _, path, _ in there.answered if path.endswith("/access_tokens")]
    assert len(tokens) == 1  # one for git and the API together


def test_what_a_failed_check_says_is_bounded_and_has_no_secrets(it: Installed) -> None:
    secret, sha = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", it.there.hub.tip()
    said = {"title": "1 failed", "summary": f"token={secret}", "text": "x" * 5_000 + "\nE   assert 1 == 2"}
    run = {"name": "tests", "head_sha": sha, "conclusion": "failure", "output": said}
    assert it.there.ask("POST", "/check-runs", token=it.source()(), json=run).status_code == 201
    (check,) = it.forge().ci("shop", sha).checks
    assert (check.name, check.state, check.summary) == ("tests", CiState.FAILED, "1 failed")
    assert (len(check.output), check.output[0], secret in check.output) == (3_000, "…", False)
    assert check.output.endswith("E   assert 1 == 2")


def test_a_token_cannot_make_a_check_run(it: Installed) -> None:
    run = {"name": "x", "head_sha": it.there.hub.tip(), "status": "completed", "conclusion": "success"}
    assert it.there.ask("POST", "/check-runs", json=run).status_code == 403


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 200),
        ({"exp": 1_700_000_000}, 401),  # over
        ({"exp": 32_000_000_000}, 401),  # good for too long
        ({"exp": None}, 401),
        ({"iat": 32_000_000_000}, 401),  # from the future
        ({"aud": "somebody-else"}, 401),
        ({"iss": "99"}, 401),  # another App
    ],
)
def test_the_forge_looks_at_what_is_signed(it: Installed, said: dict[str, Any], status: int) -> None:
    assert asked(it, said) == status


def test_the_forge_takes_no_other_key_and_no_other_algorithm(it: Installed) -> None:
    assert asked(it, {}, key_pair(1)[0]) == 401
    assert asked(it, {}, "a-shared-secret-of-32-characters", "HS256") == 401
    with pytest.raises(TokenRefused, match=r"forge.app.id, and that forge.app.key is a key of this App"):
        it.source(key=key_pair(1)[0])()


def test_what_signs_nothing_is_no_key_and_is_not_shown(it: Installed) -> None:
    with pytest.raises(PermanentError, match=r"forge.app.key holds no private key") as told:
        it.source(key="made-up-key-4711")()
    assert "4711" not in repr(told.value)


def test_a_token_is_narrowed_and_cannot_do_more(it: Installed) -> None:
    it.there.another("other")
    narrow = {**ALL, "checks": "read"}
    it.change(permissions={**narrow, "administration": "write"})
    source = it.source()
    source.repositories = ["shop"]
    token = source()
    headers = {"Authorization": f"token {token}"}
    api = f"{it.there.served.api_url}/repos/acme"
    ask = it.there.client.request
    assert ask("GET", f"{api}/shop/pulls", headers=headers).status_code == 200
    assert ask("GET", f"{api}/other/pulls", headers=headers).status_code == 404
    git = f"{it.there.served.url}/acme/other.git/info/refs?service=git-upload-pack"
    assert ask("GET", git, auth=("x-access-token", token)).status_code == 404
    # granted, and not asked for
    assert ask("GET", f"{api}/shop/branches/main/protection", headers=headers).status_code == 403
    refused = ask("POST", f"{api}/shop/check-runs", headers=headers, json={"name": "x", "head_sha": it.there.hub.tip()})
    assert (refused.status_code, refused.headers["x-accepted-github-permissions"]) == (403, "checks=write")


def test_a_token_is_renewed_before_it_ends(it: Installed) -> None:
    clock = ManualClock(SystemClock().now())
    source = it.source(clock)
    first = source()
    clock.advance(timedelta(minutes=50))
    clock.set(SystemClock().now())
    assert source() == first
    clock.advance(timedelta(minutes=6))
    clock.set(SystemClock().now())
    assert source() != first


@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(minutes=-3), timedelta(minutes=3), timedelta(days=2)])
def test_a_clock_that_is_wrong_is_seen_by_the_forges(
    it: Installed, off: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    source = it.source(ManualClock(SystemClock().now() + off))
    assert source().startswith("ghs_")
    assert source.login() == f"{SLUG}[bot]"
    assert "this machine's clock is" in caplog.text
    assert "behind" in caplog.text if off < timedelta(0) else "ahead of" in caplog.text


def test_a_token_that_was_taken_back_is_made_anew_for_git_and_for_the_api(it: Installed) -> None:
    clock = ManualClock(SystemClock().now())
    source = it.source(clock)
    forge = it.forge(source)
    assert forge.head("shop")
    for call in (lambda: forge.head("shop"), lambda: forge.find_pull_request("shop", BRANCH)):
        clock.advance(timedelta(minutes=1))
        clock.set(SystemClock().now())
        it.there.served.grants.revoke()
        with pytest.raises(TokenRefused):
            call()
        call()


def test_a_suspended_installation_is_waited_out_and_named(it: Installed) -> None:
    clock = ManualClock(SystemClock().now())
    source = it.source(clock)
    it.change(suspended="2026-01-01T00:00:00Z")
    for _ in range(3):
        with pytest.raises(TemporaryError, match="installation 5678 of the App trackwalker-acme is suspended"):
            source()
    assert it.there.faults.count("GET", PATH) == 1  # it is not asked again and again
    it.change(suspended="")
    clock.advance(timedelta(minutes=1))
    clock.set(SystemClock().now())
    assert source()


def test_an_installation_that_is_not_there_and_one_that_may_not_see_a_repository(it: Installed) -> None:
    with pytest.raises(PermanentError, match=r"look at forge.app.installation"):
        it.source(number=1)()
    it.change(repositories=["elsewhere"])
    with pytest.raises(PermanentError, match="Give the App access to shop where it is installed"):
        it.source()()
