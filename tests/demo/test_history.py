"""The two weeks before the story."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from demo.history import RATE, make_history
from demo.load import BASE_ERROR_RATIO

END = datetime(2026, 3, 1, 9, 0, 7, tzinfo=UTC)


def test_it_is_the_same_each_time_and_ends_when_told() -> None:
    one, two = (make_history(end=END, revision="abc") for _ in range(2))
    assert one.times[-1] == END.timestamp()
    assert one.times[-1] - one.times[0] == timedelta(days=14, minutes=-1).total_seconds()
    assert one.samples == (14 * 24 * 60 - 5 + 5 * 60) * 8
    np.testing.assert_array_equal(np.diff(one.times[-300:]), 1)
    for (labels, values), (same_labels, same_values) in zip(one.series, two.series, strict=True):
        assert labels == same_labels
        np.testing.assert_array_equal(values, same_values)


def test_its_end_is_at_the_live_level() -> None:
    history = make_history(end=END, revision="abc")
    last_hour = {labels["__name__"]: values[-360:-300].mean() for labels, values in history.series[:3]}
    assert last_hour["service:http_error_ratio:rate5s"] == pytest.approx(BASE_ERROR_RATIO, rel=0.3)
    assert last_hour["service:http_requests:rate5s"] == pytest.approx(RATE, rel=0.1)
    ratio = history.series[0][1]
    assert ratio.min() >= 0
    assert 0.1 < np.mean(ratio == 0) < 0.4  # the noise is the live one: a window counts 1.5 failures on average
    assert all(np.isfinite(values).all() for _, values in history.series)


def test_it_is_written_as_openmetrics(tmp_path: Path) -> None:
    make_history(end=END, revision="abc", length=timedelta(minutes=2)).write_openmetrics(tmp_path / "h.om")
    lines = (tmp_path / "h.om").read_text().splitlines()
    assert lines[-1] == "# EOF"
    assert lines[0] == "# TYPE service:http_error_ratio:rate5s gauge"
    assert lines.count("# TYPE route:http_error_ratio:rate5s gauge") == 1
    assert lines[-2] == (
        f'build_info{{job="shop",instance="shop-0",service="shop",revision="abc"}} 1.0 {int(END.timestamp())}'
    )
