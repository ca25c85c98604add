"""The whole way on a given clock, judged by what left the process."""

from datetime import timedelta
from pathlib import Path

import pytest

from cases.case import Hold, Phase
from cases.outcome import Ending
from cases.trying import CommandReport
from tests.parts.playhouse import BAD, NORMAL, QUERY, WORSE, house


def test_a_bad_merge_is_reverted_judged_and_remembered(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        with it.alive():
            case = it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
            assert "Round checkout totals" in pull["title"]
            assert {label["name"] for label in pull["labels"]} == {"trackwalker", "trackwalker:revert"}
            assert not pull["draft"]
            assert pull["head"]["ref"] == f"trackwalker/{case.id}-{case.change.number}"
            it.merge(pull["number"])
            case = it.until(Phase.CLOSED, every=3)
            assert case.outcome is not None
            assert case.outcome.ending is Ending.WORKED
            stages = [body.split("**")[1].split()[0].strip(".:") for body in it.comments(pull["number"])]
            assert stages == ["Merged", "Deployed", "Worked"]
            it.passes(1)
            assert it.subjects()[0] == "shop: errors is up"
            assert it.subjects()[-1] == "shop: worked"
        # the same fault again, brought by another commit to the same file: the lesson is recalled
        with it.alive() as app:
            it.passes(30)
            bad: dict[str | bytes, bytes | None] = {
                "shop/pricing.py": b"def total(cart):\n    return round(sum(cart)) + 0\n"
            }
            it.deploy(it.commit("Round totals again", bad, minutes_ago=2), minutes_ago=1)
            it.readings.becomes(BAD, it.now)
            again = it.until(Phase.PROPOSED)
            assert again.id != case.id
            assert again.fingerprint == case.fingerprint
            assert case.lesson is not None
            assert again.diagnosis is not None
            assert again.diagnosis.recalled == (case.lesson.id,)
            newest = max(it.pull_requests(), key=lambda found: found["number"])
            assert f"lesson {case.lesson.id}" in newest["body"]
            assert app.ledger.cases.listed(5)[0].id == again.id


def test_what_the_sandbox_does_not_reproduce_is_a_draft_that_says_so(tmp_path: Path) -> None:
    counted = {"name": "errors", "service": "shop", "query": QUERY, "harm": "up", "severity": "page", "traffic": "rate"}
    with house(tmp_path, watch=[counted]) as it:
        it.trial = lambda _, command: CommandReport(
            name=command.name, exit_code=0, ended="exited", output="", seconds=0.1, tests=(("t::a", "passed"),)
        )
        with it.alive():
            it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
            assert pull["draft"]
            assert "**correlated, not reproduced**" in pull["body"]
            assert "proved" not in pull["body"]
            assert "looked for in signals and logs: traffic" in pull["body"]
            assert "100% of the requests of shop (E" in pull["body"].splitlines()[6]
            assert "no outcome of a claim like it is known yet (n = 0)" in pull["body"]


def test_a_harmful_change_is_rolled_back_as_the_next_change_of_the_case(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        (pull,) = it.pull_requests()
        it.merge(pull["number"], level=WORSE)
        case = it.until(Phase.PROPOSED, minutes=120, every=5)
        assert case.change.rolls_back == case.change.number - 1
        rollback = max(it.pull_requests(), key=lambda found: found["number"])
        assert rollback["number"] != pull["number"]
        assert rollback["title"].startswith("Roll back: ")
        assert "shop: our change did harm" in it.subjects()
        it.merge(rollback["number"], level=BAD)
        case = it.until(Phase.CLOSED, minutes=240, every=5)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.ROLLED_BACK
        assert len(it.pull_requests()) == 2
        tree = it.world.hub.show("main:shop/pricing.py")
        assert tree == b"def total(cart):\n    return round(sum(cart))\n"


def test_a_closed_pull_request_is_a_remembered_no(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        (pull,) = it.pull_requests()
        it.close(pull["number"])
        ended = it.until(Phase.CLOSED, every=1)
        assert ended.outcome is not None
        assert ended.outcome.ending is Ending.CLOSED_UNMERGED
        # the trouble goes on, so it opens again once it is seen anew; the same commit is not blamed a second time
        it.readings.becomes(NORMAL, it.now)
        it.passes(20)
        it.readings.becomes(BAD, it.now)
        again = it.until(Phase.ESCALATED)
        assert again.id != case.id
        assert "was refused or did not help before" in again.escalation
        assert len(it.pull_requests()) == 1


def test_an_observer_asks_first_and_a_yes_lets_it_go_on(tmp_path: Path) -> None:
    from cases.events import Approved, Entry

    with house(tmp_path, authority={"default": "observe"}) as it, it.alive() as app:
        case = it.until(Phase.PROVED)
        it.passes(5)
        case = app.ledger.cases.load(case.id)
        assert (case.phase, case.hold) == (Phase.PROVED, Hold.GATE)
        assert it.pull_requests() == []
        assert "shop: a change waits for your yes" in it.subjects()
        it.clock.advance(timedelta(minutes=30))  # half way to the deadline of a page
        it.passes(2)
        assert it.subjects().count("shop: a change still waits for your yes") == 1
        app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:sre", event=Approved(because="go")), (), it.now)
        it.until(Phase.PROPOSED)
        assert len(it.pull_requests()) == 1


def test_no_deploy_marker_is_said_and_escalates(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        it.deploys.clear()
        case = it.until(Phase.ESCALATED)
        assert "no deploy marker" in case.escalation
        assert "check `deploys` in the configuration" in case.escalation
        assert it.pull_requests() == []
        it.passes(1)
        assert "shop: a human is needed" in it.subjects()


def test_a_merge_is_never_judged_before_it_runs_and_one_that_is_late_escalates(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        (pull,) = it.pull_requests()
        sha = it.merge(pull["number"], deployed=False)
        it.readings.becomes(NORMAL, it.now)  # it gets better, and that proves nothing: the merge does not run
        assert it.until(Phase.MERGED).judgement is None
        case = it.until(Phase.ESCALATED, minutes=90)
        assert case.judgement is None
        assert "no deploy marker said within 15m that it runs" in case.escalation
        assert any("Not seen to run" in body for body in it.comments(pull["number"]))
        it.passes(1)
        assert "shop: a human is needed" in it.subjects()
        it.deploy(sha)
        it.until(Phase.DEPLOYED, minutes=20)
        assert any("**Deployed.**" in body for body in it.comments(pull["number"]))


def test_a_merge_that_never_runs_ends_inconclusive(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        (pull,) = it.pull_requests()
        it.merge(pull["number"], deployed=False)
        it.until(Phase.ESCALATED, minutes=90)
        it.clock.advance(timedelta(hours=4))
        case = it.until(Phase.CLOSED, minutes=20)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.INCONCLUSIVE
        assert "no deploy marker" in case.outcome.because
        it.passes(1)
        assert any("Inconclusive" in body for body in it.comments(pull["number"]))


def test_what_passes_by_itself_is_closed_without_a_word_on_the_forge(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe"}) as it, it.alive():
        it.until(Phase.PROVED)
        it.readings.becomes(NORMAL, it.now)
        it.passes(10)
        case = it.case()
        assert case is not None
        assert case.recovered is not None


def test_a_source_that_is_down_is_blind_and_never_healthy(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive() as app:
        it.readings.becomes(NORMAL, it.now - timedelta(minutes=19))
        it.readings.down = "connection refused"
        it.passes(3)
        assert "connection refused" in app.cycle.poll.blind()["shop/errors"]
        assert it.subjects() == ["shop/errors is blind"]  # once, however often it was looked at
        assert it.case() is None
        it.readings.down = ""
        it.passes(2)
        assert app.cycle.poll.blind() == {}
        assert it.subjects() == ["shop/errors is blind", "shop/errors is seen again"]


def test_missing_readings_are_neither_zero_nor_healthy(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive() as app:
        it.readings.levels[:] = [it.readings.levels[0]]
        it.passes(2)
        assert it.case() is None
        it.readings.becomes(None, it.now)
        it.passes(20)
        assert list(app.cycle.poll.blind()) == ["shop/errors"]
        assert it.case() is None


@pytest.mark.parametrize("lever", ["pause", "resume"])
def test_paused_means_no_writes_and_resumed_goes_on(tmp_path: Path, lever: str) -> None:
    from cases.leases import Pause

    with house(tmp_path) as it, it.alive() as app:
        app.ledger.levers.pause(Pause(by="human:sre", reason="maintenance", since=it.now))
        it.passes(15)
        case = it.case()
        assert case is not None
        assert case.phase is Phase.DRAFTED  # diagnosis and draft only read
        assert it.pull_requests() == []
        assert "shop: errors is up" in it.subjects()  # alerts still run
        if lever == "resume":
            app.ledger.levers.resume("human:sre", it.now)
            it.until(Phase.PROPOSED)
            assert len(it.pull_requests()) == 1
