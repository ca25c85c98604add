"""An experiment from the goal to the lesson, on a given clock: what is asked, what goes live, what is taken back."""

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Hold, Phase
from cases.events import Approved, Entry, Event, Frozen, Killed, Rejected
from cases.flags import FlagNow, FlagPlace
from cases.goal import Constraint, Criteria, Goal, State, Step
from cases.hypothesis import Effort, Hypothesis, Peril, Plan, Prediction, Turn
from cases.leases import Pause
from cases.moments import EPOCH
from cases.outcome import Ending
from cases.steps import Receipt
from cases.trying import Command, CommandReport
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.portfolios import LedgerPortfolios
from remediation.experiments import flagd
from tests.parts.crowd import Crowd
from tests.parts.playhouse import NORMAL, QUERY, House, Readings, house

FLAGS = "config/flags.json"
EMPTY = b'{\n  "$schema": "https://flagd.dev/schema/v0/flags.json",\n  "flags": {}\n}\n'
CODE = b'def button(flags, user):\n    exposure("button", user)\n    return flags.get("button", "Pay")\n'
PRIMARY, RAIL = "shop/errors", "shop/slow"
EXPERIMENTS: dict[str, Any] = {
    "flagd": {"file": FLAGS},
    "exposures": {"source": "books", "query": "select unit, variant, time from seen where flag = :flag"},
    "levers": [
        {"name": "button", "kind": "copy", "flag": "button", "control": "Pay", "values": ["Pay now"],
         "moves": ["errors"], "because": "Who knows what a button does presses it."},
    ],
    "settle": "1h",
}  # fmt: skip
ASKED: dict[str, Any] = {
    "signals": {
        "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
        "sql": [{"name": "books", "url": "sqlite:////nowhere/books.db", "query": "select 1 as value"}],
    },
    "watch": [
        {"name": "errors", "service": "shop", "query": QUERY, "harm": "up", "severity": "page", "source": "main"},
        {"name": "slow", "service": "shop", "query": QUERY, "harm": "up", "severity": "note", "source": "main"},
    ],
    "measures": [
        {"signal": signal, "source": "books", "kind": "share", "query": "select unit, time from events"}
        for signal in (PRIMARY, RAIL)
    ],
    "services": [{"name": "shop", "repository": "shop", "experiments": EXPERIMENTS}],
    "deploys": [{"prometheus": "build_info", "source": "main"}],
}


def goal() -> Goal:
    return Goal(
        name="fewer-errors",
        why="Errors lose customers.",
        signal=PRIMARY,
        baseline=0.01,
        target=0.005,
        horizon=date(2099, 1, 1),
        constraints=(Constraint(signal=RAIL, at_most=0.02),),
        repository="shop",
        paths=("**",),
        forbidden=(),
        segment={},
        budget_usd=5.0,
        days=28,
        criteria=Criteria(lift=0.002),
        owner="checkout",
        backup="sre",
    )


def idea(name: str = "Pay now", shares: tuple[float, ...] = (0.5, 1.0)) -> Hypothesis:
    return Hypothesis(
        id=hashlib.sha256(name.encode()).hexdigest()[:8],
        goal="fewer-errors",
        statement=f"Show {name} in place of Pay, and errors go down by 0.004",
        mechanism="Who knows what a button does presses it.",
        prediction=Prediction(signal=PRIMARY, up=False, size=0.004),
        plan=Plan(guardrails=(RAIL,), users=20_000, least=0.002, days=28),
        turn=Turn(lever="button", flag="button", control='"Pay"', treated=json.dumps(name)),
        shares=shares,
        effort=Effort.SMALL,
        risk=Peril.LOW,
        blast_radius="whoever comes to the last step",
        origin="catalogue:copy",
    )


class HubFlags:
    """Turns flags off on the bare repository itself."""

    def __init__(self, it: House) -> None:
        self.it = it
        self.offs: list[str] = []

    def now(self, place: FlagPlace) -> FlagNow | None:
        return flagd.read(self.content(), place.key)

    def content(self) -> bytes:
        return self.it.world.hub.show(f"{self.it.world.hub.tip()}:{FLAGS}")

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        before = self.content()
        after = flagd.off(before, place.key)
        self.offs.append(because)
        if after != before:
            self.it.commit(f"Turn {place.key} off", {FLAGS: after}, minutes_ago=0)
        return Receipt(key=key, adopted=after == before)


@contextmanager
def trying(folder: Path, *ideas: Hypothesis) -> Generator[tuple[House, Crowd, HubFlags]]:
    """A shop without trouble, an active goal, and ideas for it."""
    with house(folder, **ASKED) as it:
        it.readings = Readings([(EPOCH, NORMAL)])
        it.commit("Ask the flag", {"shop/button.py": CODE, FLAGS: EMPTY}, minutes_ago=3)
        it.trial = lambda _, command: _report(command)
        crowd, flags = Crowd(rates={PRIMARY: {}, RAIL: {}}), HubFlags(it)
        it.measures, it.flags = crowd, flags
        with it.alive() as app:
            goals, portfolios = LedgerGoals(app.ledger.database), LedgerPortfolios(app.ledger.database)
            wanted = goal()
            goals.add(wanted, "digest", Step(to=State.DRAFT, at=it.now, by="human:owner"))
            portfolios.offer(wanted.name, ideas or (idea(),), (), 0.0, "daemon", it.now)
            goals.step(wanted.name, Step(to=State.ACTIVE, at=it.now, by="human:owner"))
            yield it, crowd, flags


