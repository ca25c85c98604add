"""An experiment from the goal to the lesson, on a given clock: what is asked, what goes live, what is taken back."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cases.case import Case, Hold, Phase
from cases.events import Approved, Entry, Event, Frozen, Killed, Rejected, Retried
from cases.goal import State, Step
from cases.leases import Pause
from cases.outcome import Ending
from daemon.ledger.goals import LedgerGoals
from daemon.main import trackwalker
from tests.parts.crowd import Crowd
from tests.parts.hub import git
from tests.parts.playhouse import House
from tests.parts.trying import CODE, PRIMARY, RAIL, idea, trying


def says(it: House, case: Case, event: Event) -> None:
    assert it.app is not None
    it.app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:owner", event=event), (), it.now)


def yes(it: House, case: Case) -> None:
    says(it, case, Approved(because="go on", gate=case.gate))


def no(it: House, case: Case) -> None:
    says(it, case, Rejected(because="not this", gate=case.gate))


def first(it: House) -> Case:
    case = it.case()
    assert case is not None
    return case


def now(it: House, case: Case) -> Case:
    assert it.app is not None
    return it.app.ledger.cases.load(case.id)


def reach(it: House, name: str, *, minutes: float = 60, gate: bool = False, phase: Phase | None = None) -> Case:
    """Let time go by until the case waits at a gate, or is in a phase."""
    assert it.app is not None
    case = it.app.ledger.cases.load(name)
    for _ in range(round(minutes * 2)):
        it.passes()
        case = it.app.ledger.cases.load(name)
        if (gate and case.hold is Hold.GATE) or (phase is not None and case.phase is phase):
            return case
    raise AssertionError(f"case {name} is {case.phase}, {case.hold} {case.hold_reason} {case.escalation}")


def running(it: House, crowd: Crowd) -> Case:
    """The case of the first idea, once it is merged, deployed, and looked at."""
    crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.010}, RAIL: {"control": 0.01, "treated": 0.01}}
    it.passes(2)
    case = it.case()
    assert case is not None
    yes(it, case)
    yes(it, reach(it, case.id, gate=True))
    reach(it, case.id, phase=Phase.PROPOSED)
    it.merge(it.pull_requests()[0]["number"])
    return reach(it, case.id, phase=Phase.DEPLOYED)


def test_an_idea_is_built_measured_and_scaled_with_a_yes_at_each_gate(tmp_path: Path) -> None:
    with trying(tmp_path, cents=100_000) as (it, crowd, flags):
        crowd.rates = {
            PRIMARY: {"control": 0.010, "treated": 0.003},
            RAIL: {"control": 0.01, "treated": 0.01},
        }
        it.passes(2)
        case = it.case()
        assert case is not None
        assert (case.phase, case.gate) == (Phase.OPEN, f"{case.id}-portfolio")
        assert "Measured on 20,000 users" in case.hold_reason
        assert not it.pull_requests()
        yes(it, case)
        case = reach(it, case.id, gate=True)
        assert case.gate == f"{case.id}-1"
        assert "Without a yes nothing goes live" in case.hold_reason
        assert not it.pull_requests()
        assert flags.shares is None
        yes(it, case)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        (pull,) = it.pull_requests()
        assert {label["name"] for label in pull["labels"]} == {"trackwalker", "trackwalker:experiment"}
        assert f"it ends after 28 days at the longest, or twice the planned users; guardrails: {RAIL}" in pull["body"]
        it.merge(pull["number"])
        assert flags.shares == {"control": 0.5, "treated": 0.5}
        case = reach(it, case.id, phase=Phase.DEPLOYED)
        it.passes(30, every=3)
        case = now(it, case)
        assert case.looks
        assert not case.judgements
        for _ in range(8):
            it.clock.advance(timedelta(days=1))
            it.passes(1)
        case = reach(it, case.id, gate=True)
        assert case.gate == f"{case.id}-1-analysis"
        assert case.judgement is not None
        assert case.judgement.effect == pytest.approx(-0.007)
        users = case.looks[-1].users[1]
        worth = f"-${7 * users:,}.00"  # of what is wanted less of, and is money
        told = it.comments(pull["number"])[-1]
        assert re.search(rf"Worth: {re.escape(worth)} \(-.*\) of {users:,} users; models cost \$0.00 \(", told), told
        yes(it, case)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert case.change.number == 2
        pull = max(it.pull_requests(), key=lambda found: found["number"])
        assert "everybody" in pull["title"]
        it.merge(pull["number"])
        it.clock.advance(timedelta(hours=2))
        case = reach(it, case.id, phase=Phase.CLOSED, minutes=120)
        assert case.lesson is not None
        assert (case.lesson.ending, case.lesson.action) == (Ending.WORKED, "experiment")
        assert f"; worth: {worth} (" in case.lesson.text
        assert not flags.offs


def test_a_broken_guardrail_turns_the_flag_off_at_once_and_the_rest_out_by_a_pull_request(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        case = reach(it, case.id, phase=Phase.PROPOSED)
        killed = [entry.event for entry in case.history if isinstance(entry.event, Killed)]
        assert [event.judgement.ruling for event in killed if event.judgement] == ["harmful"]
        assert len(flags.offs) == 1
        assert flags.shares == {"control": 1.0}
        assert case.looks[-1].low is not None  # what is known of the metric is told of what does harm as well
        first, pull = sorted(it.pull_requests(), key=lambda found: found["number"])
        said = it.comments(first["number"])[-1]
        assert "shop/slow 0.01 → 0.06" in said
        assert "Everybody is shown the control from now on" in said
        assert pull["title"].startswith("Take button out")
        assert "everybody is shown the control already" in pull["body"]
        it.merge(pull["number"])
        case = reach(it, case.id, phase=Phase.CLOSED)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.ROLLED_BACK
        assert flags.shares is None
        assert it.subjects().count("shop: an experiment does harm") == 1


def test_the_kill_switch_works_while_a_human_is_asked_and_while_everything_is_paused(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.01}}
        it.clock.advance(timedelta(days=8))
        case = reach(it, case.id, gate=True)
        assert case.gate.endswith("-analysis")
        assert it.app is not None
        it.app.levers.pause(Pause(by="human:owner", since=it.now, reason="a storm"))
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.passes(2)
        assert len(flags.offs) == 1
        assert flags.shares == {"control": 1.0}
        case = now(it, case)
        assert (case.phase, case.hold) == (Phase.REVERTING, Hold.NONE)
        assert len(it.pull_requests()) == 1
        assert it.app.levers.resume("human:owner", it.now)
        assert reach(it, case.id, phase=Phase.PROPOSED).change.rolls_back == 1


def test_a_flag_that_is_off_and_not_known_to_be_is_turned_off_once(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        flags.lost = 1  # the answer: the commit is made
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert len(flags.offs) == 2
        log = git(it.world.hub.folder, "log", "--format=%s", "main").decode().splitlines()
        assert sum(line.startswith("Turn") and "button" in line for line in log) == 1, log


@pytest.mark.long
def test_a_scaling_that_people_close_takes_all_of_it_back(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.01}}
        it.clock.advance(timedelta(days=8))
        yes(it, reach(it, case.id, gate=True))
        reach(it, case.id, phase=Phase.PROPOSED)
        it.close(max(pull["number"] for pull in it.pull_requests()))
        case = reach(it, case.id, phase=Phase.CLOSED)
        it.passes(1)
        assert flags.shares == {"control": 1.0}


def test_the_kill_switch_works_while_a_human_has_frozen_the_case(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        says(it, case, Frozen(reason="let me look"))
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        it.passes(2)
        assert flags.shares == {"control": 1.0}
        assert now(it, case).hold is Hold.FROZEN
        assert len(it.pull_requests()) == 1


def test_effects_by_segment_are_told_and_a_segments_harm_kills_nothing(tmp_path: Path) -> None:
    with trying(tmp_path, by="country") as (it, crowd, flags):
        same = {RAIL: {"control": 0.01, "treated": 0.01}}
        crowd.apart = {
            "de": {PRIMARY: {"control": 0.010, "treated": 0.001}, **same},
            "at": {PRIMARY: {"control": 0.010, "treated": 0.010}, **same},
            "ch": {PRIMARY: {"control": 0.010, "treated": 0.030}, **same},
        }
        case = running(it, crowd)
        assert {asked.by for asked in crowd.asked} == {"country"}
        crowd.rates, crowd.per_hour = {PRIMARY: {"control": 0.010, "treated": 0.003}, **same}, 5_000
        it.clock.advance(timedelta(days=8))
        case = reach(it, case.id, gate=True)
        assert case.gate.endswith("-analysis")
        assert not flags.offs
        segments = case.looks[-1].segments
        assert segments is not None
        assert {one.segment: one.word for one in segments.effects} == {
            "de": "better", "at": "no difference shown", "ch": "worse",
        }  # fmt: skip
        assert {one.segment: one.lift for one in segments.effects} == pytest.approx(
            {"de": 0.009, "at": 0.0, "ch": -0.02}
        )
        said = it.comments(it.pull_requests()[0]["number"])[-1]
        assert "By country, intervals for 8 at once: ch worse: gain -0.02 (" in said
        assert "; de better: gain +0.009 (" in said
        assert "; no difference shown: at." in said
        assert "ch worse" in case.hold_reason
        show = ["experiments", "show", case.id, "--config", str(tmp_path / "trackwalker.yaml")]
        told = json.loads(CliRunner().invoke(trackwalker, [*show, "--json"]).stdout)
        effects = told["looks"][-1]["segments"]["effects"]
        assert [one["word"] for one in effects] == ["no difference shown", "worse", "better"]
        (beside,) = told["benchmarks"]
        assert (beside["segment"], beside["card"], beside["benchmark"]) == ("de", "germans", 0.004)
        assert beside["distance"] == pytest.approx(0.006)
        assert told["worth"] is None
        shown = CliRunner().invoke(trackwalker, show).stdout
        assert "\n  by country, intervals for 8 at once" in shown
        assert re.search(r"\n    ch  [\d,]+ / [\d,]+ users  worse  -0.02 \(", shown)
        assert "effect per segment against its benchmark" in shown


@pytest.mark.parametrize(
    ("treated", "uneven", "crossed", "days", "ending", "because"),
    [
        pytest.param(0.014, 1.0, 0.009, 7, Ending.UNCHANGED, "the interval lies below the bar", marks=pytest.mark.long),
        pytest.param(0.0065, 1.0, 0.0, 29, Ending.INCONCLUSIVE, "undecided after", marks=pytest.mark.long),
        (0.003, 1.2, 0.0, 2, Ending.INCONCLUSIVE, "not shared out as planned"),
        (
            0.003,
            1.0,
            0.03,
            9,
            Ending.INCONCLUSIVE,
            "users saw more than one variant (2.9%, and 1.0% may): what the others",
        ),
    ],
)
def test_what_cannot_be_shown_ends_with_everybody_on_the_control(
    tmp_path: Path, treated: float, uneven: float, crossed: float, days: int, ending: Ending, because: str
) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": treated}, RAIL: {"control": 0.01, "treated": 0.01}}
        crowd.uneven, crowd.crossed, crowd.per_hour = uneven, crossed, 20 if days > 20 else 200
        it.clock.advance(timedelta(days=days))
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert flags.shares == {"control": 1.0}
        it.merge(max(pull["number"] for pull in it.pull_requests()))
        case = reach(it, case.id, phase=Phase.CLOSED)
        assert case.outcome is not None
        assert case.outcome.ending is ending
        assert because in case.outcome.because
        assert case.lesson is not None
        assert case.lesson.ending is ending


def test_a_no_builds_nothing_and_a_no_to_more_takes_it_back(tmp_path: Path) -> None:
    with trying(tmp_path, idea("Pay now"), idea("Buy")) as (it, crowd, flags):
        it.passes(2)
        assert it.app is not None
        first, second = it.app.ledger.cases.active()
        no(it, first)
        yes(it, second)
        yes(it, reach(it, second.id, gate=True))
        assert now(it, first).phase is Phase.CLOSED
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.01}}
        reach(it, second.id, phase=Phase.PROPOSED)
        assert len(it.pull_requests()) == 1
        it.merge(it.pull_requests()[0]["number"])
        reach(it, second.id, phase=Phase.DEPLOYED)
        it.clock.advance(timedelta(days=8))
        case = reach(it, second.id, gate=True)
        no(it, case)
        case = reach(it, second.id, phase=Phase.CLOSED)
        assert flags.shares == {"control": 1.0}
        assert case.outcome is not None
        assert case.outcome.ending is Ending.DISMISSED
        it.passes(5)
        assert not it.app.ledger.cases.active()  # what was offered once is not offered again
        lessons = it.app.ledger.lessons.newest()
        assert {lesson.ending for lesson in lessons} == {Ending.DISMISSED}
        assert {lesson.subject for lesson in lessons} == {idea("Pay now").statement, idea("Buy").statement}
        assert all("goal: fewer-errors" in lesson.grounds for lesson in lessons)


@pytest.mark.long
def test_of_two_on_one_flag_the_second_waits(tmp_path: Path) -> None:
    with trying(tmp_path, idea("Pay now"), idea("Buy")) as (it, crowd, _):
        case = running(it, crowd)
        assert it.app is not None
        other = next(one for one in it.app.ledger.cases.active() if one.id != case.id)
        yes(it, other)
        it.passes(30, every=3)
        assert now(it, other).phase is Phase.DIAGNOSED
        assert len(it.pull_requests()) == 1


def test_code_that_tells_nobody_of_the_flag_is_no_experiment(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, _, flags):
        it.commit(
            "Tell nobody", {"shop/button.py": b"def button(flags):\n    return flags.get('button')\n"}, minutes_ago=0
        )
        it.passes(2)
        case = it.case()
        assert case is not None
        yes(it, case)
        case = reach(it, case.id, phase=Phase.ESCALATED)
        assert 'no code has exposure("button"' in case.escalation
        assert not it.pull_requests()
        assert flags.shares is None
        it.commit("Tell it", {"shop/button.py": CODE}, minutes_ago=0)
        says(it, case, Retried(because="it tells now"))
        yes(it, reach(it, case.id, gate=True))
        assert reach(it, case.id, gate=True).gate == f"{case.id}-2"


@pytest.mark.long
def test_a_source_that_does_not_answer_ends_nothing_until_it_is_too_long(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        it.passes(1)
        crowd.down = True
        it.clock.advance(timedelta(days=1))
        it.passes(30, every=3)
        assert now(it, case).phase is Phase.DEPLOYED
        assert not flags.offs
        it.clock.advance(timedelta(days=1, hours=1))
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert "no answer; nothing was seen since" in case.judgements[-1].because
        assert flags.shares == {"control": 1.0}


def test_what_cannot_be_measured_is_shown_to_nobody(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.refused = "books: 3 rows have a revenue below zero"
        it.clock.advance(timedelta(minutes=10))
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert case.judgements[-1].because == "it cannot be measured: books: 3 rows have a revenue below zero"
        assert flags.shares == {"control": 1.0}
        assert "shop: an experiment ended unmeasured" in it.subjects()


@pytest.mark.long
def test_who_gives_the_outcome_up_or_stops_it_shows_everybody_the_control(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        assert it.app is not None
        LedgerGoals(it.app.ledger.database).step(
            "fewer-errors", Step(to=State.ABANDONED, at=it.now, by="human:owner", because="the season is over")
        )
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert flags.shares == {"control": 1.0}
        assert case.change.rolls_back == 1


def test_a_branch_that_moves_on_while_people_think_ends_no_experiment(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        it.passes(2)
        case = it.case()
        assert case is not None
        yes(it, case)
        case = reach(it, case.id, gate=True)
        it.commit("Go on with something else", {"shop/other.py": b"a = 1\n"}, minutes_ago=0)
        yes(it, case)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert case.change.experiment is not None
        tip = it.commit("And deploy it", {"shop/other.py": b"a = 2\n"}, minutes_ago=0)
        it.deploy(tip)
        it.passes(30, every=3)
        (pull,) = it.pull_requests()
        assert not pull["draft"], "what else is deployed says nothing of an idea"
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.merge(pull["number"])
        reach(it, case.id, phase=Phase.DEPLOYED)
        it.clock.advance(timedelta(hours=20))
        it.passes(0.5)
        it.commit("And something more", {"shop/other.py": b"a = 3\n"}, minutes_ago=0)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert case.change.rolls_back == 1
        assert flags.shares == {"control": 1.0}


BROUGHT = """\
--- a/shop/button.py
+++ b/shop/button.py
@@ -1,3 +1,4 @@
 def button(flags, user):
     exposure("button", user)
