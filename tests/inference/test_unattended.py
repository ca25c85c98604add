"""The chance that an anomaly ends by itself: what it is worth where durations are of one kind or another."""

from collections.abc import Callable

import numpy as np
import pytest

from inference.unattended import chance_of_ending
from tests.inference.series import Floats

HOUR = 12.0  # in steps of five minutes
Rng = np.random.Generator
Draw = Callable[[Rng, int], Floats]

KINDS: dict[str, Draw] = {
    "exponential": lambda rng, count: rng.exponential(24 * HOUR, count),
    "a long tail": lambda rng, count: rng.lognormal(np.log(8 * HOUR), 1.5, count),
    "most end at once": lambda rng, count: 12 * HOUR * rng.weibull(0.5, count),
    "regular": lambda rng, count: rng.gamma(50.0, 12.5 * HOUR / 50, count),
}


def credited(draw: Draw, age: float, runs: int = 1500) -> float:
    """How often one that ended by itself after that age is taken for 1% or less, on 8 records; stamped a step early."""
    rng, hits = np.random.default_rng(11), 0
    durations = draw(rng, 400_000)
    rest = durations[durations > age][:runs] - age
    soon = np.floor(rest[rest < 6.0]) + 1.0  # later than half an hour is never credited
    for within in soon.tolist():
        hits += chance_of_ending(draw(rng, 8).tolist(), age, within) <= 0.01
    return hits / len(rest)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hours", [0.5, 2.0, 12.0])
def test_what_ends_by_itself_is_rarely_taken_for_less_likely_than_it_is(kind: str, hours: float) -> None:
    assert credited(KINDS[kind], hours * HOUR) <= 0.01


def test_the_chance_follows_the_record_and_the_age() -> None:
    scattered = [2.0, 9.0, 20.0, 31.0, 58.0]  # 24 on average
    assert chance_of_ending(scattered, 12.0, 0.0) == 0.0
    assert chance_of_ending(scattered, 12.0, 0.1) == pytest.approx(0.1 / 24, rel=0.6)
    assert chance_of_ending(scattered, 12.0, 1.0) < chance_of_ending(scattered, 12.0, 2.0)
    regular = [11.8, 11.9, 12.0, 12.1, 12.2]
    assert chance_of_ending(regular, 2.0, 0.1) < 0.01  # none ended so early
    assert chance_of_ending(regular, 11.9, 0.1) > 0.05  # it is due
    brief = [0.2, 0.3, 0.5, 0.6, 200.0]
    assert chance_of_ending(brief, 0.3, 0.1) > 10 * chance_of_ending(brief, 100.0, 0.1)
    assert chance_of_ending([1.0] * 500, 1e6, 0.1) == 1.0  # it outlasted all that is known


@pytest.mark.parametrize(
    ("record", "age", "within"), [([], 1, 1), ([1], 1, 1), ([1, 0], 1, 1), ([1, 1], 0, 1), ([1, 1], 1, -1)]
)
def test_what_makes_no_sense_is_refused(record: list[float], age: float, within: float) -> None:
    with pytest.raises(ValueError, match="two durations"):
        chance_of_ending(record, age, within)
