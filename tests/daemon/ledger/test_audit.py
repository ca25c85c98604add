"""Who did what stands in the audit, with what it followed from; housekeeping forgets nothing that matters."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import IllegalStep
from cases.events import Diagnosed, Joined
from cases.leases import Pause
from cases.pull_request_events import Proposed
from cases.steps import Notice, PostComment, Receipt, SendNotice
from cases.telemetry import Severity
from config.settings import BudgetSettings
from daemon.ledger.audit import AuditEntry
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, an_entry, an_event, an_opened

LEASE = timedelta(seconds=30)


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
        (1, "signal.anomaly", None, ""),
        (2, "case.Opened", 1, ""),
        (3, "effect.promised", 2, "born"),
        (4, "case.Diagnosed", 3, ""),
        (5, "effect.promised", 4, "x"),
        (6, "effect.promised", 4, "y"),
        (7, "effect.adopted", 5, "x"),
        (8, "effect.dropped", 6, "y"),
    ]
    assert {line.case for line in ledger.audit.listed()} == {"a"}
    assert ledger.audit.listed()[-1].detail["because"] == "no such pull request"


def test_an_anomaly_is_told_before_what_it_brought_about(ledger: Ledger) -> None:
    a_worked_case(ledger)
    ledger.cases.add("a", an_entry(an_event(Joined), 2), (), None)
    *_, seen, joined = ledger.audit.listed()
    assert (seen.action, seen.parent, seen.detail["signal"]) == ("signal.anomaly", None, "shop/latency")
    assert (seen.detail["value"], seen.detail["expected"]) == ("0.31", "0.01")
    assert (joined.action, joined.parent) == ("case.Joined", seen.seq)


def test_a_notice_of_no_case_follows_from_the_daemons_wish_to_tell(ledger: Ledger) -> None:
    ledger.outbox.send([a_notice("blind"), a_notice("blind")], NOW)
    ledger.outbox.send([a_notice("blind")], NOW)
    told = [(line.action, line.parent, line.case) for line in ledger.audit.listed()]
    assert told == [("daemon.tells", None, ""), ("effect.promised", 1, "")]


def test_a_call_of_a_model_is_told_with_its_money_and_the_hash_of_what_was_asked(ledger: Ledger) -> None:
    a_worked_case(ledger)
    purse = ledger.purse(BudgetSettings())
    purse.settle(purse.reserve("a", "draft", "a-model", 0.5, prompt="f" * 64), 0.25, 900, 40)
    *_, reserved, settled = ledger.audit.listed()
    assert (reserved.action, reserved.parent, reserved.detail["prompt"]) == ("model.reserved", 8, "f" * 64)
    assert (settled.action, settled.parent, settled.detail["usd"]) == ("model.settled", reserved.seq, "0.25")


def test_every_line_says_which_daemon_wrote_it_under_which_policy(ledger: Ledger) -> None:
    a_worked_case(ledger)
    ledger.audit.stamp(daemon="here-1", policy="0123456789ab")
    ledger.cases.add("a", an_entry(an_event(Joined), 2), (a_notice("joined"),), None)
    stamps = [(line.detail.get("daemon"), line.detail.get("policy")) for line in ledger.audit.listed(after=8)]
    assert stamps == [("here-1", "0123456789ab")] * 3
    assert "daemon" not in ledger.audit.listed()[0].detail


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


def test_opening_a_ledger_again_loads_nothing_heavy(path: Path) -> None:
    program = (
        "import sys\nfrom daemon.ledger.ledger import open_ledger\n"
        f"with open_ledger('sqlite:///{path}') as ledger: ledger.levers.paused()\n"
        "heavy = {'alembic', 'pydantic', 'psycopg', 'sqlalchemy.dialects.postgresql', 'sqlalchemy.orm', 'httpx'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
