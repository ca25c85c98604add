"""Calibration: what a stated confidence is worth by the outcomes that came after figures like it. Pure numpy.

With few outcomes a figure is moved by how many more or fewer of them were right than their own figures said (of like
figures that is a beta-binomial whose prior is the figure); with many, it is pulled to how many were right of those with
about the same figure (isotonic regression: pool adjacent violators; Ayer et al. 1955, Zadrozny and Elkan 2002).
`brier` and `expected_error` measure what that gives.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Figures = npt.NDArray[np.float64]

STRENGTH = 8.0
"""How many outcomes a prior is worth."""
MANY = 30.0
"""Outcomes from which on those with about the same figure are looked at alone."""
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Figures that were stated, and what came of them: all [N]. `right` is 0 or 1, `weight` in (0, 1]."""

    raw: Figures
    right: Figures
    weight: Figures

    def __post_init__(self) -> None:
        if not self.raw.shape == self.right.shape == self.weight.shape or self.raw.ndim != 1:
            raise ValueError(f"outcomes of {self.raw.shape}, {self.right.shape} and {self.weight.shape}")

    @property
    def n(self) -> float:
        """How many, those in doubt in part."""
        return float(self.weight.sum())

    @property
    def hits(self) -> float:
        """How many of them were right."""
        return float((self.right * self.weight).sum())


def outcomes(triples: list[tuple[float, bool, float]]) -> Outcomes:
    """Outcomes of (raw, right, weight)."""
    columns = np.array(triples, dtype=np.float64).reshape(-1, 3)
    return Outcomes(raw=columns[:, 0], right=columns[:, 1], weight=columns[:, 2])


def pulled(figure: float, raw: float, known: Outcomes) -> float:
    """The figure after these outcomes, in [0, 1]. It is what `raw` has come to so far, by those that are less like."""
    if not len(known.raw):
        return figure
    if known.n < MANY:
        said = float((np.clip(known.raw + figure - raw, 0.0, 1.0) * known.weight).sum())
        return min(1.0, max(0.0, figure + (known.hits - said) / (STRENGTH + known.n)))
    hits, n = _about(raw, known)
    return (STRENGTH * figure + hits) / (STRENGTH + n)


def _about(raw: float, known: Outcomes) -> tuple[float, float]:
    """Of the outcomes that isotonic regression pools around a raw figure: those that were right, and all."""
    order = np.argsort(known.raw, kind="stable")
    blocks: list[tuple[float, float, float]] = []  # where it ends, right, n
    for at in order:
        blocks.append((float(known.raw[at]), float(known.right[at] * known.weight[at]), float(known.weight[at])))
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]:
            (_, hits, n), (end, more, m) = blocks[-2], blocks[-1]
            blocks[-2:] = [(end, hits + more, n + m)]
    for end, hits, n in blocks:
        if raw <= end:
            return hits, n
    return blocks[-1][1], blocks[-1][2]


def brier(stated: Figures, right: Figures) -> float:
    """The mean squared distance between what was stated and what came: 0 is perfect, 0.25 a coin."""
    return float(np.mean((stated - right) ** 2))


def expected_error(stated: Figures, right: Figures) -> float:
    """The expected calibration error: how far the stated and the true share lie apart, over ten bins by size."""
    place = np.minimum((stated * BINS).astype(np.intp), BINS - 1)
    gaps = [
        abs(float(stated[place == each].mean()) - float(right[place == each].mean())) * int((place == each).sum())
        for each in np.unique(place)
    ]
    return sum(gaps) / len(stated)
