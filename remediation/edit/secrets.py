"""Secrets in what a change adds: a scan of the diff, tuned to say little and to miss no common form."""

import re

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("a private key", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY"),
        ("an AWS key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("a forge's token", r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})"),
        ("a chat's token", r"\bxox[abeoprs]-[\w-]{10,}|hooks\.slack\.com/services/"),
        ("a model's key", r"\bsk-(?:ant-|proj-)?[\w-]{20,}"),
        ("a payment key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
        ("a Google key", r"\bAIza[\w-]{30,}"),
        ("a web token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{4,}"),
        ("a password in an address", r"\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@\"']{1,200}:[^\s:/@\"']{1,200}@"),
        (
            "an assigned secret",
            r"(?i)(?:passw(?:or)?d|secret|token|api_?key|access_?key)[\"']?\s*(?:[:=]|=>|:=)\s*[\"'][^\"'\s]{6,}[\"']",
        ),
        ("a long random text", r"[\"'](?=[^\"']*\d)(?=[^\"']*[a-z])(?=[^\"']*[A-Z])[A-Za-z0-9+/_-]{32,}={0,2}[\"']"),
    )
)


def secrets_in(text: str) -> tuple[str, ...]:
    """The forms of secret that the text holds, in words; never the secret itself."""
    return tuple(name for name, pattern in _FORMS if pattern.search(text))
