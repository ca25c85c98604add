"""A daemon for hours of its life, with an outside that floods it: memory stays where it is, and nothing is left."""

from pathlib import Path

import numpy as np
import pytest

from tests.faults.soak.run import soak
from tests.faults.soak.samples import Sample, outcome


def samples(rss: list[float], files: list[int]) -> list[Sample]:
    """One every five seconds."""
    return [
        Sample(
            seconds=5.0 * number, rss=megabytes, children=0.0, files=held, sockets=5, threads=13, containers=0,
            ledger=1.0, cases=9, closed=9, turns=number, errors=0, tracebacks=0,
        )
        for number, (megabytes, held) in enumerate(zip(rss, files, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("an_hour", "files", "peak", "left", "broken"),
    [
        (0, 0, 0, 0, []),
        (8, 5, 10, 0, []),
        (30, 0, 0, 0, ["memory"]),
        (-30, 0, 0, 0, []),
        (0, 60, 0, 0, ["no open file"]),
        (0, 0, 80, 0, ["RSS"]),
        (0, 0, 0, 1, ["no container"]),
    ],
)
def test_what_grows_or_is_left_is_named(an_hour: float, files: int, peak: float, left: int, broken: list[str]) -> None:
    hours = np.arange(720) / 720
    noise = np.random.default_rng(1).normal(0, 3, 720)
    rss = 150 + an_hour * hours + noise
    rss[100] += peak
    seen = samples([float(one) for one in rss], [30 + round(files * hour) for hour in hours])
    found = outcome(seen, left).broken
    assert [True] * len(broken) == [line.startswith(word) for line, word in zip(found, broken, strict=True)]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_five_hours_of_a_daemons_life(tmp_path: Path) -> None:
    found, _, world = soak(tmp_path, minutes=3, speed=100, every=12)
    assert found.broken == (), f"{found.table()}\n{(tmp_path / 'log').read_text()[-5000:]}"
    assert found.closed >= 3
    assert {"200 MB", "gzip bomb", "stall", "503", "200 MB of the forge"} <= set(world.telemetry.did)
    assert world.people.did["merged"] >= 3
    assert world.asked, "the model was never asked"
