"""Incident: the trouble, as a ranking of suspects sees it."""

from dataclasses import dataclass
from datetime import datetime

from cases.anomaly import Anomaly
from cases.logs import Trace


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
