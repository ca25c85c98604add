"""The chain of hashes: each line of the audit is sealed over its content and the hash of the line before it.

`hash = sha256(hash of the line before + canonical JSON of the line)`. Who changes a line would have to compute every
later hash anew, and those that were anchored outside the database would give that away.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

_KEPT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")

START = ""  # what the first line follows
BEFORE_THE_CHAIN = "audit.sealed"  # the action of the line that seals those from before lines had hashes


class Link(NamedTuple):
    """A line of the audit as the chain takes it: times and details as the text that is hashed."""

    seq: int
    at: str
    actor: str
    action: str
    case: str | None
    parent: int | None
    detail: str


def sealed(previous: str, link: Link) -> str:
    """The hash of a line that follows the one with the hash `previous`."""
    return hashlib.sha256((previous + canonical(link._asdict())).encode("utf-8", "replace")).hexdigest()


def canonical(document: Mapping[str, object]) -> str:
    """JSON that is always the same text for the same content."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)


def packed(detail: Mapping[str, str]) -> str:
    """A line's details as they are stored: plain ASCII, whatever they hold."""
    return json.dumps(dict(detail), sort_keys=True)


def stamp(at: object) -> str:
    """A moment as it is hashed; what is none as SQLite keeps them (somebody wrote into the database) as it is."""
    if isinstance(at, str) and _KEPT.fullmatch(at):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return str(at)
    if not isinstance(at, datetime):
        return str(at)
    # a moment without a zone is SQLite's, which keeps UTC without saying so
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")


def digest(**columns: object) -> str:
    """What a line of the audit says of a row elsewhere: a hash over its columns by name."""
    plain = {name: stamp(value) if isinstance(value, datetime) else value for name, value in columns.items()}
    return hashlib.sha256(canonical(plain).encode("utf-8", "replace")).hexdigest()
