"""What every receiver promises: a notice arrives whole, its words stay words, and no credential is shown."""

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.ports import Notifier
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.console import ConsoleNotifier
from daemon.alerts.email import EmailNotifier
from daemon.alerts.file import FileNotifier
from daemon.alerts.pagerduty import PagerDutyNotifier
from daemon.alerts.slack import SlackNotifier
from daemon.alerts.slack_thread import SlackThreadNotifier
from daemon.alerts.webhook import WebhookNotifier
from daemon.clock import ManualClock
from tests.daemon.alerts.receivers import SECRET, a_free_port, a_mailbox, a_webhook
from tests.parts.nouns import NOW
from tests.parts.pagerduty import ROUTING_KEY, a_pagerduty
from tests.parts.slack import TOKEN, a_slack

SIGNED_WITH = b64encode(b"hush" * 8).decode()
NOTICE = Notice(
    key="deadbeef-escalated-3",
    severity=Severity.PAGE,
    subject="shop: a human is needed",
    text="The errors rose to 31 %.\nNothing fits.",
    case="deadbeef",
    link="http://127.0.0.1:3000/acme/shop/pull/7?a=1&b=2",
)


@dataclass
class Receiver:
    """A notifier, the other end as lines of what people read there, and one whose other end is gone."""

    notifier: Notifier
    read: Callable[[], list[str]]
    gone: Notifier | None  # None where the other end is this process


@contextmanager
def slack() -> Generator[Receiver]:
    with a_webhook() as webhook:
        nobody = f"http://127.0.0.1:{a_free_port()}/services/{SECRET}"
        yield Receiver(
            SlackNotifier("oncall", lambda: webhook.url),
            lambda: [json.dumps(message, ensure_ascii=False) for message in webhook.got],
            SlackNotifier("oncall", lambda: nobody),
        )


@contextmanager
def slack_thread() -> Generator[Receiver]:
    def at(api_url: str) -> SlackThreadNotifier:
        return SlackThreadNotifier(
            "oncall", lambda: TOKEN, channel="#oncall", api_url=api_url, clock=ManualClock(NOW)
        )  # fmt: skip

    with a_slack() as api:
        yield Receiver(
            at(api.url),
            lambda: [
                json.dumps({name: said for name, said in sent.items() if name != "ts"}, ensure_ascii=False)
                for sent in api.posted
            ],
            at(f"http://127.0.0.1:{a_free_port()}/api"),
        )


@contextmanager
def email() -> Generator[Receiver]:
    def by(address: str) -> EmailNotifier:
        return EmailNotifier(
            "oncall", smtp=address, sender="bot@localhost", recipient="sre@example.com", clock=ManualClock(NOW)
        )

    with a_mailbox() as mailbox:
        yield Receiver(
            by(mailbox.address),
            lambda: [f"{mail['Message-ID']}\n{mail['Subject']}\n{mail.get_content()}" for mail in mailbox.got],
            by(f"127.0.0.1:{a_free_port()}"),
        )


@contextmanager
def console() -> Generator[Receiver]:
    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    lines: list[str] = []
    log = logging.getLogger("trackwalker")
    kept = Kept()
    log.addHandler(kept)
    try:
        yield Receiver(ConsoleNotifier("oncall"), lambda: lines, None)
    finally:
        log.removeHandler(kept)


@contextmanager
def pagerduty() -> Generator[Receiver]:
    with a_pagerduty() as api:
        yield Receiver(
            PagerDutyNotifier("oncall", lambda: ROUTING_KEY, api_url=api.url),
            lambda: [json.dumps(event, ensure_ascii=False) for event in api.got],
            PagerDutyNotifier("oncall", lambda: ROUTING_KEY, api_url=f"http://127.0.0.1:{a_free_port()}"),
        )


@contextmanager
def webhook() -> Generator[Receiver]:
    def at(url: str) -> WebhookNotifier:
        return WebhookNotifier("oncall", lambda: url, clock=ManualClock(NOW), secret=lambda: f"whsec_{SIGNED_WITH}")

    with a_webhook() as there:
        yield Receiver(
            at(there.url),
            lambda: [json.dumps(message, ensure_ascii=False) for message in there.got],
            at(f"http://127.0.0.1:{a_free_port()}/{SECRET}"),
        )


@pytest.fixture(params=["slack", "slack thread", "email", "console", "file", "pagerduty", "webhook"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    @contextmanager
    def file() -> Generator[Receiver]:
        notices = tmp_path / "notices.jsonl"
        gone = FileNotifier("oncall", tmp_path / "missing" / "notices.jsonl", ManualClock(NOW))
        yield Receiver(
            FileNotifier("oncall", notices, ManualClock(NOW)), lambda: notices.read_text("ascii").splitlines(), gone
        )

    kinds = {"slack": slack, "slack thread": slack_thread, "email": email, "console": console, "file": file}
    with {**kinds, "pagerduty": pagerduty, "webhook": webhook}[request.param]() as receiver:
        yield receiver


def test_it_has_the_name_that_the_configuration_gave(receiver: Receiver) -> None:
    assert receiver.notifier.name == "oncall"


def test_a_notice_arrives_whole(receiver: Receiver) -> None:
    receiver.notifier.notify(NOTICE)
    (read,) = receiver.read()
    for part in ("page", "shop: a human is needed", "The errors rose to 31 %.", "Nothing fits.", "deadbeef"):
        assert part.lower() in read.lower()
    assert "http://127.0.0.1:3000/acme/shop/pull/7?a=1" in read


@pytest.mark.parametrize("severity", Severity)
def test_every_severity_arrives_without_text_case_or_link(receiver: Receiver, severity: Severity) -> None:
    receiver.notifier.notify(Notice(key="k", severity=severity, subject="s", text=""))
    (read,) = receiver.read()
    assert severity in read.lower()


def test_a_second_copy_can_be_told_by_its_key(receiver: Receiver) -> None:
    for notice in (NOTICE, NOTICE, replace(NOTICE, key="another")):
        receiver.notifier.notify(notice)
    first, second, other = receiver.read()
    assert first == second
    assert other != first


def test_hostile_words_stay_words(receiver: Receiver) -> None:
    words = "\x1b[2J<!channel> <@U123> <script>\r\nBcc: all@example.com\r\n\r\n\u202eevil\x00 </blockquote> &amp;"
    hostile = replace(NOTICE, subject=words, text=words * 2000, link=f"javascript:alert(1)|{words}", case="<!here>")
    receiver.notifier.notify(hostile)
    (read,) = receiver.read()
    assert not {"\x1b", "\x00", "\u202e"} & set(read)
    assert len(read) < 300_000


def test_an_end_that_is_gone_is_said_in_a_sentence_without_the_credential(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    if receiver.gone is None:
        receiver.notifier.notify(NOTICE)  # the log is always there
        return
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises((TemporaryError, PermanentError), match=r"^receiver oncall: ") as failure,
    ):
        receiver.gone.notify(NOTICE)
    seen = [repr(failure.value), caplog.text, repr(failure.value.__cause__), repr(failure.value.__context__)]
    assert not [text for text in seen if "hush" in text]


def test_a_delivery_shows_no_credential(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        receiver.notifier.notify(NOTICE)
    assert "hush" not in caplog.text
    assert "hush" not in repr(receiver.notifier)
    assert "hush" not in "".join(receiver.read())
