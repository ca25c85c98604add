"""Draft an edit: ask for it, put it in exactly, hold it to the rules. The model is never the judge.

The question holds only what was validated: the exception's name, frames that exist, ids of evidence, and code. No text
of a log line is in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cases.asking import Answer
from cases.case import Case
from cases.change import BlastRadius, ChangeClass, FileEdit, Part, Patch, Promise
from cases.diagnosis import Hypothesis, Suspect
from cases.errors import PermanentError
from cases.events import Disproved, Retried
from remediation.drafting import HORIZON, CannotDraft, Drafting
from remediation.edit.asking import reason
from remediation.edit.bare import clothed
from remediation.edit.brief import Brief, brief_of
from remediation.edit.conversation import Conversation, Written
from remediation.edit.replace import NoMatch, Replaced, carried
from remediation.edit.rules import Proposal, refusals
from remediation.neutral import neutral
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
    drafting, answers = _asked(case, ports, brief)
    if isinstance(drafting, Patch) or len(answers) != 1:
        return drafting
    # Whoever wrote a comment may have asked for what was refused: the comments are out when it is asked once more.
    plain = brief_of(case, ports, repository, head, pointed, plain=True)
    again, _ = (drafting, answers) if plain.material == brief.material else _asked(case, ports, plain, answers)
    return again if isinstance(again, Patch) else drafting


def _asked(case: Case, ports: Ports, brief: Brief, before: Sequence[Answer] = ()) -> tuple[Drafting, Sequence[Answer]]:
    """An edit by what the brief shows, and the answers that it took, those before it included."""
    assert ports.model is not None  # noqa: S101 - the caller looked
    talk = Conversation(case=case.id, model=ports.model, brief=brief, scope=ports.settings.scope)
    try:
        written = talk.run()
    except PermanentError as error:
        return CannotDraft(reason=reason(error)), ()
    answers = (*before, *talk.answers)
    if isinstance(written, CannotDraft):
        return written, answers
    files = {path: _on_file(brief, path, content) for path, content in written.files.items()}
    return _checked(case, ports, brief, replace(written, files=files), answers), answers


def _on_file(brief: Brief, path: str, content: bytes) -> bytes:
    """The edit of a file whose comments were not shown, on the file as it is."""
    view, held = brief.shown.get(path), brief.read(path)
    return content if view is None or held is None or view == held else clothed(path, held, content)


def rebased(case: Case, ports: Ports, change: Patch) -> Drafting:
    """The same edit on top of what the watched branch holds now, where each changed stretch still stands once."""
    lead = change.lead
    head = ports.forge.head(lead.repository)
    files: dict[str, bytes] = {}
    for one in lead.edits:
        base, now = (ports.forge.read(lead.repository, sha, one.path) for sha in (lead.base, head))
        carried_over = _carried(one, base, now)
        if isinstance(carried_over, NoMatch):
            return CannotDraft(reason=f"the edit no longer applies: {one.path} was changed in the same place since")
        files[one.path] = carried_over
    brief = brief_of(case, ports, lead.repository, head, case.diagnosis.hypotheses if case.diagnosis else ())
    written = Written(files=files, tests=change.tests)
    proposal = _proposal(ports, brief, written)
    if isinstance(proposal, CannotDraft):
        return proposal
    reasons = refusals(proposal, ports.settings.scope)
    if reasons:
        return CannotDraft(reason=f"the edit is not allowed: {'; '.join(reasons)}")
    return replace(change, parts=(proposal.part,))


def _carried(one: FileEdit, base: bytes | None, now: bytes | None) -> Replaced:
    if one.content is None or (base is None) != (now is None):
        return NoMatch(path=one.path, because="it came or went")
    if base is None or now is None or base == now:
        return one.content
    return carried(one.path, base, one.content, now)


def _tried(case: Case) -> str:
    """Why no further edit is drafted: enough of them were disproved since a human last asked for another try."""
    asked = [number for number, entry in enumerate(case.history) if isinstance(entry.event, Retried)]
    recent = case.history[asked[-1] :] if asked else case.history
    edits = {change.number for change in case.changes if change.kind is ChangeClass.EDIT}
    disproved = [e.event.trial for e in recent if isinstance(e.event, Disproved) and e.event.trial.change in edits]
    if len(disproved) < MOST_EDITS:
        return ""
    failed = next((c for c in disproved[-1].checks if c.verdict is max(x.verdict for x in disproved[-1].checks)), None)
    said = f" ({failed.name.lower()}: {failed.detail})" if failed else ""
    return f"{len(disproved)} edits were tried, and the sandbox disproved both{said}"


def _refused_before(case: Case, ports: Ports, pointed: Sequence[Hypothesis]) -> str:
    """A remembered no: an edit of the same file that ended badly is not tried again by itself."""
    paths = {hypothesis.path for hypothesis in pointed[:1]}
    for lesson in ports.lessons.recall(case.fingerprint, case.service):
        if lesson.ending in REFUSED and lesson.strategy.startswith("model:") and paths & set(lesson.paths):
            return f"an edit of {', '.join(paths)} ended {lesson.ending} before (lesson {lesson.id})"
    return ""


def _checked(case: Case, ports: Ports, brief: Brief, written: Written, answers: Sequence[Answer]) -> Drafting:
    proposal = _proposal(ports, brief, written)
    if isinstance(proposal, CannotDraft):
        return proposal
    reasons = refusals(proposal, ports.settings.scope)
    if reasons:
        return CannotDraft(reason=f"the model's edit is not allowed: {'; '.join(reasons)}")
    return _patch(case, ports, brief, written, proposal.part, answers)


def _proposal(ports: Ports, brief: Brief, written: Written) -> Proposal | CannotDraft:
    """The change as git has it. An executable file stays one."""
    edits = tuple(FileEdit(path=path, content=content) for path, content in sorted(written.files.items()))
    try:
        part = ports.forge.part(brief.repository, brief.head, edits)
        if executables := _executables(part.diff):
            edits = tuple(replace(one, executable=one.path in executables) for one in edits)
            part = ports.forge.part(brief.repository, brief.head, edits)
    except PermanentError as error:
        return CannotDraft(reason=f"the edit cannot be made: {neutral(str(error), 200)}")
    return Proposal(
        before={path: brief.read(path) for path in written.files},
        after=dict(written.files),
        tests=written.tests,
        part=part,
        seen=brief.seen,
        outside=brief.outside,
    )


def _executables(diff: str) -> set[str]:
    """The files that were executable: a header of git's begins its line, a line of content never does."""
    found: set[str] = set()
    path = ""
    for line in diff.splitlines():
        if line.startswith("diff --git a/"):
            path = line.rpartition(" b/")[2]
        if line == "old mode 100755":
            found.add(path)
    return found


