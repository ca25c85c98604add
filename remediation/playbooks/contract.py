"""What holds for every playbook's change, whoever wrote the playbook: checked before anything is tried."""

import re
from collections.abc import Iterator

from cases.case import Case
from cases.change import Part, Patch
from config.scope import in_scope
from config.settings import Settings
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.secrets import secrets_in
from remediation.neutral import neutral
from remediation.playbooks import pin

_CITED = re.compile(r"\bE[0-9]{1,4}\b")


def kept(case: Case, drafting: Drafting, settings: Settings) -> Drafting:
    """The drafting as it is, or every reason why its change may not go on."""
    if isinstance(drafting, CannotDraft):
        return drafting
    reasons = tuple(breaches(case, drafting, settings))
    if not reasons:
        return drafting
    return CannotDraft(reason=f"{neutral(drafting.title, 120)} is not allowed: {'; '.join(reasons)}")


def breaches(case: Case, change: Patch, settings: Settings) -> Iterator[str]:
    """What the change has that no playbook's may have."""
    paths = [path for part in change.parts for path in part.paths]
    lines = sum(part.added + part.removed for part in change.parts)
    exact = change.undoes is not None
    yield from in_scope(paths, settings.scope, lines=lines, exact_inverse=exact, pins=pin.is_pin(change))
    for part in change.parts:
        found = secrets_in(added(part))
        if found:
            yield f"it would write what looks like {', '.join(found)} into {part.repository}: a human has to do that"
    if change.promise.signal != case.anomaly.signal.key:
        yield f"it promises something of {neutral(change.promise.signal, 80)}, which is not what the case is about"
    yield from _uncited(case, change)


def added(part: Part) -> str:
    """The lines that a part adds, as they will stand in the files."""
    lines = part.diff.splitlines()
    return "\n".join(line[1:] for line in lines if line.startswith("+") and not line.startswith("+++ "))


def known_evidence(case: Case) -> frozenset[str]:
    """The ids of the facts that the case holds, and of those that its suspects name."""
    if case.diagnosis is None:
        return frozenset()
    facts = {fact.id for fact in case.diagnosis.facts}
    return frozenset(facts.union(*(suspect.evidence for suspect in case.diagnosis.suspects)))


def _uncited(case: Case, change: Patch) -> Iterator[str]:
    unknown = sorted(set(_CITED.findall(change.because)) - known_evidence(case))
    if unknown:
        yield f"it cites {', '.join(unknown)}, and there is no such evidence"
