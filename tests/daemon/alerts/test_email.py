"""Mail by a real SMTP server: what arrives, and what each answer comes to."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.email import EmailNotifier
from daemon.clock import ManualClock
from tests.daemon.alerts.receivers import Mailbox, a_free_port, a_mailbox
from tests.parts.nouns import NOW

NOTICE = Notice(key="k1", severity=Severity.PAGE, subject="errors rose", text="to 31 %", case="c1", link="http://x/1")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with a_mailbox() as mailbox:
        yield mailbox


def by(address: str) -> EmailNotifier:
    return EmailNotifier(
        "mail", smtp=address, sender="bot@shop.example", recipient="sre@example.com", clock=ManualClock(NOW)
    )


def test_a_notice_is_a_plain_mail(mailbox: Mailbox) -> None:
    by(mailbox.address).notify(NOTICE)
    (mail,) = mailbox.got
    assert (mail["From"], mail["To"], mail["Subject"]) == ("bot@shop.example", "sre@example.com", "[page] errors rose")
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == "to 31 %\n\nCase: c1\nhttp://x/1\n"
    assert mailbox.rcpt_tos == [["sre@example.com"]]


def test_a_second_copy_has_the_same_message_id_and_another_notice_has_not(mailbox: Mailbox) -> None:
    for notice in (NOTICE, NOTICE, replace(NOTICE, key="k2")):
        by(mailbox.address).notify(notice)
    first, second, other = (mail["Message-ID"] for mail in mailbox.got)
    assert first == second != other
    assert first.endswith("@shop.example>")


def test_no_header_can_be_smuggled_in(mailbox: Mailbox) -> None:
    smuggled = "errors\r\nBcc: all@example.com\r\n\r\n<b>body</b>\u2028X: y"
    by(mailbox.address).notify(replace(NOTICE, subject=smuggled, link=smuggled, key=smuggled))
    (mail,) = mailbox.got
    assert (mail["Bcc"], mail["X"]) == (None, None)
    assert mail["Subject"] == "[page] errors Bcc: all@example.com <b>body</b> X: y"
    assert mailbox.rcpt_tos == [["sre@example.com"]]


def test_letters_of_every_alphabet_and_a_lone_dot_arrive(mailbox: Mailbox) -> None:
    text = "größer, 日本語 🙂\n.\nFrom here on\n" + "long " * 500
    by(mailbox.address).notify(replace(NOTICE, subject="größer 日本", text=text))
    (mail,) = mailbox.got
    assert mail["Subject"] == "[page] größer 日本"
    lines = mail.get_content().splitlines()
    assert lines[:3] == ["größer, 日本語 🙂", ".", "From here on"]
    assert lines[3].count("long") == 500


@pytest.mark.parametrize(
    ("rcpt", "answer", "error", "told"),
    [
        ("450 greylisted", "250 OK", TemporaryError, "answered 450 greylisted"),
        ("550 no such user", "250 OK", PermanentError, "answered 550 no such user"),
        ("250 OK", "451 later", TemporaryError, "answered 451 later"),
        ("250 OK", "554 spam", PermanentError, "answered 554 spam"),
    ],
)
def test_each_refusal_is_what_its_code_says(
    mailbox: Mailbox, rcpt: str, answer: str, error: type[Exception], told: str
) -> None:
    mailbox.rcpt, mailbox.answer = rcpt, answer
    with pytest.raises(error, match=told):
        by(mailbox.address).notify(NOTICE)
    assert mailbox.got == []


def test_a_server_that_is_not_there_is_tried_later() -> None:
    port = a_free_port()
    with pytest.raises(TemporaryError, match=f"127.0.0.1:{port} cannot be reached .Connection refused"):
        by(f"127.0.0.1:{port}").notify(NOTICE)


def test_a_server_that_hangs_up_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(TemporaryError, match="cannot be reached"):
            by(f"127.0.0.1:{server.getsockname()[1]}").notify(NOTICE)
        thread.join()


def test_an_address_that_plain_smtp_cannot_carry_is_refused_at_the_start() -> None:
    with pytest.raises(PermanentError, match="outside ASCII"):
        EmailNotifier("mail", smtp="127.0.0.1:25", sender="a@b", recipient="größe@b", clock=ManualClock(NOW))
