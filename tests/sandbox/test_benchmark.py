"""The benchmark of the pool runs, and says what it is asked for."""

import pytest

from benchmarks.sandbox import measured, percentile


@pytest.mark.long
def test_a_trial_in_a_container_that_waited_costs_little_of_one_that_is_started() -> None:
    found = measured(rounds=5)
    assert found["taken"] == 5, "each time one was waiting"
    ratio = found["ratio"]
    assert isinstance(ratio, dict)
    assert ratio["overhead"] <= 0.4


def test_the_95th_percentile_is_by_the_nearest_rank() -> None:
    assert percentile([float(number) for number in range(1, 21)]) == 19
    assert percentile([1.0]) == 1
