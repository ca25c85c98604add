"""The queue of escalations, as the command line, the API and the briefing show it."""

from datetime import datetime
from typing import Any

from cases.escalation import Asked, Escalation
from cases.moments import iso
from config.settings import Settings
from daemon.spans_of_time import long
from remediation.neutral import neutral

WORDS = {
    Asked.YES: "a yes or a no",
    Asked.HELP: "help",
    Asked.MEND: "a bug to be looked at",
    Asked.LOOK: "a look at once",
}


def owners_of(settings: Settings, service: str) -> tuple[str, ...]:
    """Who owns a service; nobody, where the settings name nobody."""
    return next((listed.owners for listed in settings.services if listed.name == service), ())


def asked_of(one: Escalation, settings: Settings) -> tuple[str, ...]:
    """Who is to answer: whom the outcome names, else the owners of the service."""
    return (one.owner,) if one.owner else owners_of(settings, one.service)


def backup_of(one: Escalation, settings: Settings) -> str:
    """Who is told at the deadline."""
    if one.backup:
        return one.backup
    return ", ".join(settings.approvals.backup) or "whoever was told before"


def default_of(one: Escalation, settings: Settings) -> str:
    """What is done when nobody answers: never anything that needs a yes."""
    if one.asks is not Asked.YES:
        return f"it is told again every {long(settings.approvals.repeat)}, and the case waits"
    if settings.approvals.expired == "reject":
        return "at the deadline it counts as a no, and the case is closed"
    return "nothing is done without a yes; a later yes still counts"


def document_of(one: Escalation, settings: Settings, now: datetime) -> dict[str, Any]:
    """One of them, for programs. `age` and `left` are in seconds; `left` is below zero past the deadline."""
    return {
        "id": one.id,
        "case": one.case,
        "service": one.service,
        "asks": str(one.asks),
        "urgency": str(one.urgency),
        "impact": round(one.impact, 2),
        "reason": one.reason,
        "asked": iso(one.asked),
        "age": int((now - one.asked).total_seconds()),
        "deadline": iso(one.deadline),
        "left": int((one.deadline - now).total_seconds()),
        "owners": list(asked_of(one, settings)),
        "backup": [one.backup] if one.backup else list(settings.approvals.backup),
        "default": default_of(one, settings),
        "seen_by": one.seen_by or None,
    }


def row_of(one: Escalation, settings: Settings, now: datetime) -> tuple[str, ...]:
    """The same for people."""
    late = " (past)" if now >= one.deadline else ""
    return (
        one.id,
        one.service,
        WORDS[one.asks],
        str(one.urgency),
        long(now - one.asked),
        f"{iso(one.deadline)}{late}",
        ", ".join(asked_of(one, settings)) or "nobody",
        one.seen_by or "nobody",
        neutral(one.reason),
    )
