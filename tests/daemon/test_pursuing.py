"""What is done for goals: hypotheses become cases once, a goal comes to its end; and how people see and stop it."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cases.case import Phase
from cases.errors import PermanentError
from cases.goal import State, Step
from cases.moments import EPOCH
from daemon.experimenting import found, stop, tried
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.ledger import Ledger
from daemon.ledger.portfolios import LedgerPortfolios
from daemon.main import trackwalker
from daemon.pursuing import Pursuing
from tests.parts.playhouse import NORMAL, House, Readings, house
from tests.parts.stores import empty_ledger, ledger, place, shared_base
from tests.parts.trying import ASKED, goal, idea

__all__ = ["empty_ledger", "ledger", "place", "shared_base"]
AT = EPOCH + timedelta(days=20_000)


def test_what_was_offered_is_kept_once_and_for_ever(ledger: Ledger) -> None:
    portfolios = LedgerPortfolios(ledger.database)
    assert not portfolios.load("g").made
    portfolios.offer("g", (idea("Pay now"), idea("Buy")), ("Go: a paraphrase",), 0.25, "daemon", AT)
    kept = portfolios.offer("g", (idea("Buy"), idea("Go on")), (), 0.25, "daemon", AT)
    assert [one.turn.treated for one in kept.ideas] == ['"Pay now"', '"Buy"', '"Go on"']
    assert (kept.usd, kept.wanted, kept.refused) == (0.5, False, ())
    assert portfolios.want("g", "human:a", AT).wanted
    assert not portfolios.offer("g", (), (), 0.0, "daemon", AT).wanted
    with pytest.raises(PermanentError, match="had this idea before"):
        portfolios.add("g", idea("Buy"), "human:a", AT)
    assert len(portfolios.add("g", idea("Order"), "human:a", AT).ideas) == 4
    assert [line.action for line in ledger.audit.listed() if line.action.startswith("portfolio")] == [
        "portfolio.offered", "portfolio.offered", "portfolio.wanted", "portfolio.offered", "portfolio.offered",
    ]  # fmt: skip


@contextmanager
def calm(folder: Path) -> Generator[tuple[House, LedgerGoals, LedgerPortfolios]]:
    """A shop without trouble, and its books."""
    with house(folder, **ASKED) as it:
        it.readings = Readings([(EPOCH, NORMAL)])
        with it.alive() as app:
            yield it, LedgerGoals(app.ledger.database), LedgerPortfolios(app.ledger.database)


def begin(it: House, goals: LedgerGoals) -> None:
    wanted = goal()
    goals.add(wanted, "digest", Step(to=State.DRAFT, at=it.now, by="human:owner"))
    goals.step(wanted.name, Step(to=State.ACTIVE, at=it.now, by="human:owner"))


def test_an_active_goal_gets_its_hypotheses_as_cases_and_nobody_gets_them_twice(tmp_path: Path) -> None:
    with calm(tmp_path) as (it, goals, portfolios):
        begin(it, goals)
        portfolios.offer("fewer-errors", (idea("Pay now"), idea("Buy")), (), 0.0, "daemon", it.now)
        it.passes(3)
        assert it.app is not None
        ledger = it.app.ledger
        assert [one.state for one in tried(ledger)] == [
            f"waits at {one.case.id}-portfolio" for one in tried(ledger) if one.case
        ]
        assert len(ledger.cases.active()) == 2
        it.passes(5)
        assert len(ledger.cases.listed(10)) == 2
        said = json.loads(json.dumps([one.document for one in tried(ledger)]))
        assert {one["outcome"] for one in said} == {"fewer-errors"}
        first = tried(ledger)[0]
        stopped = stop(ledger, it.clock, first.idea.id, "human:owner", "not now")
        assert stopped.case is not None
        it.passes(2)
        assert found(ledger, first.idea.id).state == "dismissed"
        with pytest.raises(PermanentError, match="is not running"):
            stop(ledger, it.clock, first.idea.id, "human:owner", "again")
        with pytest.raises(PermanentError, match="there is no experiment nothing"):
            found(ledger, "nothing")


def test_a_goal_is_achieved_when_a_day_says_so_and_its_ideas_end_with_it(tmp_path: Path) -> None:
    with calm(tmp_path) as (it, goals, portfolios):
        begin(it, goals)
        portfolios.offer("fewer-errors", (idea("Pay now"),), (), 0.0, "daemon", it.now)
        it.passes(3)
        it.readings.becomes(0.003, it.now)
        it.clock.advance(timedelta(hours=23))
        it.passes(2)
        assert goals.load("fewer-errors").state is State.ACTIVE
        it.clock.advance(timedelta(hours=2))
        it.passes(3)
        ended = goals.load("fewer-errors")
        assert ended.state is State.ACHIEVED
        assert "for a day" in ended.steps[-1].because
        assert it.app is not None
        assert not it.app.ledger.cases.active()


def test_a_goal_that_is_over_is_given_up(tmp_path: Path) -> None:
    with calm(tmp_path) as (it, goals, portfolios):
        wanted = replace(goal(), horizon=it.now.date())
        goals.add(wanted, "digest", Step(to=State.DRAFT, at=it.now, by="human:owner"))
        goals.step(wanted.name, Step(to=State.ACTIVE, at=it.now, by="human:owner"))
        portfolios.offer(wanted.name, (idea("Pay now"),), (), 0.0, "daemon", it.now)
        it.passes(3)
        it.clock.advance(timedelta(days=1))
        it.passes(3)
        assert goals.load(wanted.name).state is State.ABANDONED
        assert it.app is not None
        (case,) = it.app.ledger.cases.listed(1)
        assert case.phase is Phase.CLOSED


def test_one_goal_that_cannot_be_looked_at_holds_no_other_up(tmp_path: Path) -> None:
    with calm(tmp_path) as (it, goals, portfolios):
        begin(it, goals)
        lost = replace(goal(), name="lost", signal="shop/gone")
        goals.add(lost, "other", Step(to=State.DRAFT, at=it.now, by="human:owner"))
        goals.step("lost", Step(to=State.ACTIVE, at=it.now, by="human:owner"))
        for name in ("fewer-errors", "lost"):
            portfolios.offer(name, (replace(idea("Pay now"), goal=name),), (), 0.0, "daemon", it.now)
        assert it.app is not None
        ledger = it.app.ledger
        Pursuing(ports=it.app.ports, cases=ledger.cases, goals=goals, portfolios=portfolios, spend=ledger.spend).once()
        assert [case.goal.name for case in it.app.ledger.cases.active() if case.goal] == ["fewer-errors"]


def test_the_command_lists_shows_and_refuses(tmp_path: Path) -> None:
    with calm(tmp_path) as (it, goals, portfolios):
        begin(it, goals)
        portfolios.offer("fewer-errors", (idea("Pay now"),), (), 0.0, "daemon", it.now)
        it.passes(3)
        config = ["--config", str(tmp_path / "trackwalker.yaml")]
        listed = CliRunner().invoke(trackwalker, ["experiments", "list", "--json", *config])
        assert listed.exit_code == 0, listed.output
        (one,) = json.loads(listed.stdout)["experiments"]
        assert one["state"].endswith("-portfolio")
        shown = CliRunner().invoke(trackwalker, ["experiments", "show", one["id"], *config])
        assert "measured   on 20,000 users to find 0.002" in shown.stdout
        assert CliRunner().invoke(trackwalker, ["experiments", "more", "fewer-errors", *config]).exit_code == 0
        assert portfolios.load("fewer-errors").wanted
        for words, why in (
            (["show", "nothing"], "there is no experiment nothing"),
            (["more", "nothing"], "there is no outcome named nothing"),
            (["stop", one["id"], "--reason", " "], "--reason is empty"),
        ):
            refused = CliRunner().invoke(trackwalker, ["experiments", *words, *config])
            assert refused.exit_code != 0
            assert why in refused.output + str(refused.exception)
