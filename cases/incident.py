"""Incident: the trouble, as a ranking of suspects sees it."""

from dataclasses import dataclass
from datetime import datetime

from cases.anomaly import Anomaly


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What a ranking needs to know of the trouble."""

    service: str
    anomalies: tuple[Anomaly, ...]
    onset: datetime
    words: tuple[str, ...]  # label values and other text that names the symptom, most telling first
