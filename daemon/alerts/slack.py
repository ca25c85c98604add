"""A Slack-shaped incoming webhook. Its URL is the credential: it is read when it is used, and never shown."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from daemon.alerts.wording import cut, one_line, several_lines

TIMEOUT = timedelta(seconds=5)
# Slack's own limits, in characters: a header's plain text, a section's text.
LONGEST_HEADER = 150
LONGEST_SECTION = 3000
DEFAULT_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_REASON = 200

_REASON = re.compile(rb"[a-z_]{1,60}")  # `invalid_payload`, `channel_not_found`: a word of Slack's, and nothing else
_LINK = re.compile(r"https?://[!-;=?-{}~]{1,1500}")  # printable ASCII but for < > |
_AGAIN = frozenset({408, 425, 429})
_SERVER_ERROR = 500


class SlackNotifier:
    """Posts notices to an incoming webhook (see `cases.ports.Notifier`).

    webhook   reads the URL, at each notice; timeout bounds connecting, and each wait for the other end

    Slack drops no doubles: the notice's key is shown small, so that people see that two are one.
    """

    def __init__(self, name: str, webhook: Callable[[], str], *, timeout: timedelta = TIMEOUT) -> None:
        self._name = name
        self._webhook = webhook
        self._timeout_s = timeout.total_seconds()

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Post it once. TemporaryError for no answer, 429 and 5xx; PermanentError for any other refusal."""
        status, headers, reason = self._post(_checked(self._name, self._webhook()), message(notice))
        if status // 100 == 2:  # noqa: PLR2004 - any of the 2xx
            return
        said = f"receiver {self._name}: the webhook answered {status}" + (f" ({reason})" if reason else "")
        if status in _AGAIN or status >= _SERVER_ERROR:
            raise TemporaryError(said, _wait(headers.get("retry-after", "")))
        if status // 100 == 3:  # noqa: PLR2004 - any of the 3xx
            raise PermanentError(f"{said}, which sends elsewhere, and no redirect is followed; put the final URL there")
        raise PermanentError(f"{said}; make a new webhook, and put its URL where the configuration says")

    def _post(self, url: str, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], str]:
        """Status, headers and the refusal's word.

        By the transport itself: httpx's client writes every URL into the log, and follows redirects and proxies.
        """
        import httpx

        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        try:
            request = httpx.Request("POST", url, json=dict(body), extensions={"timeout": limits})
            with httpx.HTTPTransport() as transport:
                response = transport.handle_request(request)
                try:
                    beginning = next(response.iter_raw(LONGEST_REASON), b"")
                finally:
                    response.close()
        except httpx.TimeoutException:
            unreached = f"no answer within {self._timeout_s:g} s"
        except httpx.TransportError as error:
            unreached = type(error).__name__  # its text may quote what was sent
        except httpx.InvalidURL:
            raise PermanentError(f"receiver {self._name}: its secret is not a URL; put the webhook's there") from None
        else:
            word = _REASON.fullmatch(beginning.strip())
            return response.status_code, response.headers, word[0].decode() if word else ""
        raise TemporaryError(f"receiver {self._name}: the webhook cannot be reached ({unreached})", DEFAULT_WAIT)


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


def _checked(name: str, url: str) -> str:
    """The URL, if it is one for the web. What is wrong with it is said without repeating it."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plain = False
    if not plain:
        raise PermanentError(f"receiver {name}: its secret is not a http or https URL; put the webhook's there")
    return url


def _wait(seconds: str) -> timedelta:
    """What Retry-After asks for, an hour at the most; half a minute where it says nothing that can be read."""
    if not (seconds.isascii() and seconds.isdigit()):
        return DEFAULT_WAIT
    return min(timedelta(seconds=min(int(seconds[:9]), LONGEST_WAIT.total_seconds())), LONGEST_WAIT)
