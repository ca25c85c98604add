"""Settings of the running daemon: where people look, where it is reached, and how its work is spread."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from config.fields import Duration, HostPort, SecretRef, Url, lasting
from config.section import Section


class LinksSettings(Section):
    """Where people look for themselves."""

    grafana: Url | None = None
    """The Grafana that messages link to."""

    prometheus: Url | None = None
    """The Prometheus as browsers reach it, for links; `signals` has it as the daemon reaches it."""


class ApiSettings(Section):
    """The daemon's own HTTP side: health, metrics, dashboard."""

    listen: HostPort = "127.0.0.1:8040"
    """host:port to listen on; port 0 takes a free one."""

    token: SecretRef | None = None
    """What callers prove themselves with, as a bearer token, for all but /healthz, /readyz and webhooks that have a
    secret of their own. None: this machine only; an address that others can reach needs one."""

    public_url: Url | None = None
    """How browsers reach it, for links to a case's page in pull requests and notices; behind https its cookie is kept
    to it. None: no such links."""

    requests_per_minute: Annotated[int, Field(ge=60, le=60_000)] = 600
    """How many requests one address may send; beyond that it is answered 429, with when to ask again. /healthz, /readyz
    and webhooks are not counted. Ten wrong tokens a minute are refused so too, whatever is said here."""

    def case_page(self, case_id: str) -> str:
        """The address of a case's page; "" for no case, or where browsers do not reach it."""
        return f"{self.public_url.rstrip('/')}/cases/{case_id}" if self.public_url and case_id else ""


class RuntimeSettings(Section):
    """How work is spread."""

    executor: Literal["inline", "threads"] = "threads"
    """threads: one slow trial holds up no other case. inline: one thing after the other, for debugging."""

    lease: Annotated[Duration, lasting(timedelta(seconds=1))] = timedelta(seconds=30)
    """How long a daemon may be silent before another one on the same store takes its cases over. Its own restart takes
    them back at once."""
