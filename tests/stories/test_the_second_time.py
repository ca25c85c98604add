"""The same trouble twice: what was learnt the first time makes the second one shorter, and is cited."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.case import Case, Phase
from cases.events import Diagnosed, Drafted
from cases.outcome import Ending
from cases.trying import Command, CommandReport, TrialOrder
from signals.recorded import RecordedLogs
from tests.parts.old_shop import LINE, MENDED, PRICING, old_shop, run_tests, talker
from tests.parts.playhouse import BAD, House, house

POOL = "config/pool.yaml"


@pytest.mark.long
def test_what_did_not_hold_is_not_tried_first_again(tmp_path: Path) -> None:
    tuned = [{"file": POOL, "path": ".pool.size", "signal": "errors", "factor": 2, "bound": 64}]
    services = [{"name": "shop", "repository": "shop", "tune": tuned}]
    needed, trials = [b"size: 16"], list[str]()

    def trial(order: TrialOrder, command: Command) -> CommandReport:
        trials.append(order.key)
        mended = command.name != "reproduce" or needed[0] in order.tree
        tests = (("tests.test_shop::test_nothing", "passed"),) if command.name == "test" else ()
        return CommandReport(
            name=command.name, exit_code=0 if mended else 1, ended="exited", output="", seconds=0.1, tests=tests
        )

    with house(tmp_path, services=services) as it:
        it.commit("Size the pool", {POOL: b"pool:\n  size: 8\n"}, minutes_ago=2900)
        it.trial = trial
        with it.alive():
            it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests("open")
            it.merge(pull["number"])
            first = it.until(Phase.CLOSED, every=1)
            assert first.outcome is not None
            assert first.outcome.ending is Ending.WORKED
            assert first.change.origin == "playbook:tune-a-value"
            assert first.lesson is not None
            assert first.lesson.disproved == ("playbook:revert-the-culprit",)
            runs = len(trials)
            # the load grows on, and a pool of sixteen is too small now
            needed[0] = b"size: 32"
            trials.clear()
            it.passes(30)
            it.readings.becomes(BAD, it.now)
            second = it.until(Phase.PROPOSED)
            assert second.id != first.id
            assert len(second.changes) == 1 < len(first.changes)
            assert len(trials) < runs
            assert second.diagnosis is not None
            assert first.lesson.id in second.diagnosis.cited
            (weights,) = (e.event.weights for e in second.history if isinstance(e.event, Drafted))
            assert weights[0].startswith("playbook:tune-a-value 0.60 (1 of 1 everywhere")


def mended_and_taken_out_again(it: House) -> Case:
    """The first time, to its end; then somebody takes the edit out, and two days later the input comes again."""
    it.until(Phase.PROPOSED)
    (pull,) = it.pull_requests("open")
    it.merge(pull["number"])
    first = it.until(Phase.CLOSED, every=1)
    assert first.outcome is not None
    assert first.outcome.ending is Ending.WORKED
    old: dict[str | bytes, bytes | None] = {"shop/pricing.py": PRICING.encode(), "tests/test_decimal_comma.py": None}
    it.deploy(it.commit("Merge a branch from before", old, minutes_ago=0))
    it.clock.advance(timedelta(days=2))
    assert isinstance(it.logs, RecordedLogs)
    since = it.now
    it.logs.recorded = [replace(one, first=since, last=since + timedelta(days=1)) for one in it.logs.recorded]
    it.readings.becomes(BAD, since)
    talker(it).asked.clear()
    return first


@pytest.mark.long
def test_an_edit_that_was_taken_out_is_made_again_and_no_model_drafts_it(tmp_path: Path) -> None:
    with old_shop(tmp_path) as it, it.alive():
        first = mended_and_taken_out_again(it)
        second = it.until(Phase.PROPOSED)
        assert (first.lesson is not None, second.id != first.id) == (True, True)
        lesson = first.lesson.id if first.lesson else ""
        assert [question.purpose for question in talker(it).asked] == ["review"]
        assert second.diagnosis is not None
        assert (second.diagnosis.precedent, lesson in second.diagnosis.cited) == (lesson, True)
        (pull,) = it.pull_requests("open")
        assert f"lesson {lesson}" in pull["body"]
        assert "no model was asked where to look" in pull["body"]
        assert f"case {first.id} merged and judged to have worked" in pull["body"]
        # the proof is the same one
        for check in ("Reproduction", "New test fails without the change", "What passed still passes", "Second look"):
            assert check in pull["body"]
        tip = it.world.hub.tip(second.change.branch(second.id))
        assert it.world.hub.show(f"{tip}:shop/pricing.py").decode() == PRICING.replace(LINE, f"return {MENDED}")


@pytest.mark.long
def test_where_the_precedent_does_not_hold_the_model_is_asked_after_all(tmp_path: Path) -> None:
    with old_shop(tmp_path) as it:
        later = [False]

        def breaks_at_first(order: TrialOrder, command: Command) -> CommandReport:
            report = run_tests(order, command)
            broken = later[0] and not talker(it).asked and MENDED.encode() in order.tree
            return replace(report, tests=tuple((name, "failed") for name, _ in report.tests)) if broken else report

        it.trial = breaks_at_first
        with it.alive():
            mended_and_taken_out_again(it)
            later[0] = True
            case = it.until(Phase.PROPOSED)
            looked = [e.event.diagnosis.precedent for e in case.history if isinstance(e.event, Diagnosed)]
            assert (bool(looked[0]), looked[1:]) == (True, [""])
            assert [question.purpose for question in talker(it).asked][:2] == ["diagnose", "reproduce"]
            assert [str(trial.claim) for trial in case.trials] == ["disproved", "proved"]
