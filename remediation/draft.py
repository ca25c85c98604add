"""DIAGNOSED → DRAFTED (or REVERTING → DRAFTED): the first change that can be drafted and was not tried yet.

The order of remedies: undo what is linked to the symptom → tune a value → edit the code that an error names → undo
what only ran at the right time → a human. Each drafter answers with a change, or with the reason why it has none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from cases.case import Case, Phase
from cases.change import ChangeClass, Patch
from cases.diagnosis import Commit, Suspect
from cases.errors import PermanentError
from cases.events import Diagnosed, Disproved, Drafted, Escalated, Redrafted
from cases.steps import StepResult
from cases.telemetry import Severity
from cases.verdict import Claim
from remediation.conclusion import fits
from remediation.diagnose import diagnose
from remediation.drafting import CannotDraft, Drafter, Drafting
from remediation.edit.again import again
from remediation.edit.drafter import edit, rebased
from remediation.edit.secrets import documented_secrets_in
from remediation.neutral import neutral
from remediation.playbooks import close, flag, guard, image_tag, pin, plugged, restore, revert, revert_in_part, tune
from remediation.playbooks.contract import kept
from remediation.playbooks.revert import CannotRevert, roll_back
from remediation.ports import Ports
from remediation.recall import refused, said_no
from remediation.strategies import MODEL, MOST_LESSONS, ordered, weights

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
OWN_ORIGINS: Mapping[Drafter, str] = {
    image_tag.drafter: image_tag.ORIGIN,
    flag.drafter: flag.ORIGIN,
    pin.drafter: pin.ORIGIN,
    restore.drafter: restore.ORIGIN,
    revert.drafter: revert.ORIGIN,
    revert_in_part.drafter: revert_in_part.ORIGIN,
    tune.drafter: tune.ORIGIN,
    edit: MODEL,
    guard.drafter: guard.ORIGIN,
    close.drafter: close.ORIGIN,
}
"""What each of these is called where its outcomes are counted."""
CLEARLY = 0.1
"""By how much what mends the trouble itself must be expected to do better, to be tried before any suspect's undoing."""
Named: TypeAlias = tuple[str, Drafter]


def of_a_suspect() -> Sequence[Drafter]:
    """Who is asked about a suspect: installed playbooks before the revert, which always knows something."""
    return tuple(drafter for _, drafter in _named_of_a_suspect())


def of_none() -> Sequence[Drafter]:
    """Who is asked about the trouble itself: installed playbooks after the operator's rules, before an edit."""
    return tuple(drafter for _, drafter in _named_of_none())


def _named_of_a_suspect() -> Sequence[Named]:
    revert_at = OF_A_SUSPECT.index(revert.drafter)
    own = [(OWN_ORIGINS[drafter], drafter) for drafter in OF_A_SUSPECT]
    return (*own[:revert_at], *plugged.named(), *own[revert_at:])


def _named_of_none() -> Sequence[Named]:
    own = [(OWN_ORIGINS[drafter], drafter) for drafter in OF_NONE]
    return (*own[:1], *plugged.named(), *own[1:])


def draft(case: Case, ports: Ports) -> StepResult:
    """Draft the next change, or say why there is none left to try."""
    if case.phase is Phase.REVERTING:
        drafted = _rollback(case, ports, case.change, case.change.number + 1)
        return drafted_or_given_up(case, ports, drafted)
    if _misled(case):
        return diagnose(case, ports)
    lessons = ports.lessons.recall(case.fingerprint, case.service)
    able = [suspect for suspect in (case.diagnosis.suspects if case.diagnosis else ()) if fits(suspect)]
    willing = [suspect for suspect in able if not refused(suspect, lessons)]
    limit = ports.settings.diagnosis.suspects
    # Of those that are tried, what only time links comes last: it is refused without a reproduction.
    first = able[:1] if case.diagnosis and case.diagnosis.precedent else []
    willing[:limit] = sorted(willing[:limit], key=lambda suspect: (suspect not in first, not suspect.mechanism))
    tried = _tried(case)
    reasons = [f"undoing {sha[:10]} did not mend it in the sandbox" for sha in tried]
    order = _order(case, ports)
    for drafter, suspect in order.drafters([s for s in willing[:limit] if s.commit.sha not in tried]):
        drafting = _new(case, _clean(kept(case, drafter(case, ports, suspect), ports.settings)))
        if isinstance(drafting, Patch) and (said := said_no(case, drafting, lessons)):
            drafting = CannotDraft(reason=said)
        if isinstance(drafting, Patch):
            return StepResult(events=(Drafted(change=drafting, weights=order.told),))
        reasons.append(drafting.reason)
    if case.diagnosis is not None and case.diagnosis.precedent:
        return diagnose(case, ports)  # the precedent leads to no change: as if there were none
    reasons += [
        f"undoing {suspect.commit.short} was refused or did not help before"
        for suspect in able
        if suspect not in willing
    ]
    if len(willing) > limit:
        reasons.append(f"{len(willing) - limit} less likely suspects were not tried")
    said = "; ".join(dict.fromkeys(filter(None, reasons)))
    return give_up(case, ports, said or "there is nothing to revert")


def _misled(case: Case) -> bool:
    """Whether a model was spared for a precedent's sake, and what was drafted since did not hold."""
    if case.diagnosis is None or not case.diagnosis.precedent:
        return False
    last = next(e.event for e in reversed(case.history) if isinstance(e.event, Diagnosed | Disproved))
    return isinstance(last, Disproved)


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
        if earlier.number in failed and same_change(earlier, drafting):
            return CannotDraft(reason=f"{earlier.title} did not mend it in the sandbox")
    return drafting


def same_change(one: Patch, other: Patch) -> bool:
    """Whether both do the same, whatever they stand on and whoever drafted them."""
    return _what(one) == _what(other)


def _what(change: Patch) -> tuple[object, ...]:
    """What a change does, whatever it stands on and whoever drafted it."""
    return tuple((part.repository, part.edits, part.runs) for part in change.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Which drafter is asked about whom, in turn: the strategies by their weights, those of equal weight by harm.

    early     what ended this very trouble before, and those of the trouble itself that did clearly better than
              everything that is known for suspects
    editable  whether suspects that nothing but time links come after an edit
    """

    early: Sequence[Drafter]
    of_a_suspect: Sequence[Drafter]
    of_none: Sequence[Drafter]
    editable: bool
    told: tuple[str, ...]

    def drafters(self, suspects: Sequence[Suspect]) -> Iterator[tuple[Drafter, Suspect | None]]:
        """Each drafter with the suspect that it is asked about."""
        later = [suspect for suspect in suspects if self.editable and not suspect.mechanism]
        yield from ((drafter, None) for drafter in self.early)
        for suspect in suspects:
            if suspect not in later:
                yield from ((drafter, suspect) for drafter in self.of_a_suspect)
        yield from ((drafter, None) for drafter in self.of_none if drafter not in self.early)
        for suspect in later:
            yield from ((drafter, suspect) for drafter in self.of_a_suspect)


def _order(case: Case, ports: Ports) -> _Order:
    """The order of this case. Strategies that nothing was learnt of stay as they are written above."""
    first, then = _named_of_a_suspect(), _named_of_none()
    lessons = ports.lessons.newest(MOST_LESSONS)
    strategies = tuple(dict.fromkeys(name for name, _ in (*first, *then)))
    found = {weight.strategy: weight for weight in weights(case, lessons, strategies)}

    def by_weight(asked: Sequence[Named]) -> Sequence[Drafter]:
        return [drafter for _, drafter in sorted(asked, key=lambda one: -round(found[one[0]].mean, 2))]

    best = max(found[name].mean for name, _ in first)
    return _Order(
        early=(again, *by_weight([one for one in then if round(found[one[0]].mean - best, 2) >= CLEARLY])),
        of_a_suspect=by_weight(first),
        of_none=by_weight(then),
        editable=ports.model is not None and case.diagnosis is not None and bool(case.diagnosis.hypotheses),
        told=tuple(str(weight) for weight in ordered(tuple(found.values())) if weight.everywhere.tries),
    )


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


def once_more(told: Case, ports: Ports) -> Drafting:
    """A model's edit drafted anew, for the same promise, out of all that the case was told; it must be proved anew."""
    again = _clean(kept(told, edit(told, ports, None), ports.settings))
    change = told.change
    return replace(again, number=change.number, promise=change.promise) if isinstance(again, Patch) else again


def is_ours_to_draft(case: Case) -> bool:
    """Whether the change in hand is a model's edit on a branch that is still ours: it can be drafted once more."""
    change = case.change
    return change.kind is ChangeClass.EDIT and change.origin.startswith("model:") and not case.taken_over


def _again(case: Case, ports: Ports, change: Patch) -> Drafting:
    if case.hypothesis is not None:
        from remediation.experiments.build import anew  # needed with the first experiment

        return anew(case, ports, change)
    if change.rolls_back is not None:
        harmful = next(earlier for earlier in case.changes if earlier.number == change.rolls_back)
        return _rollback(case, ports, harmful, change.number)
    if change.kind in {ChangeClass.EDIT, ChangeClass.IMPROVEMENT} and change.origin.startswith("model:"):
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
