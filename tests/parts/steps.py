"""What the tests of the ledger do with cases: open one, claim it, take a step, promise something."""

from dataclasses import replace
from datetime import datetime, timedelta

from cases.case import Case
from cases.events import Entry, Event, Guided
from cases.leases import Claimed
from cases.steps import Notice, PostComment, SendNotice
from cases.stores import CaseStore
from cases.telemetry import Severity
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, an_entry, an_event, an_opened

LEASE = timedelta(seconds=30)
LATER = NOW + timedelta(hours=1)


def born(store: CaseStore, name: str = "a", due: datetime = NOW, minutes: float = 0) -> Case:
    event = replace(an_opened(), case_id=name, fingerprint=f"print of {name}")
    case = store.open(an_entry(event, minutes), (), due)
    assert case is not None
    return case


def taken(store: CaseStore, owner: str = "one", now: datetime = NOW) -> Claimed:
    claimed = store.claim(owner, now, LEASE)
    assert claimed is not None
    return claimed


def did(kind: type[Event], minutes: float = 1) -> Entry:
    return an_entry(an_event(kind), minutes)


def a_comment(key: str = "comment") -> PostComment:
    return PostComment(key=key, repository="shop", branch="trackwalker/a-1", body="told you")


def a_notice(key: str = "notice") -> SendNotice:
    told = Notice(key=key, severity=Severity.PAGE, subject="errors", text="they rose", case="a", link="http://x/1")
    return SendNotice(key=f"{key}@mail", receiver="mail", notice=told)


def a_case(ledger: Ledger, name: str = "a", size: int = 0) -> None:
    """Open a case, and give it a word of guidance of that many characters."""
    event = replace(an_opened(), case_id=name, fingerprint=f"print of {name}")
    ledger.cases.open(an_entry(event), (), NOW)
    if size:
        ledger.cases.add(name, an_entry(Guided(text="x" * size)), (), None)
