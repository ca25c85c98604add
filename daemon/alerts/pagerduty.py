"""PagerDuty, by its Events API v2: a case is one alert there, begun, acknowledged and resolved under one key.

API: https://developer.pagerduty.com/docs/events-api-v2/overview/
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.exchange import TIMEOUT, Answer, post
from daemon.alerts.kinds import CLOSED, DECIDED, SEEN, kind_of
from daemon.alerts.wording import one_line, several_lines

# PagerDuty's own limits: characters of a summary and of a key.
LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
LONGEST_TEXT = 16_000
LONGEST_REASON = 200

_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
_LINK = re.compile(r"https?://[!-~]{1,1500}")
_ACTIONS = {CLOSED: "resolve", SEEN: "acknowledge", DECIDED: "acknowledge"}
_SEVERITIES = {Severity.PAGE: "critical", Severity.TICKET: "warning", Severity.NOTE: "info"}


class PagerDutyNotifier:
    """Sends notices as events (see `cases.ports.Notifier`). PagerDuty drops doubles by the key that a case has there.

    routing_key   reads the integration's key, at each notice
    api_url       where events go, without /v2/enqueue
    """

    def __init__(
        self, name: str, routing_key: Callable[[], str], *, api_url: str, timeout: timedelta = TIMEOUT
    ) -> None:
        self._name = name
        self._routing_key = routing_key
        self._api_url = api_url.rstrip("/")
        self._timeout = timeout
        self._whom = f"receiver {name}: PagerDuty"

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Send it once. TemporaryError for no answer, 429 and 5xx; PermanentError for any other refusal."""
        key = self._routing_key()
        if not _ROUTING_KEY.fullmatch(key):
            raise PermanentError(
                f"receiver {self._name}: its secret is no routing key (32 letters and digits); make an integration "
                "“Events API V2” in PagerDuty, and put its key there"
            )
        document = {"routing_key": key, **event(notice)}
        answer = post(self._whom, f"{self._api_url}/v2/enqueue", document, timeout=self._timeout)
        if answer.taken:
            return
        if answer.passing:
            raise TemporaryError(f"{self._whom} answered {answer.status}", answer.wait)
        raise PermanentError(
            f"{self._whom} answered {answer.status}{_said(answer)}; check the receiver's key and api_url"
        )


def event(notice: Notice) -> dict[str, Any]:
    """The notice as an event, without the key that it is sent by."""
    document: dict[str, Any] = {
        "event_action": _ACTIONS.get(kind_of(notice), "trigger"),
        "dedup_key": dedup_key(notice),
        "client": "Trackwalker",
        "payload": {
            "summary": one_line(notice.subject, LONGEST_SUMMARY) or "(no subject)",
            "source": "trackwalker",
            "severity": _SEVERITIES[notice.severity],
            "class": kind_of(notice),
            "custom_details": {
                "text": several_lines(notice.text, LONGEST_TEXT),
                "case": one_line(notice.case, LONGEST_KEY),
                "severity": str(notice.severity),
                "key": one_line(notice.key, LONGEST_SUMMARY),
            },
        },
    }
    if _LINK.fullmatch(notice.link):
        document["client_url"] = notice.link
        document["links"] = [{"href": notice.link, "text": "Open"}]
    return document


def dedup_key(notice: Notice) -> str:
    """The alert that it belongs to: its case's, or its own."""
    key = f"trackwalker/{notice.case or notice.key}"
    if len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    return f"trackwalker/{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def _said(answer: Answer) -> str:
    """What PagerDuty says is wrong with an event, in its own words as far as they are words."""
    try:
        document: object = json.loads(answer.beginning)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    errors = cast("dict[str, Any]", document).get("errors")
    first = str(cast("list[object]", errors)[0]) if isinstance(errors, list) and errors else ""
    words = one_line(first, LONGEST_REASON)
    return f" ({words})" if words else ""
