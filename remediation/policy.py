"""The gate in front of every pull request: code, not prompts. It fails closed, and says every reason at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case
from cases.change import ChangeClass, Part, Patch
from cases.diagnosis import Suspect
from cases.events import Approved, Drafted, Event, Overridden, Override
from cases.policy import Allow, AskFirst, Authority, Decision, Refuse, Wait
from cases.pull_request import OpenWork, PullRequest
from cases.verdict import Claim, Trial, Verdict
from config.scope import in_scope
from config.settings import Settings
from remediation.edit.code import is_test
from remediation.edit.rules import is_generated, modes
from remediation.edit.secrets import documented_secrets_in
from remediation.overlap import meetings
from remediation.playbooks import pin

HOUR = timedelta(hours=1)
AS_GOOD = 0.05
"""By how much another suspect's score may be lower and still fit as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is open on the forge.

    open    Trackwalker's own pull requests
    opened  when the latest of them were opened
    alike   those of its own that another case opened for the same fingerprint
    others  what open pull requests of others do to the files that the change touches, a part's each
    """

    open: Sequence[PullRequest]
    opened: Sequence[datetime]
    alike: Sequence[PullRequest] = ()
    others: Sequence[tuple[Part, Sequence[OpenWork]]] = ()


def gate(case: Case, change: Patch, trial: Trial, settings: Settings, traffic: Traffic, now: datetime) -> Decision:
    """Whether this change may become a pull request now."""
    reasons = refusals(case, change, trial, settings)
    if change.rolls_back is None:  # what did harm is taken back whatever else is open
        reasons += _in_the_way(traffic)
    if reasons:
        return Refuse(reasons=tuple(dict.fromkeys(reasons)))
    forced = _forced(case)
    if not (forced or _approved(case)) and settings.authority.granted < Authority.PULL_REQUEST:
        return AskFirst(
            reason=f"authority is `{settings.authority.default}`: `trackwalker approve {case.id}` lets this one go on, "
            "`authority: {default: pull_request}` lets all of its kind"
        )
    if change.rolls_back is None and not forced:  # a limit on new work never holds a rollback back
        busy = _busy(settings, traffic, now)
        if busy:
            return Wait(reason=busy)
    if trial.claim is not Claim.PROVED:
        return Allow(draft=True, because=f"the cause is {trial.claim}")
    return Allow()


def refusals(case: Case, change: Patch, trial: Trial, settings: Settings) -> tuple[str, ...]:
    """Why this change may never become a pull request of ours, whoever says yes to it."""
    return (
        *_forbidden(change, settings),
        *_elsewhere(change, trial),
        *_unproved(change, trial),
        *_unlinked(case, change, trial),
    )


def _approved(case: Case) -> bool:
    """Whether a human said yes to the change in hand. A redraft undoes the same commit, so the yes still holds."""
    return any(isinstance(event, Approved) for event in _since_drafted(case))


def _forced(case: Case) -> bool:
    """Whether a human let the change in hand pass whatever is no refusal: gates, and limits on new work."""
    return any(isinstance(e, Overridden) and e.how is Override.FORCE for e in _since_drafted(case))


def _since_drafted(case: Case) -> Iterator[Event]:
    """What happened since the change in hand was first drafted, newest first."""
    for entry in reversed(case.history):
        if isinstance(entry.event, Drafted):
            return
        yield entry.event


def _forbidden(change: Patch, settings: Settings) -> tuple[str, ...]:
    """What no change of ours may hold. An exact inverse is excused from the allow list, size and tests alone.

    That it brings back code with imports and addresses in it is its purpose: those are asked of edits, as they are
    drafted. What a human would not see in review (a mode, a link, a secret) is asked of it as well.
    """
    exact = change.undoes is not None
    paths = [path for part in change.parts for path in part.paths]
    counted = sum(part.added + part.removed for part in change.parts)
    lines = max(change.blast_radius.lines, counted)
    reasons = list(in_scope(paths, settings.scope, lines=lines, exact_inverse=exact, pins=pin.is_pin(change)))
    if change.blast_radius.migrations.startswith("found"):
        reasons.append(f"it touches a migration ({change.blast_radius.migrations}); undoing code does not undo data")
    for part in change.parts:
        reasons += [f"{part.repository}: {said}" for said in modes(part.diff, restores=exact)]
        secrets = documented_secrets_in(added(part.diff))
        reasons += [f"{part.repository}: it looks as if it added {found}" for found in secrets]
    if not exact:
        reasons += _beside_the_purpose(change)
    return tuple(reasons)


def _beside_the_purpose(change: Patch) -> Iterator[str]:
    """Files that a change which is no exact inverse leaves alone: tests that are there, and what programs make."""
    for part in change.parts:
        for edit in part.edits:
            own = edit.path in change.tests
            if is_test(edit.path) and (not own or edit.content is None):
                yield f"{edit.path}: existing tests may not be changed"
            if is_generated(edit.path):
                yield f"{edit.path}: it is generated"


def added(diff: str) -> str:
    """The lines that a unified diff adds, headers left out."""
    kept: list[str] = []
    inside = False
    for line in diff.split("\n"):
        if line.startswith(("diff --git ", "@@ ")):
            inside = line.startswith("@@ ")
        elif inside and line.startswith("+"):
            kept.append(line[1:])
    return "\n".join(kept)


def _elsewhere(change: Patch, trial: Trial) -> tuple[str, ...]:
    """What was tried is what is pushed: on the very commit."""
    base = change.lead.base
    if trial.base == base:
        return ()
    return (f"it was tried on {trial.base[:10]}, and would be pushed on {base[:10]}",)


def _in_the_way(traffic: Traffic) -> tuple[str, ...]:
    """Whose open work it would get in the way of: another case's of the same trouble, or a human's."""
    alike = [f"the same trouble has an open pull request already: {pull.url}" for pull in traffic.alike]
    return (*alike, *(said for part, work in traffic.others for said in meetings(part, work)))


def _unproved(change: Patch, trial: Trial) -> tuple[str, ...]:
    """An edit is untrusted code: it is proposed when the sandbox proved it, and never on less."""
    if change.kind is not ChangeClass.EDIT or trial.claim is Claim.PROVED:
        return ()
    missing = "; ".join(f"{c.name.lower()}: {c.detail}" for c in trial.checks if c.verdict is not Verdict.PASSED)
    return (f"an edit is only proposed when it is proved, and this one is not ({missing or trial.claim})",)


def _unlinked(case: Case, change: Patch, trial: Trial) -> tuple[str, ...]:
    """What the sandbox did not prove needs a link to the symptom, and nothing operational that explains it as well.

    Timing alone accuses nobody.
    """
    if trial.claim is Claim.PROVED or change.rolls_back is not None:
        return ()
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    suspect = next(
        (suspect for suspect in suspects if suspect.commit.sha == (change.blames or change.inverse_of)), None
    )
    if suspect is None:
        return ()
    otherwise = case.diagnosis.explained_otherwise if case.diagnosis else ()
    if suspect.mechanism:
        # A cause counts beside a trace as well: whoever writes to the log can write a trace.
        rivals = [f"{other.commit.short} is linked as well" for other in suspects if _is_rival(other, suspect)]
        told = "; ".join((*otherwise, *rivals))
        return (f"{suspect.commit.short} was not reproduced, and {told}",) if told else ()
    others = ", ".join(other.commit.short for other in suspects if other.before_onset and other is not suspect)
    shortlist = f"; it could as well be {others}" if others else ""
    return (f"nothing but its time links {suspect.commit.short} to the symptom, and it was not reproduced{shortlist}",)


def _is_rival(other: Suspect, suspect: Suspect) -> bool:
    """Whether another suspect is linked in the same way, and fits as well: to choose would be to guess."""
    linked = other.before_onset and bool(other.mechanism) and other.linked_by == suspect.linked_by
    return linked and other.commit.sha != suspect.commit.sha and other.score >= suspect.score - AS_GOOD


def _busy(settings: Settings, traffic: Traffic, now: datetime) -> str:
    budget = settings.budget
    if len(traffic.open) >= budget.prs_open:
        return f"{len(traffic.open)} pull requests are open, and `budget.prs_open` is {budget.prs_open}"
    recent = sum(1 for at in traffic.opened if now - at < HOUR)
    if recent >= budget.prs_per_hour:
        return f"{recent} pull requests were opened within the hour, and `budget.prs_per_hour` is {budget.prs_per_hour}"
    return ""
