"""What the API's failures mean: PyGithub's, requests' and our own error tree meet here and nowhere else."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from cases.errors import PermanentError, TemporaryError, TrackwalkerError
from remediation.forge.limits import is_limit, retry_after
from remediation.forge.token import ADVICE, TokenRefused

if TYPE_CHECKING:
    from github import GithubException

LONGEST_REASON = 300
MOVED = frozenset({301, 302, 307, 308})
UNKNOWN_TOKEN = 401


@contextmanager
def asking(what: str) -> Generator[None]:
    """Turn whatever the API does wrong into TemporaryError or PermanentError; `what` begins the sentence.

    Raised without the library's own error behind it: its frames hold the request's headers.
    """
    from github import BadAttributeException, GithubException
    from requests import RequestException

    from remediation.forge.bounded import Unusable

    try:
        yield
    except GithubException as error:
        raise meaning(error, what) from None
    except Unusable as error:
        raise TemporaryError(f"{what}: the forge cannot be understood: {error}") from None
    except RequestException as error:
        raise TemporaryError(f"{what}: the forge cannot be reached ({type(error).__name__})") from None
    except (json.JSONDecodeError, BadAttributeException) as error:
        raise TemporaryError(f"{what}: the answer is not GitHub's ({type(error).__name__})") from None
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        if not _of_the_library(error):
            raise
        raise TemporaryError(f"{what}: the answer is not GitHub's ({type(error).__name__})") from None
    except (AssertionError, RuntimeError) as error:
        # PyGithub's two ways of refusing to go where the forge points: to addresses, or by redirects, of another host
        if isinstance(error, RuntimeError) and "redirected" not in str(error):
            raise
        raise PermanentError(f"{what}: the forge points to another host: set forge.api_url to its own name") from None


def _of_the_library(error: BaseException) -> bool:
    """Whether it was raised in PyGithub, which takes an answer's shape for granted. Any other is a bug of ours."""
    home, trace = "", error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        home, trace = name if name in {"github", "remediation"} else home, trace.tb_next
    return home == "github"


def meaning(error: "GithubException", what: str) -> TrackwalkerError:
    """What an answer that is no success means."""
    reason = reason_of(error.data)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if is_limit(error.status, reason, headers):
        return TemporaryError(f"{what}: the forge asks to slow down ({reason})", retry_after(headers))
    if error.status == 408 or error.status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        return TemporaryError(f"{what}: the forge answered {error.status} ({reason})")
    if error.status == UNKNOWN_TOKEN:
        return TokenRefused(f"{what}: {ADVICE} ({reason})")
    if error.status in MOVED:
        return PermanentError(f"{what}: the repository moved or was renamed: set its full_name and url")
    wanted = headers.get("x-accepted-github-permissions", "contents, pull requests and issues, read and write")
    wanted = "".join(c for c in wanted if c.isprintable())[:LONGEST_REASON]
    advice = {
        403: f"the token has no permission for this: give it {wanted}",
        404: "there is no such repository, or the token may not see it: check full_name and the token",
        410: "it is gone or switched off there: switch it on, or take the repository out of the configuration",
        422: "the forge finds the request wrong",
    }.get(error.status, f"the forge answered {error.status}")
    return PermanentError(f"{what}: {advice} ({reason})")


def reason_of(answer: Any) -> str:  # noqa: ANN401 - whatever JSON the forge sent
    """The forge's own words: its message and those of its field errors, printable and short."""
    if not isinstance(answer, dict):
        return "no reason given"
    told = cast("dict[str, Any]", answer)
    words = [str(told.get("message", ""))]
    words += [_entry_reason(entry) for entry in cast("list[Any]", told.get("errors") or [])]
    text = "; ".join(word for word in words if word) or "no reason given"
    return "".join(c if c.isprintable() else "?" for c in text)[:LONGEST_REASON]


def _entry_reason(entry: Any) -> str:  # noqa: ANN401 - whatever JSON the forge sent
    """One of `errors`: GitHub sends objects or plain strings there."""
    return str(cast("dict[str, Any]", entry).get("message", "")) if isinstance(entry, dict) else str(entry)
