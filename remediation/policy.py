"""The gate in front of every pull request: code, not prompts. It fails closed, and says every reason at once."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case
from cases.change import ChangeClass, Part, Patch
from cases.diagnosis import Suspect
from cases.escalation import Urgency, impact_of, urgency_of
from cases.may import approved, forced, takes_back
from cases.moments import iso
from cases.policy import Allow, AskFirst, Authority, Decision, Refuse, Wait
from cases.pull_request import OpenWork, PullRequest
from cases.trust import Standing
from cases.verdict import Claim, Trial, Verdict
from config.scope import in_scope
from config.settings import Settings
from remediation.edit.code import is_test
from remediation.edit.rules import is_generated, modes
from remediation.edit.secrets import documented_secrets_in
from remediation.overlap import meetings
from remediation.playbooks import pin

HOUR = timedelta(hours=1)
IMPROVEMENT_LABEL = f"trackwalker:{ChangeClass.IMPROVEMENT}"
EXPERIMENT_LABEL = f"trackwalker:{ChangeClass.EXPERIMENT}"
NEVER_ON_LESS = frozenset({ChangeClass.EDIT, ChangeClass.IMPROVEMENT, ChangeClass.EXPERIMENT})
TRACE, SHOWN = "trace", frozenset({"setting", "shape"})
AS_GOOD = 0.05
"""By how much another suspect's score may be lower and still fit as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is open on the forge.

    open    Trackwalker's own pull requests
    opened  when the latest of them were opened that are no improvement
    alike   those of its own that another case opened for the same fingerprint
    others  what open pull requests of others do to the files that the change touches, a part's each
    ahead   a sentence for each open change of ours, of another case, that touches the same lines
    resting the branches of those of `open` that nobody answered, so that they were left in peace
    """

    open: Sequence[PullRequest]
    opened: Sequence[datetime]
    alike: Sequence[PullRequest] = ()
    others: Sequence[tuple[Part, Sequence[OpenWork]]] = ()
    ahead: Sequence[str] = ()
    resting: Collection[str] = ()


def gate(
    case: Case,
    change: Patch,
    trial: Trial,
    settings: Settings,
    traffic: Traffic,
    now: datetime,
    standing: Standing | None = None,
) -> Decision:
    """Whether this change may become a pull request now. `standing` None: the default of the configuration holds."""
    reasons = refusals(case, change, trial, settings)
    if change.rolls_back is None:  # what did harm is taken back whatever else is open
        reasons += _in_the_way(traffic)
    if reasons:
        return Refuse(reasons=tuple(dict.fromkeys(reasons)))
    forcing = forced(case)
    if not (forcing or approved(case)):
        asked = _ask_first(case, change, settings, standing)
        if asked is not None:
            return asked
    if change.rolls_back is None and not forcing:  # a limit on new work never holds a rollback back
        urgent = _is_urgent(case, settings)
        busy = _busy(settings, traffic, now, change.kind, urgent=urgent) or _quiet(settings, now, urgent=urgent)
        if busy:
            return Wait(reason=busy)
    if trial.claim is not Claim.PROVED:
        return Allow(draft=True, because=f"the cause is {trial.claim}")
    return Allow()


def _ask_first(case: Case, change: Patch, settings: Settings, standing: Standing | None) -> AskFirst | None:
    """The question to a human where authority does not reach; None where it does. A launch is always asked for."""
    if change.experiment is not None and change.experiment.measured:
        from remediation.experiments.words import launch_question

        return AskFirst(reason=launch_question(case))
    level = standing.level if standing is not None else settings.authority.granted
    because = standing.because[0] if standing is not None else "authority.default in the configuration"
    if standing is not None and takes_back(case, change):
        level = max(level, standing.given)  # what did harm is taken back by whoever was let to do it
    if level >= Authority.PULL_REQUEST:
        return None
    area = f" for {standing.area}" if standing is not None else ""
    return AskFirst(
        reason=f"authority{area} is `{level.word}` ({because}): `trackwalker approve {case.id}` lets this one go on, "
        "`authority: {default: pull_request}` or a grant in `authority.file` lets all of its kind",
        show=level is Authority.PROPOSE,
    )


def refusals(case: Case, change: Patch, trial: Trial, settings: Settings) -> tuple[str, ...]:
    """Why this change may never become a pull request of ours, whoever says yes to it."""
    return (
        *_forbidden(change, settings),
        *_elsewhere(change, trial),
        *_unproved(change, trial),
        *_unlinked(case, change, trial),
    )


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
    grants, place = settings.authority.file, settings.authority.repository or settings.repositories[0].name
    for part in change.parts:
        if part.repository == place and grants in part.paths:
            reasons.append(f"{grants}: always denied: it decides over Trackwalker itself")
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
            kept = edit.path not in change.retires
            if is_test(edit.path) and kept and (not own or edit.content is None):
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
    """A model's code is untrusted, and an improvement is nobody's need: neither is proposed on less than a proof."""
    if not (change.kind in NEVER_ON_LESS or change.tests) or trial.claim is Claim.PROVED:
        return ()
    missing = "; ".join(f"{c.name.lower()}: {c.detail}" for c in trial.checks if c.verdict is not Verdict.PASSED)
    return (f"an {change.kind} is only proposed when it is proved, and this one is not ({missing or trial.claim})",)


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
    otherwise = case.diagnosis.explained_beside(suspect) if case.diagnosis else ()
    if suspect.mechanism:
        # A cause counts beside a trace as well: whoever writes to the log can write a trace. Not where the trace's own
        # exception is all that speaks for it: with other words in it, whoever wrote it would have come as far.
        rivals = [f"{other.commit.short} is linked as well" for other in suspects if _is_rival(other, suspect)]
        told = "; ".join((*otherwise, *rivals))
        return (f"{suspect.commit.short} was not reproduced, and {told}",) if told else ()
    others = ", ".join(other.commit.short for other in suspects if other.before_onset and other is not suspect)
    shortlist = f"; it could as well be {others}" if others else ""
    return (f"nothing but its time links {suspect.commit.short} to the symptom, and it was not reproduced{shortlist}",)


def _is_rival(other: Suspect, suspect: Suspect) -> bool:
    """Whether another suspect fits as well: linked in the same way, or by what a signal shows where a log leads here.

    To choose would be to guess; and whoever writes to the log can write a trace, but no reading.
    """
    if not (other.before_onset and other.mechanism) or other.commit.sha == suspect.commit.sha:
        return False
    shown = suspect.linked_by == TRACE and other.linked_by in SHOWN
    return shown or (other.linked_by == suspect.linked_by and other.score >= suspect.score - AS_GOOD)


def _is_urgent(case: Case, settings: Settings) -> bool:
    return urgency_of(case, impact_of(case, settings.weight(case.service)), settings.approvals.terms) is Urgency.HOUR


def _quiet(settings: Settings, now: datetime, *, urgent: bool) -> str:
    """Why a pull request waits for the end of the quiet hours, or "": an urgent one never does."""
    hours = settings.schedule.quiet_hours
    ends = hours.ends(now) if hours is not None else None
    if ends is None or urgent:
        return ""
    return f"quiet hours last until {iso(ends)}, and this is not urgent"


def _busy(settings: Settings, traffic: Traffic, now: datetime, kind: ChangeClass, *, urgent: bool) -> str:
    """The limit that holds new work back, in words. Improvements have their own, and take no place from a live one.

    What nobody answered for weeks takes no place from what is urgent: it would keep the daemon from it for good.
    """
    if traffic.ahead:
        return "; ".join(traffic.ahead)
    budget = settings.budget
    waiting = [pull for pull in traffic.open if not {IMPROVEMENT_LABEL, EXPERIMENT_LABEL}.isdisjoint(pull.labels)]
    if kind is ChangeClass.EXPERIMENT:
        return ""  # each was let through at its launch
    if kind is ChangeClass.IMPROVEMENT:
        waiting = [pull for pull in waiting if IMPROVEMENT_LABEL in pull.labels]
        if len(waiting) < budget.improvements_open:
            return ""
        limit = f"`budget.improvements_open` is {budget.improvements_open}"
        return f"{len(waiting)} improvements wait for review, and {limit}"
    live = sum(pull not in waiting and not (urgent and pull.branch in traffic.resting) for pull in traffic.open)
    if live >= budget.prs_open:
        return f"{live} pull requests are open, and `budget.prs_open` is {budget.prs_open}"
    recent = sum(1 for at in traffic.opened if now - at < HOUR)
    if recent >= budget.prs_per_hour:
        return f"{recent} pull requests were opened within the hour, and `budget.prs_per_hour` is {budget.prs_per_hour}"
    return ""
