"""A webhook of anybody's: the notice as JSON, signed as the Standard Webhooks specification has it.

Specification: https://github.com/standard-webhooks/standard-webhooks (`webhook-id`, `webhook-timestamp`,
`webhook-signature`: HMAC-SHA256 over id, timestamp and body).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.ports import Clock
from cases.steps import Notice
from daemon.alerts.exchange import TIMEOUT, post
from daemon.alerts.kinds import kind_of
from daemon.alerts.wording import one_line, several_lines

LONGEST_TEXT = 100_000
LONGEST_LINE = 1_000
PREFIX = "whsec_"
"""How a secret begins that is written in base64, as the specification has it. Any other is taken as it is."""


class WebhookNotifier:
    """Posts notices to a URL (see `cases.ports.Notifier`). The id is made of the notice's key: receivers drop doubles.

    url      reads the URL, at each notice
    secret   reads what it is signed with; None: it is not signed
    """

    def __init__(
        self,
        name: str,
        url: Callable[[], str],
        *,
        clock: Clock,
        secret: Callable[[], str] | None = None,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._name = name
        self._url = url
        self._clock = clock
        self._secret = secret
        self._timeout = timeout
        self._whom = f"receiver {name}: the webhook"

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Post it once. TemporaryError for no answer, 408, 425, 429 and 5xx; PermanentError for any other refusal."""
        now = self._clock.now()
        digest = hashlib.sha256(notice.key.encode("utf-8", "replace")).hexdigest()
        name, stamp = f"msg_{digest[:32]}", int(now.timestamp())
        key = None if self._secret is None else self._key(self._secret())

        def signed(body: bytes) -> Mapping[str, str]:
            headers = {"webhook-id": name, "webhook-timestamp": str(stamp)}
            return headers if key is None else {**headers, "webhook-signature": signature(key, name, stamp, body)}

        answer = post(
            self._whom, self._url(), {"at": iso(now), **document(notice)}, timeout=self._timeout, signed=signed
        )
        if answer.taken:
            return
        said = f"{self._whom} answered {answer.status}"
        if answer.passing:
            raise TemporaryError(said, answer.wait)
        if answer.elsewhere:
            raise PermanentError(f"{said}, which sends elsewhere, and no redirect is followed; put the final URL there")
        raise PermanentError(f"{said}; correct its URL or its secret")

    def _key(self, secret: str) -> bytes:
        if not secret.startswith(PREFIX):
            return secret.encode()
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise PermanentError(
                f"receiver {self._name}: its secret begins with {PREFIX}, and no base64 follows; put all of it there"
            ) from None


def document(notice: Notice) -> dict[str, Any]:
    """The notice's fields. `kind` says what it is about, as routes match it."""
    return {
        "kind": kind_of(notice),
        "severity": str(notice.severity),
        "subject": one_line(notice.subject, LONGEST_LINE),
        "text": several_lines(notice.text, LONGEST_TEXT),
        "case": one_line(notice.case, LONGEST_LINE),
        "gate": one_line(notice.gate, LONGEST_LINE),
        "link": one_line(notice.link, LONGEST_LINE),
        "key": one_line(notice.key, LONGEST_LINE),
    }


def signature(key: bytes, name: str, stamp: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    whole = b".".join((name.encode(), str(stamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, whole, hashlib.sha256).digest()).decode()
