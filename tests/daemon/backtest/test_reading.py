"""How a backtest reads: services that share a query share its answers, and each request is told of."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from cases.telemetry import Floats, SeriesBlock, Signal
from daemon.backtest.columns import joined
from daemon.backtest.reading import MOST_READINGS, Reader, chunks
from tests.detectors.series import MINUTE, START, at, block, signal

SERVICES = 300


class Wide:
    """One query with a series for each of many services; it refuses what is too much at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, datetime, timedelta]] = []

    @property
    def name(self) -> str:
        return "main"

    def probe(self) -> str:
        return self.name

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        assert not signal.pick
        points = (end - start) // step + 1
        assert points * SERVICES <= max(MOST_READINGS, 128 * SERVICES)
        self.asked.append((start, end, step))
        first = (start - START) // MINUTE
        values: Floats = (
            np.arange(SERVICES, dtype=np.float64)[:, None] * 10_000.0
            + first
            + np.arange(points)[None, :] * (step // MINUTE)
        )
        readings = block(values, signal, labels=tuple({"service": f"s{n}"} for n in range(SERVICES)))
        times = np.array([round((start + n * step).timestamp() * 1000) for n in range(points)], dtype=np.int64)
        return replace(readings, times=times)


def of(service: int) -> Signal:
    return replace(signal(), service=f"s{service}", pick={"service": f"s{service}"})


def test_a_family_is_read_once_for_all_its_services_and_each_gets_its_own() -> None:
    source, said = Wide(), list[str]()
    reader = Reader(source, said.append)
    for service in (0, 7, 299):
        for since, step in ((at(0), MINUTE), (at(-600), 5 * MINUTE)):
            whole = joined(of(service), list(chunks(of(service), reader.read, since, at(1500), step)))
            assert [labels["service"] for labels in whole.labels] == [f"s{service}"]
            assert whole.times.tolist() == list(
                range(
                    round(since.timestamp() * 1000),
                    round(at(1500).timestamp() * 1000) + 1,
                    round(step.total_seconds() * 1000),
                )
            )
            assert whole.values[0, -1] == service * 10_000 + 1500
            assert not whole.missing.any()
    assert len(source.asked) == len(set(source.asked)) == len(said)
    assert "shop" not in said[0]
    assert said[0] == "reading s0/errors from 2026-03-01T00:00:00Z"
    before = len(source.asked)
    reader.read(replace(of(1), query="another"), at(0), at(5), MINUTE)
    reader.read(of(1), at(0), at(5), MINUTE)
    assert len(source.asked) == before + 2  # only one query's answers are kept
