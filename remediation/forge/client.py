"""A PyGithub client as this house uses it: bounded in time and size, and nothing but reads repeated by itself."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from github import Github
    from github.Auth import Auth

REQUEST_LIMIT = timedelta(seconds=20)
READ_RETRIES = 2
PAGE = 100
NO_TIME = timedelta(0)


def client_of(api_url: str, auth: "Auth", write_spacing: timedelta = NO_TIME) -> "Github":
    """A client of the API at `api_url`. `write_spacing` is the least time between two writes of one thread."""
    from github import Github
    from urllib3 import Retry

    from remediation.forge.bounded import bound_every_answer

    retry = Retry(
        total=READ_RETRIES,
        allowed_methods={"GET", "HEAD"},
        status_forcelist={500, 502, 503, 504},
        backoff_factor=0.2,
        raise_on_status=False,
        respect_retry_after_header=False,  # a rate limit is the cycle's to wait for, not this thread's
    )
    bound_every_answer()
    return Github(
        auth=auth,
        base_url=api_url,
        timeout=int(REQUEST_LIMIT.total_seconds()),
        per_page=PAGE,
        retry=retry,
        seconds_between_requests=None,
        seconds_between_writes=write_spacing.total_seconds(),
    )
