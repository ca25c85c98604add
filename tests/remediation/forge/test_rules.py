"""What the forge's rules ask of branches: rulesets and classic protection, in GitHub's shapes."""

import json
from typing import Any

import pytest

from remediation.forge.token import TokenRefused
from tests.parts.hub import World

OWN = "trackwalker/**"


def ruled(there: World, **kinds: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[bool, str]]:
    """Write the local forge's rules, and read what they mean."""
    (there.hub.folder / "rules.json").write_text(json.dumps(kinds))
    return {name: (good, said) for name, good, said in there.forge.rules("shop")}


def rule(kind: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - a rule's own
    more = {"parameters": parameters} if parameters else {}
    return {"type": kind, "ruleset_source_type": "Repository", "ruleset_source": "acme/shop", "ruleset_id": 7, **more}


def test_without_rules_that_is_said(there: World) -> None:
    assert there.forge.rules("shop") == (
        ("no rule asks for more", True, "none is set, or none that the token may see"),
    )
    writes = [request for request in there.faults.requests if request[0] != "GET"]
    assert writes == []


def test_what_the_watched_branch_asks_for(there: World) -> None:
    review: dict[str, Any] = {
        "required_approving_review_count": 2, "dismiss_stale_reviews_on_push": False, "require_code_owner_review": True,
        "require_last_push_approval": False, "required_review_thread_resolution": False,
    }  # fmt: skip
    checks = {"required_status_checks": [{"context": "ci/build"}], "strict_required_status_checks_policy": True}
    found = ruled(
        there,
        rules={
            "main": [
                rule("required_signatures"),
                rule("required_linear_history"),
                rule("pull_request", **review),
                rule("required_status_checks", **checks),
            ]
        },
    )
    good, said = found["main takes unsigned commits"]
    assert not good
    assert "not signed, so a merge is refused" in said
    assert found["main asks for more"] == (True, "linear history: merge by squash or rebase")
    assert found["main asks for reviews"] == (True, "a pull request with 2 approving reviews")
    assert found["main asks for status checks"] == (True, "ci/build")


def test_rules_that_would_keep_our_branches_out(there: World) -> None:
    pattern = rule("branch_name_pattern", operator="starts_with", pattern="feature/")
    found = ruled(there, rules={OWN: [rule("creation"), rule("required_signatures"), pattern]})
    assert not found["trackwalker/… may be created"][0]
    assert not found["trackwalker/… takes our commits"][0]
    assert "see that trackwalker/… does" in found["trackwalker/… asks for more"][1]


def test_classic_protection(there: World) -> None:
    protection = {
        "url": "https://api.github.com/repos/acme/shop/branches/main/protection",
        "required_signatures": {"url": "https://api.github.com/x", "enabled": True},
        "required_linear_history": {"enabled": True},
        "lock_branch": {"enabled": True},
        "required_status_checks": {"contexts": ["ci"], "checks": [{"context": "ci", "app_id": None}]},
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": False, "require_code_owner_reviews": False, "required_approving_review_count": 1,
        },
    }  # fmt: skip
    found = ruled(there, protection={"main": [protection]})
    assert [name for name, (good, _) in found.items() if not good] == [
        "main takes unsigned commits",
        "main takes merges",
    ]
    assert found["main asks for status checks"] == (True, "ci")
    assert found["main asks for reviews"] == (True, "a pull request with 1 approving review")


def test_a_wrong_token_is_waited_out(there: World) -> None:
    with pytest.raises(TokenRefused, match="does not take the token") as refused:
        there.adapter("stale-token").rules("shop")
    assert "stale-token" not in str(refused.value)
