"""Finding: one line of what `trackwalker audit verify` prints."""

from dataclasses import dataclass

from daemon.ledger.anchor import Anchored

RESTORE = "compare it with a backup, and find out who can write to the store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that should not be so.

    invariant  which one: `chain` (the audit itself), `rows` (what it tells of), `I1` to `I8`
    row        where: a table and its key, a branch, a container
    advice     what to do about it
    """

    invariant: str
    row: str
    what: str
    advice: str = RESTORE


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSays:
    """What one anchor file said, in its own order."""

    file: str
    anchored: tuple[Anchored, ...]
