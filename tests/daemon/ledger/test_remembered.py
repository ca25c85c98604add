"""A case is not replayed from its beginning each time it is read; what is read is what the rows say all the same."""

import pytest
from sqlalchemy import delete, func, update

from cases.case import Case
from cases.errors import PermanentError
from cases.events import Guided
from cases.lifecycle import replay
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import history
from tests.parts.nouns import NOW
from tests.parts.steps import born, did


@pytest.fixture
def told(ledger: Ledger) -> Ledger:
    """A case that was told two things, and was read since."""
    born(ledger.cases)
    for _ in range(2):
        ledger.cases.add("a", did(Guided), (), NOW)
    assert guides(ledger.cases.load("a")) == 2
    return ledger


def guides(case: Case) -> int:
    return sum(isinstance(entry.event, Guided) for entry in case.history)


def test_what_was_added_follows_what_was_read(told: Ledger) -> None:
    told.cases.add("a", did(Guided), (), NOW)
    (case,) = told.cases.active()
    assert guides(case) == 3
    assert case == replay(case.history)


def test_a_row_that_is_gone_is_gone(told: Ledger) -> None:
    with told.database.writing() as connection:
        connection.execute(delete(history).where(history.c.case_id == "a", history.c.seq == 3))
    assert guides(told.cases.load("a")) == 1


def test_a_row_that_was_changed_is_read_as_it_is(told: Ledger) -> None:
    with told.database.writing() as connection:
        changed = func.replace(history.c.payload, "text", "texts")
        connection.execute(update(history).where(history.c.case_id == "a", history.c.seq == 2).values(payload=changed))
    with pytest.raises(PermanentError, match="entry 2 of case a"):
        told.cases.load("a")