def _patch(case: Case, ports: Ports, brief: Brief, written: Written, part: Part, answers: Sequence[Answer]) -> Patch:
    service, anomaly, first = ports.settings.service(case.service), case.anomaly, brief.pointed[0]
    cost = sum(answer.usd for answer in answers)
    asked = f"{len(answers)} answer{'s' if len(answers) > 1 else ''}"
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.EDIT,
        origin=f"model:{neutral(answers[-1].model, 60)}",
        title=f"Mend {brief.exception} in {neutral(first.path, 60)} {neutral(first.function, 40)}()",
        summary=(
            f"edits {_listed(path for path in part.paths if path not in written.tests)} and adds the test "
            f"{_listed(written.tests)}; the model says: “{neutral(written.claim, 200) or 'nothing'}”\n\n"
            f"Its own view of the risk: {neutral(written.risk, 300) or 'not said'}"
        ),
        parts=(part,),
        promise=Promise(
            signal=anomaly.signal.key,
            direction=anomaly.direction.opposite,
            before=anomaly.value,
            after=anomaly.expected,
            horizon=HORIZON,
        ),
        blast_radius=BlastRadius(
            files=len(part.edits),
            lines=part.added + part.removed,
            services=(service.name, *service.depends),
            owners=tuple(service.owners),
            migrations="none found",
        ),
        tests=written.tests,
        because=f"{', '.join(first.evidence)}: {first.statement}{_no_other(case)}",
        cost=f"${cost:.4f}, {asked} of {neutral(answers[-1].model, 60)}, which drafted it; it judged nothing",
    )


def _listed(paths: Iterable[str]) -> str:
    return ", ".join(neutral(path, 80) for path in paths)


def _no_other(case: Case) -> str:
    """Why it is not a revert."""
    suspected = any(suspect.before_onset for suspect in (case.diagnosis.suspects if case.diagnosis else ()))
    return (
        "; undoing a suspect did not mend it, or none is linked to it"
        if suspected
        else "; no recent change explains it"
    )
