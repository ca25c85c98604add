"""DIAGNOSED → DRAFTED (or REVERTING → DRAFTED): turn the best suspect that was not tried yet into a change."""

from cases.case import Case, Phase
from cases.change import Patch
from cases.diagnosis import Commit, Suspect
from cases.errors import PermanentError
from cases.events import Drafted, Escalated, Redrafted
from cases.steps import StepResult
from cases.telemetry import Severity
from cases.verdict import Claim
from remediation.diagnose import fits
from remediation.playbooks.revert import CannotRevert, Drafting, revert, roll_back
from remediation.ports import Ports
from remediation.recall import refused


def draft(case: Case, ports: Ports) -> StepResult:
    """Draft the next change, or say why there is none left to try."""
    if case.phase is Phase.REVERTING:
        drafted = _rollback(case, ports, case.change, case.change.number + 1)
        return give_up(case, ports, drafted.reason) if isinstance(drafted, CannotRevert) else _drafted(drafted)
    return _next_suspect(case, ports)


def redraft(case: Case, ports: Ports, because: str) -> StepResult:
    """The change in hand again, on top of what the watched branch holds now. It must be proved anew."""
    change = case.change
    if change.rolls_back is not None:
        harmful = next(earlier for earlier in case.changes if earlier.number == change.rolls_back)
        again = _rollback(case, ports, harmful, change.number)
    else:
        again = _undo(case, ports, _suspect(case, change), change.number)
    if isinstance(again, CannotRevert):
        return give_up(case, ports, f"{because}; {again.reason}")
    return StepResult(events=(Redrafted(change=again, because=because),))


def give_up(case: Case, ports: Ports, reason: str) -> StepResult:
    """Hand the case to a human with one sentence."""
    return StepResult(
        events=(Escalated(reason=reason),),
        effects=ports.tell(
            # the length of the history tells one escalation of a case from the next
            f"{case.id}-escalated-{len(case.history)}",
            Severity.PAGE,
            f"{case.service}: a human is needed",
            f"{reason}\nCase {case.id}; `trackwalker cases show {case.id}` has the evidence and the shortlist.",
            case=case.id,
        ),
    )


def _drafted(change: Patch) -> StepResult:
    return StepResult(events=(Drafted(change=change),))


def _next_suspect(case: Case, ports: Ports) -> StepResult:
    """Go down the ranking: what can have done it, was not tried, and was not refused before."""
    failed = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    tried = [change.inverse_of for change in case.changes if change.number in failed]
    limit = ports.settings.diagnosis.suspects
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    able = [suspect for suspect in (case.diagnosis.suspects if case.diagnosis else ()) if fits(suspect)]
    willing = [suspect for suspect in able if not refused(suspect, lessons)]
    reasons = [f"undoing {sha[:10]} did not mend it in the sandbox" for sha in tried if sha]
    for suspect in willing[:limit]:
        if suspect.commit.sha in tried:
            continue
        drafted = _undo(case, ports, suspect, len(case.changes) + 1)
        if not isinstance(drafted, CannotRevert):
            return _drafted(drafted)
        reasons.append(drafted.reason)
    reasons += [
        f"undoing {suspect.commit.short} was refused or did not help before"
        for suspect in able
        if suspect not in willing
    ]
    if len(willing) > limit:
        reasons.append(f"{len(willing) - limit} less likely suspects were not tried")
    return give_up(case, ports, "; ".join(reasons) or "there is nothing to revert")


def _undo(case: Case, ports: Ports, suspect: Suspect, number: int) -> Drafting:
    head = ports.forge.head(suspect.repository)
    undone = ports.forge.revert(suspect.repository, head, suspect.commit.sha)
    return revert(case, number, suspect.repository, suspect.commit, undone, ports.settings.service(case.service))


def _rollback(case: Case, ports: Ports, harmful: Patch, number: int) -> Drafting:
    merge = next((merge for merge in reversed(case.merges) if merge.change == harmful.number), None)
    if merge is None:
        raise PermanentError(
            f"change {harmful.number} of case {case.id} was never merged, so there is nothing to roll back"
        )
    merged = Commit(sha=merge.sha, at=merge.merged_at, author=merge.by, title=harmful.title, parents=())
    undone = ports.forge.revert(merge.repository, ports.forge.head(merge.repository), merge.sha)
    return roll_back(case, harmful, number, merged, undone, ports.settings.service(case.service))


def _suspect(case: Case, change: Patch) -> Suspect:
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    found = next((suspect for suspect in suspects if suspect.commit.sha == change.inverse_of), None)
    if found is None:
        raise PermanentError(f"change {change.number} of case {case.id} undoes no commit that was suspected")
    return found
