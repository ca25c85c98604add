"""From the JSON of a Prometheus range answer to columns. Nothing in it is trusted to have the right shape."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from cases.telemetry import Floats, Millis, SeriesBlock, Signal

_MILLIS = 1000
_INFORMATION = "PromQL info:"  # some versions send remarks on style among the warnings: they hide nothing


class Misshapen(ValueError):  # noqa: N818 - a state of the answer
    """The answer is not what the API promises; the message says what is wrong with it."""


class Histograms(ValueError):  # noqa: N818 - the same
    """The query gives native histograms, which have no single value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The checked outside of one API answer: its data, and what the source says is missing from it."""

    kind: str
    series: Sequence[object]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Columns:
    """Collects the answers of one read, chunk by chunk, on one grid.

    A sample that is NaN is missing (0/0: there was no traffic), and so is an infinite one (x/0): neither is a
    measurement. Series come out ordered by their labels, whatever order the source has them in.
    """

    signal: Signal
    times: Millis
    rows: dict[tuple[tuple[str, str], ...], Floats] = field(
        default_factory=dict[tuple[tuple[str, str], ...], Floats],
    )
    warnings: list[str] = field(default_factory=list[str])

    def add(self, answer: Answer) -> None:
        """Put the samples of one answer in their places. Raises Misshapen, or Histograms."""
        if answer.kind != "matrix":
            raise Misshapen(f"an answer of type {answer.kind[:40]!r} where a matrix was asked for")
        self.warnings += [w for w in answer.warnings if w not in self.warnings and not w.startswith(_INFORMATION)]
        seen: set[tuple[tuple[str, str], ...]] = set()
        for series in answer.series:
            labels, samples = _series(series)
            key = tuple(sorted(labels.items()))
            if key in seen:
                raise Misshapen("the same series twice in one answer")
            seen.add(key)
            row = self.rows.setdefault(key, np.full(len(self.times), np.nan))
            row[self._places(samples)] = _readings(samples)

    def block(self) -> SeriesBlock:
        """Everything that was added."""
        keys = sorted(self.rows)
        values = np.array([self.rows[key] for key in keys], dtype=np.float64).reshape(len(keys), len(self.times))
        values[~np.isfinite(values)] = np.nan
        return SeriesBlock(
            signal=self.signal,
            labels=tuple(dict(key) for key in keys),
            times=self.times,
            values=values,
            missing=np.isnan(values),
            partial="; ".join(self.warnings),
        )

    def _places(self, samples: Sequence[tuple[float, str]]) -> Millis:
        """Where on the grid the samples belong."""
        at = np.array([round(time * _MILLIS) for time, _ in samples], dtype=np.int64)
        places = np.searchsorted(self.times, at).astype(np.int64)
        if len(self.times) == 0 or bool(np.any(self.times[np.minimum(places, len(self.times) - 1)] != at)):
            raise Misshapen("samples at other times than were asked for")
        return places


def _series(series: object) -> tuple[Mapping[str, str], Sequence[tuple[float, str]]]:
    if not isinstance(series, dict):
        raise Misshapen("a series that is not an object")
    fields = cast("dict[str, object]", series)
    if "histograms" in fields:
        raise Histograms
    labels, samples = fields.get("metric"), fields.get("values")
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in cast("dict[str, object]", labels).values()):
        raise Misshapen("a series without labels")
    if not isinstance(samples, list) or not all(_is_sample(sample) for sample in cast("list[object]", samples)):
        raise Misshapen("a sample that is not [time, text]")
    return cast("dict[str, str]", labels), cast("list[tuple[float, str]]", samples)


def _is_sample(sample: object) -> bool:
    match sample:
        case [int() | float() as time, str()]:
            return math.isfinite(time)
        case _:
            return False


def _readings(samples: Sequence[tuple[float, str]]) -> Floats:
    try:
        return np.array([float(text) for _, text in samples], dtype=np.float64)
    except ValueError:
        raise Misshapen("a sample that is not a number") from None
