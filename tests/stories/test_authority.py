"""Authority, judged by what left the process: given by a merge to a file, asked before each effect, lost at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Hold, Phase
from cases.moments import iso
from cases.ports import Forge
from cases.steps import Receipt
from daemon.authority import CHECKED
from daemon.ledger.outbox import DONE
from tests.parts.playhouse import WORSE, House, house

GRANT = 'grants:\n  - {{class: revert, level: {level}, granted: "{at}", because: a human says so}}\n'


def grants(it: House, level: str) -> None:
    """A human merges a grant."""
    text = GRANT.format(level=level, at=iso(it.now - timedelta(minutes=1)))
    it.commit(f"Grant {level}", {"trust.yaml": text.encode()}, minutes_ago=0)


def test_a_merged_grant_opens_pull_requests_and_is_asked_before_each_effect(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe", "file": "trust.yaml"}) as it, it.alive() as app:
        grants(it, "pull_request")
        case = it.until(Phase.PROPOSED)
        lines = app.ledger.audit.listed(case.id)
        done = [line.detail["key"] for line in lines if line.action == DONE and "@" not in line.detail["key"]]
        asked = {line.detail["key"]: line for line in lines if line.action == CHECKED}
        assert [key.removeprefix(f"{case.id}-1-") for key in done] == ["plot", "branch", "pull-request", "proof"]
        for key in done:
            did = next(line for line in lines if line.action == DONE and line.detail["key"] == key)
            assert asked[key].seq < did.seq
            assert (asked[key].detail["verdict"], asked[key].detail["level"]) == ("allow", "pull_request")


@pytest.mark.long
def test_harm_is_marked_at_once_and_its_rollback_goes_on(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe", "file": "trust.yaml"}) as it, it.alive() as app:
        grants(it, "pull_request")
        it.until(Phase.PROPOSED)
        (pull,) = it.pull_requests()
        it.merge(pull["number"], level=WORSE)
        it.until(Phase.PROPOSED, minutes=120)
        (bad,) = [mark for mark in app.ledger.trust.marks() if mark.book == "safety"]
        assert not bad.good
        assert app.ports.trust is not None
        standing = app.ports.trust.standing(bad.area)
        assert (standing.outcomes, standing.clean) == (1, 0)


def test_a_file_that_cannot_be_used_takes_everything_back_to_observing(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "pull_request", "file": "trust.yaml"}) as it, it.alive() as app:
        it.commit("Grant nonsense", {"trust.yaml": b"grants: [{level: everything}]\n"}, minutes_ago=0)
        case = it.until(Phase.PROVED)
        it.passes(3)
        case = app.ledger.cases.load(case.id)
        assert (case.phase, case.hold) == (Phase.PROVED, Hold.GATE)
        assert "trust.yaml cannot be used (trust.yaml:1: grants[0].level" in case.hold_reason
        assert it.pull_requests() == []


def test_authority_that_is_lost_between_the_promise_and_the_effect_stops_it(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe", "file": "trust.yaml"}) as it:
        grants(it, "pull_request")

        def takes_back(forge: Forge) -> Forge:
            store = forge.store_plot

            def late(*plot: Any) -> Receipt:  # noqa: ANN401 - as the forge is asked
                grants(it, "propose")  # a human takes it back when the first effect is under way
                return store(*plot)

            vars(forge)["store_plot"] = late
            return forge

        it.wrap_forge = takes_back
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert "may not be done: authority for shop/shop/revert/" in case.escalation
            assert "and this needs `pull_request`" in case.escalation
            assert it.pull_requests() == []


@pytest.mark.long
def test_who_only_observes_writes_nothing_to_a_repository(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe"}, pull_requests={"dashboard": True}) as it, it.alive() as app:
        it.until(Phase.PROVED)
        it.passes(3)
        case = it.case()
        assert case is not None
        assert app.ledger.cases.load(case.id).hold is Hold.GATE
        assert it.world.written() == []
