"""Ranked: one suspect of a bundle with its score, and why. Whether it is convicted is for `verdict` to say."""

from dataclasses import dataclass

from detectors.ranking.mechanisms import Mechanism


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One suspect. `kind` is commit, flag, operational or service; `sure` the score without what logs say.

    able   whether it ran before the onset
    fresh  whether so shortly before that the onset may be laid to it
    company  how many other commits came with the same deploy
    """

    id: str
    kind: str
    service: str
    score: float
    evidence: tuple[str, ...]
    sure: float = 0.0
    able: bool = True
    fresh: bool = False
    company: int = 0
    mechanisms: tuple[Mechanism, ...] = ()
