"""What an alert is made to say of its case: four annotations, plain words on one line each."""

from collections.abc import Mapping

from cases.case import Case, Hold
from daemon.alerts.wording import one_line

PREFIX = "trackwalker_"
CASE, STATE, CAUSE, PULL_REQUEST = (f"{PREFIX}{name}" for name in ("case", "state", "cause", "pull_request"))
LONGEST = 500  # characters: Slack, mail and pagers all show that much

# A pager's template shows an annotation as it is, and Slack takes what stands between these for a call or a link.
_PLAIN = str.maketrans({"<": "\u2039", ">": "\u203a"})


def annotations_of(case: Case, pull_request: str) -> dict[str, str]:
    """What is known of the case now. `pull_request` is the address of its newest one, or ""."""
    said = {
        CASE: case.id,
        STATE: state_of(case),
        CAUSE: case.diagnosis.claim if case.diagnosis else "",
        PULL_REQUEST: pull_request,
    }
    return {name: plain for name, text in said.items() if (plain := one_line(text, LONGEST).translate(_PLAIN))}


def state_of(case: Case) -> str:
    """How far it is, in words."""
    if case.outcome is not None and not case.active:
        return f"closed: {case.outcome.ending}"
    if case.hold is Hold.NONE:
        return str(case.phase)
    return f"{case.phase}, {'waits for a yes' if case.hold is Hold.GATE else 'frozen'}"


def beside(theirs: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Ours beside those of the alert's owner, in place of whatever we said before."""
    return {**{name: text for name, text in theirs.items() if not name.startswith(PREFIX)}, **ours}
