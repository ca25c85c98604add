"""The daemon's own doors: can the secrets be read that callers prove themselves with, and do links lead here."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from config.secret import Secret
from config.settings import Settings
from daemon.preflight.deploys import is_here
from daemon.preflight.finding import Finding, asked, fine, warned

TIMEOUT_S = 5.0
LONGEST = 4_096  # bytes of an answer that are looked at
WHAT = "links lead to this daemon"


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at each secret, then ask the public address."""
    for key, secret in _secrets(settings):
        yield asked("api", f"{key} can be read", partial(_readable, secret))
    if settings.forge.webhook_secret is None:
        how = "everything is seen by polling. To be told at once, set forge.webhook_secret, and the same at the forge"
        yield fine("api", "the forge's webhooks are taken", f"no: {how} (POST /webhooks/github)")
    if settings.api.public_url is not None:
        yield from _public(settings.api.public_url, settings)


def _secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """Those that somebody proves themselves with, by their keys. The markers of deploys name their own."""
    named = {
        "api.token": settings.api.token,
        "forge.webhook_secret": settings.forge.webhook_secret,
        "alerts.alertmanager.secret": settings.alerts.alertmanager.secret,
        **{f"the token of {decider.name}": decider.token for decider in settings.approvals.deciders},
    }
    yield from ((key, secret) for key, secret in named.items() if secret is not None)


def _readable(secret: Secret) -> str:
    secret.reveal()
    return "it is there"


def _public(url: str, settings: Settings) -> Iterator[Finding]:
    """A daemon may be started later than it is checked: what is wrong here is a warning."""
    if settings.api.token is None:
        why = "api.token is not set, so nobody but this machine sees a page that a link leads to; set it"
        yield warned("api.public_url", "people may look", why)
    if urlsplit(url).scheme != "https" and not is_here(f"{urlsplit(url).hostname}:0"):
        yield warned(
            "api.public_url", "a token is safe on its way", "it is http, which anybody on the way reads; use https"
        )
    said = _asked(f"{url.rstrip('/')}/healthz")
    if said:
        yield warned(
            "api.public_url", WHAT, f"{said}; start the daemon, or correct api.public_url or the proxy before it"
        )
    else:
        yield fine("api.public_url", WHAT, f"{url} answers as a daemon does")


def _asked(url: str) -> str:
    """What is wrong with what answers there; "" for nothing."""
    import httpx

    try:
        with httpx.stream("GET", url, timeout=TIMEOUT_S, follow_redirects=False) as answer:
            status = answer.status_code
            beginning = next(answer.iter_bytes(LONGEST), b"")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{url} does not answer ({type(error).__name__})"
    try:
        document: object = json.loads(beginning)
    except ValueError:
        document = None
    ours = isinstance(document, dict) and isinstance(cast("dict[str, Any]", document).get("ok"), bool)
    return "" if ours else f"{url} answers {status}, and not as a daemon does"
