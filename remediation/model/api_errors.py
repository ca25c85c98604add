"""What the messages API's refusals mean: later, never, or not with this key."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from cases.redaction import redacted
from remediation.neutral import neutral

if TYPE_CHECKING:
    import anthropic

LONGEST_WAIT = timedelta(minutes=10)
SHORTEST_WAIT = timedelta(seconds=1)
USUAL_WAIT = timedelta(seconds=30)

_LATER = frozenset({408, 409, 425, 429, 529})
_SERVER = 500
_KEY = frozenset({401, 403})
_UNKNOWN = 404
_MONEY = 402


def meaning(error: "anthropic.APIError", model: str, where: str, key: str, clock: Clock) -> Exception:
    """Our error for one of the SDK's. What the server said is shown without the key, which some servers repeat.

    The SDK wraps whatever it does not know: what the purse raised on purpose, and what is a bug, come out as they were.
    """
    import anthropic
    import httpx2

    cause = error.__cause__
    if isinstance(cause, Exception) and not isinstance(cause, httpx2.HTTPError):
        return cause
    if not isinstance(error, anthropic.APIStatusError):
        why = "did not answer in time" if isinstance(error, anthropic.APITimeoutError) else "cannot be reached"
        return TemporaryError(f"{where} {why} ({type(cause or error).__name__}); see that the network lets it through")
    status = error.status_code
    said = neutral(redacted((error.api_message or "no reason given").replace(key, "[key]")))
    if status in _LATER or status >= _SERVER:
        return TemporaryError(f"{where} is busy or ill ({status}: {said})", _wait(error, clock))
    if status in _KEY:
        return PermanentError(f"{where} refuses the key ({status}: {said}); put a valid one where model.api_key says")
    if status == _UNKNOWN:
        return PermanentError(f"{where} knows no model {model!r} ({said}); name another in model")
    if status == _MONEY:
        return PermanentError(f"{where} wants to be paid first ({said}); see the account's billing")
    return PermanentError(f"{where} refuses the question ({status}: {said})")


def _wait(error: "anthropic.APIStatusError", clock: Clock) -> timedelta:
    """How long the server wants us to wait: seconds or a date, between a second and ten minutes."""
    asked = error.response.headers.get("retry-after", "").strip()
    if not asked:
        return USUAL_WAIT
    try:
        wait = timedelta(seconds=min(float(asked), LONGEST_WAIT.total_seconds()))
    except ValueError:
        wait = _until(asked, clock.now())
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def _until(date: str, now: datetime) -> timedelta:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return USUAL_WAIT
    return (then if then.tzinfo else then.replace(tzinfo=UTC)) - now
