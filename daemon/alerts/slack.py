"""A Slack-shaped incoming webhook. Its URL is the credential: it is read when it is used, and never shown."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from daemon.alerts.exchange import TIMEOUT, post
from daemon.alerts.wording import cut, one_line, several_lines

# Slack's own limits, in characters: a header's plain text, a section's text.
LONGEST_HEADER = 150
LONGEST_SECTION = 3000
LONGEST_REASON = 200

_REASON = re.compile(rb"[a-z_]{1,60}")  # `invalid_payload`, `channel_not_found`: a word of Slack's, and nothing else
_LINK = re.compile(r"https?://[!-;=?-{}~]{1,1500}")  # printable ASCII but for < > |


class SlackNotifier:
    """Posts notices to an incoming webhook (see `cases.ports.Notifier`).

    webhook   reads the URL, at each notice; timeout bounds connecting, and each wait for the other end

    Slack drops no doubles: the notice's key is shown small, so that people see that two are one.
    """

    def __init__(self, name: str, webhook: Callable[[], str], *, timeout: timedelta = TIMEOUT) -> None:
        self._name = name
        self._webhook = webhook
        self._whom = f"receiver {name}: the webhook"
        self._timeout = timeout

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Post it once. TemporaryError for no answer, 429 and 5xx; PermanentError for any other refusal."""
        answer = post(self._whom, self._webhook(), message(notice), timeout=self._timeout)
        if answer.taken:
            return
        word = _REASON.fullmatch(answer.beginning[:LONGEST_REASON].strip())
        said = f"{self._whom} answered {answer.status}" + (f" ({word[0].decode()})" if word else "")
        if answer.passing:
            raise TemporaryError(said, answer.wait)
        if answer.elsewhere:
            raise PermanentError(f"{said}, which sends elsewhere, and no redirect is followed; put the final URL there")
        raise PermanentError(f"{said}; make a new webhook, and put its URL where the configuration says")


def message(notice: Notice) -> dict[str, Any]:
    """The notice as Slack's blocks, with a plain `text` for what shows only that. Nothing in it can call a channel."""
    subject = one_line(notice.subject, LONGEST_HEADER - 20)
    headline = f"{str(notice.severity).upper()}: {subject}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _escaped(headline, LONGEST_HEADER), "emoji": False}}
    ]
    if notice.text.strip():
        blocks.append({"type": "section", "text": _section(_escaped(several_lines(notice.text, LONGEST_SECTION)))})
    if _LINK.fullmatch(notice.link):
        blocks.append({"type": "section", "text": _section(f"<{_escaped(notice.link)}|Open>")})
    foot = " · ".join(part for part in (f"case {notice.case}" if notice.case else "", notice.key) if part)
    blocks.append({"type": "context", "elements": [_section(_escaped(one_line(foot, 300)))]})
    return {"text": _escaped(headline), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _section(text: str) -> dict[str, Any]:
    # Verbatim: bare URLs, @names and #channels in it stay the words they are.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str, longest: int = LONGEST_SECTION) -> str:
    """As Slack asks for (docs.slack.dev, “Escaping text”): without `<` there is no mention, link or command."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    while len(escaped) > longest:  # an escape may not be cut in the middle, so the text is cut before it
        text = cut(text, len(text) - max(1, (len(escaped) - longest) // 5))
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped
