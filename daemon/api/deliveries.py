"""Deliveries: which messages of one sender were taken already, durable and bounded. A repeated one is known again.

They are remembered by digests of what makes each the only one of its kind, for as long as a message may be old. A forge
signs a message's body and nothing else, neither a time nor the delivery's number: there it is the body and the number.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cases.errors import TemporaryError
from cases.leases import Swap
from cases.stores import Checkpoints

FORGE = "forge:deliveries"
FORGE_KEPT = timedelta(days=3)  # GitHub lets one send a message again for as long
MOST = 2_000
TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Those of one sender and one store, whichever daemon took them.

    key   the checkpoint that holds them
    kept  how old a message may be by its own words, and how long each is known
    """

    checkpoints: Checkpoints
    key: str
    kept: timedelta

    def take(self, parts: Sequence[bytes], said: datetime, now: datetime) -> str:
        """Remember the message; "" where it is new, else why it is not taken.

        parts  each of which no other message has
        said   when it was, by its own words. TemporaryError when the store cannot be read or written.
        """
        marks = [hashlib.sha256(part).hexdigest()[:24] for part in parts]
        for _ in range(TRIES):
            before = self.checkpoints.get(self.key)
            known, floor = _read(before)
            start = max(now - self.kept, floor)
            if said <= start:
                return "it is too old"
            if any(mark in known for mark in marks):
                return "it was taken already"
            known = {mark: at for mark, at in known.items() if at > start.timestamp()}
            known |= dict.fromkeys(marks, now.timestamp())
            if len(known) > MOST:
                # what is forgotten before its time is too old from then on, or it could be sent once more
                gone = sorted(known, key=lambda mark: known[mark])[: len(known) - MOST]
                floor = max(floor, *(datetime.fromtimestamp(known.pop(mark), UTC) for mark in gone))
            blob = json.dumps({"known": known, "floor": floor.timestamp()}).encode()
            if self.checkpoints.swap(Swap(key=self.key, before=before, after=blob), now):
                return ""
        raise TemporaryError("other daemons keep storing messages at the same moment")

    def has(self, part: bytes, said: datetime) -> bool:
        """Whether a message with this part was taken, or may have been: it is older than all that is known."""
        known, floor = _read(self.checkpoints.get(self.key))
        return said <= floor or hashlib.sha256(part).hexdigest()[:24] in known


def _read(blob: bytes | None) -> tuple[dict[str, float], datetime]:
    if blob is None:
        return {}, datetime.fromtimestamp(0, UTC)
    held: dict[str, Any] = json.loads(blob)
    return held["known"], datetime.fromtimestamp(held["floor"], UTC)
