"""The day's money: told once when it is used up, gone on with when there is some; and told once when it is unusual."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.case import Phase
from cases.errors import OverBudget
from cases.events import Escalated
from cases.steps import SendNotice
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.purse import LedgerPurse
from daemon.money import Money
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, an_entry
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.steps import born

DAY = timedelta(days=1)


@dataclass
class Till:
    """A daemon's look at its money, on a clock that is moved."""

    clock: ManualClock
    ledger: Ledger
    made: Callable[..., Money]

    def purse(self) -> LedgerPurse:
        return self.ledger.purse(self.made().budget)

    def spends(self, usd: float, case: str = "a") -> None:
        purse = self.purse()
        purse.settle(purse.reserve(case, "diagnose", "m", usd), usd, 10, 1)

    def told(self) -> list[str]:
        effects = [intent.effect for intent in self.ledger.outbox.notices(self.clock.now(), limit=99)]
        return [effect.notice.subject for effect in effects if isinstance(effect, SendNotice)]


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    clock = ManualClock(NOW)

    def made(**budget: object) -> Money:
        settings = some_settings(budget={"usd_per_day": 1, "usd_per_case": 50, **budget})
        mine = replace(ports, clock=clock, settings=settings, cases=ledger.cases, outbox=ledger.outbox)
        return Money(
            ports=mine, spend=ledger.spend, cases=ledger.cases, outbox=ledger.outbox, checkpoints=ledger.checkpoints
        )

    with (
        some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head="") as ports,
        open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as ledger,
    ):
        yield Till(clock=clock, ledger=ledger, made=made)


STOPPED = "the day's money for language models is used up"


def test_the_daily_stop_is_told_once_and_ends_when_older_spending_is_a_day_past(till: Till) -> None:
    money = till.made()
    money.stop()
    assert till.told() == []
    till.spends(0.9)
    for case in ("b", "b", "c"):
        with pytest.raises(OverBudget, match="usd_per_day"):
            till.spends(0.2, case)
    for _ in range(3):
        money.stop()
        till.clock.advance(timedelta(minutes=1))
    assert till.told() == [STOPPED]
    till.clock.advance(DAY)
    till.spends(0.2, "d")
    money.stop()
    with pytest.raises(OverBudget):
        till.spends(0.9, "e")
    money.stop()
    assert till.told() == [STOPPED, STOPPED], "another day, another stop"


def test_two_daemons_tell_of_one_stop_once(till: Till) -> None:
    with pytest.raises(OverBudget):
        till.spends(2)
    for money in (till.made(), till.made()):
        money.stop()
    assert till.told() == [STOPPED]


def test_the_cases_that_it_stopped_are_tried_again_and_no_others(till: Till) -> None:
    money, store = till.made(), till.ledger.cases
    for name in ("a", "b", "c"):
        born(store, name)
    till.spends(0.9, "z")
    for name in ("a", "b"):
        with pytest.raises(OverBudget) as failure:
            till.spends(0.2, name)
        why = str(failure.value) if name == "a" else "something else"
        store.add(name, an_entry(Escalated(reason=why)), (), None)
    store.add("c", an_entry(Escalated(reason="the model refused")), (), None)
    money.stop()
    assert {store.load(name).phase for name in "abc"} == {Phase.ESCALATED}
    till.clock.advance(DAY)
    money.stop()
    assert [store.load(name).phase for name in "abc"] == [Phase.OPEN, Phase.ESCALATED, Phase.ESCALATED]
    money.stop()
    assert len(store.load("a").history) == 3


def test_a_stop_whose_case_is_gone_harms_nobody(till: Till) -> None:
    with suppress(OverBudget):
        till.spends(2, "nobody")
    till.made().stop()
    till.clock.advance(DAY)
    till.made(usd_per_day=5).stop()
    till.made().stop()
    assert till.told() == [STOPPED]


def weeks(till: Till, usd: float, days: int) -> None:
    for _ in range(days):
        till.spends(usd)
        till.clock.advance(DAY)


def test_a_day_that_costs_a_fifth_more_than_usual_is_told_once(till: Till) -> None:
    weeks(till, 0.5, 10)
    money = till.made()
    till.clock.advance(timedelta(hours=1))
    till.spends(0.59)
    money.spike()
    assert till.told() == [], "not yet a fifth more"
    till.spends(0.02)
    for _ in range(5):
        money.spike()
        till.clock.advance(timedelta(hours=1))
    assert till.told() == ["language models cost more than usual today"]
    till.clock.advance(DAY)
    till.spends(0.7)
    money.spike()
    assert len(till.told()) == 2


def test_a_week_that_creeps_up_is_told_once_though_no_day_stands_out(till: Till) -> None:
    weeks(till, 0.4, 14)
    weeks(till, 0.55, 2)
    weeks(till, 0.45, 2)
    told: list[int] = []
    money = till.made(spike=1.05, usd_per_day=5)
    for _ in range(6):
        till.spends(0.44)
        money.spike()
        till.clock.advance(DAY)
        told.append(len(till.told()))
    assert till.told() == ["language models cost more than usual this week"]
    assert told[-1] == 1


def test_without_a_week_behind_it_nothing_is_usual_and_small_sums_are_no_news(till: Till) -> None:
    weeks(till, 0.2, 5)
    till.spends(0.9)
    till.made().spike()
    assert till.told() == []
    till.clock.advance(60 * DAY)
    weeks(till, 0.01, 20)
    till.spends(0.05)
    till.made().spike()
    till.made(spike=None).spike()
    assert till.told() == []


def test_the_message_says_how_much_the_usual_and_for_what(till: Till) -> None:
    weeks(till, 0.2, 8)
    till.clock.advance(timedelta(minutes=5))
    till.spends(0.6)
    till.made().spike()
    [intent] = till.ledger.outbox.notices(till.clock.now())
    assert isinstance(intent.effect, SendNotice)
    text = intent.effect.notice.text
    assert "cost $0.60 in the last day, 3.0 times the usual $0.20" in text
    assert "$0.60 in 1 calls, was for (of no case that is kept)" in text
