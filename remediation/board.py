"""The dashboard issue of a repository: what is open, waits, or failed there, with boxes that a writer may tick.

A box carries a token of what its case was when the list was written: one that was ticked acts once, for the case has
moved on then. Whoever can edit the issue may write to the repository: the forge sees to that.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cases.case import Case, Hold, Phase
from cases.moments import iso
from remediation.neutral import neutral
from remediation.patience import is_left_in_peace

TITLE = "Trackwalker dashboard"
MOST = 20  # rows of a section
_BOX = re.compile(r"^- \[[xX]\] .*<!-- trackwalker:(approve|retry|rebase):([0-9a-f]{12}) -->\s*$", re.MULTILINE)


class Ask(StrEnum):
    """What a box asks for."""

    APPROVE = "approve"
    RETRY = "retry"
    REBASE = "rebase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Something worth doing that no incident waits for. `at` is when it was first seen."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """A box that somebody ticked."""

    ask: Ask
    token: str


def ticked(body: str) -> tuple[Ticked, ...]:
    """The boxes of an issue that are ticked, each once."""
    found = (Ticked(ask=Ask(ask), token=token) for ask, token in _BOX.findall(body.replace("\r\n", "\n")))
    return tuple(dict.fromkeys(found))


def token_of(case: Case, ask: Ask) -> str:
    """What stands for a box: the case as it is now. Twelve hexadecimal digits."""
    return hashlib.sha256(f"{ask}\x1f{case.id}\x1f{len(case.history)}".encode()).hexdigest()[:12]


def written(cases: Sequence[Case], ended: Sequence[Case], deferred: Sequence[Deferred], now: datetime) -> str:
    """The whole issue; "" when there is nothing to list. `cases` are the active ones of the repository."""
    rows = {name: tuple(found) for name, found in _sections(cases, ended, deferred, now)}
    if not any(rows.values()):
        return ""
    text = ["Everything of Trackwalker's in this repository. Ticking a box acts once; whoever may write here may."]
    for name, listed in rows.items():
        if listed:
            text += ["", f"## {name}", "", *listed[:MOST]]
            text += [f"- and {len(listed) - MOST} more"] if len(listed) > MOST else []
    return "\n".join(text)


def _sections(
    cases: Sequence[Case], ended: Sequence[Case], deferred: Sequence[Deferred], now: datetime
) -> Iterator[tuple[str, Iterator[str]]]:
    """Each section with its rows; a case stands in the first that takes it."""
    left = list(cases)

    def taken(wanted: Sequence[Case]) -> list[Case]:
        found = [case for case in left if case in wanted]
        left[:] = [case for case in left if case not in found]
        return found

    gated = taken([case for case in left if case.hold is Hold.GATE])
    yield "Awaiting approval", (_row(case, case.hold_reason, Ask.APPROVE, "approve it") for case in gated)
    waits = taken([case for case in left if case.phase is Phase.PROVED and case.hold is Hold.NONE])
    yield "Rate-limited, or waiting for another change", (_row(case, "") for case in waits)
    failed = taken([case for case in left if case.phase is Phase.ESCALATED])
    yield (
        "Errored: a human is needed",
        (_row(case, case.escalation, Ask.RETRY, "try it again from its diagnosis") for case in failed),
    )
    blocked = taken([case for case in left if _is_blocked(case)])
    yield "Edited or blocked", (_row(case, _blocked_by(case)) for case in blocked)
    is_open = taken([case for case in left if case.phase is Phase.PROPOSED])
    yield "Open", (_row(case, "", Ask.REBASE, "bring it up to date, and prove it again") for case in is_open)
    yield "In work", (_row(case, "") for case in left)
    yield "Closed without a merge", (_closed(case) for case in ended)
    yield (
        "Deferred",
        (
            f"- {neutral(one.text, 200)} ({(now - one.at).days} days old, since {iso(one.at)})"
            for one in sorted(deferred, key=lambda one: one.at)
        ),
    )


def _row(case: Case, because: str, ask: Ask | None = None, does: str = "") -> str:
    what = case.change.title if case.changes else case.anomaly.signal.name
    branch = f", `{case.change.branch(case.id)}`" if case.has_pull_request else ""
    why = f": {neutral(because, 200)}" if because else ""
    since = f"{case.phase} since {iso(case.entered)}"
    row = f"case `{case.id}` of {neutral(case.service, 60)}, {neutral(what, 100)}{branch}, {since}{why}"
    if ask is None:
        return f"- {row}"
    return f"- [ ] {does}: {row} <!-- trackwalker:{ask}:{token_of(case, ask)} -->"


def _is_blocked(case: Case) -> bool:
    """Whether nothing is written to its pull request any more."""
    return case.hold is Hold.FROZEN or (
        case.phase is Phase.PROPOSED and bool(case.taken_over or is_left_in_peace(case))
    )


def _blocked_by(case: Case) -> str:
    if case.hold is Hold.FROZEN:
        return f"frozen: {case.hold_reason}"
    return "somebody else committed to its branch" if case.taken_over else "nobody answers: it is left in peace"


def _closed(case: Case) -> str:
    why = case.outcome.because if case.outcome else ""
    return f"- case `{case.id}` of {neutral(case.service, 60)}, {neutral(case.change.title, 100)}: {neutral(why, 200)}"
