"""A Slack channel by a bot's token: what follows a case's first message there goes into its thread.

The thread is remembered per case, and outlives the daemon. A page is shown in the channel as well as in the thread:
nobody is woken by a reply to an old message. Notices of no case are messages of their own.
API: https://docs.slack.dev/reference/methods/chat.postMessage
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Self, cast

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from cases.steps import Notice
from cases.stores import Checkpoints
from cases.telemetry import Severity
from daemon.alerts.exchange import TIMEOUT, Answer, post
from daemon.alerts.slack import message
from daemon.alerts.slack_buttons import with_buttons

_LONGEST_ANSWER = 256 * 1024  # it repeats the message, with six characters for many a letter
_WORD = re.compile(r"[a-z_]{1,60}")  # Slack's errors are words like `channel_not_found`
_TS = re.compile(r"[0-9]{1,16}\.[0-9]{1,16}")  # a message's name: seconds with a fraction, as text
_PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_NO_THREAD = frozenset({"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message"})
_ADVICE = {
    **dict.fromkeys(("not_in_channel", "channel_not_found"), "invite the bot to the channel, and check its name"),
    **dict.fromkeys(("missing_scope", "not_allowed_token_type"), "give the bot's token the scope chat:write"),
    "is_archived": "name another channel",
}


class SlackThreadNotifier:
    """Posts notices by `chat.postMessage` (see `cases.ports.Notifier`).

    token    reads the bot's token, at each notice
    threads  where a case's thread is remembered; None: nowhere, and each notice is a message of its own
    buttons  whether what asks for something has buttons, which /webhooks/slack takes

    Slack drops no doubles: the notice's key is shown small, so that people see that two are one.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        name: str,
        token: Callable[[], str],
        *,
        channel: str,
        api_url: str,
        clock: Clock,
        threads: Checkpoints | None = None,
        buttons: bool = False,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._name = name
        self._token = token
        self._channel = channel
        self._api_url = api_url.rstrip("/")
        self._clock = clock
        self._threads = threads
        self._buttons = buttons
        self._timeout = timeout
        self._whom = f"receiver {name}: Slack"

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def remembering(self, threads: Checkpoints) -> Self:
        """The same receiver, with a memory for threads."""
        return type(self)(
            self._name,
            self._token,
            channel=self._channel,
            api_url=self._api_url,
            clock=self._clock,
            threads=threads,
            buttons=self._buttons,
            timeout=self._timeout,
        )

    def notify(self, notice: Notice) -> None:
        """Post it: into its case's thread where there is one. A thread that is gone is begun anew.

        TemporaryError for no answer, a rate limit and Slack's own errors; PermanentError for any other refusal.
        """
        thread = self._thread(notice.case)
        whole = with_buttons(notice) if self._buttons else message(notice)
        reply = {"thread_ts": thread, "reply_broadcast": notice.severity is Severity.PAGE} if thread else {}
        said = self._post({**whole, **reply})
        if reply and said.get("error") in _NO_THREAD:
            thread, said = "", self._post(whole)
        if said.get("ok") is not True:
            raise self._refused(said)
        posted = said.get("ts")
        if not thread and isinstance(posted, str) and _TS.fullmatch(posted):
            self._remember(notice.case, posted)

    def _post(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """What Slack says, whether it took it or not. Raises TemporaryError when it says nothing of the kind."""
        headers = {"Authorization": f"Bearer {self._revealed()}", "Content-Type": "application/json; charset=utf-8"}
        answer = post(
            self._whom,
            f"{self._api_url}/chat.postMessage",
            {"channel": self._channel, **document},
            headers=headers,
            timeout=self._timeout,
            longest=_LONGEST_ANSWER,
        )
        if answer.passing:
            raise TemporaryError(f"{self._whom} answered {answer.status}", answer.wait)
        said = _object(answer)
        if said is None:
            raise PermanentError(
                f"{self._whom} answered {answer.status}, and not as its API does; check the receiver's api_url"
            )
        return said

    def _revealed(self) -> str:
        token = self._token()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise PermanentError(f"receiver {self._name}: its token is none of Slack's; put the bot's token there")
        return token

    def _refused(self, said: Mapping[str, Any]) -> TemporaryError | PermanentError:
        error = str(said.get("error", ""))
        word = error if _WORD.fullmatch(error) else "an unknown error"
        because = f"{self._whom} refuses a message to {self._channel}: {word}"
        if word in _PASSING:
            return TemporaryError(because)
        return PermanentError(f"{because}; {_ADVICE.get(word, 'check the bot and its token')}")

    def _thread(self, case: str) -> str:
        """The name of the case's first message, or ""."""
        stored = self._threads.get(self._key(case)) if case and self._threads is not None else None
        return stored.decode() if stored else ""

    def _remember(self, case: str, posted: str) -> None:
        if case and self._threads is not None:
            self._threads.put(self._key(case), posted.encode(), self._clock.now())

    def _key(self, case: str) -> str:
        """Another channel has threads of its own."""
        return f"slack-thread/{self._name}/{self._channel}/{case}"


def _object(answer: Answer) -> Mapping[str, Any] | None:
    """The JSON object that every answer of Slack's API is."""
    try:
        document: object = json.loads(answer.beginning)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    found = cast("dict[str, Any]", document)
    return found if isinstance(found.get("ok"), bool) else None
