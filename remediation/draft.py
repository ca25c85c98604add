"""DIAGNOSED → DRAFTED (or REVERTING → DRAFTED): the first change that can be drafted and was not tried yet.

The order of remedies: undo what is linked to the symptom → tune a value → edit the code that an error names → undo
what only ran at the right time → a human. Each drafter answers with a change, or with the reason why it has none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cases.case import Case, Phase
from cases.change import ChangeClass, Patch
from cases.diagnosis import Commit, Suspect
from cases.errors import PermanentError
from cases.events import Drafted, Escalated, Redrafted
from cases.steps import StepResult
from cases.telemetry import Severity
from cases.verdict import Claim
from remediation.conclusion import fits
from remediation.drafting import CannotDraft, Drafter, Drafting
from remediation.edit.drafter import edit, rebased
from remediation.edit.secrets import documented_secrets_in
from remediation.neutral import neutral
from remediation.playbooks import close, flag, guard, image_tag, pin, plugged, restore, revert, revert_in_part, tune
from remediation.playbooks.contract import kept
from remediation.playbooks.revert import CannotRevert, roll_back
from remediation.ports import Ports
from remediation.recall import refused

# Tried in this order, those that take least away first. The first answers a suspect, the second the trouble itself.
OF_A_SUSPECT: Sequence[Drafter] = (
    image_tag.drafter,
    flag.drafter,
    pin.drafter,
    restore.drafter,
    revert.drafter,
    revert_in_part.drafter,
)
OF_NONE: Sequence[Drafter] = (tune.drafter, edit, guard.drafter, close.drafter)


def of_a_suspect() -> Sequence[Drafter]:
    """Who is asked about a suspect: installed playbooks before the revert, which always knows something."""
    revert_at = OF_A_SUSPECT.index(revert.drafter)
    return (*OF_A_SUSPECT[:revert_at], *plugged.drafters(), *OF_A_SUSPECT[revert_at:])


def of_none() -> Sequence[Drafter]:
    """Who is asked about the trouble itself: installed playbooks after the operator's rules, before an edit."""
    return (*OF_NONE[:1], *plugged.drafters(), *OF_NONE[1:])


def draft(case: Case, ports: Ports) -> StepResult:
    """Draft the next change, or say why there is none left to try."""
    if case.phase is Phase.REVERTING:
        drafted = _rollback(case, ports, case.change, case.change.number + 1)
        return drafted_or_given_up(case, ports, drafted)
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    able = [suspect for suspect in (case.diagnosis.suspects if case.diagnosis else ()) if fits(suspect)]
    willing = [suspect for suspect in able if not refused(suspect, lessons)]
    limit = ports.settings.diagnosis.suspects
    # Of those that are tried, what only time links comes last: it is refused without a reproduction.
    willing[:limit] = sorted(willing[:limit], key=lambda suspect: not suspect.mechanism)
    tried = _tried(case)
    reasons = [f"undoing {sha[:10]} did not mend it in the sandbox" for sha in tried]
    for drafter, suspect in _in_order(case, ports, [s for s in willing[:limit] if s.commit.sha not in tried]):
        drafting = _new(case, _clean(kept(case, drafter(case, ports, suspect), ports.settings)))
        if isinstance(drafting, Patch):
            return StepResult(events=(Drafted(change=drafting),))
        reasons.append(drafting.reason)
    reasons += [
        f"undoing {suspect.commit.short} was refused or did not help before"
        for suspect in able
        if suspect not in willing
    ]
    if len(willing) > limit:
        reasons.append(f"{len(willing) - limit} less likely suspects were not tried")
    said = "; ".join(dict.fromkeys(filter(None, reasons)))
    return give_up(case, ports, said or "there is nothing to revert")


def _clean(drafting: Drafting) -> Drafting:
    """Refuse to take a secret into the ledger, where whole files of a change are kept, and into a pull request."""
    if isinstance(drafting, CannotDraft):
        return drafting
    for part in drafting.parts:
        texts = [(edit.path, (edit.content or b"").decode(errors="replace")) for edit in part.edits]
        for path, text in (*texts, ("its diff", part.diff)):
            if found := documented_secrets_in(text):
                return CannotDraft(
                    reason=f"{drafting.title} is left to a human: {neutral(path, 80)} holds {found[0]}, as it seems"
                )
    return drafting


