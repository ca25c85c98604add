"""Objectives over a past stretch: told at the very looks at which the daemon would have told of them."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from cases.errors import PermanentError
from cases.telemetry import Floats, SeriesBlock, Severity, Signal
from daemon.backtest.gather import Stretch, from_sources
from daemon.backtest.looks import Looked
from daemon.backtest.objectives import look_at_objective
from daemon.budgets import Budgets
from daemon.listing import Slo, Watch
from detectors.burn_rate import Objective
from signals.recorded import RecordedSource, Recording
from tests.daemon.backtest.test_looks import WANTED
from tests.detectors.series import DAY, MINUTE, at, block, signal

DAYS = 5
SLO = Slo(good="good", total="total", objective=Objective(share=0.999, window=timedelta(days=30)))
WATCH = Watch(signal=signal("availability", severity=Severity.PAGE), detector="auto", confirm=3, slo=SLO)
SINCE, UNTIL = at(3 * DAY + 0.5), at(DAYS * DAY - 1)


def source(failing: dict[tuple[int, int], float], *, other: bool = False) -> RecordedSource:
    """Ten requests a second, of which a share fails between minutes; `other` has one more series without a partner."""
    good: Floats = np.full((1, DAYS * DAY), 10.0)
    for (first, last), share in failing.items():
        good[0, first:last] = 10.0 * (1 - share)
    good[0, 100:140] = np.nan
    total = np.full((1 + other, DAYS * DAY), 10.0)
    times, labels = block(good).times, ({"route": "/a"}, {"route": "/b"})
    recordings = {
        "good": Recording(times=times, values=good, labels=labels[:1]),
        "total": Recording(times=times, values=total, labels=labels[: 1 + other]),
    }
    return RecordedSource(name="main", recordings=recordings, look_back=timedelta(seconds=59))


def one_by_one(recorded: RecordedSource, first: int, last: int) -> list[tuple[datetime, Severity]]:
    """When a daemon that looks every minute says something new, and how urgent it is."""
    budgets, told, before = Budgets(), list[tuple[datetime, Severity]](), None
    reads: dict[tuple[str, datetime, datetime], SeriesBlock] = {}

    def read(of: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        return reads.setdefault((of.query, start, end), recorded.read(of, start, end, step))

    for minute in range(first, last):
        found = budgets.look(WATCH.signal, SLO, at(minute), read).anomalies
        now = found[0].signal.severity if found else None
        if now is not None and (before is None or now.urgency < before.urgency):
            told.append((at(minute), now))
            before = now
        elif now is None:
            before = None
    return told


def looked(recorded: RecordedSource) -> Looked:
    return look_at_objective(WATCH, recorded, SINCE, UNTIL)


def test_an_outage_is_told_at_the_look_that_a_daemon_would_have_told_it_at() -> None:
    outage = (3 * DAY + 303, 3 * DAY + 340)
    recorded = source({outage: 0.5})
    (first, *_) = looked(recorded).episodes
    (told, *_) = one_by_one(recorded, outage[0], outage[0] + 30)
    assert (first.seen, first.anomaly.signal.severity) == told
    assert abs(first.anomaly.onset - at(outage[0])) <= 5 * MINUTE
    assert at(outage[1]) - 5 * MINUTE <= first.end <= at(outage[1]) + timedelta(hours=1)


def test_a_second_outage_is_told_while_long_windows_still_remember_the_first() -> None:
    first, second = (3 * DAY + 303, 3 * DAY + 340), (3 * DAY + 480, 3 * DAY + 500)
    found = looked(source({first: 0.5, second: 0.5})).episodes
    assert [episode.anomaly.signal.severity for episode in found] == [Severity.PAGE] * 2
    assert [at(second[0]) <= episode.seen <= at(second[1]) for episode in found] == [False, True]


def test_a_slow_burn_is_a_ticket_and_becomes_a_page_when_it_burns_fast() -> None:
    slow, fast = (3 * DAY + 100, 5 * DAY), (4 * DAY + 300, 5 * DAY)
    recorded = source({slow: 0.0045, fast: 0.5})
    found = looked(recorded).episodes
    assert [episode.anomaly.signal.severity for episode in found] == [Severity.TICKET, Severity.PAGE]
    ticket, page = found
    seen = (ticket.seen - at(0)) // MINUTE
    assert [(ticket.seen, Severity.TICKET)] == one_by_one(recorded, seen - 30, seen + 5)
    assert at(fast[0]) <= page.seen <= at(fast[0] + 15)
    assert page.end >= UNTIL - 5 * MINUTE


def test_what_burns_nothing_is_quiet_and_its_share_of_failures_is_there_to_be_drawn() -> None:
    found = looked(source({(3 * DAY + 300, 3 * DAY + 900): 0.0005}, other=True))
    assert found.episodes == []
    assert found.block.labels == ({"route": "/a"},)
    assert (len(found.block.times), found.judged) == (2 * DAY - 1, [2 * DAY - 1])
    assert found.block.values[0].max() == pytest.approx(0.0005)
    assert (found.expected.middle[0, 0], found.expected.high[0, 0]) == pytest.approx((0.001, 0.0144))
    assert found.remarks == ["1 series of slo.good and slo.total have no partner with the same labels"]


def test_a_backtest_takes_objectives_among_the_other_watches() -> None:
    recorded = source({(3 * DAY + 303, 3 * DAY + 340): 0.5})
    (found,) = from_sources([WATCH], {"main": recorded}, WANTED, Stretch(since=SINCE, until=UNTIL))
    assert len(found.episodes) == 1
    empty = RecordedSource(name="main", recordings={})
    (nothing,) = from_sources([WATCH], {"main": empty}, WANTED, Stretch(since=SINCE, until=UNTIL))
    assert nothing.remarks == ["the source has no series for the objective in this stretch"]


def test_a_watch_without_an_objective_is_refused() -> None:
    with pytest.raises(PermanentError, match="has no objective"):
        look_at_objective(replace(WATCH, slo=None), source({}), SINCE, UNTIL)