+    colour = flags.get("button", "grey")
     return flags.get("button", "Pay")
--- /dev/null
+++ b/shop/colour.py
@@ -0,0 +1 @@
+COLOURS = ("grey", "green")
"""


def test_code_that_was_brought_with_an_idea_goes_in_and_out_with_it(tmp_path: Path) -> None:
    one = idea("green")
    turn = replace(one.turn, lever="", control='"grey"', patch=BROUGHT)
    with trying(tmp_path, replace(one, turn=turn, origin="user:owner")) as (it, crowd, flags):
        before = it.world.hub.show("main:shop/button.py")
        case = running(it, crowd)
        assert b'colour = flags.get("button", "grey")' in it.world.hub.show("main:shop/button.py")
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        case = reach(it, case.id, phase=Phase.PROPOSED)
        it.merge(max(pull["number"] for pull in it.pull_requests()))
        reach(it, case.id, phase=Phase.CLOSED)
        assert it.world.hub.show("main:shop/button.py") == before
        assert b"shop/colour.py" not in it.world.hub.listing("main")
        assert flags.shares is None


def test_one_that_is_merged_and_never_seen_to_run_ends_with_its_flag_off(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.010}, RAIL: {"control": 0.01, "treated": 0.01}}
        it.passes(2)
        case = first(it)
        yes(it, case)
        yes(it, reach(it, case.id, gate=True))
        reach(it, case.id, phase=Phase.PROPOSED)
        it.merge(it.pull_requests()[0]["number"], deployed=False)
        reach(it, case.id, phase=Phase.ESCALATED)
        it.clock.advance(timedelta(hours=4))
        case = reach(it, case.id, phase=Phase.CLOSED)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.INCONCLUSIVE
        assert len(case.judgements) == 1
        assert flags.shares == {"control": 1.0}


@pytest.mark.parametrize("closes", [True, pytest.param(False, marks=pytest.mark.long)], ids=["closes", "rejects"])
def test_who_wants_no_clean_up_changes_nothing_of_how_it_ended(tmp_path: Path, *, closes: bool) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        reach(it, case.id, phase=Phase.PROPOSED)
        if closes:
            it.close(max(pull["number"] for pull in it.pull_requests()))
        else:
            no(it, case)
        case = reach(it, case.id, phase=Phase.CLOSED)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.ROLLED_BACK
        assert flags.shares == {"control": 1.0}
