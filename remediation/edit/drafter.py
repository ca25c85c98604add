"""Draft an edit: ask for it, put it in exactly, hold it to the rules. The model is never the judge.

The question holds only what was validated: the exception's name, frames that exist, ids of evidence, and code. No text
of a log line is in it.
"""

from collections.abc import Sequence
from dataclasses import replace

from cases.asking import Answer
from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.diagnosis import Hypothesis, Suspect
from cases.events import Disproved, Retried
from cases.ports import LanguageModel
from cases.verdict import Trial
from remediation.drafting import CannotDraft, Drafting, NotAllowed
from remediation.edit.brief import Brief, brief_of
from remediation.edit.candidates import Search
from remediation.edit.first_test import first_test
from remediation.edit.loop import look_around
from remediation.edit.proposed import proposal
from remediation.edit.replace import NoMatch, Replaced, carried
from remediation.edit.rules import refusals
from remediation.ports import Ports
from remediation.recall import REFUSED

MOST_EDITS = 2  # drafts of an edit: the first, and once more after the sandbox disproved it


def edit(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """An edit of the code that the hypotheses name, with a regression test. Needs a model; answers for no suspect."""
    del suspect
    pointed = case.diagnosis.hypotheses if case.diagnosis else ()
    if not pointed:
        return CannotDraft()
    place = f"{pointed[0].path}:{pointed[0].line} {pointed[0].function}()"
    if ports.model is None:
        return CannotDraft(reason=f"{place} is where to look, and no model is configured to draft an edit of it")
    refused = _tried(case) or _refused_before(case, ports, pointed)
    if refused:
        return CannotDraft(reason=refused)
    repository = ports.settings.service(case.service).repository
    head = ports.forge.head(repository)
    brief = brief_of(case, ports, repository, head, pointed)
    if not brief.shown:
        return CannotDraft(reason=f"the code at {place} cannot be read")
    drafting = _found(case, ports, ports.model, brief)
    if not isinstance(drafting, NotAllowed):
        return drafting
    # Whoever wrote a comment may have asked for what was refused: the comments are out when it is asked once more.
    plain = brief_of(case, ports, repository, head, pointed, plain=True)
    again = drafting if plain.material == brief.material else _found(case, ports, ports.model, plain, drafting.answers)
    return again if isinstance(again, Patch) else drafting


def _found(case: Case, ports: Ports, model: LanguageModel, brief: Brief, before: Sequence[Answer] = ()) -> Drafting:
    """A test first, then edits that are tried with it; the best of them, or what the last resort finds."""
    fixed = first_test(case, ports, model, brief)
    if isinstance(fixed, CannotDraft):
        return fixed
    search = Search(case=case, ports=ports, model=model, brief=brief, fixed=fixed, answers=[*before])
    search.run()
    best = search.best()
    if best is None and not search.refused and len(search.tried) + len(_disproved(case)) >= MOST_EDITS:
        look_around(search)
        best = search.best()
    if best is not None:
        return search.patch(best)
    if search.refused and not search.tried:
        return NotAllowed(reason=search.why_none(), answers=tuple(search.answers))
    return CannotDraft(reason=search.why_none())


def rebased(case: Case, ports: Ports, change: Patch) -> Drafting:
    """The same edit on top of what the watched branch holds now, where each changed stretch still stands once."""
    lead = change.lead
    head = ports.forge.head(lead.repository)
    files: dict[str, bytes] = {}
    for one in lead.edits:
        base, now = (ports.forge.read(lead.repository, sha, one.path) for sha in (lead.base, head))
        moved = carried_over(one, base, now)
        if isinstance(moved, NoMatch):
            return CannotDraft(reason=f"the edit no longer applies: {one.path} was changed in the same place since")
        files[one.path] = moved
    brief = brief_of(case, ports, lead.repository, head, case.diagnosis.hypotheses if case.diagnosis else ())
    proposed = proposal(ports, brief, files, change.tests)
    if isinstance(proposed, CannotDraft):
        return proposed
    reasons = refusals(proposed, ports.settings.scope)
    if reasons:
        return CannotDraft(reason=f"the edit is not allowed: {'; '.join(reasons)}")
    return replace(change, parts=(proposed.part,))


def carried_over(one: FileEdit, base: bytes | None, now: bytes | None) -> Replaced:
    """What a file is to hold that was drafted on `base` and is `now` another; NoMatch where both changed one place."""
    if one.content is None or (base is None) != (now is None):
        return NoMatch(path=one.path, because="it came or went")
    if base is None or now is None or base == now:
        return one.content
    return carried(one.path, base, one.content, now)


def _disproved(case: Case) -> list[Trial]:
    """The trials that disproved an edit since a human last asked for another try."""
    asked = [number for number, entry in enumerate(case.history) if isinstance(entry.event, Retried)]
    recent = case.history[asked[-1] :] if asked else case.history
    edits = {change.number for change in case.changes if change.kind is ChangeClass.EDIT}
    return [e.event.trial for e in recent if isinstance(e.event, Disproved) and e.event.trial.change in edits]


def _tried(case: Case) -> str:
    """Why no further edit is drafted: enough of them were disproved since a human last asked for another try."""
    disproved = _disproved(case)
    if len(disproved) < MOST_EDITS:
        return ""
    failed = next((c for c in disproved[-1].checks if c.verdict is max(x.verdict for x in disproved[-1].checks)), None)
    said = f" ({failed.name.lower()}: {failed.detail})" if failed else ""
    return f"{len(disproved)} edits were proposed for a proof, and it disproved both{said}"


def _refused_before(case: Case, ports: Ports, pointed: Sequence[Hypothesis]) -> str:
    """A remembered no: an edit of the same file that ended badly is not tried again by itself."""
    paths = {hypothesis.path for hypothesis in pointed[:1]}
    for lesson in ports.lessons.recall(case.fingerprint, case.service):
        if lesson.ending in REFUSED and lesson.strategy.startswith("model:") and paths & set(lesson.paths):
            return f"an edit of {', '.join(paths)} ended {lesson.ending} before (lesson {lesson.id})"
    return ""
