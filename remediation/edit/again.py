"""Draft once more the edit that ended the same trouble before, where somebody took it out again. No model is asked.

Its origin stays the model that wrote it: every rule and every gate for a model's edit holds for it.
"""

from dataclasses import replace

from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Evidence, Suspect
from cases.verdict import Claim
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.drafter import rebased
from remediation.edit.patch import promised
from remediation.edit.replace import NoMatch, carried
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.precedent import Precedent, precedent


def again(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """The edit of the precedent on what the watched branch holds now; it answers for no suspect."""
    del suspect
    found = precedent(case, ports, ports.lessons.recall(case.fingerprint, case.service))
    if found is None or found.edit is None:
        return CannotDraft()
    if case.diagnosis is None or not found.leads(case.diagnosis.hypotheses):
        return CannotDraft()
    before = found.edit
    failed = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    if any(change.number in failed and change.origin == before.origin for change in case.changes):
        return CannotDraft(reason=f"what ended it before (lesson {found.lesson.id}) did not hold in the sandbox now")
    drafting = rebased(case, ports, before)
    if isinstance(drafting, CannotDraft):
        return CannotDraft(reason=f"what ended it before (lesson {found.lesson.id}) cannot be made again")
    return _for(case, drafting, found)


def _for(case: Case, change: Patch, found: Precedent) -> Patch:
    lesson = found.lesson
    facts = case.diagnosis.facts if case.diagnosis is not None else ()
    ids = [fact.id for fact in facts if says(fact, lesson.id)]
    pointed = [
        each for hypothesis in (case.diagnosis.hypotheses if case.diagnosis else ())[:1] for each in hypothesis.evidence
    ]
    tests = ", ".join(neutral(path, 80) for path in change.tests)
    return replace(
        change,
        number=len(case.changes) + 1,
        summary=(
            f"makes once more what case {lesson.case} merged and judged to have worked (lesson {lesson.id}): its code "
            f"is not there any more; it adds the test {tests}"
        ),
        promise=promised(case),
        because=f"{', '.join((*pointed, *ids))}: the same trouble ended so before",
        cost="nothing: it was drafted for the earlier case, and no model was asked to draft it now",
        marks=(),
        beside=(),
    )


def says(fact: Evidence, lesson_id: str) -> bool:
    """Whether a fact is what that lesson says."""
    return fact.fact.startswith(f"lesson {lesson_id}:")


def stands(change: Patch, ports: Ports) -> bool:
    """Whether the edit can be made once more: every stretch that it replaced stands there again, once."""
    lead = change.lead
    head = ports.forge.head(lead.repository)
    for one in lead.edits:
        base, now = (ports.forge.read(lead.repository, sha, one.path) for sha in (lead.base, head))
        if one.content is None or (base is None) != (now is None):
            return False
        if base is not None and now is not None and base != now:
            again = carried(one.path, base, one.content, now)
            if isinstance(again, NoMatch):
                return False
    return True
