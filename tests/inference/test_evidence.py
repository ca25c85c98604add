"""The one formula, against its own definition and at the edges of floating point."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from inference.evidence import LARGEST, evidence, interval, log_evidence

SIZES = st.floats(min_value=1e-6, max_value=1e6)


def mixture(estimate: float, se: float, tau: float, *, one_sided: bool) -> float:
    """The same by its definition: the likelihood ratio, averaged over effects from a normal or from its upper half."""

    def weighed(effect: float) -> float:
        prior = math.exp(-0.5 * (effect / tau) ** 2) / (tau * math.sqrt(2 * math.pi)) * (2 if one_sided else 1)
        return prior * math.exp(estimate * effect / se**2 - 0.5 * (effect / se) ** 2)

    untyped: Any = integrate
    return float(untyped.quad(weighed, 0 if one_sided else -12 * tau, 12 * tau, epsabs=0, limit=200)[0])


@pytest.mark.parametrize("one_sided", [True, False])
@pytest.mark.parametrize(
    ("estimate", "se", "tau"), [(0.0, 1.0, 2.0), (2.5, 1.0, 2.0), (-3.0, 1.0, 0.5), (1.0, 0.4, 3.0)]
)
def test_it_is_the_mixture_of_likelihood_ratios(estimate: float, se: float, tau: float, *, one_sided: bool) -> None:
    assert evidence(estimate, 0.0, se, tau, one_sided=one_sided) == pytest.approx(
        mixture(estimate, se, tau, one_sided=one_sided), rel=1e-6
    )


@given(estimate=st.floats(-1e6, 1e6), se=SIZES, tau=SIZES, alpha=st.floats(1e-6, 0.5))
def test_the_interval_ends_where_two_sided_evidence_reaches_one_over_alpha(
    estimate: float, se: float, tau: float, alpha: float
) -> None:
    low, high = interval(estimate, se, tau, alpha)
    assert low < estimate < high or se < 1e-9 * abs(estimate)
    radius = (high - low) / 2
    if 1e-3 < tau / se < 1e3 and radius > 1e-6 * abs(estimate):
        assert math.log(1 / alpha) == pytest.approx(
            log_evidence(radius, 0.0, se, tau, one_sided=False), rel=1e-4, abs=1e-4
        )


@given(
    estimate=st.floats(-1e150, 1e150), reference=st.floats(-1e150, 1e150),
    se=st.floats(1e-150, 1e150), tau=st.floats(1e-150, 1e150), one_sided=st.booleans(),
)  # fmt: skip
def test_it_is_a_finite_number_for_any_finite_input(
    estimate: float, reference: float, se: float, tau: float, *, one_sided: bool
) -> None:
    value = evidence(estimate, reference, se, tau, one_sided=one_sided)
    assert 0.0 <= value <= LARGEST * 1.0000001


def test_one_sided_evidence_grows_with_the_estimate_also_far_out() -> None:
    logs = [log_evidence(z, 0.0, 1.0, 2.0, one_sided=True) for z in np.linspace(-400.0, 400.0, 4001)]
    assert np.all(np.diff(logs) > 0)


@pytest.mark.parametrize(
    ("se", "tau", "estimate"),
    [(0.0, 1.0, 0.0), (-1.0, 1.0, 0.0), (1.0, 0.0, 0.0), (math.nan, 1.0, 0.0), (1.0, 1.0, math.inf)],
)
def test_what_it_has_no_answer_for_is_refused(se: float, tau: float, estimate: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        evidence(estimate, 0.0, se, tau, one_sided=True)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_a_level_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        interval(0.0, 1.0, 1.0, alpha)


def test_under_the_null_it_ever_reaches_a_hundred_in_less_than_one_run_in_a_hundred() -> None:
    runs, looks = 2000, 1000
    sums: npt.NDArray[np.float64] = np.cumsum(np.random.default_rng(11).standard_normal((runs, looks)), axis=1)
    count = np.arange(1, looks + 1)
    # the same formula, vectorised: log E ≥ log 100 ⇔ the mean lies above a boundary found by bisection on the formula
    bounds = np.array([_boundary(1 / math.sqrt(n)) for n in count])
    crossed = (sums / count >= bounds).any(axis=1)
    false = int(crossed.sum()) / runs
    assert false <= 0.01


def _boundary(se: float) -> float:
    """The smallest estimate whose one-sided evidence is 100."""
    low, high = 0.0, 20.0 * se + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if log_evidence(middle, 0.0, se, 2.0, one_sided=True) < math.log(100):
            low = middle
        else:
            high = middle
    return high