def _report(command: Command) -> CommandReport:
    tests = (("tests.test_shop::test_nothing", "passed"),) if command.name == "test" else ()
    return CommandReport(name=command.name, exit_code=0, ended="exited", output="", seconds=0.1, tests=tests)


def says(it: House, case: Case, event: Event) -> None:
    assert it.app is not None
    it.app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:owner", event=event), (), it.now)


def yes(it: House, case: Case) -> None:
    says(it, case, Approved(because="go on", gate=case.gate))


def no(it: House, case: Case) -> None:
    says(it, case, Rejected(because="not this", gate=case.gate))


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


def shares(flags: HubFlags) -> dict[str, float] | None:
    now = flagd.read(flags.content(), "button")
    return now.shares if now is not None else None


def test_an_idea_is_built_measured_and_scaled_with_a_yes_at_each_gate(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
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
        assert shares(flags) is None
        yes(it, case)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        (pull,) = it.pull_requests()
        assert {label["name"] for label in pull["labels"]} == {"trackwalker", "trackwalker:experiment"}
        it.merge(pull["number"])
        assert shares(flags) == {"control": 0.5, "treated": 0.5}
        case = reach(it, case.id, phase=Phase.DEPLOYED)
        it.passes(30)
        case = now(it, case)
        assert case.looks
        assert case.judgement is None
        for _ in range(8):
            it.clock.advance(timedelta(days=1))
            it.passes(1)
        case = reach(it, case.id, gate=True)
        assert case.gate == f"{case.id}-1-analysis"
        assert case.judgement is not None
        assert case.judgement.effect == pytest.approx(-0.007)
        yes(it, case)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert case.change.number == 2
        pull = max(it.pull_requests(), key=lambda found: found["number"])
        assert "everybody" in pull["title"]
        it.merge(pull["number"])
        it.clock.advance(timedelta(hours=2))
        case = reach(it, case.id, phase=Phase.CLOSED, minutes=120)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED
        assert case.lesson is not None
        assert case.lesson.action == "experiment"
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
        assert shares(flags) == {"control": 1.0}
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
        assert shares(flags) is None
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
        assert shares(flags) == {"control": 1.0}
        case = now(it, case)
        assert (case.phase, case.hold) == (Phase.REVERTING, Hold.NONE)
        assert len(it.pull_requests()) == 1
        assert it.app.levers.resume("human:owner", it.now)
        assert reach(it, case.id, phase=Phase.PROPOSED).change.rolls_back == 1


def test_the_kill_switch_works_while_a_human_has_frozen_the_case(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        says(it, case, Frozen(reason="let me look"))
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        it.passes(2)
        assert shares(flags) == {"control": 1.0}
        assert now(it, case).hold is Hold.FROZEN
        assert len(it.pull_requests()) == 1


@pytest.mark.parametrize(
    ("treated", "uneven", "days", "ending", "because"),
    [
        (0.014, 1.0, 7, Ending.UNCHANGED, "the interval lies below the bar"),
        (0.0065, 1.0, 29, Ending.INCONCLUSIVE, "undecided after"),
        (0.003, 1.2, 2, Ending.INCONCLUSIVE, "not shared out as planned"),
    ],
)
def test_what_cannot_be_shown_ends_with_everybody_on_the_control(
    tmp_path: Path, treated: float, uneven: float, days: int, ending: Ending, because: str
) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": treated}, RAIL: {"control": 0.01, "treated": 0.01}}
        crowd.uneven, crowd.per_hour = uneven, 20 if days > 20 else 200
        it.clock.advance(timedelta(days=days))
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert shares(flags) == {"control": 1.0}
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
        assert shares(flags) == {"control": 1.0}
        assert case.outcome is not None
        assert case.outcome.ending is Ending.DISMISSED
        it.passes(5)
        assert not it.app.ledger.cases.active()  # what was offered once is not offered again


def test_of_two_on_one_flag_the_second_waits(tmp_path: Path) -> None:
    with trying(tmp_path, idea("Pay now"), idea("Buy")) as (it, crowd, _):
        case = running(it, crowd)
        assert it.app is not None
        other = next(one for one in it.app.ledger.cases.active() if one.id != case.id)
        yes(it, other)
        it.passes(30)
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
        assert shares(flags) is None


def test_a_source_that_does_not_answer_ends_nothing(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        crowd.down = True
        it.clock.advance(timedelta(days=9))
        it.passes(30)
        assert now(it, case).phase is Phase.DEPLOYED
        crowd.down = False
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.01}}
        assert reach(it, case.id, gate=True).gate.endswith("-analysis")
        assert not flags.offs


def test_who_gives_the_outcome_up_or_stops_it_shows_everybody_the_control(tmp_path: Path) -> None:
    with trying(tmp_path) as (it, crowd, flags):
        case = running(it, crowd)
        assert it.app is not None
        LedgerGoals(it.app.ledger.database).step(
            "fewer-errors", Step(to=State.ABANDONED, at=it.now, by="human:owner", because="the season is over")
        )
        case = reach(it, case.id, phase=Phase.PROPOSED)
        assert shares(flags) == {"control": 1.0}
        assert case.change.rolls_back == 1
