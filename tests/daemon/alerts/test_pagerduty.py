"""PagerDuty, against a local one that is held to the published shape: one alert a case, from trigger to resolve."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import Notice
from cases.telemetry import Severity
from daemon.alerts.pagerduty import PagerDutyNotifier, dedup_key
from tests.parts.pagerduty import ROUTING_KEY, PagerDuty, a_pagerduty

OPENED = Notice(key="deadbeef-opened", severity=Severity.PAGE, subject="shop: errors up", text="…", case="deadbeef")


@pytest.fixture
def api() -> Iterator[PagerDuty]:
    with a_pagerduty() as api:
        yield api


def pager(api: PagerDuty, key: str = ROUTING_KEY) -> PagerDutyNotifier:
    return PagerDutyNotifier("pager", lambda: key, api_url=f"{api.url}/")


def test_a_case_is_one_alert_that_is_acknowledged_and_resolved(api: PagerDuty) -> None:
    there = [
        ("deadbeef-opened", "triggered"),
        ("deadbeef-1-gate", "triggered"),
        ("deadbeef-1-seen-4", "acknowledged"),
        ("deadbeef-1-decided-5", "acknowledged"),
        ("deadbeef-escalated-9", "acknowledged"),
        ("deadbeef-closed", "resolved"),
        ("deadbeef-closed", "resolved"),
    ]
    for key, state in there:
        pager(api).notify(replace(OPENED, key=key))
        assert api.alerts == {"trackwalker/deadbeef": state}, key
    assert [event["payload"]["severity"] for event in api.got] == ["critical"] * 7


def test_what_belongs_to_no_case_is_an_alert_of_its_own(api: PagerDuty) -> None:
    for key in ("budget-stop-1", "budget-stop-1", "sight-x"):
        pager(api).notify(replace(OPENED, key=key, case="", severity=Severity.TICKET))
    assert api.alerts == {"trackwalker/budget-stop-1": "triggered", "trackwalker/sight-x": "triggered"}


def test_a_key_that_is_too_long_or_strange_is_a_digest() -> None:
    keys = {dedup_key(replace(OPENED, key=key, case="")) for key in ("x" * 300, "x" * 301, "ü", "a\nb")}
    assert len(keys) == 4
    assert all(len(key) < 100 and key.isprintable() for key in keys)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_later(api: PagerDuty, status: int) -> None:
    api.fails = [status]
    with pytest.raises(TemporaryError, match=f"receiver pager: PagerDuty answered {status}"):
        pager(api).notify(OPENED)
    pager(api).notify(OPENED)
    assert len(api.got) == 1


def test_a_key_that_is_none_is_said_without_showing_it(api: PagerDuty) -> None:
    for key, why in (("hush-hush", "no routing key"), ("x" * 32, "answered 400 \\(no such key\\)")):
        with pytest.raises(PermanentError, match=why) as failure:
            pager(api, key).notify(OPENED)
        assert key not in str(failure.value)
