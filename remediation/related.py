"""Other changes of ours that are open in the same repository, and in which order to merge them.

One case is one pull request: it has a promise, a proof, a watch and an undoing of its own, which a pull request of
several would not. What belongs together is linked instead, from each text to the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.case import Case, Phase
from cases.pull_request_events import Proposed
from remediation.neutral import neutral
from remediation.ports import Ports

MOST = 5  # that are named
HERE = "this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """One other change that is open. `same_file`: whether both touch one file, so that their order matters."""

    case: str
    title: str
    url: str
    opened: datetime
    same_file: bool


def related(case: Case, ports: Ports) -> tuple[Related, ...]:
    """What is open beside the change in hand: on a file of it, or of its class and proposed at about its time.

    The earliest first. An improvement belongs to no incident.
    """
    window, mine = ports.settings.pull_requests.related, _opened(case) or ports.now
    found: list[Related] = []
    for other in ports.cases.active():
        opened = _opened(other)
        if other.id == case.id or other.phase is not Phase.PROPOSED or opened is None:
            continue
        if other.improvement is not case.improvement or not _belongs(
            case, other, at_about=abs(opened - mine) <= window
        ):
            continue
        receipt = ports.outbox.receipt(f"{other.id}-{other.change.number}-pull-request")
        url = receipt.facts.get("url", "") if receipt is not None else ""
        if url:
            same = bool(_files(case) & _files(other))
            one = Related(case=other.id, title=other.change.title, url=url, opened=opened, same_file=same)
            found.append(one)
    return tuple(sorted(found, key=lambda one: (one.opened, one.case))[:MOST])


def in_order(case: Case, others: Sequence[Related], now: datetime) -> str:
    """The line that says so; "" where nothing is open beside it."""
    if not others:
        return ""
    mine = _opened(case) or now
    before = [_link(one) for one in others if (one.opened, one.case) < (mine, case.id)]
    after = [_link(one) for one in others if (one.opened, one.case) >= (mine, case.id)]
    if any(one.same_file for one in others):
        listed = ", then ".join((*before, HERE, *after))
        return f"**Related open changes**, some of one file: merge in this order: {listed}. Each is proved on its own."
    return f"**Related open changes**, in any order: {', '.join((*before, *after))}. Each is proved on its own."


def _belongs(case: Case, other: Case, *, at_about: bool) -> bool:
    mine, theirs = case.change, other.change
    if mine.lead.repository != theirs.lead.repository:
        return False
    return bool(_files(case) & _files(other)) or (at_about and mine.kind is theirs.kind)


def _files(case: Case) -> frozenset[str]:
    return frozenset(case.change.lead.paths)


def _opened(case: Case) -> datetime | None:
    """When the change in hand was first proposed."""
    if not case.changes:
        return None
    number = case.change.number
    found = (e.at for e in case.history if isinstance(e.event, Proposed) and e.event.change == number)
    return next(found, None)


def _link(one: Related) -> str:
    return f"[`{neutral(one.title, 80)}`]({one.url})"
