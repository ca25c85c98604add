"""Draft an edit that is to take less time: what a model reads by the map, and one edit, held to every rule for edits.

It brings no test: those that are there must pass, and the benchmark must show it. Both questions are paid for
as the class `improvement`, whose money is its own. The edit step sees code and figures, and no text of telemetry.
"""

from cases.asking import Answer, Material
from cases.case import Case
from cases.change import BlastRadius, ChangeClass, Part, Patch
from cases.diagnosis import Hypothesis
from cases.errors import PermanentError
from cases.ports import LanguageModel
from cases.symptom import symptom
from remediation.drafting import CannotDraft, Drafting
from remediation.edit import asking
from remediation.edit.brief import Brief, brief_of
from remediation.edit.locate import located
from remediation.edit.patch import promised
from remediation.edit.proposed import proposal
from remediation.edit.replace import NoMatch, Replacement, replaced
from remediation.edit.rules import refusals
from remediation.neutral import neutral
from remediation.ports import Ports

PURPOSE = "improvement"
WHERE = "hotspot"  # asked of the analyst, who is shown facts; who edits is not
MOST_TRIED = 1  # edits of one case: what the benchmark did not show is not guessed at again
CONFIDENCE = 0.3  # of a place that a model only would read first
LOCATE = """\
Name the functions that most likely take the time that the facts speak of, three at the most.
You are shown what a service's signals say could be better, facts with ids, and a map of the repository: its files, and
the lines at which functions and types begin. Nothing is broken. Name path and function as they stand in the map; name
none when the facts point nowhere in the code.
"""
FASTER = """\
Make the functions that you are shown take less time by the smallest edit that should show, and do all they do now.
Nothing is broken: every test that is there must pass, and a benchmark is run without and with your edit.
- `edits`: each `search` stands in its file exactly once, copied character by character; `replace` takes its place.
- Leave `test` empty. Change no test, no configuration, no dependency. Bring in no import that the files do not have, no
  network, no process, no file access, no environment, no thread. Drop no work that has an effect, and remember nothing
  without a bound.
- At most {files} files and {lines} changed lines.
- `claim`: one sentence that says what takes less time. `risk`: one sentence.
- If you see nothing that is worth it, say why in `cannot` and leave the rest empty.
"""


def faster(case: Case, ports: Ports) -> Drafting:
    """The edit, or why there is none. Raises TemporaryError as the ports do."""
    model = ports.model
    if model is None:
        return CannotDraft()
    tried = [change for change in case.changes if change.origin.startswith("model:")]
    if len(tried) >= MOST_TRIED:
        return CannotDraft(reason="an edit by a model was tried")
    diagnosis = case.diagnosis
    facts = diagnosis.facts if diagnosis else ()
    found = located(case, ports, model, facts, (case.anomaly.signal.name,), task=LOCATE, purpose=WHERE)
    if not found.places:
        return CannotDraft(reason=found.because)
    pointed = tuple(
        Hypothesis(
            statement=f"{place.path}:{place.line} {place.function}() may take the time",
            path=place.path,
            line=place.line,
            function=place.function,
            evidence=tuple(fact.id for fact in facts[:1]),
            confidence=CONFIDENCE,
            origin=f"model:{neutral(model.describe(WHERE), 60)}",
        )
        for place in found.places
    )
    repository = ports.settings.service(case.service).repository
    return _edited(case, ports, model, brief_of(case, ports, repository, ports.forge.head(repository), pointed))


def _edited(case: Case, ports: Ports, model: LanguageModel, brief: Brief) -> Drafting:
    scope = ports.settings.scope
    shown = Material(title="What is measured", source="checked by the program", text=f"It {symptom(case.anomaly)}.")
    task = FASTER.format(files=scope.max_files, lines=scope.max_lines)
    material = (shown, *brief.material)
    try:
        said, answer = asking.ask(
            model, asking.ChangeAnswer, case=case.id, purpose=PURPOSE, task=task, material=material
        )
    except PermanentError as error:
        return CannotDraft(reason=asking.reason(error))
    files = _files(said, brief)
    if isinstance(files, CannotDraft):
        return files
    proposed = proposal(ports, brief, files, ())
    if isinstance(proposed, CannotDraft):
        return proposed
    reasons = refusals(proposed, scope, untested=True)
    if reasons:
        return CannotDraft(reason=f"the model's edit is not allowed: {'; '.join(reasons)}")
    return _patch(case, ports, brief, proposed.part, said, answer)


def _files(said: asking.ChangeAnswer, brief: Brief) -> dict[str, bytes] | CannotDraft:
    """What each file is to hold, put in exactly."""
    if said.cannot or not said.edits:
        return CannotDraft(reason=f"the model sees nothing to edit: {neutral(said.cannot, 200) or 'it says nothing'}")
    if said.test is not None:
        return CannotDraft(reason="the model writes a test, where those that are there have to do")
    files: dict[str, bytes] = {}
    for path in dict.fromkeys(one.path for one in said.edits):
        if path not in brief.shown:
            return CannotDraft(reason=f"the model edits {neutral(path, 80)}, which it was not shown")
        wanted = [
            Replacement(path=path, search=one.search, replace=one.replace) for one in said.edits if one.path == path
        ]
        content = replaced(path, brief.shown[path], wanted)
        if isinstance(content, NoMatch):
            return CannotDraft(reason=f"the model's edit of {neutral(path, 80)} does not go in: {content.because}")
        files[path] = content
    return files


def _patch(case: Case, ports: Ports, brief: Brief, part: Part, said: asking.ChangeAnswer, answer: Answer) -> Patch:
    service, place = ports.settings.service(case.service), brief.pointed[0]
    paths = ", ".join(neutral(path, 80) for path in part.paths)
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.IMPROVEMENT,
        origin=f"model:{neutral(answer.model, 60)}",
        title=neutral(f"Take less time in {place.function}() of {place.path}", 100),
        summary=(
            f"edits {paths}; the model says: “{neutral(said.claim, 200) or 'nothing'}”\n\n"
            f"Its own view of the risk: {neutral(said.risk, 300) or 'not said'}"
        ),
        parts=(part,),
        promise=promised(case),
        blast_radius=BlastRadius(
            files=len(part.edits),
            lines=part.added + part.removed,
            services=(service.name, *service.depends),
            owners=tuple(service.owners),
            migrations="none found",
        ),
        because=(
            f"{neutral(case.anomaly.signal.name, 60)} {symptom(case.anomaly)} ({', '.join(place.evidence)}), and a "
            f"model would look at {place.path}:{place.line} {place.function}()"
        ),
        cost=f"${answer.usd:.4f}, one answer of {neutral(answer.model, 60)}, which drafted it; it judged nothing",
    )
