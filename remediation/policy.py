"""The gate in front of every pull request: code, not prompts. It fails closed, and says every reason at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case
from cases.change import ChangeClass, Patch
from cases.events import Approved, Drafted, Event, Overridden, Override
from cases.policy import Allow, AskFirst, Authority, Decision, Refuse, Wait
from cases.pull_request import PullRequest
from cases.verdict import Claim, Trial, Verdict
from config.scope import in_scope
from config.settings import Settings
from remediation.playbooks import pin

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Trackwalker's own pull requests: those that are open now, and when the latest ones were opened."""

    open: Sequence[PullRequest]
    opened: Sequence[datetime]


def gate(case: Case, change: Patch, trial: Trial, settings: Settings, traffic: Traffic, now: datetime) -> Decision:
    """Whether this change may become a pull request now."""
    reasons = refusals(case, change, trial, settings)
    if reasons:
        return Refuse(reasons=reasons)
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
    return (*_forbidden(change, settings), *_unproved(change, trial), *_unlinked(case, change, trial))


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
    """Why this change may never become a pull request of ours."""
    paths = [path for part in change.parts for path in part.paths]
    reasons = list(
        in_scope(
            paths,
            settings.scope,
            lines=change.blast_radius.lines,
            exact_inverse=change.undoes is not None,
            pins=pin.is_pin(change),
        )
    )
    if change.blast_radius.migrations.startswith("found"):
        reasons.append(f"it touches a migration ({change.blast_radius.migrations}); undoing code does not undo data")
    return tuple(reasons)


def _unproved(change: Patch, trial: Trial) -> tuple[str, ...]:
    """An edit is untrusted code: it is proposed when the sandbox proved it, and never on less."""
    if change.kind is not ChangeClass.EDIT or trial.claim is Claim.PROVED:
        return ()
    missing = "; ".join(f"{c.name.lower()}: {c.detail}" for c in trial.checks if c.verdict is not Verdict.PASSED)
    return (f"an edit is only proposed when it is proved, and this one is not ({missing or trial.claim})",)


def _unlinked(case: Case, change: Patch, trial: Trial) -> tuple[str, ...]:
    """Timing alone accuses nobody: what the sandbox did not prove needs something that links it to the symptom."""
    if trial.claim is Claim.PROVED or change.rolls_back is not None:
        return ()
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    suspect = next(
        (suspect for suspect in suspects if suspect.commit.sha == (change.blames or change.inverse_of)), None
    )
    if suspect is None or suspect.mechanism:
        return ()
    others = ", ".join(other.commit.short for other in suspects if other.before_onset and other is not suspect)
    shortlist = f"; it could as well be {others}" if others else ""
    return (f"nothing but its time links {suspect.commit.short} to the symptom, and it was not reproduced{shortlist}",)


def _busy(settings: Settings, traffic: Traffic, now: datetime) -> str:
    budget = settings.budget
    if len(traffic.open) >= budget.prs_open:
        return f"{len(traffic.open)} pull requests are open, and `budget.prs_open` is {budget.prs_open}"
    recent = sum(1 for at in traffic.opened if now - at < HOUR)
    if recent >= budget.prs_per_hour:
        return f"{recent} pull requests were opened within the hour, and `budget.prs_per_hour` is {budget.prs_per_hour}"
    return ""
