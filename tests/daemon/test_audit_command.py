"""`trackwalker audit`: what it prints, and with which status it ends."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchmarks.tampering import build
from daemon.commands.audit import command
from daemon.ledger.anchor import NAME
from tests.parts.settings import a_document

CASE = "case0001"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with two finished cases, and the anchor of the daemon that worked on them."""
    home = tmp_path / ".trackwalker" / "1"
    home.mkdir(parents=True)
    build(tmp_path / "ledger.db", home / NAME, cases=2)
    return tmp_path


def ran(store: Path, *words: str) -> Result:
    config = store / "trackwalker.yaml"
    config.write_text(json.dumps({**a_document(), "store": f"sqlite:///{store}/ledger.db"}))
    where = [] if "--export" in words else ["--config", str(config)]
    return CliRunner().invoke(command, [*words, *where])


def meddled(store: Path, statement: str) -> None:
    with closing(sqlite3.connect(store / "ledger.db")) as connection, connection:
        connection.execute(statement)


def findings(done: Result) -> list[tuple[str, str]]:
    printed: dict[str, Any] = json.loads(done.stdout)
    return [
        (found["invariant"], found["row"]) for found in printed["findings"] if found["invariant"] in {"chain", "rows"}
    ]


def test_an_edited_and_a_dropped_row_are_named_with_what_to_do(store: Path) -> None:
    assert findings(ran(store, "verify", "--offline", "--json")) == []
    meddled(store, f"UPDATE history SET actor = 'human:other' WHERE case_id = '{CASE}' AND seq = 3")  # noqa: S608
    meddled(store, "DELETE FROM audit WHERE seq = 9")
    done = ran(store, "verify", "--offline")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("chain: audit 9: line 9 is gone") for line in lines)
    assert any(line.startswith(f"rows: history {CASE}/3: it is not what line") for line in lines)
    assert "anchors vouch up to line" in lines[-1]


def test_without_its_anchor_a_cut_tail_is_found_by_the_rows_and_with_it_by_its_number(store: Path) -> None:
    meddled(store, "DELETE FROM audit WHERE seq > 40")
    assert ("chain", "audit 41") in findings(ran(store, "verify", "--offline", "--json"))
    elsewhere = store / "elsewhere"
    elsewhere.write_text("")
    done = ran(store, "verify", "--offline", "--json", "--anchor", str(elsewhere))
    assert {invariant for invariant, _ in findings(done)} == {"rows"}


def test_an_export_is_verified_by_itself(store: Path) -> None:
    file = store / "audit.ndjson"
    exported = ran(store, "export")
    file.write_text(exported.stdout)
    lines = exported.stdout.splitlines()
    done = ran(store, "verify", "--export", str(file))
    assert (done.exit_code, done.stdout.split(":")[0]) == (0, f"{len(lines) - 1} lines of the audit")
    file.write_text("\n".join([*lines[:7], lines[7].replace('"daemon"', '"human:x"'), *lines[8:]]))
    assert "chain: audit 7: it does not fit its hash" in ran(store, "verify", "--export", str(file)).stdout
    file.write_text("\n".join([*lines[:7], *lines[8:]]))
    done = ran(store, "verify", "--export", str(file))
    assert done.exit_code == 1
    assert "chain: audit 8: it comes after line 6" in done.stdout
    file.write_text("\n".join(lines[:-1]))
    assert f"chain: audit {len(lines) - 1}: it is the newest line" in ran(store, "verify", "--export", str(file)).stdout


def test_an_export_of_one_case_or_of_the_end_is_verified_too(store: Path) -> None:
    file = store / "audit.ndjson"
    for words in (("--case", CASE), ("--since", "2026-03-04T05:08:00")):
        exported = ran(store, "export", *words)
        file.write_text(exported.stdout)
        rows: list[dict[str, Any]] = [json.loads(line) for line in exported.stdout.splitlines()]
        assert 0 < rows[0]["lines"] == len(rows) - 1
        assert ran(store, "verify", "--export", str(file)).exit_code == 0
    rows[3]["detail"]["key"] = "another"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    assert f"chain: audit {rows[3]['seq']}:" in ran(store, "verify", "--export", str(file)).stdout


def test_a_file_that_is_no_export_is_refused_with_a_sentence(store: Path) -> None:
    file = store / "audit.ndjson"
    for text in ("", "[]", '{"form": 1}', "not JSON", '{"form": "trackwalker audit 1"}'):
        file.write_text(text)
        error = ran(store, "verify", "--export", str(file)).exception
        assert "export" in str(error)
        assert not isinstance(error, KeyError | ValueError | TypeError)


def test_a_forge_that_cannot_be_asked_is_status_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "made-up")
    done = ran(tmp_path, "verify")
    assert done.exit_code == 3, done.output
    assert [line[:15] for line in done.stderr.splitlines()] == [f"not checked: {n}" for n in ("I2", "I5", "I7")]
    assert ran(tmp_path, "verify", "--offline").exit_code == 0
