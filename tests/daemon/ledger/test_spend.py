"""The purse: caps that hold over daemons and time, reservations that stand, and what reports read."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from cases.errors import OverBudget, PermanentError
from cases.stores import Purse
from config.models import BudgetSettings
from daemon.clock import ManualClock, SystemClock
from daemon.commands.spend import command
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.ledger.purse import LedgerPurse
from daemon.ledger.spend import Total
from remediation.model.pocket import PocketPurse
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.settings import a_document
from tests.parts.stores import KINDS, Place, emptied

BUDGET = BudgetSettings(usd_per_day=1, usd_per_case=0.5)


@pytest.fixture(params=[*KINDS, "pocket"])
def purse(request: pytest.FixtureRequest) -> Iterator[Callable[[float], Purse]]:
    if request.param == "pocket":
        yield PocketPurse
        return
    with emptied(request.param, request).opened(clock=ManualClock(NOW)) as ledger:
        yield lambda usd: ledger.purse(BudgetSettings(usd_per_day=usd, usd_per_case=usd))


def test_a_reservation_counts_until_it_is_settled_and_the_cost_does_after(purse: Callable[[float], Purse]) -> None:
    money = purse(0.5)
    reserved = money.reserve("a", "diagnose", "m", 0.4)
    with pytest.raises(OverBudget, match=r"\$0\.4000 .*\$0\.5000 .*\$0\.2000"):
        money.reserve("a", "diagnose", "m", 0.2)
    money.settle(reserved, 0.1, 100, 10)
    money.reserve("a", "diagnose", "m", 0.4)  # just reaches the cap
    with pytest.raises(OverBudget):
        money.reserve("a", "diagnose", "m", 0.01)


def test_a_hundred_at_once_do_not_pass_the_cap(purse: Callable[[float], Purse]) -> None:
    money = purse(0.5)
    taken: list[str] = []

    def work() -> None:
        for _ in range(25):
            with suppress(OverBudget):
                taken.append(money.reserve("a", "diagnose", "m", 0.04))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 12


def test_which_cap_it_is_how_much_is_spent_and_what_to_do(ledger: Ledger) -> None:
    money = ledger.purse(BUDGET)
    money.reserve("a", "diagnose", "m", 0.5)
    with pytest.raises(OverBudget, match=r"\$0\.5000 of budget\.usd_per_case \$0\.5000 .* for case a.*raise budget"):
        money.reserve("a", "diagnose", "m", 0.1)
    money.reserve("b", "diagnose", "m", 0.45)
    with pytest.raises(OverBudget, match=r"\$0\.9500 of budget\.usd_per_day \$1\.00 .* last 24 hours.*raise budget"):
        money.reserve("c", "diagnose", "m", 0.1)


def test_a_day_is_any_24_hours_and_a_case_is_for_ever(place: Place) -> None:
    clock = ManualClock(NOW)
    with place.opened(clock=clock) as ledger:
        money = ledger.purse(BUDGET)
        for case in ("a", "b"):
            money.reserve(case, "diagnose", "m", 0.5)
        clock.advance(timedelta(hours=23, minutes=59))
        with pytest.raises(OverBudget, match="usd_per_day"):
            money.reserve("c", "diagnose", "m", 0.1)
        clock.advance(timedelta(minutes=1))
        money.reserve("c", "diagnose", "m", 0.1)
        with pytest.raises(OverBudget, match="usd_per_case"):
            money.reserve("a", "diagnose", "m", 0.1)


def test_a_second_daemon_and_a_second_life_see_the_same_money(place: Place) -> None:
    for _ in range(2):
        with place.opened(clock=ManualClock(NOW)) as ledger:
            ledger.purse(BUDGET).reserve("a", "diagnose", "m", 0.2)
    with place.opened(clock=ManualClock(NOW)) as one, place.opened() as two:
        one.purse(BUDGET).reserve("a", "diagnose", "m", 0.1)
        with pytest.raises(OverBudget):
            two.purse(BUDGET).reserve("a", "diagnose", "m", 0.1)


def test_settling_what_was_never_reserved_is_a_bug(ledger: Ledger) -> None:
    with pytest.raises(LookupError):
        ledger.purse(BUDGET).settle("nothing", 1, 1, 1)


def some_spend(purse: LedgerPurse) -> None:
    for case, purpose, model, usd in (("a", "diagnose", "m", 0.1), ("a", "edit", "n", 0.2), ("b", "edit", "n", 0.05)):
        purse.settle(purse.reserve(case, purpose, model, 0.25), usd, 100, 10)
    purse.reserve("b", "edit", "n", 0.25)


def test_what_was_spent_is_read_by_model_by_purpose_and_by_case(ledger: Ledger) -> None:
    assert ledger.spend.total() == Total(of="", calls=0, usd=0, unsettled_usd=0, input_tokens=0, output_tokens=0)
    assert ledger.spend.by_model() == ()
    some_spend(ledger.purse(BUDGET))
    total = ledger.spend.total()
    assert (total.calls, total.usd, total.unsettled_usd) == (4, pytest.approx(0.6), 0.25)
    assert (total.input_tokens, total.output_tokens) == (300, 30)
    assert [(t.of, t.calls, round(t.usd, 6)) for t in ledger.spend.by_model()] == [("n", 3, 0.5), ("m", 1, 0.1)]
    assert [(t.of, t.calls) for t in ledger.spend.by_purpose()] == [("edit", 3), ("diagnose", 1)]
    assert {t.of: round(t.usd, 6) for t in ledger.spend.by_case()} == {"a": 0.3, "b": 0.3}
    assert ledger.spend.total(NOW) == ledger.spend.total(NOW + timedelta(days=1))
    calls = {(call.purpose, call.usd, call.settled) for call in ledger.spend.calls("b")}
    assert calls == {("edit", 0.05, True), ("edit", 0.25, False)}


def test_every_cent_is_traced_to_the_signal_that_opened_its_case(ledger: Ledger) -> None:
    opened = an_opened()
    ledger.cases.open(an_entry(opened), (), NOW)
    money = ledger.purse(BUDGET)
    money.settle(money.reserve(opened.case_id, "diagnose", "m", 0.2), 0.1, 7, 1)
    money.settle(money.reserve(opened.case_id, "edit", "m", 0.2), 0.05, 7, 1)
    money.reserve("gone", "edit", "m", 0.2)
    assert [(t.of, t.calls, round(t.usd, 6)) for t in ledger.spend.by_signal()] == [
        ("(of no case that is kept)", 1, 0.2),
        (opened.anomaly.signal.key, 2, 0.15),
    ]
    assert {t.of for t in ledger.spend.by_service()} == {"(of no case that is kept)", "shop"}
    assert sum(t.usd for t in ledger.spend.by_signal()) == pytest.approx(ledger.spend.total().usd)


CAPPED = BudgetSettings.model_validate(
    {"usd_per_day": 1, "usd_per_case": 0.9, "usd_per_call": 0.5, "usd_per_class": {"improvement": 0.3}}
)


def test_a_call_has_a_cap_and_so_has_a_class_of_change(ledger: Ledger) -> None:
    money = ledger.purse(CAPPED)
    with pytest.raises(OverBudget, match=r"may cost \$0\.6000, and budget\.usd_per_call \$0\.5000 is all for one"):
        money.reserve("a", "diagnose", "m", 0.6)
    money.reserve("a", "hotspot", "m", 0.2)
    with pytest.raises(OverBudget, match=r"\$0\.2000 of budget\.usd_per_class\.improvement \$0\.3000 .*raise budget"):
        money.reserve("b", "improvement", "m", 0.2)
    money.reserve("b", "edit", "m", 0.2)
    assert [line.detail["cap"] for line in ledger.audit.listed() if line.action == "model.refused"] == [
        "usd_per_call",
        "usd_per_class",
    ]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "trackwalker.yaml"
    path.write_text(json.dumps(a_document(store=f"sqlite:///{tmp_path}/trackwalker.db")))
    return path


def told(config: Path, *words: str) -> str:
    """What the command prints."""
    return CliRunner().invoke(command, [*words, "--config", str(config)], catch_exceptions=False).stdout


def test_the_command_tells_what_was_spent_and_on_what(config: Path) -> None:
    assert told(config) == "nothing was spent: no language model was asked so far\n"
    with open_ledger(f"sqlite:///{config.parent}/trackwalker.db", clock=SystemClock()) as ledger:
        some_spend(ledger.purse(BUDGET))
    document = json.loads(told(config, "--json"))
    assert document["in_all"] == document["last_24_hours"]
    assert document["in_all"]["usd"] == pytest.approx(0.6)
    assert [row["of"] for row in document["in_all"]["by_purpose"]] == ["edit", "diagnose"]
    assert [row["of"] for row in document["in_all"]["by_signal"]] == ["(of no case that is kept)"]
    classes = {"repair": 0.5, "remark": 0.1, "improvement": 0.5}
    caps = {"usd_per_day": 5, "usd_per_case": 0.5, "usd_per_call": None, "usd_per_class": classes}
    assert document["budget"] == caps
    assert "last 24 hours: $0.6000 in 4 calls" in told(config)


def test_the_command_tells_every_call_of_a_case(config: Path) -> None:
    with open_ledger(f"sqlite:///{config.parent}/trackwalker.db", clock=ManualClock(NOW)) as ledger:
        some_spend(ledger.purse(BUDGET))
        ledger.cases.open(an_entry(an_opened()), (), NOW)
    calls = json.loads(told(config, "--why", "a", "--json"))["calls"]
    assert {(call["at"], call["step"], call["purpose"], call["settled"]) for call in calls} == {
        ("2026-03-04T05:06:07Z", "diagnose", "diagnose", True),
        ("2026-03-04T05:06:07Z", "draft", "edit", True),
    }
    assert "not told; set aside" in told(config, "--why", "b")
    assert told(config, "--why", "deadbeef") == "case deadbeef: no language model was asked\n"
    with pytest.raises(PermanentError, match="there is no case x"):
        told(config, "--why", "x")
