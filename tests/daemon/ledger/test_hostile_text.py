"""Text from outside that a database does not take: no write fails for it, and what was written is found again."""

from dataclasses import replace

import pytest

from cases.events import Closed, Guided
from cases.leases import Pause, Swap
from cases.steps import Receipt
from cases.telemetry import Deploy
from config.models import BudgetSettings
from daemon.ledger.audit import AuditEntry
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, a_lesson, an_entry, an_opened, an_outcome
from tests.parts.steps import LEASE, a_comment, a_notice

EVIL = "a\0b\ud800c\u202e'; DROP TABLE cases; --\x1b[31m"


@pytest.mark.parametrize("evil", [EVIL, "\0", "".join(map(chr, range(256, 5000)))], ids=["evil", "nothing", "long"])
def test_it_opens_steps_and_closes_a_case(ledger: Ledger, evil: str) -> None:
    born = replace(an_opened(), fingerprint=evil, service=evil)
    case = ledger.cases.open(replace(an_entry(born), actor=evil), (a_comment(evil), a_notice(evil)), NOW)
    assert case is not None
    assert ledger.cases.open(an_entry(replace(born, case_id="b")), (), NOW) is None, "its fingerprint is known"
    claimed = ledger.cases.claim("one", NOW, LEASE)
    assert claimed is not None
    ledger.outbox.check(claimed)
    ledger.outbox.postpone(evil, NOW, evil)
    ledger.outbox.receive(Receipt(key=evil, adopted=False, facts={evil: evil}), claimed)
    assert ledger.outbox.receipt(evil) is not None
    ledger.outbox.drop(f"{evil}@mail", evil)
    ledger.cases.release(claimed, None)
    ledger.cases.add(case.id, replace(an_entry(Guided(text=evil), 1), actor=evil), (), NOW)
    taught = replace(a_lesson(), id=evil, fingerprint=evil, service=evil)
    ledger.cases.add(case.id, an_entry(Closed(outcome=an_outcome(), lesson=taught), 2), (), None)
    assert [lesson.at for lesson in ledger.lessons.recall(evil, evil)] == [taught.at]
    assert len(ledger.cases.load(case.id).history) == 3


def test_it_is_kept_by_every_other_store(ledger: Ledger) -> None:
    ledger.levers.pause(Pause(by=EVIL, reason=EVIL, since=NOW))
    pause = ledger.levers.paused()
    assert pause is not None
    assert pause.reason.startswith("a\ufffdb?c")
    ledger.checkpoints.put(EVIL, b"\0", NOW)
    assert ledger.checkpoints.swap(Swap(key=EVIL, before=b"\0", after=b""), NOW)
    assert ledger.checkpoints.get(EVIL) == b""
    told = Deploy(service=EVIL, commit="a" * 40, started=NOW, environment=EVIL, source=EVIL)
    assert ledger.deploys.tell(told, NOW)
    assert ledger.deploys.newest(EVIL, EVIL, EVIL, NOW) is not None
    purse = ledger.purse(BudgetSettings(usd_per_day=1, usd_per_case=1))
    purse.settle(purse.reserve(EVIL, EVIL, EVIL, 0.1, prompt=EVIL), 0.1, 1, 1)
    assert len(ledger.spend.calls(EVIL)) == 1
    ledger.daemons.here(EVIL, EVIL, EVIL, EVIL, NOW)
    ledger.daemons.beat(EVIL, [EVIL], NOW)
    ledger.audit.append(AuditEntry(at=NOW, actor=EVIL, action="x", case=EVIL, detail={EVIL: EVIL}))
