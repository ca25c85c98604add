"""I5 and I8: every outward call has a line before it that says why; while everything is paused, none begins."""

from collections.abc import Iterator

from cases.steps import SendNotice
from daemon.audited import ENDED, NO_CASE, PREPARE, RUN
from daemon.invariants.finding import Finding
from daemon.invariants.ground import Ground
from daemon.invariants.told import CUT, Line, Told
from daemon.ledger.audit import ANOMALY, ROOTS
from daemon.ledger.outbox import ADOPTED, DONE, DROPPED, PROMISED
from daemon.ledger.spend import RESERVED, SETTLED

HUMANS = ("human:", "file:", "comment:")
AFTER = {DONE: PROMISED, ADOPTED: PROMISED, DROPPED: PROMISED, SETTLED: RESERVED, ENDED: RUN}
"""What must stand before a line, with the same name."""
NAMES = {PROMISED: "key", RESERVED: "reservation", RUN: "key"}
QUIET = frozenset({SendNotice.__name__, "PullLever"})  # alerts, and the levers themselves, go on during a pause
ACKNOWLEDGEMENT = "ack-"  # what the keys of answers to a human's command hold


def promised_first(ground: Ground) -> Iterator[Finding]:
    """I5: every outward call has its line before it, and every line leads up to a signal or a human's word."""
    told = ground.told
    yield from _parents(told)
    yield from _before(told)
    yield from _trials(told)
    yield from _strangers(ground)


def nothing_while_paused(ground: Ground) -> Iterator[Finding]:
    """I8: between a pause and its end nothing is written to repositories, models or sandboxes.

    What was begun before may end: one effect and one call a case, since a case does one after the other.
    """
    since: Line | None = None
    in_hand: set[tuple[str | None, bool]] = set()
    for line in ground.told.lines:
        if line.link.action in {"pause.on", "pause.off"}:
            since = line if line.link.action == "pause.on" else None
            in_hand = set()
        elif since is not None and _writes(line, since, in_hand):
            what = f"{line.link.action} of {_name(line) or line.link.case} during the pause of line {since.link.seq}"
            yield Finding(invariant="I8", row=line.row, what=what, advice="report it: a pause must hold at once")


def _writes(line: Line, since: Line, in_hand: set[tuple[str | None, bool]]) -> bool:
    """Whether a line tells of a write to a repository, model or sandbox that began after the pause."""
    call = line.link.action in {RUN, RESERVED}
    if not call and line.link.action not in {DONE, ADOPTED}:
        return False
    if line.detail.get("kind") in QUIET or ACKNOWLEDGEMENT in line.detail.get("key", ""):
        return False
    began_before = (line.link.parent or 0) < since.link.seq and (line.link.case, call) not in in_hand
    in_hand.add((line.link.case, call))
    return not began_before


def _parents(told: Told) -> Iterator[Finding]:
    cut = max((int(upto) for line in told.actions(CUT) if (upto := line.detail.get("upto", "")).isdecimal()), default=0)
    for line in told.lines:
        parent, action = line.link.parent, line.link.action
        if parent is None:
            rooted = action.startswith(ROOTS) or str(line.link.actor).startswith(HUMANS) or not line.hash
            if not rooted and not _is_of_no_case(line):
                what = f"{action} follows from nothing: no signal and no human's word leads to it"
                yield Finding(invariant="I5", row=line.row, what=what)
        elif not _is_before(parent, line, cut, told):
            yield Finding(invariant="I5", row=line.row, what=f"it follows from line {parent}, which is not before it")


def _is_of_no_case(line: Line) -> bool:
    """Whether it is an order of the schedule: a repository's own commands at night, or the making of its image."""
    night = line.link.action == RUN and _name(line).startswith(f"{NO_CASE}-")
    return not line.link.case and (night or line.link.action == PREPARE)


def _is_before(parent: object, line: Line, cut: int, told: Told) -> bool:
    """Whether a parent is a line before it, or one that was removed for its age; SQLite keeps whatever it is given."""
    return isinstance(parent, int) and parent < line.link.seq and (parent <= cut or parent in told.by_seq)


def _name(line: Line) -> str:
    return line.detail.get("reservation") or line.detail.get("key", "")


def _before(told: Told) -> Iterator[Finding]:
    """Whatever was done was promised first; what a model or a sandbox answered was ordered first."""
    seen: set[tuple[str, str]] = set()
    cut = bool(next(told.actions(CUT), None))
    for line in told.lines:
        action = line.link.action
        if action in NAMES:
            seen.add((action, line.detail.get(NAMES[action], "")))
        wanted = AFTER.get(action)
        if wanted is not None and (wanted, line.detail.get(NAMES[wanted], "")) not in seen and not cut:
            what = f"{action} of {_name(line)}, and no {wanted} before it"
            yield Finding(invariant="I5", row=line.row, what=what)


def _trials(told: Told) -> Iterator[Finding]:
    """A case that this chain has seen from its first anomaly on has a sandbox line before each trial of it."""
    known = {line.link.case for line in told.actions(ANOMALY)}
    ran: set[str | None] = set()
    for line in told.lines:
        if line.link.action == RUN:
            ran.add(line.link.case)
        elif line.link.action in {"case.Proved", "case.Disproved"} and line.link.case in known:
            if line.link.case not in ran:
                what = f"case {line.link.case} tells of a trial, and no {RUN} stands before it"
                yield Finding(invariant="I5", row=line.row, what=what)
            ran.discard(line.link.case)


def _strangers(ground: Ground) -> Iterator[Finding]:
    """Open pull requests of ours that no line promised."""
    if ground.forge is None:
        return
    known = {line.detail.get("key", "") for line in ground.told.actions(PROMISED)}
    for repository in ground.settings.repositories:
        for pull in ground.forge.open_pull_requests(repository.name):
            key = f"{pull.branch.removeprefix('trackwalker/')}"
            if not any(name.startswith(f"{key}-") and "pull-request" in name for name in known):
                what = f"{pull.url} is open under our name, and no line of the audit promised it"
                advice = "close it, and renew the forge's token: somebody else has it"
                row = f"branch {pull.branch} of {repository.name}"
                yield Finding(invariant="I5", row=row, what=what, advice=advice)
