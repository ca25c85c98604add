"""How an HTTP source is reached: credentials and certificates, read where they lie at the moment they are needed.

A rotated token or a renewed certificate is seen without a restart, and whatever is wrong with one is said by the first
request, not when the source is built.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypedDict

from cases.errors import PermanentError, SourceDown
from config.access import AuthSettings, HttpSettings, TlsSettings

_ISSUER = frozenset({2, 18, 19, 20, 21, 24, 26, 27})  # unknown, self-signed, or no authority: X509_V_ERR_…
_TOO_EARLY, _TOO_LATE = 9, 10
_OTHER_NAME = frozenset({62, 64})


class ClientArguments(TypedDict):
    """What a client is given: `headers` reveals all of them, `Authorization` included, at each request."""

    headers: Callable[[], Mapping[str, str]]
    verify: ssl.SSLContext


def client_arguments(settings: HttpSettings) -> ClientArguments:
    """The headers and the certificates of a source. Nothing is read yet.

    What is given raises PermanentError or TemporaryError when a secret or a file cannot be read, and SourceDown when
    a server's certificate cannot be trusted. None shows a secret.
    """
    return ClientArguments(
        headers=_Headers(source=settings.name, auth=settings.auth, named=settings.headers),
        verify=RenewedContext(settings.name, settings.tls or TlsSettings()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headers:
    """Reveals the headers of one source, each time anew."""

    source: str
    auth: AuthSettings | None
    named: Mapping[str, Any]

    def __call__(self) -> Mapping[str, str]:
        revealed = {name: secret.reveal() for name, secret in self.named.items()}
        authorization = self._authorization()
        if authorization is None:
            return revealed
        if any(name.lower() == "authorization" for name in revealed):
            raise PermanentError(f"{self.source}: `headers` and `auth` both say Authorization; keep one of them")
        return revealed | {"Authorization": authorization}

    def _authorization(self) -> str | None:
        if self.auth is None:
            return None
        if self.auth.bearer is not None:
            return f"Bearer {self.auth.bearer.reveal()}"
        if self.auth.basic is None:
            return None
        user = self.auth.basic.username
        if ":" in user:
            raise PermanentError(f"{self.source}: auth.basic.username holds a colon, which Basic cannot carry")
        return "Basic " + b64encode(f"{user}:{self.auth.basic.password.reveal()}".encode()).decode()


class RenewedContext(ssl.SSLContext):
    """A client's context whose files are read at the first handshake, and again whenever one of them has changed.

    It is a shell: each handshake is done by a context made from the files as they are. The server's certificate and
    its name are always checked, whatever a library sets on the shell.
    """

    _source: str
    _tls: TlsSettings
    _made: tuple[tuple[object, ...], ssl.SSLContext] | None

    def __new__(cls, source: str, tls: TlsSettings) -> Self:
        """A context for the client's side. The protocol is the one thing that only `__new__` can say."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        made._source, made._tls, made._made = source, tls, None
        return made

    def __init__(self, source: str, tls: TlsSettings) -> None:
        del source, tls  # see __new__

    def wrap_socket(self, *args: Any, **named: Any) -> ssl.SSLSocket:  # noqa: ANN401 - seven parameters, handed through
        """Shake hands. Raises PermanentError for a file of ours that is no use, SourceDown for a server not trusted."""
        context = self._current()
        try:
            return context.wrap_socket(*args, **named)
        except ssl.SSLCertVerificationError as error:
            raise SourceDown(self._source, self._distrust(error, str(named.get("server_hostname")))) from None
        except ssl.SSLError as error:
            because = refusal(error.reason or "", self._tls)
            if because is None:
                raise
            raise SourceDown(self._source, because) from None

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:  # noqa: ANN401 - the same
        """The same for a proxy's tunnel, which no source has."""
        return self._current().wrap_bio(*args, **named)

    def _current(self) -> ssl.SSLContext:
        stamp = tuple(self._stamp(key, file) for key, file in _files(self._tls))
        if self._made is None or self._made[0] != stamp:
            self._made = (stamp, self._context())
        return self._made[1]

    def _stamp(self, key: str, file: str) -> object:
        """What tells a file from the one it replaces. Raises PermanentError for one that cannot be read."""
        try:
            with open(os.path.expanduser(file), "rb") as stream:  # noqa: PTH123, PTH111 - stat and open are one
                found = os.fstat(stream.fileno())
        except OSError as error:
            raise PermanentError(
                f"{self._source}: tls.{key}: {file} cannot be read ({error.strerror}); name a PEM file that "
                "trackwalker may read"
            ) from None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _context(self) -> ssl.SSLContext:
        tls = self._tls
        try:
            context = ssl.create_default_context(cafile=os.path.expanduser(tls.ca) if tls.ca else None)  # noqa: PTH111 - ssl takes text
        except (ssl.SSLError, ValueError):
            raise PermanentError(
                f"{self._source}: tls.ca: {tls.ca} holds no certificate; name the authority's certificate in PEM"
            ) from None
        if tls.cert is None:
            return context
        cert, key = (os.path.expanduser(file) for file in (tls.cert, tls.key or tls.cert))  # noqa: PTH111 - the same
        try:
            context.load_cert_chain(cert, key, password=_no_password)
        except (ssl.SSLError, ValueError, PermanentError) as error:
            mismatch = "MISMATCH" in str(getattr(error, "reason", ""))
            why = (
                "do not belong together"
                if mismatch
                else "are not a certificate and its key, in PEM, without a passphrase"
            )
            raise PermanentError(
                f"{self._source}: tls.cert and tls.key: {tls.cert} and {tls.key or tls.cert} {why}"
            ) from None
        return context

    def _distrust(self, error: ssl.SSLCertVerificationError, host: str) -> str:
        """Why the server's certificate does not do, and what would help."""
        code, authority = error.verify_code, f"the one in {self._tls.ca}" if self._tls.ca else "one of the system's"
        if code == _TOO_LATE:
            return f"the certificate of {host} has expired; renew it there"
        if code == _TOO_EARLY:
            return f"the certificate of {host} is not valid yet; compare the clocks of both machines"
        if code in _OTHER_NAME:
            return f"the certificate of {host} is for another name; put the name that it carries into `url`"
        if code in _ISSUER:
            return f"the certificate of {host} is signed by no authority that is trusted ({authority}); check tls.ca"
        return f"the certificate of {host} cannot be trusted: {error.verify_message}"


def refusal(reason: str, tls: TlsSettings | None) -> str | None:
    """What a server's TLS alert means when it is about our certificate, by OpenSSL's name for it; else None."""
    if "ALERT" not in reason or not any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")):
        return None
    alert = reason.partition("ALERT_")[2].replace("_", " ").lower()
    if tls is None or tls.cert is None:
        return f"the server wants a certificate of ours ({alert}); name one in tls.cert and tls.key"
    return f"the server refuses our certificate in {tls.cert} ({alert}); check its authority and its end"


def _files(tls: TlsSettings) -> tuple[tuple[str, str], ...]:
    named = (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key))
    return tuple((key, file) for key, file in named if file is not None)


def _no_password() -> str:
    """What is asked for with an encrypted key. Without this OpenSSL would ask at the terminal."""
    raise PermanentError("the key has a passphrase")
