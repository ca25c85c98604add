"""The alert budget: how many false alerts a service may cost in a week, and which scores are worth one.

A threshold is held for each service over all its series. It is what the service's own scores would have met the budget
with, learnt from a decayed histogram; above the highest score so far it follows the tail that the last tenth of them
shows, so that a small budget does not mean silence. All scores count as false: confirmed incidents are taken out.
Pure: arrays in, arrays out, one row a service.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.engine.pace import Floats, Singles

Places = npt.NDArray[np.intp]

CELLS = 64
WIDTH = 0.0625
"""Cells of a histogram, and their width as a natural log of the odds of a score; the first begins at -2."""

_LOWEST = -2.0
_HALF_LIFE_WEEKS = 4.0
_TAIL = 0.1
_LEAST_SEEN = 4.0
START = 0.5
"""The threshold while a service has shown nothing to go by."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spent:
    """What services have shown: counts [services, CELLS] of alertable scores and weeks [services], both decayed."""

    counts: Singles
    weeks: Singles

    @classmethod
    def nothing(cls, services: int) -> "Spent":
        """Before the first reading."""
        return cls(counts=np.zeros((services, CELLS), dtype=np.float32), weeks=np.zeros(services, dtype=np.float32))

    def after(self, service: Places, score: Floats, *, weeks: float) -> "Spent":
        """With the scores [N] of some time more, of length `weeks`, each of the service at its place.

        Scores of 0 are none, and those over 1 are 1. Raises ValueError for a time that does not pass.
        """
        if not weeks > 0:
            raise ValueError(f"{weeks} weeks are no time")
        fade = np.float32(0.5 ** (weeks / _HALF_LIFE_WEEKS))
        counts = self.counts * fade
        said = score > 0
        np.add.at(counts, (service[said], _cell(score[said])), np.float32(1))
        return Spent(counts=counts, weeks=self.weeks * fade + np.float32(weeks))

    def before(self, score: Floats, *, weeks: float) -> "Spent":
        """With the scores [N] of one more signal, of `weeks` before all of this: as often as they came in that time.

        Raises ValueError for no time.
        """
        if not weeks > 0:
            raise ValueError(f"{weeks} weeks are no time")
        known = np.where(self.weeks > 0, self.weeks, np.float32(weeks))
        seen = np.bincount(_cell(score[score > 0]), minlength=CELLS)
        counts = self.counts + np.outer(known / np.float32(weeks), seen).astype(np.float32)
        return Spent(counts=counts, weeks=known)


def thresholds(spent: Spent, budget: float) -> Floats:
    """The score [services] from which an alert is worth it, for so many false alerts for each service and week."""
    if not budget > 0:
        raise ValueError(f"a budget must be positive, got {budget}")
    allowed = budget * spent.weeks.astype(np.float64)
    above = np.cumsum(spent.counts[:, ::-1].astype(np.float64), axis=1)[:, ::-1]
    total = above[:, 0]
    edge = np.sum(above > allowed[:, None], axis=1)  # the first cell from which on the budget holds
    begin = np.sum(above > _TAIL * total[:, None], axis=1)
    cells = np.arange(CELLS)
    over = np.where(cells >= begin[:, None], spent.counts, 0.0)
    tail = np.sum(over, axis=1)
    mean = np.sum(over * (cells - begin[:, None] + 0.5), axis=1) / np.maximum(tail, 1e-9)
    short = (above[np.arange(len(total)), np.minimum(edge, CELLS - 1)] <= 0) & (allowed < 1) & (tail > 0)
    beyond = begin + mean * np.log(np.maximum(tail, 1e-9) / np.maximum(allowed, 1e-9))
    chosen: Floats = edge.astype(np.float64)
    chosen[short] = np.maximum(chosen, beyond)[short]
    return np.where(total >= _LEAST_SEEN, _score(chosen), START)


def _cell(score: Floats) -> Places:
    odds = np.log(score) - np.log1p(-np.minimum(score, 1 - 1e-12))
    cells: Places = np.clip((odds - _LOWEST) / WIDTH, 0, CELLS - 1).astype(np.intp)
    return cells


def _score(cell: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(_LOWEST + WIDTH * cell))))
