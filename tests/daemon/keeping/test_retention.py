"""What is old goes, with a line that says so; what is open, owed or learnt stays, and all that is left still agrees."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cases.errors import PermanentError, TemporaryError
from cases.steps import Receipt
from cases.telemetry import Deploy
from config.keeping import RetentionSettings
from config.models import BudgetSettings
from daemon.keeping import removal
from daemon.keeping.purge import Wanted, planned, purged
from daemon.keeping.removal import CUT, PURGED, Remover, removed_cases
from daemon.keeping.retention import tidied
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import audit, effects, history, metadata
from tests.daemon.keeping.filled import NOW, a_closed_case, a_notice, an_open_case, whole

DAY = timedelta(days=1)
LIMITS = RetentionSettings(effects=10 * DAY, cases=20 * DAY, audit=30 * DAY)


def after(days: float) -> Remover:
    return Remover(at=NOW + days * DAY, actor="daemon")


def keys(ledger: Ledger) -> set[str]:
    with ledger.database.reading() as connection:
        return set(connection.execute(select(effects.c.key)).scalars())


def everything(ledger: Ledger) -> dict[str, int]:
    with ledger.database.reading() as connection:
        return {name: len(connection.execute(select(table)).all()) for name, table in metadata.tables.items()}


def test_settled_effects_go_first_and_only_those_of_closed_cases(ledger: Ledger) -> None:
    an_open_case(ledger, "open")
    ledger.outbox.receive(Receipt(key="open-1", adopted=False), None)
    a_closed_case(ledger, "closed")
    a_closed_case(ledger, "owes", owes=True)
    ledger.outbox.send([a_notice("told"), a_notice("untold")], NOW)
    ledger.outbox.receive(Receipt(key="told", adopted=False), None)
    assert tidied(ledger, LIMITS, after(9)).effects == 0
    removed = tidied(ledger, LIMITS, after(11))
    assert (removed.effects, removed.cases, removed.audit) == (2, 0, 0)
    assert keys(ledger) == {"open-1", "owes-1", "untold"}
    assert whole(ledger).keys() == {"open", "closed", "owes"}
    lines = [line.detail for line in ledger.audit.listed() if line.action == PURGED]
    assert [(line["table"], line["cases"], line["rows"]) for line in lines] == [
        ("effects", "closed", "1"), ("effects", "", "1"),
    ]  # fmt: skip


def test_the_history_of_a_closed_case_goes_and_its_lesson_and_its_row_stay(ledger: Ledger) -> None:
    an_open_case(ledger, "open")
    a_closed_case(ledger, "closed")
    a_closed_case(ledger, "owes", owes=True)
    purse = ledger.purse(BudgetSettings())
    for name in ("open", "closed"):
        purse.settle(purse.reserve(name, "draft", "model", 0.01), 0.01, 1, 1)
    removed = tidied(ledger, LIMITS, after(21))
    assert removed.cases == 1
    assert whole(ledger).keys() == {"open", "owes"}
    assert [case.id for case in ledger.cases.listed()] == ["owes", "open"]
    said = r"case closed of shop, opened .*, is closed; its history was removed on 2026-03-25T05:06:07Z"
    with pytest.raises(PermanentError, match=said):
        ledger.cases.load("closed")
    assert [case.id for case in removed_cases(ledger)] == ["closed"]
    assert {lesson.case for lesson in ledger.lessons.newest()} == {"closed", "owes"}
    assert ledger.checkpoints.get("answers/closed") is None
    assert ledger.checkpoints.get("slack-thread/chat/C1/closed") is None
    assert [len(ledger.spend.calls(name)) for name in ("open", "closed")] == [1, 0]
    claimed = ledger.cases.claim("one", NOW + 21 * DAY, DAY)
    assert claimed is not None
    assert claimed.case.id in {"open", "owes"}


def test_the_audits_head_is_cut_where_nothing_that_is_left_needs_it(ledger: Ledger) -> None:
    a_closed_case(ledger, "first")
    an_open_case(ledger, "open", NOW + DAY)
    a_closed_case(ledger, "last", NOW + DAY)
    lines = ledger.audit.listed()
    first_of_open = min(line.seq for line in lines if line.case == "open")
    removed = tidied(ledger, LIMITS, after(32))
    assert removed.audit == first_of_open - 1 > 0
    left = ledger.audit.listed()
    assert left[0].seq == first_of_open
    (cut,) = [line for line in left if line.action == CUT]
    sealed = lines[first_of_open - 2]
    assert (cut.detail["upto"], cut.detail["hash"]) == (str(sealed.seq), sealed.hash)
    assert whole(ledger).keys() == {"open"}
    assert tidied(ledger, LIMITS, after(32)).audit == 0


def test_an_audit_from_before_the_chain_is_cut_as_a_whole_or_not_at_all(ledger: Ledger) -> None:
    a_closed_case(ledger, "old")
    with ledger.database.writing() as connection:
        connection.execute(audit.update().values(hash=""))
    many = len(ledger.audit.listed())
    an_open_case(ledger, "new", NOW + DAY)  # its first line seals those of before
    before = whole(ledger)
    tidied(ledger, LIMITS, after(32))
    assert ledger.audit.listed()[0].seq > many
    assert whole(ledger).keys() == before.keys() - {"old"}


def test_what_nothing_refers_to_goes_too_and_the_newest_deploy_of_each_stays(ledger: Ledger) -> None:
    for days in (0, 1):
        began = NOW + days * DAY
        deploy = Deploy(service="shop", commit=f"c{days}", started=began, environment="live", source="ci")
        ledger.deploys.tell(deploy, began)
    for key in ("answers/open", "answers/gone", "log-tail/old", "sights", "job/backup"):
        ledger.checkpoints.put(key, b"{}", NOW)
    an_open_case(ledger, "open")
    assert tidied(ledger, LIMITS, after(15)).rest == 3
    told = ledger.deploys.told("ci", "live", "shop", NOW - DAY, NOW + 15 * DAY)
    assert [deploy.commit for deploy in told] == ["c1"]
    kept = [key for key in ("answers/open", "answers/gone", "log-tail/old", "sights") if ledger.checkpoints.get(key)]
    assert kept == ["answers/open", "sights"]


def test_it_cuts_the_write_ahead_log_to_nothing(file_ledger: Ledger, tmp_path: Path) -> None:
    file_ledger.checkpoints.put("state", bytes(500_000), NOW)
    log = tmp_path / "store.db-wal"
    assert log.stat().st_size > 500_000
    tidied(file_ledger, LIMITS, after(1))
    assert log.stat().st_size == 0
    assert file_ledger.checkpoints.get("state") == bytes(500_000)


def test_it_goes_in_batches_and_can_be_stopped_between_two(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "CASES", 2)
    monkeypatch.setattr(removal, "BATCH", 2)
    for number in range(5):
        a_closed_case(ledger, f"case{number}")
    asked = iter([False, True])
    with pytest.raises(TemporaryError, match="as the daemon ends"):
        tidied(ledger, LIMITS, after(40), lambda: next(asked))
    assert len(keys(ledger)) == 1, "two batches of two"
    whole(ledger)
    removed = tidied(ledger, LIMITS, after(40))
    assert (removed.effects, removed.cases) == (1, 5)
    assert whole(ledger) == {}


def wanted(days: float = 0, subject: str = "") -> Wanted:
    return Wanted(before=NOW + days * DAY, effects=True, cases=True, audit=True, subject=subject)


def test_a_subject_is_found_listed_and_removed_wherever_it_may_be(ledger: Ledger) -> None:
    an_open_case(ledger, "open", guidance='ask Jane "JD" Doe')
    a_closed_case(ledger, "hers", guidance='JANE "jd" DOE said so')
    a_closed_case(ledger, "his")
    ledger.outbox.send([a_notice("hers-too", 'for Jane "JD" Doe'), a_notice("other")], NOW)
    for key in ("hers-too", "other"):
        ledger.outbox.receive(Receipt(key=key, adopted=False), None)
    looked_for = wanted(1, 'Jane "JD" Doe')
    before = everything(ledger)
    plan = planned(ledger, looked_for)
    assert everything(ledger) == before, "a plan changes nothing"
    assert ([case.id for case in plan.cases], plan.effects, plan.audit) == (["hers"], 1, 0)
    assert plan.stays == ("case open: it is open",)
    assert purged(ledger, looked_for, after(1)) == plan
    assert whole(ledger).keys() == {"open", "his"}
    assert keys(ledger) == {"open-1", "his-1", "other"}
    with ledger.database.reading() as connection:
        texts = connection.execute(select(history.c.payload)).scalars().all()
    assert sum("doe" in text.lower() for text in texts) == 1
    again = planned(ledger, looked_for)
    assert (again.cases, again.effects, again.stays) == ((), 0, plan.stays)


@pytest.mark.parametrize("text", ["100%", "a_b", "\\", "'; DROP TABLE cases; --"])
def test_a_subject_is_taken_as_it_is_written(ledger: Ledger, text: str) -> None:
    a_closed_case(ledger, "one", guidance=f"it says {text} here")
    a_closed_case(ledger, "two", guidance="it says 100 and aXb here")
    assert [case.id for case in planned(ledger, wanted(1, text)).cases] == ["one"]


def test_a_removed_text_is_no_more_in_the_file(file_ledger: Ledger, tmp_path: Path) -> None:
    a_closed_case(file_ledger, "hers", guidance="Jane-Doe-4711 " * 50)
    purged(file_ledger, wanted(1, "Jane-Doe-4711"), after(1))
    files = list(tmp_path.glob("store.db*"))
    assert not any(b"Jane-Doe-4711" in file.read_bytes() for file in files)
