"""Change points: found where a level moved, dated, and not seen where readings only repeat each other."""

import numpy as np
import numpy.typing as npt
import pytest

from inference.change_points import SHORTEST, WITHIN, change_points, midranks, rank_sums
from tests.inference.series import autocorrelated

Floats = npt.NDArray[np.float64]


def stepped(noise: Floats, *steps: tuple[int, float]) -> Floats:
    """That noise of scale 2 around 100, with steps of these sizes from these places on."""
    values = 100.0 + 2.0 * noise
    for place, size in steps:
        values[place:] += size
    return values


def test_a_step_is_dated_with_its_levels() -> None:
    values = stepped(np.random.default_rng(1).standard_normal(150), (90, 6.0))
    (change,) = change_points(values)
    assert abs(change.index - 90) <= WITHIN
    assert change.certainty > 0.99
    assert change.before == pytest.approx(100.0, abs=0.6)
    assert change.after == pytest.approx(106.0, abs=0.6)


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_most_steps_are_found_and_hardly_any_is_seen_elsewhere(phi: float) -> None:
    rng = np.random.default_rng(2)
    places = rng.integers(60, 130, 60).tolist()
    found = [change_points(stepped(autocorrelated(150, phi, rng), (place, 5.0))) for place in places]
    hits = [
        sum(abs(change.index - place) <= WITHIN for change in one) for one, place in zip(found, places, strict=True)
    ]
    assert sum(hits) >= 0.85 * len(places)
    assert sum(map(len, found)) - sum(hits) <= 0.08 * len(places)


@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.0), (0.6, 0.03), (0.8, 0.07)])
def test_readings_that_repeat_each_other_are_no_change(phi: float, most: float) -> None:
    rng = np.random.default_rng(3)
    found = sum(len(change_points(autocorrelated(150, phi, rng))) for _ in range(100))
    assert found <= most * 100


def test_an_incident_that_ended_has_two() -> None:
    rng = np.random.default_rng(4)
    found = [change_points(stepped(rng.standard_normal(150), (60, 8.0), (100, -8.0))) for _ in range(20)]
    both = [len(one) == 2 and abs(one[0].index - 60) <= WITHIN and abs(one[1].index - 100) <= WITHIN for one in found]
    assert sum(both) >= 19


def test_wild_readings_are_no_change_and_hide_none() -> None:
    noise = np.random.default_rng(5).standard_normal(200)
    values = stepped(noise, (120, 6.0))
    values[[3, 40, 70, 197]] *= 50.0
    (change,) = change_points(values)
    assert abs(change.index - 120) <= WITHIN


def test_a_change_that_cannot_be_dated_is_not_said_unless_asked_for() -> None:
    rng = np.random.default_rng(6)
    found = [change_points(stepped(autocorrelated(150, 0.6, rng), (90, 3.5)), certainty=0.0) for _ in range(40)]
    rng = np.random.default_rng(6)
    sure = [change_points(stepped(autocorrelated(150, 0.6, rng), (90, 3.5))) for _ in range(40)]
    assert 0 < sum(map(len, sure)) < sum(map(len, found))
    assert all(change.certainty >= 0.8 for one in sure for change in one)


def test_neither_unit_nor_sign_nor_missing_readings_matter() -> None:
    values = stepped(np.random.default_rng(7).standard_normal(150), (90, 6.0))
    (plain,) = change_points(values)
    for other in (values * 1e300, values * 1e-300, -values):
        assert [change.index for change in change_points(other)] == [plain.index]
    gaps = np.insert(values, [20, 20, 50], [np.nan, np.inf, -np.inf])
    assert [change.index for change in change_points(gaps)] == [plain.index + 3]


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0] * (SHORTEST - 1),
        [0.0] * 100,
        [1e308] * 100,
        [7.0] * 60 + [1e9] + [7.0] * 60,
        [np.nan] * 100,
        [1e308, -1e308] * 60,
        [0.0, 5e-324] * 60,
    ],
)
def test_nothing_is_seen_where_nothing_moved(values: list[float]) -> None:
    assert change_points(values) == ()


def test_a_step_without_noise_is_dated_to_the_reading() -> None:
    (change,) = change_points([0.0] * 50 + [3.0] * 50)
    assert (change.index, change.before, change.after) == (50, 0.0, 3.0)


def test_counts_that_repeat_are_ranked_by_their_middle() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]
    assert rank_sums(np.ones(20)).tolist() == [0.0] * 11
    with pytest.raises(ValueError, match="10 readings"):
        rank_sums(np.ones(9))


def test_one_series_at_a_time() -> None:
    with pytest.raises(ValueError, match="one series"):
        change_points(np.ones((2, 50)))
