"""What a month costs in alerts: counted by watch and by service, with a range where the stretch is short."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cases.telemetry import Direction, Severity, Signal
from daemon.backtest.looks import Episode
from daemon.backtest.month import Watched, costs, hint
from daemon.backtest.stories import stories
from tests.daemon.backtest.test_compared import episodes
from tests.detectors.series import MINUTE

DAY = timedelta(days=1)


def watched(found: Sequence[Episode], of: Signal, days: float, kind: str = "threshold") -> Watched:
    return Watched(signal=of, kind=kind, span=days * DAY, step=MINUTE, confirm=3, episodes=found)


def test_a_month_of_a_short_stretch_has_a_range_and_what_is_allowed_beside_it() -> None:
    watch, loud = episodes(*((first, first + 10) for first in range(50, 590, 60)))
    other, quiet = episodes((20, 30), name="slow")
    cases = stories([*loud, *quiet], lull=timedelta(minutes=10))
    told = costs([watched(quiet, other.signal, 3), watched(loud, watch.signal, 3)], cases)
    errors, slow = told.watches
    assert (errors.name, slow.name) == ("shop/errors", "shop/slow")
    assert errors.counts == {Severity.PAGE: 0, Severity.TICKET: 9, Severity.NOTE: 0}
    assert errors.rate() == pytest.approx(90)
    assert errors.range == pytest.approx((41.15, 170.8), rel=1e-3)
    assert slow.rate() == pytest.approx(10)
    (shop,) = told.services
    assert shop.cases == len(cases) == 10
    assert told.allowed == pytest.approx(30 / 7)
    assert told.over(shop) == "over"
    assert "more than that even if a few were real" in told.words()[0]
    document = told.document()
    assert (document["watches"][0]["tickets"], document["watches"][0]["pages"]) == (90, 0)
    assert document["services"][0]["standing"] == "over"
    assert "`threshold: 5`" in document["hint"]


def test_less_than_a_day_says_nothing_of_a_month_and_a_whole_one_needs_no_range() -> None:
    watch, found = episodes((100, 110))
    cases = stories(found, lull=timedelta(minutes=10))
    short = costs([watched(found, watch.signal, 0.5)], cases)
    assert short.watches[0].rate() is None
    assert short.document()["watches"][0]["range"] is None
    assert short.over(short.services[0]) == "unclear"
    assert "less than a day says nothing" in short.words()[0]
    whole = costs([watched(found, watch.signal, 60)], cases)
    assert whole.watches[0].words() == "0.5"
    assert whole.over(whole.services[0]) == "within"
    unread = costs([watched([], watch.signal, 0)], [])
    assert unread.watches[0].words() == "not judged"
    assert unread.words() == ("nothing would have been told in this stretch",)


def test_no_watch_at_all_is_no_crash() -> None:
    assert costs([], []).document()["watches"] == []


def of(found: Sequence[Episode], signal: Signal, kind: str) -> str:
    return hint(watched(found, signal, 7, kind))


def test_the_loudest_watch_is_told_which_key_to_turn() -> None:
    watch, short = episodes(*((first, first + 4) for first in range(50, 590, 60)))
    _, long = episodes(*((first, first + 30) for first in range(50, 590, 60)))
    assert "`detection.confirm: 6` instead of 3 would have left out 9 of them" in of(short, watch.signal, "usual")
    assert "`severity: note`" in of(long, watch.signal, "usual")
    assert "`slo.objective`" in of(long, watch.signal, "objective")
    either = replace(watch.signal, harm=None)
    assert "write `harm: up` in its watch; 0 would be gone" in of(long, either, "usual")
    fallen = [replace(e, anomaly=replace(e.anomaly, direction=Direction.DOWN)) for e in long[:6]]
    assert "write `harm: down` in its watch; 3 would be gone" in of([*fallen, *long[6:]], either, "usual")
    assert "the rule HighErrors of main" in of(long, replace(watch.signal, rule="HighErrors"), "threshold")
    spread = [replace(e, anomaly=replace(e.anomaly, labels={"pod": str(n)})) for n, e in enumerate(long)]
    assert f"they are of {len(spread)} series" in of(spread, watch.signal, "usual")
    values = [
        replace(e, anomaly=replace(e.anomaly, value=float(v))) for e, v in zip(long, np.arange(6, 15), strict=True)
    ]
    assert "than 10 when they were told" in of(values, watch.signal, "threshold")
