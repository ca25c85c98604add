"""A real Prometheus whose series stop, or fill up: what opens a case, what is only said, and when it is over."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.anomaly import AnomalyKind
from cases.moments import EPOCH
from cases.telemetry import Direction
from daemon.clock import ManualClock, SystemClock
from tests.faults.standing import standing
from tests.parts.prometheus import exposition, running_prometheus

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Yesterday morning: how a climb looks beside the day before depends on the time of day.
NOW = (SystemClock().now() - timedelta(days=1)).replace(hour=8, minute=19, second=0, microsecond=0)
BEGIN = NOW - 26 * HOUR
LOOK_BACK = 5 * MINUTE
"""How long after its last sample Prometheus still shows a series that nobody declared stale."""

Samples = list[tuple[float, float]]
Series = dict[tuple[tuple[str, str], ...], Samples]


def flat(_: datetime) -> float:
    return 1.0


def there(*spans: tuple[datetime, datetime], value: Callable[[datetime], float] = flat) -> Samples:
    """A sample a minute within the spans."""
    minutes = [since + minute * MINUTE for since, until in spans for minute in range(round((until - since) / MINUTE))]
    return [((at - EPOCH).total_seconds(), value(at)) for at in minutes]


def watch(service: str, query: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a configuration
    return {"name": "up", "service": service, "query": query, **more}


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Callable[[dict[str, Series]], Any]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def started(metrics: dict[str, Series]) -> Any:  # noqa: ANN401 - RunningPrometheus
            folder = tmp_path / "prometheus"
            folder.mkdir()
            text = "\n".join(exposition(name, series) for name, series in metrics.items())
            return stack.enter_context(running_prometheus(folder, text + "\n# EOF\n", blocks="54h"))

        yield started


DETECTION = {"history": "25h", "recent": "15m", "warm_up": "1h"}


def test_a_signal_that_is_gone_is_one_case_and_no_other_message(
    tmp_path: Path, prometheus: Callable[[dict[str, Series]], Any]
) -> None:
    gone, back, until = NOW + 1 * MINUTE, NOW + 16 * MINUTE, NOW + HOUR
    server = prometheus({
        "shop_up": {(("pod", "a"),): there((BEGIN, gone), (back, until)), (("pod", "b"),): there((BEGIN, gone))},
        "cart_up": {(("pod", "a"),): there((BEGIN, gone)), (("pod", "b"),): there((BEGIN, until))},
        "pay_up": {(("pod", "a"),): there((BEGIN, gone)), (("pod", "b"),): there((gone, until))},
        "mail_up": {(("pod", "a"),): there((BEGIN, gone)), (("pod", "b"),): there((BEGIN, until))},
        "off_up": {(("pod", "a"),): there((BEGIN, gone))},
    })  # fmt: skip
    watches = [
        watch("shop", "shop_up", severity="page"),
        watch("cart", "cart_up"),  # one pod less is no case
        watch("news", "off_up", harm="up"),  # an error that is not counted any more
        watch("rare", "off_up", harm="up", absence="all"),
        watch("pay", "pay_up", absence="series"),  # moved
        watch("mail", "mail_up", absence="series"),  # one of two is gone
        watch("off", "off_up", absence="off"),
    ]
    it = standing(tmp_path, ManualClock(NOW), server.url, watch=watches, detection=DETECTION)
    with it.alive() as app:
        it.passes(2)
        it.clock.advance(8 * MINUTE)
        it.passes(2)
        cases = {case.service: case for case in app.ledger.cases.active()}
        assert set(cases) == {"shop", "mail", "rare"}
        shop = cases["shop"].anomaly
        assert (shop.kind, shop.direction, shop.labels) == (AnomalyKind.ABSENCE, Direction.DOWN, {})
        assert abs(shop.onset - (gone + LOOK_BACK)) <= MINUTE
        assert cases["mail"].anomaly.labels["pod"] == "a"
        told = {notice["subject"]: notice for notice in it.told() if "waits" not in notice["subject"]}
        assert sorted(told) == [
            "mail: up is gone",
            "news/up is stale",
            "off/up is stale",
            "rare: up is gone",
            "shop: up is gone",
        ]
        assert told["shop: up is gone"]["severity"] == "page"
        assert "it was there at 100% of all points before" in told["shop: up is gone"]["text"]
        it.clock.advance(7 * MINUTE)
        it.passes(1)
        assert {case.service for case in app.ledger.cases.active()} == {"mail", "rare"}  # those are still gone
    with it.alive() as app:  # a restart tells none of it again
        it.passes(2)
        assert {case.service for case in app.ledger.cases.active()} == {"mail", "rare"}
        assert len(app.ledger.cases.listed()) == 3
        assert [it.subjects().count(f"{service}: up is gone") for service in cases] == [1, 1, 1]


def test_a_source_that_lost_everything_is_no_absence_and_neither_is_one_that_is_down(
    tmp_path: Path, prometheus: Callable[[dict[str, Series]], Any]
) -> None:
    gone = NOW + MINUTE
    server = prometheus({name: {(): there((BEGIN, gone))} for name in ("shop_up", "cart_up")})
    watches = [watch("shop", "shop_up"), watch("cart", "cart_up")]
    it = standing(tmp_path, ManualClock(NOW), server.url, watch=watches, detection=DETECTION)
    with it.alive() as app:
        it.passes(1)
        it.clock.advance(10 * MINUTE)
        it.passes(1)
        assert not app.ledger.cases.active()
        assert sorted(subject.split()[0] for subject in it.subjects()) == ["cart/up", "shop/up"]
        server.stop()
        it.passes(2)
        assert not app.ledger.cases.active()


def test_a_daemon_that_was_away_dates_an_absence_by_the_history(
    tmp_path: Path, prometheus: Callable[[dict[str, Series]], Any]
) -> None:
    gone = NOW - 40 * MINUTE
    server = prometheus({"shop_up": {(): there((BEGIN, gone))}, "cart_up": {(): there((BEGIN, NOW + HOUR))}})
    watches = [watch("shop", "shop_up"), watch("cart", "cart_up")]
    it = standing(tmp_path, ManualClock(NOW), server.url, watch=watches, detection=DETECTION)
    with it.alive() as app:
        it.passes(2)
        (case,) = app.ledger.cases.active()
        assert abs(case.anomaly.onset - (gone + LOOK_BACK)) <= 2 * MINUTE
        assert it.subjects()[0] == "shop: up is gone"
        assert "shop/up is missing" not in it.subjects()


def test_what_fills_up_is_told_hours_ahead_and_over_when_somebody_made_room(
    tmp_path: Path, prometheus: Callable[[dict[str, Series]], Any]
) -> None:
    """A disk of a hundred, a gain of 1.6 an hour: 90 now, so about six hours are left; emptied after ten minutes."""
    emptied, until = NOW + 10 * MINUTE, NOW + 3 * HOUR

    def used(at: datetime) -> float:
        full = 90.0 + 1.6 * ((at - NOW) / HOUR)
        return full + 0.2 * (at.minute // 5 % 3 - 1) if at < emptied else 30.0

    filling_up, at_rest = (("disk", "a"),), (("disk", "b"),)
    server = prometheus({
        "used": {filling_up: there((BEGIN, until), value=used), at_rest: there((BEGIN, until))},
        "size": {filling_up: there((BEGIN, until), value=lambda at: 100 * flat(at)), at_rest: there((BEGIN, until))},
    })  # fmt: skip
    filling = {"name": "disk", "service": "shop", "query": "used", "harm": "up", "limit": "size", "within": "12h"}
    other = {**filling, "service": "cart", "limit": 95, "within": "2h"}  # three hours ahead: too far
    it = standing(tmp_path, ManualClock(NOW), server.url, watch=[filling, other], detection=DETECTION)
    with it.alive() as app:
        it.passes(2)
        (case,) = app.ledger.cases.active()
        anomaly = case.anomaly
        assert (case.service, anomaly.kind, anomaly.labels["disk"]) == ("shop", AnomalyKind.SATURATION, "a")
        assert anomaly.ahead is not None
        assert 5.0 < anomaly.ahead[0] < 6.25 < anomaly.ahead[1] < 8.0
        assert it.subjects().count("shop: disk fills up") == 1
        assert "at its limit of 100 in about 6 hours if it goes on so" in it.told()[0]["text"]
        it.passes(5)
        assert [active.id for active in app.ledger.cases.active()] == [case.id]
    with it.alive() as app:  # a restart neither ends it nor tells it again
        it.passes(5)
        assert [active.id for active in app.ledger.cases.active()] == [case.id]
        it.clock.advance(HOUR)
        it.passes(5)
        assert not app.ledger.cases.active()
        assert len(app.ledger.cases.listed()) == 1
