"""A webhook of anybody's: what arrives can be proved to be ours, and known when it comes twice."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.webhook import WebhookNotifier
from daemon.clock import ManualClock
from tests.daemon.alerts.receivers import Webhook, a_webhook
from tests.parts.nouns import NOW

KEY = b"hush" * 8
NOTICE = Notice(key="deadbeef-1-gate", severity=Severity.TICKET, subject="s", text="t", case="deadbeef", gate="a-1")


@pytest.fixture
def there() -> Iterator[Webhook]:
    with a_webhook() as there:
        yield there


def by(there: Webhook, secret: str) -> WebhookNotifier:
    return WebhookNotifier("hook", lambda: there.url, clock=ManualClock(NOW), secret=lambda: secret)


@pytest.mark.parametrize("secret", [f"whsec_{base64.b64encode(KEY).decode()}", KEY.decode()])
def test_the_signature_is_that_of_the_specification(there: Webhook, secret: str) -> None:
    by(there, secret).notify(NOTICE)
    (headers,), (body,) = there.headed, there.bodies
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert int(headers["webhook-timestamp"]) == int(NOW.timestamp())
    said = json.loads(body)
    assert (said["kind"], said["gate"], said["case"], said["at"]) == ("gate", "a-1", "deadbeef", "2026-03-04T05:06:07Z")


def test_a_second_copy_has_the_same_id_and_another_notice_another(there: Webhook) -> None:
    notifier = WebhookNotifier("hook", lambda: there.url, clock=ManualClock(NOW))
    for key in ("a", "a", "b"):
        notifier.notify(Notice(key=key, severity=Severity.NOTE, subject="s", text=""))
    first, second, other = (headers["webhook-id"] for headers in there.headed)
    assert first == second != other
    assert "webhook-signature" not in there.headed[0]


@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (503, TemporaryError, "answered 503"),
        (302, PermanentError, "no redirect is followed"),
        (403, PermanentError, "correct its URL or its secret"),
    ],
)
def test_a_refusal_says_what_follows(there: Webhook, status: int, kind: type[Exception], why: str) -> None:
    there.status = status
    with pytest.raises(kind, match=why):
        by(there, "hush").notify(NOTICE)


def test_a_secret_that_cannot_be_read_is_said_without_showing_it(there: Webhook) -> None:
    with pytest.raises(PermanentError, match="no base64 follows") as failure:
        by(there, "whsec_hush!").notify(NOTICE)
    assert "hush" not in str(failure.value)
    assert there.got == []
