"""Which tests come and go, kept in the ledger: whichever daemon finds out, all of one store know."""

import json
from collections.abc import Collection
from datetime import datetime

from cases.leases import Swap
from cases.ports import Clock
from cases.stores import Checkpoints
from remediation.quarantine import Sighting, Sightings, known, seen

PREFIX = "flaky/"
"""The checkpoint of a repository is `flaky/NAME`."""
TRIES = 5  # two daemons that write at once


class LedgerQuarantine:
    """The port `Quarantine` on the ledger's checkpoints."""

    def __init__(self, checkpoints: Checkpoints, clock: Clock) -> None:
        self._checkpoints = checkpoints
        self._clock = clock

    def known(self, repository: str) -> frozenset[str]:
        """Those that nothing may rest on now."""
        return known(_read(self._checkpoints.get(PREFIX + repository)), self._clock.now())

    def seen(self, repository: str, flaky: Collection[str]) -> None:
        """These differed between runs of one tree just now. None: nothing is written."""
        key, now = PREFIX + repository, self._clock.now()
        for _ in range(TRIES if flaky else 0):
            before = self._checkpoints.get(key)
            after = _written(seen(_read(before), flaky, now))
            if self._checkpoints.swap(Swap(key=key, before=before, after=after), now):
                return


def _written(sightings: Sightings) -> bytes:
    rows = {test: [round(one.weight, 4), one.at.isoformat()] for test, one in sightings.items()}
    return json.dumps(rows).encode()


def _read(blob: bytes | None) -> Sightings:
    if blob is None:
        return {}
    rows: dict[str, tuple[float, str]] = json.loads(blob)
    return {test: Sighting(weight=weight, at=datetime.fromisoformat(at)) for test, (weight, at) in rows.items()}
