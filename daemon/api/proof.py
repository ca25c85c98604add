"""How a caller proves who it is: a bearer token, the HMAC of what it sent, or being on this machine."""

import hashlib
import hmac
import ipaddress
import threading
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

from cases.ports import Clock
from config.secret import Secret

KEPT_S = 5.0  # seconds: a command that prints a secret must not be started by every stranger's request
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the address of the connection ("" when there is none), and the headers, their names in lower case."""

    address: str
    headers: Mapping[str, str]

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer …`, or ""."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def password(self) -> str:
        """The password of `Authorization: Basic …`, whoever the user is, or ""."""
        scheme, _, packed = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        try:
            return b64decode(packed.strip(), validate=True).decode().partition(":")[2]
        except ValueError:  # not what Basic looks like: then nothing is proved by it
            return ""

    @property
    def is_here(self) -> bool:
        """Whether it is a program on this machine that speaks to us itself.

        Not one for which a proxy on this machine speaks, and no page in a browser, which may have been sent here by
        anybody (by a form, or by a name that was made to point here).
        """
        try:
            loopback = ipaddress.ip_address(self.address.partition("%")[0]).is_loopback
        except ValueError:
            return False
        forwarded = any(name in self.headers for name in (*FORWARDED, "origin"))
        host = self.headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return loopback and not forwarded and name.lower() in HERE


@dataclass(slots=True, kw_only=True)
class Credential:
    """A secret that callers prove that they know. It is read again after five seconds, so that a new one is seen."""

    secret: Secret
    clock: Clock
    _held: tuple[float, bytes] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def is_token(self, given: str) -> bool:
        """Whether it is the secret itself. Raises PermanentError or TemporaryError when the secret cannot be read."""
        return bool(given) and hmac.compare_digest(given.encode("utf-8", "replace"), self._revealed())

    def signed(self, body: bytes, signature: str) -> bool:
        """Whether `signature` is `sha256=` and the HMAC of the body in hexadecimal. Raises like `is_token`."""
        kind, _, given = signature.partition("=")
        if kind != "sha256" or not given:
            return False
        return hmac.compare_digest(given.strip().lower().encode("utf-8", "replace"), self.digest(body).encode())

    def digest(self, signed: bytes) -> str:
        """The HMAC-SHA256 of what is signed, in hexadecimal. Raises like `is_token`."""
        return hmac.new(self._revealed(), signed, hashlib.sha256).hexdigest()

    def _revealed(self) -> bytes:
        with self._lock:
            now = self.clock.monotonic()
            if self._held is None or now - self._held[0] > KEPT_S:
                self._held = (now, self.secret.reveal().encode())
            return self._held[1]
