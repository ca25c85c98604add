"""What an arm keeps is what its users were, however they are added up."""

import itertools
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.experiments.arm import Arm, winsorised

RNG = np.random.default_rng(3)


def _counts(rng: np.random.Generator, size: int) -> npt.NDArray[np.float64]:
    return (rng.poisson(3, size) + 1).astype(np.float64)


@given(cuts=st.lists(st.integers(0, 60), max_size=4), base=st.booleans(), before=st.booleans())
def test_any_cut_adds_up_to_the_whole(cuts: list[int], *, base: bool, before: bool) -> None:
    rng = np.random.default_rng(1)
    value, by, ago = rng.normal(1e6, 1, 60), _counts(rng, 60), rng.normal(5, 2, 60)

    def arm(first: int, last: int) -> Arm:
        return Arm.of(
            value[first:last], base=by[first:last] if base else None, before=ago[first:last] if before else None
        )

    whole, found = arm(0, 60), Arm.empty(base=base, before=before)
    marks = [0, *sorted(cuts), 60]
    for first, last in itertools.pairwise(marks):
        found = found + arm(first, last)
    assert found.users == whole.users
    assert found.columns == whole.columns
    assert found.means == pytest.approx(whole.means, rel=1e-14)
    assert found.scatter == pytest.approx(whole.scatter, rel=1e-9, abs=1e-6)


def test_its_numbers_are_those_of_numpy() -> None:
    value, base = RNG.normal(3, 2, 500), _counts(RNG, 500)
    arm = Arm.of(value, base=base)
    assert arm.mean("base") == pytest.approx(base.mean())
    assert arm.between("value", "base") == pytest.approx(np.cov(value, base)[0, 1])


def test_it_comes_back_from_json_to_the_last_bit() -> None:
    arm = Arm.of(RNG.lognormal(3, 1, 100), before=RNG.normal(0, 1, 100))
    back = Arm.read(json.loads(json.dumps(arm.document)))
    assert back.users == arm.users
    assert back.columns == arm.columns
    assert (back.means.tobytes(), back.scatter.tobytes()) == (arm.means.tobytes(), arm.scatter.tobytes())


@pytest.mark.parametrize("wrong", [np.ones((2, 2)), np.array([1.0, np.nan]), np.array([np.inf])])
def test_what_is_no_column_of_numbers_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"one value a user|not finite"):
        Arm.of(wrong)


def test_arms_of_other_columns_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Arm.empty().__add__(Arm.empty(base=True))
    with pytest.raises(ValueError, match="one value a user"):
        Arm.of(np.ones(3), base=np.ones(2))


def test_one_buyer_is_put_to_the_most_that_counts() -> None:
    assert winsorised(np.array([-9.0, 1.0, 50.0]), 5.0).tolist() == [-5.0, 1.0, 5.0]
