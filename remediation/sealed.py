"""Our part of a pull request's body, under a seal: what people write around it stays, what they change in it is theirs.

The seal is the hidden comment at its end, with a digest of the text before it. Where the text begins is not marked: it
is the line from which the digest fits.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cases.redaction import redacted

_SEAL = re.compile(r"^<!-- trackwalker:(\{[^\n]*\}) -->$", re.MULTILINE)
FIRST = "1. "  # how our part begins
TEXT = "text"  # under which name the seal has the digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A body taken apart: what stands before our part, our part with its seal, and what stands after it."""

    before: str
    ours: str
    after: str


def seal(text: str, names: Mapping[str, str | int]) -> str:
    """The text with its seal. Secrets are taken out here: what is written later must fit the digest."""
    clean = redacted(text).rstrip("\n")
    return f"{clean}\n<!-- trackwalker:{json.dumps({**names, TEXT: _digest(clean)})} -->"


def opened(body: str) -> Sealed | None:
    """The body taken apart; None where the seal is gone, or does not fit: then somebody edited our part."""
    whole = body.replace("\r\n", "\n")  # a browser sends it so, whoever wrote it
    for found in _SEAL.finditer(whole):
        wanted = _said(found[1])
        ahead = whole[: found.start()]
        starts = [0, *(at + 1 for at, character in enumerate(ahead) if character == "\n")]
        for start in starts:
            if ahead.startswith(FIRST, start) and _digest(ahead[start:].rstrip("\n")) == wanted:
                return Sealed(before=whole[:start], ours=whole[start : found.end()], after=whole[found.end() :])
    return None


def _said(text: str) -> str:
    try:
        return str(json.loads(text).get(TEXT, ""))
    except ValueError:
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
