"""Anomalies held against the alerts that fired: earlier, later, missed, extra; where nobody can say, that is said."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np

from cases.errors import PermanentError, SourceDown
from daemon.backtest.compared import compare
from daemon.backtest.firing import Alerts, Firing, alerts_of
from daemon.backtest.looks import Episode, look
from daemon.backtest.stories import stories
from daemon.listing import Watch
from signals.recorded import RecordedSource, Recording
from tests.daemon.backtest.test_looks import WANTED
from tests.detectors.series import MINUTE, at, block, signal

GRID = (at(0), at(600), MINUTE)


def episodes(*stretches: tuple[int, int], name: str = "errors") -> tuple[Watch, list[Episode]]:
    """A watch, and its anomalies from one minute to another: seen two minutes after they begin."""
    values = np.zeros(600)
    for first, last in stretches:
        values[first:last] = 9
    readings = block(values, signal(name, threshold=5))
    watch = Watch(signal=readings.signal, detector="auto", confirm=3)
    return watch, list(look(watch, readings, readings, WANTED, start=at(0)).episodes)


def fired(first: int, last: int, service: str = "shop", name: str = "Bad", *, before: bool = False) -> Firing:
    return Firing(
        source="main", name=name, service=service, severity="page", first=at(first), last=at(last), before=before
    )


def alerts(*firings: Firing) -> Alerts:
    return Alerts(firings=firings, told=("main",), silent=())


def test_each_alert_is_held_against_the_first_that_was_seen_of_its_service() -> None:
    watch, found = episodes((100, 160), (200, 230), (300, 310))
    told = alerts(
        fired(110, 150), fired(120, 130, name="Again"), fired(195, 220), fired(450, 470), fired(100, 160, "cart")
    )
    compared = compare(told, [watch], found, stories(found, lull=timedelta(minutes=10)))
    leads = [one.lead for one in compared.matched]
    assert leads == [8 * MINUTE, 18 * MINUTE, -7 * MINUTE, None]
    tally = compared.tally
    assert (tally.fired, tally.earlier, tally.later, tally.missed, tally.extra) == (4, 2, 1, 1, 1)
    assert tally.lead == 8 * MINUTE
    assert compared.unwatched == 1
    assert compared.watches == {watch.signal.key: (3, 1)}
    assert "4 alerts fired for what is watched: 2 would have been seen earlier and 1 no earlier" in compared.words()[0]


def test_an_alert_that_fired_before_the_stretch_has_no_lead() -> None:
    watch, found = episodes((10, 60))
    compared = compare(alerts(fired(0, 40, before=True)), [watch], found, [])
    document = compared.document()
    assert (document["already_firing"], document["earlier"], document["median_lead_s"]) == (1, 0, None)
    assert document["each"][0]["lead_s"] is None


def test_a_watch_made_of_the_alerts_themselves_proves_nothing() -> None:
    watch, found = episodes((100, 160))
    compared = compare(alerts(fired(100, 160)), [replace(watch, because="it cannot be split")], found, [])
    assert compared.tally.fired == 0
    assert compared.unwatched == 1


class Api(RecordedSource):
    """A recording with an API of rules."""

    rules: object = ()

    def api(self, path: str, what: str, params: Mapping[str, str] | None = None) -> object:
        del what, params
        assert path == "rules"
        if isinstance(self.rules, Exception):
            raise self.rules
        return {"groups": [{"name": "g", "rules": self.rules}]}


RULE: dict[str, object] = {
    "type": "alerting", "name": "Bad", "query": "up == 0", "duration": 0, "labels": {}, "annotations": {},
}  # fmt: skip


def read(rules: object, labels: tuple[dict[str, str], ...] = (), **fires: tuple[int, int]) -> Alerts:
    watch, _ = episodes((100, 160))
    times, values = block(np.zeros(600)).times, np.full((len(labels), 600), np.nan)
    for row, (first, last) in enumerate(fires.values()):
        values[row, first:last] = 1
    recorded = Recording(times=times, values=values, labels=labels)
    known = {'ALERTS{alertstate="firing"}': recorded} if labels else {}
    source = Api(name="main", recordings=known, look_back=timedelta(seconds=59))
    source.rules = rules
    ruled = replace(watch, signal=replace(watch.signal, rule="Bad"))
    return alerts_of({"main": source}, {"main": source}, [ruled], ("service",), GRID)


def test_no_series_is_nothing_fired_only_where_rules_are_evaluated() -> None:
    assert read([RULE]).told == ("main",)
    silent = read([])
    assert silent.told == ()
    assert "evaluates no alerting rules" in silent.silent[0]
    assert "no such path" in read(PermanentError("no such path")).silent[0]
    assert "away" in read(SourceDown("main", "away")).silent[0]
    compared = compare(silent, [], [], [])
    assert compared.document().keys() == {"compared", "because", "says"}


def test_series_of_one_alert_are_taken_together_and_short_pauses_too() -> None:
    names = tuple({"alertname": "Bad", "service": "shop", "pod": pod} for pod in "ab")
    others = ({"alertname": "Bad"}, {"alertname": "Bad", "service": "cart"})
    told = read([], (*names, *others), a=(100, 120), b=(128, 150), none=(0, 30), cart=(200, 230))
    none, shop, cart = told.firings
    # the alert's rule belongs to one service that is watched: that is whose alert it is where its labels do not say
    assert (none.service, none.before, none.first, none.last) == ("shop", True, at(0), at(29))
    assert (shop.service, shop.before, shop.first, shop.last) == ("shop", False, at(100), at(149))
    assert cart.service == ""
