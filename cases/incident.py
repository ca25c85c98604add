"""Incident: the trouble, as a ranking of suspects sees it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.anomaly import Anomaly
from cases.logs import Trace

EVERYWHERE = 3
"""So many values of one label are in trouble at once: then none of them says where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What a ranking needs to know of the trouble.

    words   label values and other text that names the symptom, most telling first
    raised  the stack traces of errors that came with it, with the paths of the repository in their frames
    """

    service: str
    anomalies: tuple[Anomaly, ...]
    onset: datetime
    words: tuple[str, ...]
    raised: tuple[Trace, ...] = ()

    @property
    def begun(self) -> datetime:
        """By when it had begun for sure: what ran between the onset and then is a suspect still."""
        return max(self.onset, min((anomaly.begun for anomaly in self.anomalies), default=self.onset))


def telling_values(anomalies: Sequence[Anomaly]) -> list[str]:
    """The values of the labels that say where the trouble is: not those of a label that has it everywhere."""
    held: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for anomaly in anomalies:
        for name, value in anomaly.labels.items():
            held[anomaly.signal.key, name].add(value)
    return [
        value
        for anomaly in anomalies
        for name, value in sorted(anomaly.labels.items())
        if name != "__name__" and len(held[anomaly.signal.key, name]) < EVERYWHERE
    ]
