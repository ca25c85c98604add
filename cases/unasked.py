"""What the history of a case says of merging its change unasked: what was announced, withheld, and merged so. Pure."""

from collections.abc import Iterator

from cases.case import Case, Phase
from cases.events import Drafted, Entry, Event, Frozen, Gated, Redrafted
from cases.pull_request_events import MergeAnnounced, MergeWithheld, Proposed, TakenOver

MOST = 5
"""How often one change is announced: what was withheld so often is a human's."""
ENDS = (MergeWithheld, Proposed, Redrafted, Drafted, TakenOver, Frozen, Gated)
"""What ends an announcement: another commit is to be merged then, or somebody said no."""


def announced(case: Case) -> MergeAnnounced | None:
    """The announcement of the change in hand that stands, or None."""
    if case.phase is not Phase.PROPOSED:
        return None
    for entry in reversed(case.history):
        if isinstance(entry.event, MergeAnnounced):
            return entry.event if entry.event.change == case.change.number else None
        if isinstance(entry.event, ENDS):
            return None
    return None


def withheld(case: Case) -> MergeWithheld | None:
    """Why the change in hand is not merged unasked, as it was said last of the commit that is proposed now."""
    for event in _of_the_proposal(case):
        if isinstance(event, MergeWithheld):
            return event
        if isinstance(event, MergeAnnounced):
            return None
    return None


def refused(case: Case) -> str:
    """Somebody's no to merging the change in hand unasked, which no further draft of it undoes; "" for none."""
    mine = [e.event for e in case.history if isinstance(e.event, MergeWithheld) and e.event.final]
    return next((event.because for event in mine if event.change == case.change.number), "")


def announcements(case: Case) -> int:
    """How often the change in hand was announced."""
    return sum(isinstance(e.event, MergeAnnounced) and e.event.change == case.change.number for e in case.history)


def sayings(case: Case) -> int:
    """How often anything was said about merging the change in hand unasked: it tells one comment from the next."""
    said = (e.event for e in case.history if isinstance(e.event, MergeAnnounced | MergeWithheld))
    return sum(event.change == case.change.number for event in said)


def merge_key(case: Case) -> str:
    """The key of the merge that the newest announcement leads to. Each announcement has one merge at the most."""
    return f"{case.id}-{case.change.number}-merge-{announcements(case)}"


def proposed_at(case: Case) -> Entry:
    """The entry by which the commit that is proposed now came to be. Raises LookupError before any did."""
    for entry in reversed(case.history):
        if isinstance(entry.event, Proposed):
            return entry
    raise LookupError(f"case {case.id} has no pull request yet")


def _of_the_proposal(case: Case) -> Iterator[Event]:
    """What happened since the commit was proposed, newest first."""
    for entry in reversed(case.history):
        if isinstance(entry.event, Proposed):
            return
        yield entry.event
