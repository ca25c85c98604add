"""The contract of the Forge port about what stands beside a commit: others' checks, our report, reviewers."""

from typing import Any

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.marks import CiState, ProofReport
from cases.ports import Forge
from remediation.forge.local.server import Fault
from remediation.forge.proof_report import OWN_CONTEXT
from tests.parts.hub import World
from tests.parts.proposals import BRANCH, proposed

REPORT = ProofReport(
    key="case1-1-proof", title="Proved", text="| check | verdict |\n|---|---|\n| a | passed |", proved=True
)


def tell(there: World, sha: str, context: str, state: str) -> None:
    """A commit status of another tool."""
    told: dict[str, Any] = {"state": state, "context": context, "description": "Built.", "target_url": None}
    there.ask("POST", f"/statuses/{sha}", "ci", json=told).raise_for_status()


def test_what_nobody_checked_has_not_passed(there: World, forge: Forge) -> None:
    found = forge.ci("shop", there.hub.tip())
    assert (found.state, found.checks, found.unread) == (CiState.NONE, (), "")


def test_the_state_of_a_commit_is_the_worst_of_what_tools_say_last(there: World, forge: Forge) -> None:
    sha = there.hub.tip()
    seen: list[CiState] = []
    for context, state in (("build", "success"), ("tests", "pending"), ("tests", "error"), ("tests", "success")):
        tell(there, sha, context, state)
        seen.append(forge.ci("shop", sha).state)
    assert seen == [CiState.PASSED, CiState.PENDING, CiState.FAILED, CiState.PASSED]
    assert [(check.name, check.state, check.summary) for check in forge.ci("shop", sha).checks] == [
        ("build", CiState.PASSED, "Built."),
        ("tests", CiState.PASSED, "Built."),
    ]


def test_checks_that_did_not_change_are_not_sent_again(there: World, forge: Forge) -> None:
    sha = there.hub.tip()
    tell(there, sha, "build", "success")
    first, before = forge.ci("shop", sha), len(there.answered)
    assert first == forge.ci("shop", sha)
    assert [status for *_, status in there.answered[before:]] == [304, 304]


def test_checks_that_may_not_be_read_are_no_pass(there: World, forge: Forge) -> None:
    sha = there.hub.tip()
    tell(there, sha, "build", "success")
    there.faults.rules.append(("GET", "/check-runs", Fault(status=403)))
    found = forge.ci("shop", sha)
    assert (found.state, len(found.checks)) == (CiState.NONE, 1)
    assert "check runs" in found.unread
    there.faults.rules.append(("GET", "/check-runs", Fault(status=403, retry_after=9)))
    with pytest.raises(TemporaryError, match="slow down"):
        forge.ci("shop", sha)


def test_a_token_reports_the_proof_as_a_commit_status_once(there: World, forge: Forge) -> None:
    base = there.hub.tip()
    proposed(there, forge)
    ours = there.hub.tip(BRANCH)
    there.hub.commit("A human's word", {"b.txt": b"1\n"}, branch=BRANCH)
    receipts = [forge.report_proof("shop", BRANCH, base, REPORT) for _ in range(2)]
    assert [one.adopted for one in receipts] == [False, True]
    assert receipts[0].facts == {"sha": ours, "as": "commit status"}
    (status,) = there.ask("GET", f"/commits/{ours}/status").json()["statuses"]
    assert (status["context"], status["state"], status["description"]) == (OWN_CONTEXT, "success", "Proved")
    assert forge.ci("shop", ours).checks == ()  # or we would wait for ourselves


def test_what_was_not_reproduced_is_shown_as_no_pass(there: World, forge: Forge) -> None:
    base = there.hub.tip()
    proposed(there, forge)
    report = ProofReport(key="k", title="Correlated, not reproduced", text="", proved=False)
    sha = forge.report_proof("shop", BRANCH, base, report).facts["sha"]
    assert there.ask("GET", f"/commits/{sha}/status").json()["state"] == "pending"


def test_nothing_is_reported_on_somebody_elses_commit(there: World, forge: Forge) -> None:
    base = there.hub.tip()
    proposed(there, forge)
    there.hub.commit("Mine now", {"b.txt": b"1\n"}, branch=BRANCH, start=base)  # a force-push
    with pytest.raises(PermanentError, match="not ours now"):
        forge.report_proof("shop", BRANCH, base, REPORT)
    there.ask("DELETE", f"/git/refs/heads/{BRANCH}")
    with pytest.raises(PermanentError, match="the branch is gone"):
        forge.report_proof("shop", BRANCH, base, REPORT)
    assert there.faults.count("POST", f"/statuses/{base}") == 0


def asked_of(there: World, number: int) -> tuple[list[str], list[str]]:
    pull = there.ask("GET", f"/pulls/{number}").json()
    return [p["login"] for p in pull["requested_reviewers"]], [t["slug"] for t in pull["requested_teams"]]


def test_owners_and_the_culprits_author_are_asked_once(there: World, forge: Forge) -> None:
    there.hub.commit("Begin anew", {"x.txt": b"1\n"})
    made = there.ask("POST", "/pulls", "dev", json={"title": "X", "head": culprit_branch(there), "base": "main"})
    merged = there.ask("PUT", f"/pulls/{made.json()['number']}/merge", "dev", json={"merge_method": "squash"}).json()
    number = proposed(there, forge)
    owners = ("@sre", "@acme/shop", "someone@example.com", "@trackwalker")
    first = forge.request_reviewers("shop", BRANCH, owners, ("shop", merged["sha"]))
    assert (first.adopted, first.facts) == (False, {"asked": "dev sre acme/shop", "refused": ""})
    assert asked_of(there, number) == (["dev", "sre"], ["shop"])
    again = there.adapter().request_reviewers("shop", BRANCH, owners, ("shop", merged["sha"]))
    assert again.adopted
    assert there.faults.count("POST", "/requested_reviewers") == 1


def culprit_branch(there: World) -> str:
    there.hub.commit("Break it", {"y.txt": b"1\n"}, branch="topic", start=there.hub.tip())
    return "topic"


def test_a_reviewer_who_cannot_be_asked_is_left_out(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    assert there.ask("DELETE", "/collaborators/gone").status_code == 204
    receipt = forge.request_reviewers("shop", BRANCH, ("@gone", "@sre"), ("shop", there.hub.tip()))
    assert receipt.facts == {"asked": "sre", "refused": "gone"}
    assert asked_of(there, number) == (["sre"], [])
    assert forge.request_reviewers("shop", BRANCH, ("@gone",), ()).facts == {"asked": "", "refused": "gone"}


def test_who_reviewed_is_not_asked_again_and_a_closed_one_is_left_alone(there: World, forge: Forge) -> None:
    number = proposed(there, forge)
    there.ask("POST", f"/pulls/{number}/reviews", "sre", json={"event": "COMMENT", "body": "Hm."}).raise_for_status()
    assert forge.request_reviewers("shop", BRANCH, ("@sre",), ()).adopted
    there.ask("PATCH", f"/pulls/{number}", json={"state": "closed"}).raise_for_status()
    assert forge.request_reviewers("shop", BRANCH, ("@boss",), ()).adopted
    with pytest.raises(PermanentError, match="no pull request"):
        forge.request_reviewers("shop", "trackwalker/case9-1", ("@sre",), ())
