"""What share of the requests the series carry that are out: said where it can be told, and never invented."""

from collections.abc import Mapping, Sequence

import numpy as np

from cases.reach import UNDECLARED, Reach, carried
from cases.telemetry import SeriesBlock
from tests.parts.nouns import a_signal

ROUTES = [{"route": "/cart"}, {"route": "/pay"}, {"route": "/home"}]
ONSET = 5_000


def traffic(rates: Sequence[float], labels: Sequence[Mapping[str, str]] = ROUTES) -> SeriesBlock:
    """Steady rates until the onset; then nobody comes any more."""
    times = np.arange(0, 10_000, 1_000, dtype=np.int64)
    values = np.where(times <= ONSET, np.array(rates)[:, np.newaxis], 0.0)
    missing = np.isnan(values)
    return SeriesBlock(signal=a_signal(), labels=tuple(labels), times=times, values=values, missing=missing)


def test_the_share_is_of_the_requests_before_the_onset() -> None:
    found = carried([{"route": "/pay"}], ROUTES, traffic([10, 30, 60]), ONSET)
    assert (found.share, found.requests) == (0.3, 30.0)
    both = carried([{"route": "/pay"}, {"route": "/cart"}], ROUTES, traffic([10, 30, 60]), ONSET)
    assert both.share == 0.4


def test_labels_that_tell_nothing_apart_do_not_count() -> None:
    every = [{**labels, "job": "shop", "__name__": "errors"} for labels in ROUTES]
    assert carried(every[1:2], every, traffic([10, 30, 60]), ONSET).share == 0.3


def test_traffic_in_more_series_than_the_signal_is_summed() -> None:
    finer = [{**labels, "pod": pod} for labels in ROUTES for pod in "ab"]
    assert carried([{"route": "/pay"}], ROUTES, traffic([5, 5, 20, 10, 30, 30], finer), ONSET).share == 0.3


def test_all_series_are_all_requests_whatever_their_labels() -> None:
    assert carried([{}], [{}], traffic([10, 30, 60]), ONSET).share == 1.0
    assert carried(ROUTES, ROUTES, traffic([10], [{}]), ONSET).share == 1.0


def test_what_cannot_be_told_is_not_said() -> None:
    pods = [{"pod": "a"}, {"pod": "b"}]
    found = carried(pods[:1], pods, traffic([10, 30, 60]), ONSET)
    assert (found.share, found.unknown) == (None, "requests are not counted by pod")
    for rates in ([0.0, 0.0, 0.0], [np.nan] * 3, [-1.0] * 3):
        assert carried(ROUTES[:1], ROUTES, traffic(rates), ONSET).unknown == "no requests were counted"


def test_the_sentences() -> None:
    reach = Reach(signal="errors", service="shop", series=1, whole=3)
    assert reach.series_said == "impact: 1 of 3 series of errors"
    assert reach.share_said == f"impact: traffic share not known: {UNDECLARED}"
    assert not reach.declared
    known = Reach(signal="errors", service="shop", series=1, whole=3, share=0.3, requests=30.0)
    assert known.share_said == "impact: 30% of the requests of shop (30 a second) are in the series that are out"
    assert known.declared
