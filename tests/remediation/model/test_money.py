"""A cap is a cap: through retries, failed parses, dropped connections and several questions at once."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cases.errors import OverBudget, TrackwalkerError
from config.models import BudgetSettings, PriceSettings
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from remediation.model.anthropic import AnthropicModel
from remediation.model.meter import BYTES_A_TOKEN, OVERHEAD_TOKENS, REGION
from remediation.model.pocket import PocketPurse
from remediation.model.prices import PRICES, Price, price_of
from tests.parts.messages_api import MODEL, MessagesApi, messages_api, refusal
from tests.parts.model_server import drops, says
from tests.parts.nouns import NOW
from tests.parts.questions import BAD, GOOD, a_question, model_settings

CAP = 0.02
SMALL = {"max_output_tokens": 256}
SIX = 6


@pytest.fixture
def server() -> Iterator[MessagesApi]:
    with messages_api() as server:
        yield server


def bill(server: MessagesApi) -> float:
    """What a real account would pay, reckoned apart from the code under test."""
    return sum(2e-6 * read + 1e-5 * written for read, written in server.billed)


def test_the_worst_case_is_reserved_from_the_bytes_that_leave(server: MessagesApi, tmp_path: Path) -> None:
    purse = PocketPurse(10)
    server.will(server.answers(GOOD))
    AnthropicModel(model_settings(server.url, tmp_path, **SMALL), purse, ManualClock(NOW)).ask(a_question("ä" * 5000))
    [call] = purse.calls.values()
    least = REGION * (2e-6 * (10_000 / BYTES_A_TOKEN + OVERHEAD_TOKENS) + 1e-5 * 256)
    assert least < call.reserved < 2 * least


def test_a_cap_of_two_cents_holds_through_every_kind_of_failure(server: MessagesApi, tmp_path: Path) -> None:
    """Each failure that may have been billed is billed here; the purse must stop before the account passes the cap."""
    purse = PocketPurse(CAP)
    settings = model_settings(server.url, tmp_path, **SMALL)
    model = AnthropicModel(settings, purse, ManualClock(NOW))
    worst = {"read": 900, "written": 256}
    server.will(
        *[server.answers(BAD, **worst), server.answers("rubbish", **worst)],
        *[refusal(529, "overloaded_error"), drops, says(200, "<html>"), server.answers(GOOD, **worst)],
    )
    server.otherwise = server.answers(BAD, **worst)
    refused = 0
    for _ in range(20):
        try:
            model.ask(a_question("it is slow " * 50))
        except OverBudget:
            refused += 1
        except TrackwalkerError:
            pass
        assert purse.spent <= CAP
    assert refused > 10
    assert 0.3 * CAP < bill(server) <= CAP


def test_the_cap_holds_over_questions_that_are_asked_at_once(server: MessagesApi, tmp_path: Path) -> None:
    gate = threading.Barrier(SIX)
    worst = server.answers(GOOD, read=1500, written=256)
    server.otherwise = worst
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=ManualClock(NOW)) as ledger:
        purse = ledger.purse(BudgetSettings(usd_per_day=CAP, usd_per_case=CAP))
        model = AnthropicModel(model_settings(server.url, tmp_path, **SMALL), purse, ManualClock(NOW))

        def work(number: int) -> None:
            gate.wait()
            with suppress(OverBudget):
                for _ in range(3):
                    model.ask(a_question("it is slow", case=f"c{number}"))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(SIX)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.spend.total().usd == pytest.approx(bill(server))
        with pytest.raises(OverBudget, match="usd_per_day"):
            model.ask(a_question())
    assert 0 < bill(server) <= CAP
    assert len(server.asked) < 3 * SIX


def test_prices_are_for_a_million_tokens_and_a_long_question_may_cost_more() -> None:
    assert PRICES["claude-opus-5-5"].usd(1_000_000, 100_000) == pytest.approx(4 + 2)
    haiku = PRICES["claude-haiku-5-5"]
    assert haiku.usd(100_000, 1000) == pytest.approx(0.0105)
    assert haiku.usd(100_001, 1000) == pytest.approx(0.0525005)


def test_the_operators_price_comes_first() -> None:
    assert price_of(MODEL, {MODEL: PriceSettings(input=1, output=1)}) == Price(input=1, output=1)
    assert price_of(MODEL, {}) == PRICES[MODEL]
