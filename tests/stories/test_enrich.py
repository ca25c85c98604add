"""Stories of an alert that pages already: it is made to say what was found, and nobody is told twice.

A real Alertmanager pages a webhook; the whole daemon but for time, readings and the sandbox's answers.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cases.case import Case, Phase
from daemon.clock import SystemClock
from tests.daemon.alerts.receivers import Webhook, a_webhook
from tests.parts.alertmanager import RunningAlertmanager, running_alertmanager
from tests.parts.playhouse import House, house

LABELS = {"alertname": "ShopErrors", "service": "shop"}
OWNERS = {"summary": "many errors", "runbook_url": "http://127.0.0.1/runbook"}
pause = threading.Event().wait


@dataclass
class Night:
    """A shop, its alert, and who is paged for it."""

    it: House
    real: RunningAlertmanager
    pager: Webhook
    since: datetime

    def passes(self, minutes: float = 0.5) -> None:
        """Let time go by; after each poll the alert is annotated."""
        self.it.passes(minutes)

    def fires(self, minutes: float = 60) -> None:
        """The rule's owner says that the alert fires until then (or ended, in the past), as it does every minute."""
        until = SystemClock().now() + timedelta(minutes=minutes)
        self.real.fires(LABELS, OWNERS, since=self.since, until=until)

    def until(self, *phases: Phase, minutes: float = 60) -> Case:
        """Let time go by; the alert's owner repeats itself all along."""
        for _ in range(round(minutes * 2)):
            self.fires()
            self.passes()
            case = self.it.case()
            if case is not None and case.phase in phases:
                return case
        raise AssertionError(f"no case came to {phases}")

    def said(self) -> dict[str, str]:
        """The annotations that the alert has now."""
        (alert,) = self.real.listed()
        found: dict[str, str] = alert["annotations"]
        return found

    def paged(self, times: int) -> list[Any]:
        """The pages so far, once there are as many: their status."""
        for _ in range(200):
            if len(self.pager.got) >= times:
                break
            pause(0.02)
        return [page["status"] for page in self.pager.got]


@contextmanager
def a_night(folder: Path) -> Generator[Night]:
    with a_webhook() as pager, running_alertmanager(folder, pager.url) as real:
        signals = {
            "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
            "alertmanager": {"url": real.url},
        }
        with house(folder, alerts={"mode": "enrich"}, signals=signals) as it, it.alive():
            yield Night(it=it, real=real, pager=pager, since=it.now - timedelta(minutes=10))


def test_the_alert_says_it_all_and_nobody_is_told_twice(tmp_path: Path) -> None:
    with a_night(tmp_path) as night:
        it = night.it
        night.fires()
        assert night.paged(1) == ["firing"]

        case = night.until(Phase.PROPOSED)
        night.passes()
        (pull,) = it.pull_requests()
        assert case.diagnosis is not None
        assert night.said() == {
            **OWNERS,
            "trackwalker_case": case.id,
            "trackwalker_state": "proposed",
            "trackwalker_cause": case.diagnosis.claim,
            "trackwalker_pull_request": pull["html_url"],
        }
        assert it.subjects() == []

        it.close(pull["number"])
        case = night.until(Phase.CLOSED)
        assert case.outcome is not None
        assert night.said()["trackwalker_state"] == f"closed: {case.outcome.ending}"
        assert it.subjects() == []

        pause(0.7)  # over two group intervals
        assert night.paged(1) == ["firing"], "annotations page nobody"
        night.fires(minutes=-0.05)  # the alert resolves as before, and says so once
        assert night.paged(2) == ["firing", "resolved"]
        pause(0.4)
        night.passes(2)
        assert night.real.listed() == []
        assert len(night.pager.got) == 2


def test_without_an_alert_people_are_told(tmp_path: Path) -> None:
    with a_night(tmp_path) as night:
        night.it.until(Phase.PROPOSED)
        night.passes()
        opened, proposed = night.it.subjects()
        assert opened == "shop: errors is up"
        assert proposed.startswith("shop: pull request for errors")


def test_a_silence_is_kept_by_everybody_and_what_lasts_is_taken_up_at_its_end(tmp_path: Path) -> None:
    with a_night(tmp_path) as night:
        silence = night.real.silence("service", "shop", SystemClock().now())
        night.fires()
        for _ in range(100):
            if night.real.listed()[0]["status"]["state"] == "suppressed":
                break
            pause(0.02)
        night.passes(10)
        assert night.it.case() is None
        assert night.it.app is not None
        counted = night.it.app.metrics.registry.get_sample_value
        assert (counted("trackwalker_anomalies_total", {"triage": "Silenced"}) or 0) > 5
        assert (night.said(), night.it.subjects(), night.pager.got) == (OWNERS, [], [])
        night.real.lift(silence)
        case = night.until(Phase.PROPOSED)
        night.passes()
        assert night.said()["trackwalker_case"] == case.id
        assert night.it.subjects() == []


def test_a_case_that_is_there_when_a_silence_begins_goes_on_in_silence(tmp_path: Path) -> None:
    with a_night(tmp_path) as night:
        night.fires()
        night.until(Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED, Phase.PROPOSED)
        night.real.silence("service", "shop", SystemClock().now())
        for _ in range(100):
            if night.real.listed()[0]["status"]["state"] == "suppressed":
                break
            pause(0.02)
        night.until(Phase.PROPOSED)
        night.passes()
        assert night.it.subjects() == []
