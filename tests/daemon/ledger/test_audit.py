"""Who did what stands in the audit, with what it followed from; housekeeping forgets nothing that matters."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from cases.errors import IllegalStep
from cases.events import Closed, Diagnosed, Proposed
from cases.leases import Pause
from cases.steps import Notice, PostComment, Receipt, SendNotice
from cases.telemetry import Severity
from daemon.ledger.audit import AuditEntry
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, an_entry, an_event, an_opened

LEASE = timedelta(seconds=30)
QUARTER = timedelta(days=91)


def a_comment(key: str) -> PostComment:
    return PostComment(key=key, repository="shop", branch="b", body="told you")


def a_notice(key: str) -> SendNotice:
    return SendNotice(
        key=key, receiver="mail", notice=Notice(key=key, severity=Severity.NOTE, subject="s", text="the text")
    )


def a_worked_case(ledger: Ledger) -> None:
    ledger.cases.open(an_entry(replace(an_opened(), case_id="a")), (a_notice("born"),), NOW)
    claimed = ledger.cases.claim("one", NOW, LEASE)
    assert claimed is not None
    claimed = ledger.cases.commit(claimed, (an_entry(an_event(Diagnosed), 1),), (a_comment("x"), a_comment("y")), NOW)
    ledger.outbox.receive(Receipt(key="x", adopted=True), claimed)
    ledger.outbox.drop("y", "no such pull request")
    ledger.cases.release(claimed, None)


def test_every_event_promise_receipt_and_drop_is_told_with_its_parent(ledger: Ledger) -> None:
    a_worked_case(ledger)
    told = [(line.seq, line.action, line.parent, line.detail.get("key", "")) for line in ledger.audit.listed()]
    assert told == [
        (1, "case.Opened", None, ""),
        (2, "effect.promised", 1, "born"),
        (3, "case.Diagnosed", None, ""),
        (4, "effect.promised", 3, "x"),
        (5, "effect.promised", 3, "y"),
        (6, "effect.adopted", 4, "x"),
        (7, "effect.dropped", 5, "y"),
    ]
    assert {line.case for line in ledger.audit.listed()} == {"a"}
    assert ledger.audit.listed()[-1].detail["because"] == "no such pull request"


def test_a_step_that_was_refused_is_not_told(ledger: Ledger) -> None:
    ledger.cases.open(an_entry(an_opened()), (), NOW)
    before = ledger.audit.listed()
    with pytest.raises(IllegalStep):
        ledger.cases.add("deadbeef", an_entry(an_event(Proposed)), (a_comment("x"),), None)
    assert ledger.audit.listed() == before


def test_the_levers_are_told(ledger: Ledger) -> None:
    ledger.levers.pause(Pause(by="sre", reason="a release", since=NOW))
    ledger.levers.resume("lead", NOW + timedelta(hours=1))
    assert [(line.actor, line.action, line.detail["reason"]) for line in ledger.audit.listed()] == [
        ("sre", "pause.on", "a release"),
        ("lead", "pause.off", ""),
    ]


def test_others_may_add_and_read_on_from_where_they_were(ledger: Ledger) -> None:
    line = AuditEntry(at=NOW, actor="sre", action="scope.changed", detail={"was": "\ud800 <b>"})
    assert [ledger.audit.append(line), ledger.audit.append(replace(line, case="a"))] == [1, 2]
    assert ledger.audit.listed(after=1) == (replace(line, case="a", seq=2),)
    assert ledger.audit.listed(case="a") == ledger.audit.listed(after=1)
    assert ledger.audit.listed(limit=1) == (replace(line, seq=1),)


def test_tidying_forgets_only_old_settled_effects_of_closed_cases(ledger: Ledger) -> None:
    a_worked_case(ledger)
    ledger.outbox.send([a_notice("read"), a_notice("unread")], NOW)
    for key in ("read", "born"):
        ledger.outbox.receive(Receipt(key=key, adopted=False), None)
    assert ledger.tidy(NOW + QUARTER) == 1, "the notice that was read: the case is still active"
    assert ledger.outbox.receipt("x") is not None
    ledger.cases.add("a", an_entry(an_event(Closed), 2), (a_comment("owed"),), None)
    assert ledger.tidy(NOW + timedelta(days=89)) == 0
    told = ledger.audit.listed()
    assert ledger.tidy(NOW + QUARTER) == 3
    assert ledger.outbox.receipt("x") is None
    assert [intent.effect.key for intent in ledger.outbox.notices(NOW)] == ["unread"]
    assert [intent.effect.key for intent in ledger.outbox.pending("a")] == ["owed"]
    assert ledger.audit.listed() == told
    assert not ledger.cases.load("a").active


def test_tidying_cuts_the_write_ahead_log(ledger: Ledger) -> None:
    ledger.checkpoints.put("state", bytes(500_000), NOW)
    log = ledger.database.path.with_name("ledger.db-wal")
    assert log.stat().st_size > 500_000
    ledger.tidy(NOW)
    assert log.stat().st_size == 0
    assert ledger.checkpoints.get("state") == bytes(500_000)


def test_opening_a_ledger_again_loads_nothing_heavy(ledger: Ledger) -> None:
    program = (
        "import sys\nfrom daemon.ledger.ledger import open_ledger\n"
        f"with open_ledger('sqlite:///{ledger.database.path}') as ledger: ledger.levers.paused()\n"
        "print(sorted({'alembic', 'pydantic', 'sqlalchemy.orm', 'httpx'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
