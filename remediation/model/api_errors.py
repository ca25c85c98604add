"""What an error of Anthropic's SDK means."""

from typing import TYPE_CHECKING

from cases.ports import Clock
from remediation.model.refusals import Refusal, meaning_of, unreached

if TYPE_CHECKING:
    import anthropic


def meaning(error: "anthropic.APIError", model: str, where: str, key: str, clock: Clock) -> Exception:
    """Our error for one of the SDK's.

    The SDK wraps whatever it does not know: what the purse raised on purpose, and what is a bug, come out as they were.
    """
    import anthropic
    import httpx2

    cause = error.__cause__
    if isinstance(cause, Exception) and not isinstance(cause, httpx2.HTTPError):
        return cause
    if not isinstance(error, anthropic.APIStatusError):
        return unreached(where, cause or error, late=isinstance(error, anthropic.APITimeoutError))
    asked = error.response.headers.get("retry-after", "")
    refusal = Refusal(status=error.status_code, said=error.api_message or "", retry_after=asked)
    return meaning_of(refusal, model, where, key, clock)
