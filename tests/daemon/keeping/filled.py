"""Ledgers with something in them, and what must be true of any."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from cases.case import Case, Phase
from cases.events import Closed, Guided
from cases.lifecycle import replay
from cases.steps import Notice, PostComment, Receipt, SendNotice
from cases.telemetry import Severity
from daemon.invariants.verify import offline
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import cases
from tests.parts.nouns import NOW, a_lesson, an_entry, an_opened, an_outcome

LEASE = timedelta(seconds=30)


def a_comment(key: str, body: str = "x") -> PostComment:
    return PostComment(key=key, repository="shop", branch="b", body=body)


def a_notice(key: str, text: str = "blind") -> SendNotice:
    notice = Notice(key=key, severity=Severity.PAGE, subject="blind", text=text, case="")
    return SendNotice(key=key, receiver="oncall", notice=notice)


def an_open_case(ledger: Ledger, name: str, at: datetime = NOW, body: str = "x", guidance: str = "look") -> None:
    """It owes one comment, and a daemon called `old` holds it."""
    born = replace(an_opened(), case_id=name, fingerprint=f"print of {name}")
    ledger.cases.open(replace(an_entry(born), at=at), (a_comment(f"{name}-1", body),), at)
    ledger.cases.add(name, replace(an_entry(Guided(text=guidance)), at=at), (), None)


def a_closed_case(ledger: Ledger, name: str, at: datetime = NOW, guidance: str = "look", *, owes: bool = False) -> None:
    """It has a lesson, a comment that was made, and a call to a model that was paid for."""
    an_open_case(ledger, name, at, guidance=guidance)
    if not owes:
        ledger.outbox.receive(Receipt(key=f"{name}-1", adopted=False), None)
    lesson = replace(a_lesson(), id=f"lesson of {name}", case=name, at=at)
    ledger.cases.add(name, replace(an_entry(Closed(outcome=an_outcome(), lesson=lesson)), at=at), (), None)
    ledger.checkpoints.put(f"answers/{name}", b"{}", at)
    ledger.checkpoints.put(f"slack-thread/chat/C1/{name}", b"1.1", at)


def whole(ledger: Ledger) -> dict[str, Case]:
    """Every case that has a history, after proof that rows, histories and the audit agree with each other."""
    assert offline(ledger.database) == ()
    with ledger.database.reading() as connection:
        rows = connection.execute(select(cases).where(cases.c.version > 0)).all()
    found = {row.id: ledger.cases.load(row.id) for row in rows}
    for row in rows:
        case = found[row.id]
        assert (row.phase, row.version) == (str(case.phase), len(case.history))
        assert replay(case.history) == case
    return found


__all__ = ["LEASE", "NOW", "Phase", "a_closed_case", "a_comment", "a_notice", "an_open_case", "whole"]
