"""An arm: what the users of one variant did, kept as what every look needs and no more.

Counts, means and sums of squares and products are enough for a mean, a share, a ratio and a covariate from before the
experiment. Two arms add up, so a look reads only what came since the last one.
Source of the sums: Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample
variances"; they lose no digits where values are large and differ little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

VALUE, BASE, BEFORE = "value", "base", "before"
"""The columns an arm may have: what is measured; what it is divided by, in a ratio; the same user's value before."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """The users of one variant.

    columns  VALUE, then BASE and BEFORE where there are any
    users    how many
    means    [columns], each in its own unit
    scatter  [columns, columns], the sums of the products of the deviations from the means
    """

    columns: tuple[str, ...]
    users: int
    means: Floats
    scatter: Floats

    @classmethod
    def empty(cls, *, base: bool = False, before: bool = False) -> "Arm":
        """An arm without users."""
        columns = (VALUE, *((BASE,) if base else ()), *((BEFORE,) if before else ()))
        return cls(columns=columns, users=0, means=np.zeros(len(columns)), scatter=np.zeros((len(columns),) * 2))

    @classmethod
    def of(cls, value: Floats, *, base: Floats | None = None, before: Floats | None = None) -> "Arm":
        """One row a user; all [users]. Raises ValueError for other shapes, and for what is not finite."""
        held = [column for column in (value, base, before) if column is not None]
        if any(column.ndim != 1 or column.shape != value.shape for column in held):
            raise ValueError(f"each column has one value a user, got shapes {[column.shape for column in held]}")
        empty = cls.empty(base=base is not None, before=before is not None)
        if not value.size:
            return empty
        rows = np.stack(held).astype(np.float64)
        if not np.isfinite(rows).all():
            raise ValueError("a user's value is not finite: leave such users out, and count them")
        means = rows.mean(axis=1)
        off = rows - means[:, None]
        return cls(columns=empty.columns, users=int(value.size), means=means, scatter=off @ off.T)

    def __add__(self, other: "Arm") -> "Arm":
        """The users of both. Raises ValueError for arms with other columns."""
        if self.columns != other.columns:
            raise ValueError(f"arms of {self.columns} and of {other.columns} do not add up")
        users = self.users + other.users
        if not users:
            return self
        apart = other.means - self.means
        share = other.users / users
        scatter = self.scatter + other.scatter + np.outer(apart, apart) * (self.users * share)
        return Arm(columns=self.columns, users=users, means=self.means + apart * share, scatter=scatter)

    @property
    def document(self) -> dict[str, Any]:
        """As it is stored, in JSON."""
        return {
            "columns": list(self.columns),
            "users": self.users,
            "means": self.means.tolist(),
            "scatter": self.scatter.tolist(),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Arm":
        """What `document` was made of, to the last bit."""
        return cls(
            columns=tuple(document["columns"]),
            users=int(document["users"]),
            means=np.array(document["means"], dtype=np.float64),
            scatter=np.array(document["scatter"], dtype=np.float64),
        )

    def between(self, one: str, other: str) -> float:
        """The sample covariance of two columns; of a column with itself, its variance. Needs two users."""
        at = self.columns.index(one), self.columns.index(other)
        return float(self.scatter[at]) / (self.users - 1)

    def mean(self, column: str) -> float:
        """The mean of a column."""
        return float(self.means[self.columns.index(column)])


def winsorised(values: Floats, most: float) -> Floats:
    """Values that lie beyond `most` on either side put there: a single buyer decides nothing. Any shape."""
    return np.clip(values, -most, most)
