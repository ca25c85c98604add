"""The Slack-shaped webhook: what is posted, and what each answer comes to."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.slack import SlackNotifier, message
from tests.daemon.alerts.receivers import SECRET, Webhook, a_free_port, a_webhook

NOTICE = Notice(
    key="k1", severity=Severity.TICKET, subject="errors & more", text="a < b", case="c1", link="https://x/1?a=1&b=2"
)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


def words(posted: dict[str, Any]) -> list[str]:
    blocks = [block.get("text") or block["elements"][0] for block in posted["blocks"]]
    return [posted["text"], *(block["text"] for block in blocks)]


def test_a_notice_is_a_headline_a_text_a_link_and_its_key(webhook: Webhook) -> None:
    SlackNotifier("oncall", lambda: webhook.url).notify(NOTICE)
    (posted,) = webhook.got
    assert webhook.paths == [f"/services/{SECRET}"]
    assert words(posted) == [
        "TICKET: errors &amp; more",
        "TICKET: errors &amp; more",
        "a &lt; b",
        "<https://x/1?a=1&amp;b=2|Open>",
        "case c1 · k1",
    ]
    assert [block["type"] for block in posted["blocks"]] == ["header", "section", "section", "context"]
    assert all(block["text"].get("verbatim", True) for block in posted["blocks"] if "text" in block)


def test_nobody_can_be_called_from_outside() -> None:
    call = "<!channel> <@U012> <#C012> <https://evil|Click> &lt;!here&gt;"
    posted = message(replace(NOTICE, subject=call, text=call, case=call, key=call, link="https://x/|<!here>"))
    assert not [text for text in words(posted) if "<" in text or ">" in text]
    assert "&amp;lt;!here&amp;gt;" in words(posted)[2], "what looks escaped is shown as it is"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://x/a b", "https://x/a|b", "https://x/\u202e", "/x", ""]
)
def test_only_a_plain_link_is_one(link: str) -> None:
    assert len(message(replace(NOTICE, link=link))["blocks"]) == 3


@pytest.mark.parametrize("sign", ["x", "<", "&", "🙂"])
def test_slacks_limits_are_kept(sign: str) -> None:
    posted = message(replace(NOTICE, subject=sign * 5000, text=sign * 50_000, key=sign * 5000))
    header, section, *_ = posted["blocks"]
    assert len(header["text"]["text"]) <= 150
    assert 2500 < len(section["text"]["text"]) <= 3000
    assert section["text"]["text"].endswith("…")
    assert not [text for text in words(posted) if text.rpartition("&")[2] in {"l", "lt", "a", "am", "amp"}], "whole"


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [(429, "7", 7), (429, "999999999999", 3600), (429, "soon", 30), (500, "", 30), (503, "60", 60), (408, "", 30)],
)
def test_what_may_pass_later_is_temporary(webhook: Webhook, status: int, header: str, wait: int) -> None:
    webhook.status = status
    webhook.headers = {"Retry-After": header} if header else {}
    with pytest.raises(TemporaryError, match=f"the webhook answered {status}") as failure:
        SlackNotifier("oncall", lambda: webhook.url).notify(NOTICE)
    assert failure.value.retry_after == timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"no_service", r"answered 404 \(no_service\); make a new webhook"),
        (403, b"<b>hush</b>" * 10_000, "answered 403; make a new webhook"),
        (400, b"invalid_payload\n", r"answered 400 \(invalid_payload\)"),
    ],
)
def test_a_refusal_is_permanent_and_quotes_only_a_word(webhook: Webhook, status: int, body: bytes, told: str) -> None:
    webhook.status, webhook.body = status, body
    with pytest.raises(PermanentError, match=told) as failure:
        SlackNotifier("oncall", lambda: webhook.url).notify(NOTICE)
    assert "hush" not in repr(failure.value)


def test_no_redirect_is_followed(webhook: Webhook) -> None:
    with a_webhook() as elsewhere:
        webhook.status, webhook.headers = 307, {"Location": elsewhere.url}
        with pytest.raises(PermanentError, match="no redirect is followed"):
            SlackNotifier("oncall", lambda: webhook.url).notify(NOTICE)
        assert elsewhere.got == []


def test_silence_is_waited_for_no_longer_than_the_limit(webhook: Webhook) -> None:
    webhook.silent = threading.Event()
    with pytest.raises(TemporaryError, match=r"no answer within 0\.2 s"):
        SlackNotifier("oncall", lambda: webhook.url, timeout=timedelta(seconds=0.2)).notify(NOTICE)


@pytest.mark.parametrize(
    "url", ["hush", "ftp://hush/x", "http://", "http://[hush", "http://127.0.0.1:hush/", "https:///hush"]
)
def test_a_secret_that_is_no_url_is_not_repeated(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(PermanentError, match="not a http or https URL") as failure:
        SlackNotifier("oncall", lambda: url).notify(NOTICE)
    assert "hush" not in f"{failure.value!r} {failure.value.__cause__!r} {caplog.text}"


def test_the_secret_is_read_anew_each_time(webhook: Webhook) -> None:
    urls = [f"http://127.0.0.1:{a_free_port()}/", webhook.url]
    notifier = SlackNotifier("oncall", lambda: urls.pop(0))
    with pytest.raises(TemporaryError, match="cannot be reached"):
        notifier.notify(NOTICE)
    notifier.notify(NOTICE)
    assert len(webhook.got) == 1
