"""Secrets in what a change adds: a scan of the diff by our own forms and by those of detect-secrets.

Of detect-secrets only the forms that issuers document are asked, each detector by itself: its word and entropy
detectors flag ordinary code, and its settings (with their allow list in comments, which whoever wrote the change could
use) are one per process.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol, cast

_DOCUMENTED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("a private key", r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY"),
        ("an AWS key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"),
        ("a forge's token", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})"),
        ("a chat's token", r"\bxox[abeoprs]-[\w-]{10,}|hooks\.slack\.com/services/"),
        ("a model's key", r"\bsk-(?:ant-|proj-)?[\w-]{20,}"),
        ("a payment key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
        ("a Google key", r"\bAIza[\w-]{30,}"),
        ("a registry's token", r"\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{50,}|\bdckr_(?:pat|oat)_[\w-]{20,}"),
        ("a vault's token", r"\bhv[sbr]\.[\w-]{20,}"),
        ("a web token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{4,}"),
    )
)
_LIKELY: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("a password in an address", r"\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@\"']{0,200}:[^\s:/@\"']{1,200}@"),
        (
            "an assigned secret",
            r"(?i)(?:passw(?:or)?d|secret|token|api_?key|access_?key)[\"']?\s*(?:[:=]|=>|:=)\s*[\"'][^\"'\s]{6,}[\"']",
        ),
        ("a long random text", r"[\"'](?=[^\"']*\d)(?=[^\"']*[a-z])(?=[^\"']*[A-Z])[A-Za-z0-9+/_-]{32,}={0,2}[\"']"),
    )
)
_NOT_ASKED = frozenset(
    {"KeywordDetector", "Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector", "BasicAuthDetector"}
)
_LONGEST = 4_000  # characters of a line that the detectors are shown, for some of their patterns are slow


class _Detector(Protocol):
    secret_type: str

    def analyze_string(self, string: str) -> Iterator[str]: ...


def secrets_in(text: str) -> tuple[str, ...]:
    """The forms of secret that the text holds, in words; never the secret itself."""
    likely = (name for name, pattern in _LIKELY if pattern.search(text))
    return tuple(dict.fromkeys((*documented_secrets_in(text), *likely)))


def documented_secrets_in(text: str) -> tuple[str, ...]:
    """The same, of those forms alone that an issuer documents: what hardly any other text looks like."""
    ours = [name for name, pattern in _DOCUMENTED if pattern.search(text)]
    if ours:
        return tuple(ours)
    found: dict[str, None] = {}
    for line in text.split("\n"):
        for detector in _detectors():
            if next(iter(detector.analyze_string(line[:_LONGEST])), None) is not None:
                found[f"what detect-secrets knows as {detector.secret_type}"] = None
    return tuple(found)


@cache
def _detectors() -> Sequence[_Detector]:
    """Loaded with the first text: it takes a third of a second."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    classes = cast("Mapping[str, type[_Detector]]", get_mapping_from_secret_type_to_class())
    return tuple(known() for known in classes.values() if known.__name__ not in _NOT_ASKED)
