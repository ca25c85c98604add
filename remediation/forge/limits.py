"""What an answer says of rate limits. GitHub says 403 to that as well as to a lack of permission.

Limits: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_WAIT = timedelta(hours=1)
USUAL_WAIT = timedelta(minutes=1)  # what GitHub asks for when a rate limit names no time
LIMITED = frozenset({403, 429})


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """How long a rate limit asks to wait, by its headers (lower-case names). Never over LONGEST_WAIT."""
    wait = USUAL_WAIT
    if headers.get("retry-after", "").isdigit():
        wait = timedelta(seconds=int(headers["retry-after"]))
    elif headers.get("x-ratelimit-reset", "").isdigit() and "date" in headers:
        # both are the forge's own clock, so that ours need not be right
        wait = timedelta(seconds=int(headers["x-ratelimit-reset"]) - parsedate_to_datetime(headers["date"]).timestamp())
    return min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)


def is_limit(status: int, reason: str, headers: Mapping[str, Any]) -> bool:
    """Whether an answer is a rate limit: GitHub says 403 to that too. `reason` is its text; headers in lower case."""
    if status not in LIMITED:
        return False
    said = "rate limit" in reason.lower() or "abuse" in reason.lower()
    return said or "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
