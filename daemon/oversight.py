"""Oversight: what is open, what may be done unasked, what it costs and what came of it, as one document.

Each part is the document that its own command prints, so that the figures are the same wherever they are read.
"""

import logging
from collections import Counter
from datetime import datetime
from typing import Any

from cases.case import Case
from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.outcome import Outcome
from config.settings import Settings
from daemon.approvals import queue_of
from daemon.authority import Trust
from daemon.ledger.ledger import Ledger
from daemon.queue import document_of
from daemon.report import case_document
from daemon.reports.briefing import MONTH, figures_of
from daemon.reports.spending import spending
from daemon.scope_review import standings_document

log = logging.getLogger("trackwalker.oversight")

NEWEST = 20
"""How many of the cases that ended last are listed."""


def oversight(ledger: Ledger, settings: Settings, trust: Trust | None, now: datetime) -> dict[str, Any]:
    """The document. `authority` has an `error` instead of its areas while the forge or its file cannot be read.

    open        cases that are not closed, oldest first; `phases` counts them
    escalations as `trackwalker escalations --json`
    authority   as `trackwalker authority --json`
    spend       as `trackwalker spend --json`
    figures     as `trackwalker report --json`, of the last 30 days
    endings     how many cases ended how in the last 30 days; `ended`: the newest of them, newest first
    """
    active = ledger.cases.active()
    ended = _ended(ledger, now)
    return {
        "at": iso(now),
        "open": [case_document(case) for case in active],
        "phases": dict(sorted(Counter(str(case.phase) for case in active).items())),
        "escalations": [document_of(one, settings, now) for one in queue_of(active, settings)],
        "authority": _authority(trust),
        "spend": spending(ledger.spend, settings.budget, now),
        "figures": figures_of(ledger, now - MONTH, now).document,
        "endings": dict(sorted(Counter(str(outcome.ending) for _, outcome in ended).items())),
        "ended": [case_document(case) for case, _ in ended[:NEWEST]],
    }


def _ended(ledger: Ledger, now: datetime) -> list[tuple[Case, Outcome]]:
    """The cases that ended in the last 30 days, newest first."""
    touched = ledger.cases.since(now - MONTH)
    found = [(case, case.outcome) for case in touched if case.outcome is not None and case.outcome.at > now - MONTH]
    return sorted(found, key=lambda pair: pair[1].at, reverse=True)


def _authority(trust: Trust | None) -> dict[str, Any]:
    if trust is None:
        return {"error": "no authority is kept here"}
    try:
        return standings_document(trust)
    except (TemporaryError, PermanentError) as error:
        log.warning("the authority cannot be shown: %s", error)
        return {"error": str(error)}
