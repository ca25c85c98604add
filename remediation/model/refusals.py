"""What a model server's refusals mean: later, never, or not with this key."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cases.errors import NoAnswer, PermanentError, TemporaryError
from cases.ports import Clock
from cases.redaction import redacted
from remediation.neutral import neutral

LONGEST_WAIT = timedelta(minutes=10)
SHORTEST_WAIT = timedelta(seconds=1)
USUAL_WAIT = timedelta(seconds=30)
NO_KEY = "none"
"""What is sent in place of a key where there is none."""

_LATER = frozenset({408, 409, 425, 429, 529})
_REDIRECTS = range(300, 400)
_SERVER = 500
_KEY = frozenset({401, 403})
_UNKNOWN = 404
_MONEY = 402
_UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An HTTP refusal. `code` is the API's own word for it, `retry_after` the header of that name; "" for none."""

    status: int
    said: str
    code: str = ""
    retry_after: str = ""


def meaning_of(refusal: Refusal, model: str, where: str, key: str, clock: Clock) -> Exception:
    """Our error for a refusal. What the server said is shown without the key, which some servers repeat."""
    status, code = refusal.status, refusal.code
    said = refusal.said or "no reason given"
    said = neutral(redacted(said.replace(key, "[key]") if key != NO_KEY else said))
    if code in _UNPAID or status == _MONEY:
        return PermanentError(f"{where} wants to be paid first ({said}); see the account's billing")
    if code in _TOO_LONG:
        return NoAnswer("the question is longer than the model reads; name a model with a larger context window")
    if status in _LATER or status >= _SERVER:
        return TemporaryError(f"{where} is busy or ill ({status}: {said})", wait(refusal.retry_after, clock))
    if status in _KEY:
        return PermanentError(f"{where} refuses the key ({status}: {said}); put a valid one where model.api_key says")
    if status == _UNKNOWN:
        return PermanentError(f"{where} knows no model {model!r} ({said}); name another in model")
    if status in _REDIRECTS:
        return PermanentError(f"{where} sends us elsewhere ({status}: {said}); write the address it means as base_url")
    return PermanentError(f"{where} refuses the question ({status}: {said})")


def unreached(where: str, error: BaseException, *, late: bool) -> TemporaryError:
    """Our error for a server that could not be reached, or did not answer in time."""
    why = "did not answer in time" if late else "cannot be reached"
    return TemporaryError(f"{where} {why} ({type(error).__name__}); see that the network lets it through")


def wait(asked: str, clock: Clock) -> timedelta:
    """How long the server wants us to wait: seconds or a date, between a second and ten minutes."""
    if not asked.strip():
        return USUAL_WAIT
    try:
        seconds = timedelta(seconds=min(float(asked), LONGEST_WAIT.total_seconds()))
    except ValueError:
        seconds = _until(asked.strip(), clock.now())
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _until(date: str, now: datetime) -> timedelta:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return USUAL_WAIT
    return (then if then.tzinfo else then.replace(tzinfo=UTC)) - now