def _new(case: Case, drafting: Drafting) -> Drafting:
    """The drafting, unless it is a playbook's and the sandbox disproved the very same change before."""
    if isinstance(drafting, CannotDraft) or drafting.origin.startswith("model:"):
        return drafting  # a model's edits have a limit of their own, and say what was wrong with the last
    failed = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    for earlier in case.changes:
        if earlier.number in failed and _what(earlier) == _what(drafting):
            return CannotDraft(reason=f"{earlier.title} did not mend it in the sandbox")
    return drafting


def _what(change: Patch) -> tuple[object, ...]:
    """What a change does, whatever it stands on and whoever drafted it."""
    return tuple((part.repository, part.edits, part.runs) for part in change.parts)


def _in_order(case: Case, ports: Ports, suspects: Sequence[Suspect]) -> Iterator[tuple[Drafter, Suspect | None]]:
    """Which drafter is asked about whom, in turn. Suspects that nothing but time links come after an edit, if any."""
    editable = ports.model is not None and case.diagnosis is not None and bool(case.diagnosis.hypotheses)
    later = [suspect for suspect in suspects if editable and not suspect.mechanism]
    for suspect in suspects:
        if suspect not in later:
            yield from ((drafter, suspect) for drafter in of_a_suspect())
    yield from ((drafter, None) for drafter in of_none())
    for suspect in later:
        yield from ((drafter, suspect) for drafter in of_a_suspect())


def _tried(case: Case) -> tuple[str, ...]:
    """The commits whose undoing the sandbox disproved, in whatever form."""
    failed = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    blamed = [change.blames or change.inverse_of for change in case.changes if change.number in failed]
    return tuple(dict.fromkeys(sha for sha in blamed if sha))


def redraft(case: Case, ports: Ports, because: str) -> StepResult:
    """The change in hand again, on top of what the watched branch holds now. It must be proved anew."""
    change = case.change
    again = _clean(_again(case, ports, change))
    if isinstance(again, CannotDraft):
        return give_up(case, ports, f"{because}; {again.reason or 'it cannot be drafted any more'}")
    return StepResult(events=(Redrafted(change=again, because=because),))


def _again(case: Case, ports: Ports, change: Patch) -> Drafting:
    if change.rolls_back is not None:
        harmful = next(earlier for earlier in case.changes if earlier.number == change.rolls_back)
        return _rollback(case, ports, harmful, change.number)
    if change.kind is ChangeClass.EDIT and change.origin.startswith("model:"):
        return rebased(case, ports, change)
    suspect = _suspect(case, change)
    reasons: list[str] = []
    for drafter in [d for d in of_none() if d is not edit] if suspect is None else of_a_suspect():
        drafted = kept(case, drafter(case, ports, suspect), ports.settings)
        if isinstance(drafted, Patch) and drafted.origin == change.origin:
            return replace(drafted, number=change.number)
        reasons.append(drafted.reason if isinstance(drafted, CannotDraft) else "")
    return CannotDraft(reason="; ".join(filter(None, reasons)))


def drafted_or_given_up(case: Case, ports: Ports, drafting: Drafting) -> StepResult:
    """The change, or its reason for a human."""
    drafting = _clean(drafting)
    if isinstance(drafting, CannotDraft):
        return give_up(case, ports, drafting.reason)
    return StepResult(events=(Drafted(change=drafting),))


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


def _rollback(case: Case, ports: Ports, harmful: Patch, number: int) -> Drafting:
    merge = next((merge for merge in reversed(case.merges) if merge.change == harmful.number), None)
    if merge is None:
        raise PermanentError(
            f"change {harmful.number} of case {case.id} was never merged, so there is nothing to roll back"
        )
    merged = Commit(sha=merge.sha, at=merge.merged_at, author=merge.by, title=harmful.title, parents=())
    undone = ports.forge.revert(merge.repository, ports.forge.head(merge.repository), merge.sha)
    drafted = roll_back(case, harmful, number, merged, undone, ports.settings.service(case.service))
    return CannotDraft(reason=drafted.reason) if isinstance(drafted, CannotRevert) else drafted


def _suspect(case: Case, change: Patch) -> Suspect | None:
    """The suspect that a change answers; None for one that answers none."""
    blamed = change.blames or change.inverse_of
    if blamed is None:
        return None
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    found = next((suspect for suspect in suspects if suspect.commit.sha == blamed), None)
    if found is None:
        raise PermanentError(f"change {change.number} of case {case.id} answers no commit that was suspected")
    return found
