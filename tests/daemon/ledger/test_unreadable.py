"""A case whose history cannot be read: it is set aside and said so, and the others go on."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from cases.errors import PermanentError, Unreadable
from daemon.ledger.case_store import SET_ASIDE
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import history
from tests.parts.nouns import NOW
from tests.parts.steps import LEASE, born


@pytest.fixture
def torn(ledger: Ledger) -> Ledger:
    """Three cases, the first of which has an entry of a kind that no version knows."""
    for minutes, name in enumerate("abc"):
        born(ledger.cases, name, minutes=minutes)
    with ledger.database.writing() as connection:
        connection.execute(update(history).where(history.c.case_id == "a").values(kind="Dreamt"))
    return ledger


def test_it_is_left_out_and_said_once(torn: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert [case.id for case in torn.cases.active()] == ["b", "c"]
        assert [case.id for case in torn.cases.listed()] == ["c", "b"]
        assert [case.id for case in torn.cases.since(NOW)] == ["b", "c"]
    (said,) = [record.getMessage() for record in caplog.records if record.name == "trackwalker.ledger"]
    assert said.startswith("case a is left out: entry 1 of case a")
    with pytest.raises(PermanentError, match="entry 1 of case a"):
        torn.cases.load("a")


def test_it_is_set_aside_and_the_next_can_be_had(torn: Ledger) -> None:
    with pytest.raises(Unreadable, match=r"case a is set aside for 0:10:00: entry 1 of case a"):
        torn.cases.claim("one", NOW, LEASE)
    claimed = [torn.cases.claim("one", NOW, 2 * SET_ASIDE) for _ in "bc"]
    assert [each.case.id for each in claimed if each] == ["b", "c"]
    assert torn.cases.claim("one", NOW, LEASE) is None
    with pytest.raises(Unreadable):
        torn.cases.claim("two", NOW + SET_ASIDE, LEASE)


def test_it_goes_on_once_it_can_be_read(torn: Ledger) -> None:
    with pytest.raises(Unreadable):
        torn.cases.claim("one", NOW, LEASE)
    with torn.database.writing() as connection:
        connection.execute(update(history).where(history.c.case_id == "a").values(kind="Opened"))
    later = NOW + SET_ASIDE + timedelta(seconds=1)
    claimed = [torn.cases.claim("one", later, LEASE) for _ in "abc"]
    assert {each.case.id for each in claimed if each} == {"a", "b", "c"}
