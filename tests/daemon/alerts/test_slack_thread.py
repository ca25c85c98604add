"""A channel with threads, against a local Slack API."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.receivers import notifiers_of
from daemon.alerts.slack_thread import SlackThreadNotifier
from daemon.build import outside_of, with_ledger
from daemon.clock import ManualClock
from daemon.home import at_home
from daemon.ledger.ledger import Ledger, open_ledger
from tests.daemon.alerts.receivers import a_free_port
from tests.parts.nouns import NOW
from tests.parts.settings import some_settings
from tests.parts.slack import TOKEN, Slack, a_slack

OPENED = Notice(key="c1-opened", severity=Severity.PAGE, subject="errors rose", text="31 %", case="c1")
LATER = Notice(key="c1-1-proposed", severity=Severity.TICKET, subject="a change", text="waits", case="c1")


@pytest.fixture
def slack() -> Iterator[Slack]:
    with a_slack() as slack:
        yield slack


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock=ManualClock(NOW)) as ledger:
        yield ledger


def channel(slack: Slack, ledger: Ledger | None, name: str = "#oncall", token: str = TOKEN) -> SlackThreadNotifier:
    threads = None if ledger is None else ledger.checkpoints
    return SlackThreadNotifier(
        "oncall", lambda: token, channel=name, api_url=slack.url, clock=ManualClock(NOW), threads=threads
    )


def test_what_follows_goes_into_the_thread_of_the_first_message(slack: Slack, ledger: Ledger) -> None:
    channel(slack, ledger).notify(OPENED)
    channel(slack, ledger).notify(LATER)  # another life of the daemon
    channel(slack, ledger).notify(replace(LATER, case="c2"))
    channel(slack, ledger).notify(replace(LATER, case=""))
    first, reply, other, none = slack.posted
    assert reply["thread_ts"] == first["ts"]
    assert not [sent for sent in (first, other, none) if "thread_ts" in sent]


def test_a_page_is_seen_in_the_channel_too(slack: Slack, ledger: Ledger) -> None:
    for notice in (LATER, OPENED, LATER):
        channel(slack, ledger).notify(notice)
    assert [sent.get("reply_broadcast") for sent in slack.posted] == [None, True, False]


def test_the_thread_stays_that_of_the_first_message(slack: Slack, ledger: Ledger) -> None:
    for _ in range(3):
        channel(slack, ledger).notify(OPENED)
    first, second, third = slack.posted
    assert second["thread_ts"] == third["thread_ts"] == first["ts"]


def test_another_channel_has_threads_of_its_own(slack: Slack, ledger: Ledger) -> None:
    channel(slack, ledger).notify(OPENED)
    channel(slack, ledger, "#quiet").notify(LATER)
    assert "thread_ts" not in slack.posted[1]


def test_without_a_memory_every_notice_stands_alone(slack: Slack) -> None:
    channel(slack, None).notify(OPENED)
    channel(slack, None).notify(LATER)
    assert [sent.get("thread_ts") for sent in slack.posted] == [None, None]


@pytest.mark.parametrize("error", ["thread_not_found", "cannot_reply_to_message"])
def test_a_thread_that_is_gone_is_begun_anew(slack: Slack, ledger: Ledger, error: str) -> None:
    channel(slack, ledger).notify(OPENED)
    slack.fails.append((200, {}, {"ok": False, "error": error}))
    channel(slack, ledger).notify(LATER)
    channel(slack, ledger).notify(LATER)
    _, begun, reply = slack.posted
    assert "thread_ts" not in begun
    assert reply["thread_ts"] == begun["ts"]


def test_a_rate_limit_is_waited_for(slack: Slack, ledger: Ledger) -> None:
    slack.fails.append((429, {"Retry-After": "7"}, {"ok": False, "error": "ratelimited"}))
    with pytest.raises(TemporaryError, match="answered 429") as failure:
        channel(slack, ledger).notify(OPENED)
    assert failure.value.retry_after == timedelta(seconds=7)
    channel(slack, ledger).notify(OPENED)
    assert len(slack.posted) == 1


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "service_unavailable"])
def test_what_may_pass_later_is_temporary(slack: Slack, error: str) -> None:
    slack.fails.append((200, {}, {"ok": False, "error": error}))
    with pytest.raises(TemporaryError, match=error):
        channel(slack, None).notify(OPENED)


def test_a_channel_without_the_bot_says_what_to_do(slack: Slack) -> None:
    with pytest.raises(PermanentError, match="channel_not_found; invite the bot"):
        channel(slack, None, "#nowhere").notify(OPENED)


@pytest.mark.parametrize("token", ["xoxb-wrong", "two words", "ünsound"])
def test_a_token_that_is_refused_or_none_at_all_is_permanent_and_not_shown(
    slack: Slack, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(PermanentError, match="token") as failure:
        channel(slack, None, token=token).notify(OPENED)
    assert token not in str(failure.value) + caplog.text
    assert not slack.posted


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>hush</html>"), (200, b"[1]"), (200, b"{}"), (200, b'{"ok": "yes"}'), (404, b""), (302, b""),
        (200, b'{"ok": false, "error": "<!channel> hush"}'), (200, b"[" * 100_000), (403, b"\xff"),
    ],
)  # fmt: skip
def test_an_end_that_is_no_slack_is_permanent(slack: Slack, answer: tuple[int, bytes]) -> None:
    slack.fails.append((answer[0], {"Location": "http://127.0.0.1:9/"}, answer[1]))
    with pytest.raises(PermanentError, match=r"^receiver oncall: Slack ") as failure:
        channel(slack, None).notify(OPENED)
    assert "hush" not in str(failure.value)
    assert slack.asked == 1


def test_a_long_message_is_taken_with_an_answer_that_repeats_it(slack: Slack, ledger: Ledger) -> None:
    channel(slack, ledger).notify(replace(OPENED, subject="🙂" * 500, text="🙂é" * 5000))
    channel(slack, ledger).notify(LATER)
    assert slack.posted[1]["thread_ts"] == slack.posted[0]["ts"]


def test_the_daemons_receiver_remembers_its_threads(
    slack: Slack, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_TOKEN", TOKEN)
    receiver = {"name": "oncall", "slack_token": "env:SLACK_TOKEN", "channel": "#oncall", "api_url": slack.url}
    settings = some_settings(alerts={"receivers": [receiver]}, sandbox={"runtime": "process"})
    clock = ManualClock(NOW)
    assert isinstance(notifiers_of(settings, clock)["oncall"], SlackThreadNotifier)
    with at_home(tmp_path / "home") as home:
        outside = with_ledger(outside_of(settings, home, clock, process_sandbox=True), settings, ledger, clock)
        try:
            for notice in (OPENED, LATER):
                outside.notifiers["oncall"].notify(notice)
        finally:
            outside.close()
    first, reply = slack.posted
    assert reply["thread_ts"] == first["ts"]
    assert TOKEN not in json.dumps(slack.posted)


def test_nobody_there_is_temporary() -> None:
    nowhere = Slack(url=f"http://127.0.0.1:{a_free_port()}/api")
    with pytest.raises(TemporaryError, match="cannot be reached"):
        channel(nowhere, None).notify(OPENED)
