"""What receivers hear when the ledger cannot be written: once, directly, and once that it is over."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.errors import TemporaryError
from cases.moments import iso
from daemon.alerts.file import FileNotifier
from daemon.alerts.last_resort import AGAIN, PATIENCE, LastResort
from daemon.alerts.slack import SlackNotifier
from daemon.clock import ManualClock
from tests.daemon.alerts.receivers import a_webhook
from tests.parts.nouns import NOW

FULL = TemporaryError("the ledger cannot be written: the disk is full; free some space")
SECOND = timedelta(seconds=1)


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_short_refusal_wakes_nobody_and_a_long_one_everybody_once(tmp_path: Path) -> None:
    clock, path = ManualClock(NOW), tmp_path / "notices"
    last = LastResort({"file": FileNotifier("file", path, clock)}, clock)
    last.ledger_back()
    last.ledger_down(FULL)
    clock.advance(PATIENCE - SECOND)
    last.ledger_down(FULL)
    last.ledger_back()
    assert told(path) == []

    for _ in range(100):
        last.ledger_down(FULL)
        clock.advance(SECOND)
    last.ledger_back()
    last.ledger_back()
    down, back = told(path)
    since = iso(NOW + PATIENCE - SECOND)
    assert (down["severity"], down["subject"]) == ("page", "the ledger cannot be written")
    assert (down["key"], back["key"]) == (f"ledger-refuses-{since}", f"ledger-refuses-{since}-back")
    assert "the disk is full; free some space" in down["text"]
    assert since in down["text"]
    assert back["subject"] == "the ledger can be written again"

    last.ledger_down(FULL)
    clock.advance(PATIENCE)
    last.ledger_down(FULL)
    assert len({notice["key"] for notice in told(path)}) == 3, "another stretch is told anew"


def test_a_wall_clock_that_steps_back_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    clock, path = ManualClock(NOW), tmp_path / "notices"
    last = LastResort({"file": FileNotifier("file", path, clock)}, clock)
    last.ledger_down(FULL)
    clock.advance(PATIENCE)
    clock.set(NOW - timedelta(hours=1))
    last.ledger_down(FULL)
    assert len(told(path)) == 1


def test_a_receiver_that_is_down_is_asked_again_and_one_that_refuses_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = ManualClock(NOW), tmp_path / "notices"
    with a_webhook() as down, a_webhook() as gone, caplog.at_level(logging.WARNING):
        down.status, gone.status = 503, 404
        last = LastResort(
            {
                "down": SlackNotifier("down", lambda: down.url),
                "gone": SlackNotifier("gone", lambda: gone.url),
                "file": FileNotifier("file", path, clock),
            },
            clock,
        )
        last.ledger_down(FULL)
        clock.advance(PATIENCE)
        for _ in range(int(AGAIN.total_seconds())):
            last.ledger_down(FULL)
            clock.advance(SECOND)
        assert (len(down.got), len(gone.got), len(told(path))) == (1, 1, 1), "one that is down holds no other up"
        down.status = 200
        last.ledger_down(FULL)
        last.ledger_down(FULL)
        last.ledger_back()
    assert (len(down.got), len(gone.got), len(told(path))) == (3, 1, 2), "who never heard of it hears no end of it"
    assert "gone is never told that the ledger cannot be written" in caplog.text
