"""Troubles that outlast their case: a human heard of each when its case ended, so that it is no news while it goes on.

What was out of range at the last look is one checkpoint that all daemons on a store share: a restart opens nothing
anew, and neither does a look that began before another daemon's and ended after it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.case import Case
from cases.leases import Swap
from cases.stores import Checkpoints

OUT = "out-of-range"  # the checkpoint: see `_name` → [its signal, when it was last out of range]
KEPT = timedelta(hours=1)
"""How long a trouble counts as going on while its signal cannot be judged. What is seen after a longer gap is news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What was out of range at the last look, as another look found it when it began."""

    stored: bytes | None
    before: dict[str, tuple[str, datetime]]

    @classmethod
    def of(cls, checkpoints: Checkpoints) -> "Lasting":
        """Read it."""
        stored = checkpoints.get(OUT)
        return cls(stored=stored, before=_read(stored))

    @property
    def fingerprints(self) -> frozenset[str]:
        """The troubles that were going on at the last look."""
        return frozenset(name.partition("-")[0] for name in self.before)

    def knows(self, anomaly: Anomaly) -> bool:
        """Whether it was going on at the last look."""
        return _name(anomaly) in self.before

    def news(self, anomalies: Iterable[Anomaly], ended: Iterable[Case]) -> list[Anomaly]:
        """Leave out the troubles of cases that ended.

        A trouble is a case's when it began before the case's end: also where another daemon's look has overtaken this
        one. What goes on for longer than a look reads back has lost its beginning: then it is a case's when it was
        there at the last look as well.
        """
        ends: dict[str, datetime] = {}
        for case in ended:
            for had in case.anomalies:
                ends[had.fingerprint] = max(case.history[-1].at, ends.get(had.fingerprint, case.history[-1].at))
        return [
            anomaly
            for anomaly in anomalies
            if anomaly.fingerprint not in ends
            or (_name(anomaly) not in self.before and anomaly.onset > ends[anomaly.fingerprint])
        ]

    def keep(
        self, checkpoints: Checkpoints, anomalies: Sequence[Anomaly], judged: Iterable[str], now: datetime
    ) -> None:
        """Store what is out of range now; what belongs to signals that could not be `judged` stays as it was.

        For when the look's cases are open: a daemon that dies before finds its troubles new, not known. Where another
        look has stored what it saw since this one began, that stands.
        """
        seen = frozenset(judged)
        out = {name: had for name, had in self.before.items() if had[0] not in seen and now - had[1] <= KEPT}
        out |= {_name(anomaly): (anomaly.signal.key, now) for anomaly in anomalies}
        if out.keys() != self.before.keys() or any(now - at > KEPT / 4 for _, at in self.before.values()):
            document = {name: [signal, at.isoformat()] for name, (signal, at) in sorted(out.items())}
            checkpoints.swap(Swap(key=OUT, before=self.stored, after=json.dumps(document).encode()), now)


def _name(anomaly: Anomaly) -> str:
    """What becomes more urgent is another trouble: an outage is news while a budget still remembers the last one."""
    return f"{anomaly.fingerprint}-{anomaly.signal.severity}"


def _read(stored: bytes | None) -> dict[str, tuple[str, datetime]]:
    document: dict[str, tuple[str, str]] = json.loads(stored) if stored else {}
    return {name: (signal, datetime.fromisoformat(at)) for name, (signal, at) in document.items()}
