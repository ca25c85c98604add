"""Our cases as alerts of our own, on a real Alertmanager: never beside one that pages, and no longer than open."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.events import Closed, Diagnosed, Drafted, Proved
from cases.pull_request_events import Proposed
from cases.steps import Receipt
from daemon.alerts.enrich import FRESH, enrichment_of
from daemon.alerts.own import LIFE
from daemon.clock import ManualClock, SystemClock
from daemon.ledger.ledger import open_ledger
from tests.daemon.alerts.receivers import Webhook, a_webhook
from tests.daemon.alerts.test_enrich import LINK, Place, fires, proposed
from tests.parts.alertmanager import RunningAlertmanager, running_alertmanager
from tests.parts.nouns import a_change, a_diagnosis, a_trial, an_outcome
from tests.parts.settings import some_settings

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def pager() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture(scope="module")
def real(pager: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAlertmanager]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager"), pager.url) as running:
        yield running


@pytest.fixture
def place(real: RunningAlertmanager, tmp_path: Path) -> Iterator[Place]:
    clock = ManualClock(SystemClock().now().replace(microsecond=0))
    settings = some_settings(
        alerts={"mode": "enrich", "alertmanager": {"post": True}},
        signals={"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}], "alertmanager": {"url": real.url}},
    )
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", clock=clock) as ledger:
        enrichment = enrichment_of(settings, ledger, clock)
        assert enrichment is not None
        yield Place(ledger=ledger, clock=clock, enrichment=enrichment, file=tmp_path / "told")
        enrichment.close()


def ours(real: RunningAlertmanager, case_id: str) -> dict[str, Any] | None:
    return next((alert for alert in real.listed() if alert["labels"].get("case") == case_id), None)


def ends(alert: dict[str, Any] | None) -> datetime:
    assert alert is not None
    return datetime.fromisoformat(alert["endsAt"])


def test_a_case_that_no_alert_speaks_of_is_one_of_ours_until_it_ends(
    real: RunningAlertmanager, pager: Webhook, place: Place
) -> None:
    place.opened("alone", "", service="cart")
    assert place.carries("alone-opened", "alone") == "said by alert TrackwalkerCase", "so nobody else is told"
    alert = ours(real, "alone")
    assert alert is not None
    assert alert["labels"] == {"alertname": "TrackwalkerCase", "service": "cart", "severity": "page", "case": "alone"}
    said = {"summary": "cart: errors is up", "trackwalker_case": "alone", "trackwalker_state": "open"}
    assert alert["annotations"] == said
    first = ends(alert)
    assert first == place.clock.now() + LIFE

    place.clock.advance(30 * SECOND)
    place.goes_on("alone", Diagnosed(diagnosis=a_diagnosis()), Drafted(change=a_change()), Proved(trial=a_trial()))
    place.goes_on("alone", Proposed(change=1, repository="shop", branch="b"), effects=(proposed("alone"),))
    place.ledger.outbox.receive(Receipt(key="alone-1-pull-request", adopted=False, facts={"url": LINK}), None)
    place.enrichment.once()
    alert = ours(real, "alone")
    assert ends(alert) == first + 30 * SECOND, "it is said again"
    assert alert is not None
    assert alert["annotations"]["trackwalker_pull_request"] == LINK

    place.clock.set(SystemClock().now())
    place.goes_on("alone", Closed(outcome=an_outcome(), lesson=None))
    place.enrichment.once()
    assert ours(real, "alone") is None
    place.clock.advance(timedelta(seconds=FRESH + 1))
    assert place.carries("alone-closed", "alone") == "said by alert TrackwalkerCase", "it resolved"
    pages = [page["status"] for page in pager.got if page["commonLabels"].get("case") == "alone"]
    assert set(pages) <= {"firing", "resolved"}


def test_there_is_none_beside_an_alert_that_pages_and_it_gives_way_to_one(
    real: RunningAlertmanager, place: Place
) -> None:
    fires(real, place.clock.now(), "Paged")
    place.opened("paged", "Paged")
    place.opened("late", "Late")
    place.enrichment.once()
    assert ours(real, "paged") is None
    assert ours(real, "late") is not None
    fires(real, place.clock.now(), "Late")
    place.clock.set(SystemClock().now())
    place.enrichment.once()
    assert ours(real, "late") is None
    assert place.carries("late-opened", "late").startswith("annotated on alert Late")


def test_a_restart_finds_what_it_said_and_leaves_what_others_said(real: RunningAlertmanager, place: Place) -> None:
    now = place.clock.now()
    for case_id in ("gone", "others"):
        labels = {"alertname": "TrackwalkerCase", "service": "shop", "severity": "page", "case": case_id}
        real.fires(labels, {}, since=now - 60 * SECOND, until=now + LIFE)
    place.opened("gone", "Elsewhere", service="mail")
    place.goes_on("gone", Closed(outcome=an_outcome(), lesson=None))
    place.enrichment.once()
    assert ours(real, "gone") is None, "it ended while nobody was there"
    assert ours(real, "others") is not None, "a case of another store"
