"""I3 and I4: what was pushed is what was accepted and tried, byte for byte, and nothing outside the scope."""

import hashlib
import io
import tarfile
from collections.abc import Iterator

from cases.case import Case
from cases.change import Change, Part
from cases.errors import PermanentError
from cases.events import Disproved, Drafted, Proved, Redrafted
from cases.ports import Forge
from cases.pull_request_events import Adopted
from cases.steps import PushBranch
from config.scope import in_scope
from config.settings import Settings
from daemon.invariants.finding import Finding
from daemon.invariants.ground import Ground, Promised, case_of
from daemon.invariants.policy import policy_digest
from remediation.playbooks.pin import is_pin

LOOK = "close its pull request, and look at who can push there"


def as_tried(ground: Ground) -> Iterator[Finding]:
    """I3: every pushed tree is its base plus the accepted edits, and was tried at that base before it was promised."""
    cases = {case.id: case for case in ground.cases}
    for promised, push in ground.pushes():
        case = cases.get(promised.case)
        what = _unlike(case, promised, push, ground) if case else ""
        if what:
            yield Finding(invariant="I3", row=f"effects {push.key}", what=what, advice=LOOK)
        elif ground.forge is not None and (other := _other_tree(ground.forge, promised, push)):
            yield Finding(invariant="I3", row=f"effects {push.key}", what=other, advice=LOOK)


def in_bounds(ground: Ground) -> Iterator[Finding]:
    """I4: no pushed commit touches a path outside the scope.

    One that was promised under another policy is held against what is denied always, not against today's lists.
    """
    today = policy_digest(ground.settings)
    cases = {case.id: case for case in ground.cases}
    for promised, push in ground.pushes():
        line = ground.told.by_seq.get(promised.promised)
        same = line is None or line.detail.get("policy", today) == today
        change = _change(cases.get(promised.case), push)
        for reason in outside_scope(push, change, ground.settings, same=same):
            yield Finding(invariant="I4", row=f"effects {push.key}", what=reason, advice=LOOK)


def outside_scope(push: PushBranch, change: Change | None, settings: Settings, *, same: bool) -> tuple[str, ...]:
    """Why what was pushed is outside the scope. `same`: it was promised under the policy of today."""
    scope = settings.scope if same else settings.scope.model_copy(update={"deny": ()})
    exact = not same or (change is not None and change.undoes is not None)
    lines = change.blast_radius.lines if change else 0
    pins = change is not None and is_pin(change)
    return in_scope([edit.path for edit in push.edits], scope, lines=lines, exact_inverse=exact, pins=pins)


def _change(case: Case | None, push: PushBranch) -> Change | None:
    number = case_of(push.branch)[1]
    return next((c for c in case.changes if str(c.number) == number), None) if case else None


def _unlike(case: Case, promised: Promised, push: PushBranch, ground: Ground) -> str:
    """How a promised push differs from what the case's history accepted and tried; "" when it does not."""
    seqs = _lines_of(ground, case.id)
    accepted: Part | None = None
    tried = False
    number = case_of(push.branch)[1]
    for n, entry in enumerate(case.history, start=1):
        if seqs.get(str(n), 0) > promised.promised:
            break
        match entry.event:
            case Drafted(change=change) | Redrafted(change=change) | Adopted(change=change) if (
                str(change.number) == number
            ):
                accepted = next((part for part in change.parts if part.repository == push.repository), None)
                lead = accepted is not None and accepted == change.lead
                tried = tried and not lead  # another draft has to be tried again
            case Proved(trial=trial) | Disproved(trial=trial) if str(trial.change) == number:
                # the parts that follow have bases of their own: they were tried with the one that leads
                tried = accepted is None or trial.base == accepted.base or _follows(case, accepted)
            case _:
                pass
    if accepted is None:
        return f"no change {number} of case {case.id} was accepted for {push.repository} before it was promised"
    if (push.base, push.edits) != (accepted.base, accepted.edits):
        return f"it is not the base and the edits that were accepted as change {number}"
    return "" if tried else f"change {number} was never tried at its base {push.base[:10]} before it was promised"


def _follows(case: Case, part: Part) -> bool:
    return any(part in change.parts[1:] for change in case.changes)


def _lines_of(ground: Ground, case_id: str) -> dict[str, int]:
    """The numbers of the lines that tell of the entries of a case."""
    lines = (line for line in ground.told.actions("case.") if line.link.case == case_id)
    return {line.detail.get("entry", ""): line.link.seq for line in lines}


def _other_tree(forge: Forge, promised: Promised, push: PushBranch) -> str:
    """How the pushed commit differs from base plus edits; "" when it does not, or is not there any more."""
    sha = promised.receipt.facts.get("sha") if promised.receipt else None
    if sha is None:
        return ""
    try:
        pushed = forge.tree(push.repository, sha, ())
    except PermanentError:
        return ""  # its branch was deleted, and nothing holds the commit any more
    ours, theirs = _files(forge.tree(push.repository, push.base, push.edits)), _files(pushed)
    different = sorted(path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path))
    if not different:
        return ""
    more = f" and {len(different) - 3} more" if len(different) > 3 else ""  # noqa: PLR2004 - a few are enough to look
    return f"the commit {sha[:10]} is not its base plus the edits: {', '.join(different[:3])}{more} differ"


def _files(tar: bytes) -> dict[str, tuple[int, bytes]]:
    """What each file of a tree holds, as a digest, with its mode."""
    found: dict[str, tuple[int, bytes]] = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as tree:
        for member in tree:
            held = tree.extractfile(member) if member.isfile() else None
            content = held.read() if held else member.linkname.encode()
            found[member.name] = (member.mode, hashlib.sha256(content).digest())
    return found
