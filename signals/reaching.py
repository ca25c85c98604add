"""What reaching a server over HTTP has in common: checks of what is given, and words for what went wrong."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from cases.errors import PermanentError

_CONNECTING = {
    # TLS 1.3: what the server thinks of our certificate comes with the first answer, after the handshake
    "certificate required": "wants a certificate of ours; name one in `tls.cert` and `tls.key`",
    "alert bad certificate": "refuses our certificate, or that there is none; check `tls.cert` and `tls.key`",
    "alert unknown ca": "does not trust the authority of our certificate; check `tls.cert`",
    "alert certificate expired": "refuses our certificate: it has expired; renew `tls.cert`",
    "CERTIFICATE_VERIFY_FAILED": "shows a TLS certificate that could not be verified; check `tls.ca` and the host name",
    "SSL": "does not speak TLS as we do; is `url` meant to be http:// or https://?",
    "Connection refused": "refuses connections: is it running?",
    "Name or service not known": "has no address: is the host name right?",
    "nodename nor servname": "has no address: is the host name right?",
    "No address associated": "has no address: is the host name right?",
    "Temporary failure in name resolution": "has no address: is the host name right?",
    "Failed to resolve": "has no address: is the host name right?",
    "NameResolutionError": "has no address: is the host name right?",
    "No route to host": "cannot be reached: there is no route to it",
    "Network is unreachable": "cannot be reached: the network is down",
    "disconnected without sending": "closed the connection without an answer",
    "closed connection without response": "closed the connection without an answer",
    "peer closed connection": "broke its answer off",
    "Connection reset": "broke the connection off",
}


def why(error: Exception, where: str) -> str:
    """What a library's error means, first match first, without what it quotes."""
    text = str(error)
    meaning = next((meaning for sign, meaning in _CONNECTING.items() if sign in text), "")
    return f"{where} {meaning}" if meaning else f"{where} cannot be reached ({type(error).__name__})"


def address(url: str | bytes) -> str:
    """Scheme, host and port only: a path may carry a query, a user part a password."""
    parts = urlsplit(url if isinstance(url, str) else url.decode())
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def seconds(duration: timedelta) -> str:
    """`5 s`."""
    return f"{duration.total_seconds():g} s"


def check_url(source: str, url: str) -> None:
    """Raise PermanentError for an address that cannot be asked, or that carries a secret."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half of an IPv6 address
        sound = False
    if not sound:
        raise PermanentError(f"{source}: the url needs http:// or https://, a host name and a port that is a number")
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise PermanentError(f"{source}: the url carries a user or password: put them into `auth`")
    if parts.query or parts.fragment:
        raise PermanentError(f"{source}: the url carries a query or fragment: end it with the path")


def check_headers(source: str, headers: Mapping[str, str]) -> None:
    """Raise PermanentError for a header that a library would refuse with its value in the message."""
    for name, value in headers.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise PermanentError(f"{source}: {name!r} is no header name")
        if not value or not value.isascii() or not value.isprintable() or value != value.strip():
            # the value itself is never shown: it may be a secret
            raise PermanentError(
                f"{source}: the value of header {name} is empty, or has a line break, a space around it or a letter "
                "outside ASCII; is the secret's file or variable what you meant?"
            )
