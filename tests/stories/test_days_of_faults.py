"""A month of faults, one after the other: without a word from anybody, and with somebody who reviews."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from cases.case import Case, Hold, Phase
from cases.outcome import Ending
from cases.pull_request_events import Merged
from daemon.app import App
from daemon.ledger.anchor import NAME
from daemon.reports.briefing import figures_of
from remediation.patience import is_left_in_peace
from tests.daemon.invariants.test_story import looked
from tests.daemon.reports.test_figures import raw
from tests.stories.days import Month, a_month, reviewer

DAYS, FAULTS = 30, 50


def whole(month: Month, app: App, started_days: int) -> list[Case]:
    """Every case; and what holds after any of them: the audit is clean, the report is what the rows say."""
    it = month.it
    found = list(app.ledger.cases.listed(1000))
    assert [case for case in found if case.hold is Hold.FROZEN] == [], "a bug froze a case"
    clean = looked(it, app.ledger, app.ports.forge)
    assert (clean.findings, clean.unreached) == ((), ())
    since, until = it.now - timedelta(days=started_days), it.now + timedelta(seconds=1)
    told = figures_of(app.ledger, since, until).document
    counted = raw(it.folder / "ledger.db", since, until)
    for name, value in told.items():
        if name in counted:
            assert value == (pytest.approx(counted[name]) if isinstance(value, dict) else counted[name]), name
    assert counted.keys() == told.keys() - {"since", "until"}
    return found


def ended(case: Case) -> str:
    """How a case rests, in a word; "" where something is still to come."""
    if case.phase is Phase.CLOSED:
        return "closed"
    if case.phase is Phase.ESCALATED:
        return "escalated"
    return "left in peace" if case.phase is Phase.PROPOSED and is_left_in_peace(case) else ""


@pytest.mark.long
def test_days_without_a_word_ends_every_incident_and_merges_nothing(tmp_path: Path) -> None:
    with a_month(tmp_path) as month, month.it.alive() as app:
        app.ledger.audit.anchor(tmp_path / NAME)
        month.lived(app, FAULTS, DAYS, timedelta(days=16))
        found = whole(month, app, DAYS + 20)
        assert [(case.id, case.phase, case.hold) for case in found if not ended(case)] == []
        assert [case.id for case in found if any(isinstance(e.event, Merged) for e in case.history)] == []
        assert 1 <= month.most_open <= month.it.settings().budget.prs_open
        assert len(found) >= FAULTS / 2
        assert Counter(map(ended, found))["closed"] > 0


@pytest.mark.long
def test_days_with_a_reviewer_ends_every_case_and_the_report_tells_it(tmp_path: Path) -> None:
    with a_month(tmp_path) as month, month.it.alive() as app:
        app.ledger.audit.anchor(tmp_path / NAME)
        month.review = reviewer
        month.lived(app, FAULTS, DAYS, timedelta(days=1))
        found = whole(month, app, DAYS + 20)
        assert [(case.id, case.phase, case.escalation) for case in found if case.phase is not Phase.CLOSED] == []
        assert len(found) >= FAULTS / 2
        endings = Counter(case.outcome.ending for case in found if case.outcome is not None)
        for ending in (Ending.WORKED, Ending.CLOSED_UNMERGED, Ending.ROLLED_BACK):
            assert endings[ending] > 0, endings
        assert month.regretted
