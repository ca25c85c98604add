"""The chain of hashes and its anchor: whole over threads, transactions that fail, and lines of before it."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from cases.errors import PermanentError
from daemon.invariants.chain import chain
from daemon.invariants.finding import AnchorSays
from daemon.invariants.told import audit_lines
from daemon.ledger import anchor, audit
from daemon.ledger.anchor import Anchored, AnchorFile, anchors_below, anchors_in
from daemon.ledger.audit import AuditEntry
from daemon.ledger.database import alone
from daemon.ledger.ledger import Ledger
from daemon.ledger.ready import log as statements
from daemon.ledger.tables import audit as table
from tests.parts.nouns import NOW
from tests.parts.stores import Place

A_LINE = AuditEntry(at=NOW, actor="human:sre", action="note", detail={"was": "\ud800\0 <b>"})


def rows(ledger: Ledger, *anchors: Path) -> list[str]:
    says = [AnchorSays(file=str(path), anchored=anchors_in(path)) for path in anchors]
    return [finding.row for finding in chain(audit_lines(ledger.database), says)]


def changed(ledger: Ledger, number: int, **columns: object) -> None:
    with ledger.database.writing() as connection:
        connection.execute(update(table).where(table.c.seq == number).values(columns))


def test_lines_of_many_threads_and_of_failed_transactions_make_one_chain_without_gaps(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / anchor.NAME
    ledger.audit.anchor(path)

    def failing() -> None:
        with ledger.database.writing() as connection:
            raise ZeroDivisionError(audit.append(connection, A_LINE))

    def several(n: int) -> None:
        for _ in range(4):
            with ledger.database.writing() as connection:
                audit.append(connection, A_LINE)
                audit.append(connection, replace(A_LINE, case=f"case {n}"))
        with pytest.raises(ZeroDivisionError):
            failing()

    with ThreadPoolExecutor(4) as executor:
        list(executor.map(several, range(4)))
    lines = ledger.audit.listed()
    assert [line.seq for line in lines] == list(range(1, 33))
    assert rows(ledger, path) == []
    hashes = {line.seq: line.hash for line in lines}
    anchored = anchors_in(path)
    assert [each.hash for each in anchored] == [hashes[each.seq] for each in anchored]
    assert anchored[-1] == Anchored(seq=32, hash=hashes[32]), "the newest commit is anchored when it is through"


def test_a_commit_that_adds_no_line_anchors_nothing(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / anchor.NAME
    ledger.audit.append(A_LINE)
    ledger.audit.anchor(path)
    with ledger.database.writing() as connection:
        audit.ahead(connection, "a")
    assert not path.exists()


def test_the_lines_of_one_transaction_read_the_end_of_the_chain_once(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.audit.append(A_LINE)
    with caplog.at_level(logging.DEBUG, statements.name), ledger.database.writing() as connection:
        for _ in range(5):
            audit.append(connection, replace(A_LINE, case="a"))
    asked = [each for each in caplog.messages if "SELECT" in each]
    assert sum("audit.hash" in each for each in asked) == 1
    assert sum("max(" in each for each in asked) == 1, "what the case's line follows is asked once, too"


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"actor": "human:other"}, ["audit 3"]),
        ({"at": NOW + timedelta(microseconds=1)}, ["audit 3"]),
        ({"parent": None}, ["audit 3"]),
        ({"detail": "{}"}, ["audit 3"]),
        ({"hash": "0" * 64}, ["audit 3"]),
        ({"hash": ""}, ["audit 3"]),
        ({"seq": 40}, ["audit 3", "audit 9"]),
    ],
)
def test_an_edited_line_is_named_and_no_other(ledger: Ledger, columns: dict[str, object], named: list[str]) -> None:
    for _ in range(8):
        ledger.audit.append(replace(A_LINE, case="a"))
    changed(ledger, 3, **columns)
    assert rows(ledger) == named


def test_lines_of_before_the_chain_are_sealed_by_the_first_line_after_them(ledger: Ledger) -> None:
    for _ in range(4):
        ledger.audit.append(A_LINE)
    with ledger.database.writing() as connection:
        connection.execute(update(table).values(hash=""))
    ledger.audit.append(A_LINE)
    sealing = ledger.audit.listed(after=4)[0]
    assert (sealing.action, sealing.detail) == ("audit.sealed", {"upto": "4", "lines": "4"})
    assert rows(ledger) == []
    changed(ledger, 2, actor="somebody")
    assert rows(ledger) == ["audit 5"], "which of them it was, nobody can tell: the seal of them all is broken"
    changed(ledger, 2, actor=A_LINE.actor)
    changed(ledger, 6, hash="")
    assert rows(ledger) == ["audit 6"]


def test_a_line_is_never_written_in_a_savepoint(ledger: Ledger) -> None:
    with (
        pytest.raises(RuntimeError, match="savepoint"),
        ledger.database.writing() as connection,
        connection.begin_nested(),
    ):
        audit.append(connection, A_LINE)


def test_old_lines_of_an_anchor_are_thinned_out_and_the_newest_all_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchor, "NEWEST", 50)
    monkeypatch.setattr(anchor, "_SLACK", 20)
    file = AnchorFile(tmp_path / anchor.NAME)
    for seq in range(1, 801):
        file.add(Anchored(seq=seq, hash="f" * 64))
    kept = [each.seq for each in anchors_in(file.path)]
    assert kept[-50:] == list(range(751, 801))
    assert kept[:4] == [1, 100, 200, 300]
    assert len(kept) < 100
    assert AnchorFile(file.path)
    assert anchors_below([tmp_path]) == (file.path,)


def test_an_anchor_that_cannot_be_written_holds_nothing_up(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.audit.anchor(tmp_path / "nowhere" / anchor.NAME)
    ledger.audit.append(A_LINE)
    assert len(ledger.audit.listed()) == 1
    assert "cannot be written" in caplog.text


def test_an_anchor_cut_short_by_a_power_cut_reads_and_another_file_does_not(tmp_path: Path) -> None:
    path = tmp_path / anchor.NAME
    path.write_text(f"1 {'a' * 64}\n2 {'b' * 10}")
    assert anchors_in(path) == (Anchored(seq=1, hash="a" * 64),)
    path.write_text("what is this\n")
    with pytest.raises(PermanentError, match="no anchor"):
        anchors_in(path)


def test_a_tail_that_was_cut_off_is_named_and_a_restored_backup_is_not(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / anchor.NAME
    ledger.audit.anchor(path)
    for _ in range(9):
        ledger.audit.append(A_LINE)
    fifth = ledger.audit.listed()[4]
    with ledger.database.writing() as connection:
        connection.execute(table.delete().where(table.c.seq > 5))
    assert rows(ledger, path) == ["audit 6"]
    ledger.audit.append(replace(A_LINE, action="another"))
    assert rows(ledger, path) == ["audit 6", "audit 7"], "also once the daemon has gone on from there"
    with ledger.database.writing() as connection:
        connection.execute(table.delete().where(table.c.seq > 5))
    restored = replace(A_LINE, action="daemon.restored", detail={"upto": "5", "hash": fifth.hash})
    ledger.audit.append(restored)
    assert rows(ledger, path) != [], "a line that says so is no excuse: whoever restores sets the anchor back too"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines[:5]))
    assert rows(ledger, path) == []
    AnchorFile(path).add(Anchored(seq=6, hash=ledger.audit.listed()[-1].hash))
    assert rows(ledger, path) == []
    AnchorFile(path).add(Anchored(seq=7, hash="0" * 64))
    assert rows(ledger, path) == ["audit 7"], "what was anchored after the restore counts as ever"


def test_a_head_that_was_removed_for_its_age_is_accepted_only_with_its_own_line(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / anchor.NAME
    ledger.audit.anchor(path)
    for _ in range(6):
        ledger.audit.append(A_LINE)
    third = ledger.audit.listed()[2]
    with ledger.database.writing() as connection:
        connection.execute(table.delete().where(table.c.seq <= 3))
    assert rows(ledger, path) == ["audit 1"]
    ledger.audit.append(replace(A_LINE, action="retention.cut", detail={"upto": "3", "hash": third.hash}))
    assert rows(ledger, path) == []
    changed(ledger, 4, actor="somebody")
    assert rows(ledger, path) == ["audit 4"]


def test_an_anchor_is_named_while_somebody_else_writes(place: Place, tmp_path: Path) -> None:
    with (
        place.opened() as first,
        place.opened(busy=timedelta(seconds=0.2)) as second,
        first.database.writing() as connection,
    ):
        alone(connection)
        second.audit.anchor(tmp_path / "anchor")
        assert second.cases.listed() == ()
