"""Intervals against tables of the field: Garwood's for a Poisson mean, Clopper and Pearson's for a share."""

import pytest

from daemon.backtest.counting import rate_range, share_range


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (100, 81.36, 121.63)]
)
def test_a_rate(count: int, low: float, high: float) -> None:
    assert rate_range(count, 1.0) == pytest.approx((low, high), rel=1e-3, abs=1e-9)
    assert rate_range(count, 0.25) == pytest.approx((4 * low, 4 * high), rel=1e-3, abs=1e-9)


def test_no_exposure_is_no_rate() -> None:
    with pytest.raises(ValueError, match="no exposure"):
        rate_range(3, 0.0)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.3085), (10, 10, 0.6915, 1), (1, 2, 0.0126, 0.9874), (8, 10, 0.4439, 0.9748)],
)
def test_a_share(hits: int, of: int, low: float, high: float) -> None:
    assert share_range(hits, of) == pytest.approx((low, high), rel=1e-2, abs=1e-9)
