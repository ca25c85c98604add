"""What `/trackwalker explain` answers: why, with the evidence and its weights, out of the ledger."""

from collections.abc import Iterator

from cases.case import Case
from cases.diagnosis import Diagnosis, Suspect
from cases.moments import iso
from remediation.confidence import confidence_said
from remediation.neutral import neutral

MOST_FACTS, MOST_SUSPECTS, MOST_LINES = 12, 5, 40


def explained(case: Case) -> str:
    """The whole answer, in lists that are short enough to be read."""
    lines = [f"**Why.** Case `{case.id}` of {neutral(case.service, 60)}, {case.phase} since {iso(case.entered)}.", ""]
    if case.diagnosis is None:
        return "\n".join((*lines, "- no diagnosis is made yet"))
    lines += [*_weighed(case.diagnosis), *_tried(case)]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "- …"]
    return "\n".join(
        (*lines, "", f"Everything: `trackwalker cases show {case.id}`, `trackwalker cases why {case.id}`.")
    )


def _weighed(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"- claim: {neutral(diagnosis.claim, 300)}"
    yield f"- {confidence_said(diagnosis)}"
    for suspect in diagnosis.suspects[:MOST_SUSPECTS]:
        yield f"- weight {suspect.score:.2f}: {_suspect(suspect)}"
    for fact in diagnosis.facts[:MOST_FACTS]:
        yield f"- {fact.id}: {neutral(fact.fact, 240)}"
    more = len(diagnosis.facts) - MOST_FACTS
    if more > 0:
        yield f"- {more} more facts"
    yield from (f"- considered: {neutral(text, 160)}" for text in diagnosis.alternatives[:3])
    if diagnosis.disproof:
        yield f"- it would be wrong if {neutral(diagnosis.disproof)}"


def _suspect(suspect: Suspect) -> str:
    commit = suspect.commit
    ran = f"ran since {iso(suspect.deployed)}" if suspect.deployed else "not seen to run"
    link = neutral(suspect.mechanism, 160) if suspect.mechanism else "nothing but time links it"
    cited = f" ({', '.join(suspect.evidence)})" if suspect.evidence else ""
    return f"{commit.short} “{neutral(commit.title, 80)}”, {ran}; {link}{cited}"


def _tried(case: Case) -> Iterator[str]:
    """What each change came to, newest last."""
    for change in case.changes:
        yield f"- change {change.number} ({change.kind}, by {neutral(change.origin, 60)}): {neutral(change.title, 100)}"
        for trial in case.trials:
            if trial.change == change.number:
                checks = ", ".join(f"{neutral(c.name, 40)} {c.verdict.name.lower()}" for c in trial.checks)
                yield f"  - tried: {trial.claim} ({checks})"
        yield from (
            f"  - judged {j.ruling}: {neutral(j.because, 240)}" for j in case.judgements if j.change == change.number
        )
