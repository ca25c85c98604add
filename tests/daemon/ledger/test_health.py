"""How the work stands: what waits, what is owed, what was spent."""

from datetime import timedelta

from cases.events import Closed, Frozen, Gated
from config.models import BudgetSettings
from daemon.ledger.health import LedgerHealth, Owed
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW
from tests.parts.steps import LEASE, a_case, a_comment, a_notice, born, did, taken

MINUTE = timedelta(minutes=1)


def test_an_empty_ledger_has_nothing_to_say(ledger: Ledger) -> None:
    assert ledger.health(NOW) == LedgerHealth(
        at=NOW,
        due=0,
        oldest_due=timedelta(0),
        active=0,
        frozen=0,
        gated=0,
        outbox=(),
        dropped=0,
        spent_usd=0,
        reserved_usd=0,
        audit_seq=0,
    )


def test_what_waits_is_what_could_be_claimed(ledger: Ledger) -> None:
    for number, name in enumerate("abcdef"):
        born(ledger.cases, name, due=NOW - number * MINUTE)
    born(ledger.cases, "later", due=NOW + MINUTE)
    for name, kind in (("a", Frozen), ("b", Gated), ("c", Closed)):
        ledger.cases.add(name, did(kind), (), None)
    assert taken(ledger.cases).case.id == "f"
    health = ledger.health(NOW)
    assert (health.due, health.oldest_due) == (2, 4 * MINUTE)
    assert (health.active, health.frozen, health.gated) == (6, 1, 1)
    lapsed = ledger.health(NOW + LEASE)
    assert (lapsed.due, lapsed.oldest_due) == (3, 4 * MINUTE + LEASE), "one whose holder is late waits too"
    newest = ledger.audit.listed()[-1]
    assert health.audit_seq == newest.seq


def test_what_is_owed_by_kind_and_what_was_given_up(ledger: Ledger) -> None:
    a_case(ledger)
    claimed = ledger.cases.commit(taken(ledger.cases), (), (a_comment("x"), a_comment("y")), NOW)
    ledger.cases.release(claimed, None)
    ledger.outbox.send([a_notice()], NOW + MINUTE)
    ledger.outbox.drop("y", "locked")
    health = ledger.health(NOW + 3 * MINUTE)
    assert health.outbox == (
        Owed(kind="PostComment", effects=1, oldest=3 * MINUTE),
        Owed(kind="SendNotice", effects=1, oldest=2 * MINUTE),
    )
    assert (health.due, health.dropped) == (1, 1), "the case owes a comment"
    assert ledger.health(NOW + timedelta(days=1)).dropped == 0


def test_money_of_the_last_24_hours(ledger: Ledger) -> None:
    purse = ledger.purse(BudgetSettings(usd_per_day=5, usd_per_case=5))
    purse.settle(purse.reserve("a", "diagnose", "m", 0.5), 0.25, 1, 1)
    purse.reserve("a", "edit", "m", 0.5)
    health = ledger.health(NOW + MINUTE)
    assert (health.spent_usd, health.reserved_usd) == (0.25, 0.5)
    tomorrow = ledger.health(NOW + timedelta(days=1))
    assert (tomorrow.spent_usd, tomorrow.reserved_usd) == (0, 0)
