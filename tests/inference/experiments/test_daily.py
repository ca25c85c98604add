"""Boundaries against published ones, and against walks that go nowhere."""

import math

import numpy as np
import pytest

from inference.experiments.daily import boundaries, spent


@pytest.mark.parametrize(
    ("shares", "published"),
    [
        ([1.0], [1.960]),
        ([0.5, 1.0], [2.963, 1.969]),
        ([0.2, 0.4, 0.6, 0.8, 1.0], [4.877, 3.357, 2.680, 2.290, 2.031]),  # Jennison and Turnbull (2000), as Lan-DeMets
    ],
)
def test_they_are_those_of_textbooks(shares: list[float], published: list[float]) -> None:
    assert boundaries(shares, 0.05) == pytest.approx(published, abs=1e-3)


def test_a_walk_that_goes_nowhere_crosses_as_often_as_was_allowed() -> None:
    rng = np.random.default_rng(1)
    shares = [*np.sort(rng.random(27)).tolist(), 1.0]
    steps = rng.normal(size=(40_000, 28)) * np.sqrt(np.diff([0.0, *shares]))
    off = np.abs(steps.cumsum(axis=1)) / np.sqrt(shares)
    crossed = (off > np.array(boundaries(shares, 0.05))).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 40_000))


def test_nothing_is_left_beyond_the_plan() -> None:
    assert spent(0.0, 0.05) == 0
    assert spent(1.0, 0.05) == pytest.approx(0.05)
    assert spent(3.0, 0.05) == pytest.approx(0.05)
    early, end, late = boundaries([0.01, 1.0, 1.5], 0.05)
    assert early == math.inf
    assert end == pytest.approx(1.96, abs=1e-3)
    assert late == math.inf


@pytest.mark.parametrize(("shares", "alpha"), [([0.5, 0.5], 0.05), ([0.0], 0.05), ([0.5], 0.0), ([0.5], 1.0)])
def test_what_are_no_looks_is_refused(shares: list[float], alpha: float) -> None:
    with pytest.raises(ValueError, match="shares grow"):
        boundaries(shares, alpha)
