"""Revenue of Stripe-shaped charges: cents to the digit, pages, refunds, zones, and answers of no known shape."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cases.errors import PermanentError, SourceDown
from config.analytics import StripeSettings
from daemon.clock import ManualClock
from daemon.connectors import source_of
from signals.analytics.buckets import Buckets, Span
from signals.analytics.source import AnalyticsSource
from signals.analytics.stripe import Stripe
from tests.parts.stripe import KEY, Account, an_account

CLOCK = ManualClock(datetime(2026, 3, 30, 12, tzinfo=UTC))
FIRST = datetime(2026, 3, 27, 23, tzinfo=UTC)  # midnight in Berlin
END = datetime(2026, 3, 29, 22, tzinfo=UTC)  # two days on, of which the second has 23 hours
SPAN = Span(first=FIRST, end=END, buckets=Buckets(zone=ZoneInfo("Europe/Berlin")))


@pytest.fixture
def account() -> Generator[Account]:
    with an_account() as running:
        yield running


def settings(account: Account, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> StripeSettings:
    monkeypatch.setenv("STRIPE_KEY", key)
    return StripeSettings.model_validate(
        {"name": "revenue", "url": account.url, "zone": "Europe/Berlin", "currency": "eur",
         "auth": {"bearer": "env:STRIPE_KEY"}}
    )  # fmt: skip


def test_whole_cents_a_day_over_many_pages(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(250):
        account.charge(FIRST + timedelta(minutes=n), 999)
    account.charge(FIRST + timedelta(hours=25), 10_000, refunded=2_501)
    account.charge(FIRST + timedelta(hours=25), 70_000, currency="usd")
    account.charge(FIRST + timedelta(hours=26), 70_000, status="failed")
    account.charge(FIRST + timedelta(hours=27), 5_000, amount_captured=4_000)
    account.charge(END - timedelta(seconds=1), 1)
    account.charge(END, 70_000)
    account.charge(FIRST - timedelta(seconds=1), 70_000)
    found = Stripe(settings(account, monkeypatch), CLOCK).rows(SPAN)
    assert [(str(day), cents) for day, cents in found.rows] == [
        ("2026-03-28", 249_750),
        ("2026-03-29", 7_499 + 4_000 + 1),
    ]
    assert all(isinstance(cents, int) for _, cents in found.rows)
    assert len(account.asked) == 3
    assert "starting_after" not in account.asked[0]
    assert {asked["limit"] for asked in account.asked} == {"100"}


def test_a_day_without_a_charge_is_zero(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [cents for _, cents in Stripe(settings(account, monkeypatch), CLOCK).rows(SPAN).rows] == [0, 0]


def test_it_is_a_source_and_a_late_refund_makes_less_of_its_day(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(CLOCK.now())
    source = source_of(settings(account, monkeypatch), clock)
    assert isinstance(source, AnalyticsSource)
    account.charge(FIRST + timedelta(hours=3), 5_000)
    asked = "Stripe: captured less refunded, eur"
    first = source.ask(asked, FIRST, clock.now(), clock.now())
    account.charges[0]["amount_refunded"] = 1_999
    clock.advance(timedelta(days=1))
    again = source.ask(asked, FIRST, clock.now(), clock.now())
    (before,), (after,) = first.series.values(), again.series.values()
    assert 5_000 in before.values
    assert 3_001 in after.values
    assert 5_000 not in after.values
    assert source.probe().startswith("Stripe at ")
    source.close()


def test_a_wrong_key_is_said_and_not_shown(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PermanentError, match="credentials are refused") as failure:
        Stripe(settings(account, monkeypatch, "rk_wrong-key"), CLOCK).rows(SPAN)
    assert "rk_wrong-key" not in str(failure.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "no list of charges"),
        ({"data": [1], "has_more": False}, "a charge is no object"),
        ({"data": [], "has_more": True}, "no charge to go on from"),
        ({"data": [{"id": "ch_1", "currency": "usd"}], "has_more": True}, "no charge to go on from"),
        (
            {"data": [{"currency": "eur", "status": "succeeded", "created": 1, "amount_captured": 1.5}]},
            "amount_captured of a charge is no whole number",
        ),
    ],
)
def test_an_answer_of_another_shape(
    account: Account, monkeypatch: pytest.MonkeyPatch, answer: object, said: str
) -> None:
    account.answer = answer
    with pytest.raises(SourceDown, match=said):
        Stripe(settings(account, monkeypatch), CLOCK).rows(SPAN)
