"""Delivery over a real outbox: a receiver that fails delays nobody else's notices, and nothing is lost in silence."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice, SendNotice
from cases.telemetry import Severity
from daemon.alerts.delivery import HELD, Delivery, DeliveryReport, backoff
from daemon.alerts.file import FileNotifier
from daemon.alerts.slack import SlackNotifier
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from tests.daemon.alerts.receivers import SECRET, Webhook, a_free_port, a_webhook
from tests.parts.nouns import NOW

LATER = timedelta(days=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock=ManualClock(NOW)) as ledger:
        yield ledger


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture
def file(tmp_path: Path) -> FileNotifier:
    return FileNotifier("file", tmp_path / "notices.jsonl", ManualClock(NOW))


@pytest.fixture
def delivery(ledger: Ledger, webhook: Webhook, file: FileNotifier) -> Delivery:
    return Delivery(ledger.outbox, {"slack": SlackNotifier("slack", lambda: webhook.url), "file": file})


def told(tmp_path: Path) -> list[dict[str, Any]]:
    notices = tmp_path / "notices.jsonl"
    return [json.loads(line) for line in notices.read_text().splitlines()] if notices.exists() else []


def a_notice(key: str, receiver: str) -> SendNotice:
    notice = Notice(key=key, severity=Severity.PAGE, subject=f"about {key}", text="errors rose", case="", link="")
    return SendNotice(key=f"{key}@{receiver}", receiver=receiver, notice=notice)


def send(ledger: Ledger, *wanted: tuple[str, str], at: datetime = NOW) -> None:
    ledger.outbox.send([a_notice(key, receiver) for key, receiver in wanted], at)


def test_due_notices_reach_their_receivers_once(
    ledger: Ledger, delivery: Delivery, webhook: Webhook, tmp_path: Path
) -> None:
    send(ledger, ("a", "slack"), ("a", "file"), ("b", "file"))
    assert delivery.due(NOW) == DeliveryReport(delivered=3)
    assert delivery.due(NOW + LATER) == DeliveryReport()
    assert [line["key"] for line in told(tmp_path)] == ["a", "b"]
    assert len(webhook.got) == 1


def test_a_receiver_that_is_down_is_tried_later_and_less_and_less_often(
    ledger: Ledger, delivery: Delivery, webhook: Webhook, tmp_path: Path
) -> None:
    webhook.status = 503
    webhook.headers = {"Retry-After": "1"}
    send(ledger, ("a", "slack"), ("a", "file"))
    now, waits = NOW, list[float]()
    for _ in range(10):
        delivery.due(now)
        due = ledger.outbox.notices(now + LATER)[0].due
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900]
    assert [line["key"] for line in told(tmp_path)] == ["a", "undelivered:a@slack"], "the other one hears of it once"
    assert told(tmp_path)[1]["subject"] == "Not delivered to slack: about a"
    assert "answered 503" in told(tmp_path)[1]["text"]
    assert "errors rose" in told(tmp_path)[1]["text"]
    webhook.status = 200
    assert delivery.due(now) == DeliveryReport(delivered=1)


def test_a_wait_that_the_receiver_asks_for_is_kept(ledger: Ledger, delivery: Delivery, webhook: Webhook) -> None:
    webhook.status, webhook.headers = 429, {"Retry-After": "300"}
    send(ledger, ("a", "slack"))
    assert delivery.due(NOW).postponed == 1
    assert ledger.outbox.notices(NOW + timedelta(seconds=299)) == ()
    assert len(ledger.outbox.notices(NOW + timedelta(seconds=300))) == 1


def test_a_receiver_that_is_down_is_asked_once_a_round(
    ledger: Ledger, delivery: Delivery, webhook: Webhook, tmp_path: Path
) -> None:
    webhook.status = 503
    send(ledger, *((f"n{number}", "slack") for number in range(30)), ("last", "file"))
    first, second = delivery.due(NOW), delivery.due(NOW)
    assert (first.postponed, second.postponed, second.delivered) == (20, 10, 1)
    assert len(webhook.got) == 2
    assert [line["key"] for line in told(tmp_path)] == ["last"], "a full page of a dead receiver's notices is passed"


def test_a_refused_notice_is_given_up_audited_and_told_to_the_others_once(
    ledger: Ledger, delivery: Delivery, webhook: Webhook, tmp_path: Path
) -> None:
    webhook.status, webhook.body = 404, b"no_service"
    send(ledger, ("a", "slack"))
    report = delivery.due(NOW)
    assert (report.dropped, report.delivered) == (1, 0)
    assert "no_service" in report.troubles[0]
    assert delivery.due(NOW) == DeliveryReport(delivered=1)
    assert delivery.due(NOW + LATER) == DeliveryReport()
    assert [line["subject"] for line in told(tmp_path)] == ["Not delivered to slack: about a"]
    dropped = [line for line in ledger.audit.listed() if line.action == "effect.dropped"]
    assert [line.detail["key"] for line in dropped] == ["a@slack"]
    assert "no_service" in dropped[0].detail["because"]


def test_reports_are_not_reported_on(ledger: Ledger) -> None:
    class Refusing:
        def __init__(self, name: str) -> None:
            self.name = name

        def notify(self, notice: Notice) -> None:
            raise PermanentError(f"{self.name} takes no {notice.key}")

    delivery = Delivery(ledger.outbox, {name: Refusing(name) for name in ("one", "two", "three")})
    send(ledger, ("a", "one"))
    assert [delivery.due(NOW).dropped for _ in range(3)] == [1, 2, 0]


def test_a_receiver_that_is_configured_no_more_is_reported(ledger: Ledger, file: FileNotifier, tmp_path: Path) -> None:
    send(ledger, ("a", "gone"))
    delivery = Delivery(ledger.outbox, {"file": file})
    assert delivery.due(NOW).troubles == ("there is no receiver 'gone' any more",)
    delivery.due(NOW)
    assert [line["key"] for line in told(tmp_path)] == ["undelivered:a@gone"]


def test_no_credential_reaches_the_ledger(ledger: Ledger, file: FileNotifier) -> None:
    nobody = f"http://127.0.0.1:{a_free_port()}/services/{SECRET}"
    delivery = Delivery(ledger.outbox, {"slack": SlackNotifier("slack", lambda: nobody), "file": file})
    send(ledger, ("a", "slack"))
    delivery.due(NOW)
    (intent,) = ledger.outbox.notices(NOW + LATER)
    assert "cannot be reached" in intent.last_error
    assert b"hush" not in b"".join(path.read_bytes() for path in Path(ledger.database.name).parent.glob("ledger.db*"))


def test_a_bug_in_a_receiver_is_not_swallowed(ledger: Ledger) -> None:
    class Broken:
        name = "broken"

        def notify(self, notice: Notice) -> None:
            raise ZeroDivisionError(notice.key)

    send(ledger, ("a", "broken"))
    with pytest.raises(ZeroDivisionError):
        Delivery(ledger.outbox, {"broken": Broken()}).due(NOW)
    assert ledger.outbox.notices(NOW) == (), "nobody else hands it over at once"
    assert len(ledger.outbox.notices(NOW + HELD)) == 1


def test_the_back_off_is_capped() -> None:
    assert [backoff(attempts).total_seconds() for attempts in (0, 1, 6, 7, 1000)] == [10, 20, 640, 900, 900]


def test_a_file_on_a_full_disk_is_tried_later(tmp_path: Path) -> None:
    notice = replace(a_notice("a", "file").notice, text="x" * 100)
    with pytest.raises(TemporaryError, match="No space left on device"):
        FileNotifier("file", Path("/dev/full"), ManualClock(NOW)).notify(notice)
    with pytest.raises(PermanentError, match="Is a directory"):
        FileNotifier("file", tmp_path, ManualClock(NOW)).notify(notice)
