"""Which values are never shown or put back: what a key or a text gives away as a secret."""

import itertools
import re

from remediation.values.nodes import Scalar
from remediation.values.place import Place

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_TELLING = {
    "secret", "secrets", "password", "passwords", "passwd", "passphrase", "pwd", "token", "credential", "credentials",
    "dsn", "salt", "pem", "jwt", "apikey",
}  # fmt: skip
_TELLING_PAIRS = {
    (kind, "key") for kind in ("api", "private", "access", "signing", "encryption", "secret", "master", "ssh")
}
_TEXT = re.compile(
    r"-----BEGIN |\b(?:AKIA|ASIA)[0-9A-Z]{16}|\bgh[opsur]_[0-9A-Za-z]{20}|\bgithub_pat_|\bglpat-|\bxox[abprs]-"
    r"|\bsk-[0-9A-Za-z-]{16}|\beyJ[0-9A-Za-z_-]{10,}\.|://[^/\s:@]+:[^/\s@]+@"
)


def sensitive(place: Place, *values: Scalar) -> bool:
    """Whether the place, or a text that stands or stood there, looks like a secret. When in doubt it does."""
    if place.document.startswith("Secret/"):
        return True
    if any(_telling(key) for key in place.keys if isinstance(key, str)):
        return True
    return any(isinstance(value.value, str) and _TEXT.search(value.value) for value in values)


def _telling(key: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(key)]
    return not _TELLING.isdisjoint(words) or any(pair in _TELLING_PAIRS for pair in itertools.pairwise(words))
