"""What a notice is about, by its key: routes match it, a pager ends by it, quiet hours let some of it through."""

import re

from cases.steps import Notice

OPENED, JOINED, ECHO, GATE, ESCALATED, PROPOSED, CLOSED = (
    "opened", "joined", "echo", "gate", "escalated", "proposed", "closed",
)  # fmt: skip
BUG, WAITING, HARMFUL, TAKEN_OVER = "bug", "waiting", "harmful", "taken-over"
REMINDER, EXPIRED, AGAIN, IMPACT, SEEN, DECIDED = "reminder", "expired", "again", "impact", "seen", "decided"
BRIEFING, BUDGET, UNDELIVERED, DAEMON, OTHER = "briefing", "budget", "undelivered", "daemon", "other"

_OF_A_CASE: tuple[tuple[str, str], ...] = (
    (r"opened", OPENED),
    (r"page|ticket|note|traced-to-.*", JOINED),
    (r"echo-.*", ECHO),
    (r"closed", CLOSED),
    (r"escalated(-\d+)?", ESCALATED),
    (r"bug-\d+", BUG),
    (r"[a-z]+-waiting-\d+", WAITING),
    (r"rollback-paused|\d+-harmful|\d+-killed", HARMFUL),
    (r"\d+-gate", GATE),
    (r"\d+-proposed", PROPOSED),
    (r"\d+-taken-over", TAKEN_OVER),
    *((rf".*-{kind}-\d+(-\d+)?", kind) for kind in (REMINDER, EXPIRED, AGAIN, IMPACT, SEEN, DECIDED)),
)
_OF_NONE: tuple[tuple[str, str], ...] = (
    (r"briefing-.*", BRIEFING),
    (r"budget-.*", BUDGET),
    (r"undelivered:.*", UNDELIVERED),
    (r"sight-.*|recipe-.*|reload-.*|settings-.*|ledger-refuses-.*", DAEMON),
)

KINDS = tuple(dict.fromkeys([*(kind for _, kind in _OF_A_CASE), *(kind for _, kind in _OF_NONE), OTHER]))
"""Every kind there is."""


def kind_of(notice: Notice) -> str:
    """The kind of a notice."""
    own = notice.key.removeprefix(f"{notice.case}-") if notice.case else notice.key
    forms = _OF_A_CASE if own != notice.key else _OF_NONE
    return next((kind for form, kind in forms if re.fullmatch(form, own, re.DOTALL)), OTHER)
