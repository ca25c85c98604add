"""Plain-text mail by a relay nearby."""

import hashlib
import smtplib
import socket
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from cases.steps import Notice
from daemon.alerts.wording import one_line, several_lines

TIMEOUT_S = 5.0
LONGEST_SUBJECT = 200
LONGEST_TEXT = 100_000
_PERMANENT = 500  # RFC 5321: 4yz try later, 5yz never


class EmailNotifier:
    """Mails notices (see `cases.ports.Notifier`). A notice's Message-ID is made of its key: receivers drop doubles.

    smtp   `host:port` of the relay, spoken to without log-in or encryption
    PermanentError at birth for an address that needs SMTPUTF8.
    """

    def __init__(self, name: str, *, smtp: str, sender: str, recipient: str, clock: Clock) -> None:
        self._name = name
        host, _, port = smtp.rpartition(":")
        self._host = host.strip("[]")
        self._port = int(port)
        if not (sender + recipient).isascii():
            raise PermanentError(f"receiver {name}: an address with letters outside ASCII is not in this version")
        self._sender = sender
        self._recipient = recipient
        self._clock = clock

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Hand it to the relay. TemporaryError for no answer and 4yz; PermanentError for 5yz."""
        mail = self._mail(notice)
        try:
            with smtplib.SMTP(self._host, self._port, local_hostname=socket.gethostname(), timeout=TIMEOUT_S) as relay:
                relay.sendmail(self._sender, [self._recipient], mail.as_bytes())  # send_message would quote “From ”
        except smtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[self._recipient]
            raise self._refused(code, said) from None
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error) from None
        except OSError as error:  # smtplib's own errors are some of these
            because = error.strerror or type(error).__name__
            raise TemporaryError(
                f"receiver {self._name}: the mail server {self._host}:{self._port} cannot be reached ({because})"
            ) from None

    def _mail(self, notice: Notice) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = self._recipient
        mail["Subject"] = f"[{notice.severity}] {one_line(notice.subject, LONGEST_SUBJECT)}"
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = message_id(notice.key, self._sender)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        foot = [f"Case: {notice.case}" if notice.case else "", one_line(notice.link, LONGEST_SUBJECT)]
        text = [several_lines(notice.text, LONGEST_TEXT), "\n".join(part for part in foot if part)]
        mail.set_content("\n\n".join(part for part in text if part) + "\n")
        return mail

    def _refused(self, code: int, said: bytes | str) -> TemporaryError | PermanentError:
        words = one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else said, LONGEST_SUBJECT)
        because = f"receiver {self._name}: the mail server {self._host}:{self._port} answered {code} {words}"
        return PermanentError(because) if code >= _PERMANENT else TemporaryError(because)


def message_id(key: str, sender: str) -> str:
    """The same for every copy of a notice; RFC 5322 wants it unique and of the sender's domain."""
    domain = sender.rpartition("@")[2]
    return f"<{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:32]}@{domain}>"
