"""Code that a model writes for an experiment: the flag is asked in a file that the operator named, with a test.

It is shown what people declared, that file, its tests, and how the code tells of other flags; and nothing of any user
or log. What it writes is held to every rule for edits and to the scope of the outcome; the sandbox is the judge.
"""

import json
from dataclasses import dataclass

from cases.asking import REPOSITORY, Material
from cases.case import Case
from cases.change import FileEdit, Patch
from cases.errors import PermanentError
from cases.events import Diagnosed, Disproved
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.ports import LanguageModel
from cases.redaction import redacted
from config.experiments import LeverSettings
from config.patch_paths import out_of_scope
from remediation.drafting import CannotDraft
from remediation.edit import asking
from remediation.edit.brief import Brief, failed, guidance, reader, tests_beside
from remediation.edit.code import text_of
from remediation.edit.conversation import Conversation, Written
from remediation.edit.drafter import carried_over
from remediation.edit.places import LARGEST
from remediation.edit.proposed import proposal
from remediation.edit.replace import NoMatch
from remediation.edit.rules import refusals
from remediation.experiments.exposure import code_in
from remediation.experiments.idea import idea_of
from remediation.neutral import neutral
from remediation.ports import Ports

PURPOSE = "variant"
MOST_WRITTEN = 2
"""How often it is written: at first, and once more when the sandbox refused that."""
_LONGEST = 60_000  # characters of a file that is shown whole
_EXAMPLES, _EXAMPLE_LINES = 2, 200
_TASK = (
    """\
Guard with a feature flag what the file shows as `control`, so that some users can be shown `treated` in its place.
- Ask the flag `flag` in the way in which the code around asks flags, with `control` as the default. Whoever is shown
  the control sees exactly what everybody sees now.
- Tell that a user saw it, where they do: the code then holds the text of `exposure`, character by character, with what
  the code around gives beside it (the user, the variant).
"""
    + asking.EDITS
    + """\
- `test`: a new file that the repository's test runner collects, beside the tests that are there; or the path of an
  existing test file and what to add behind its end. It shows what a user sees with either variant. It fails as the code
  is now, and passes with your edit, whatever the flags of the repository say. It prints nothing and skips nothing.
- Change no existing test, no configuration, no dependency, not the file of the flags. Bring in no import that the files
  do not have, no network, no process, no file access, no environment.
- At most {files} files and {lines} changed lines, the test included.
- `claim`: one sentence that says what is asked where. `risk`: one sentence.
- If it cannot be guarded so, say why in `cannot` and leave the rest empty.
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Files at the head of the branch, with the tests among them; () where the experiment needs no code.

    told  who wrote it, for readers, and `cost` what that cost; "" where nobody wrote anything just now
    """

    edits: tuple[FileEdit, ...] = ()
    tests: tuple[str, ...] = ()
    told: str = ""
    cost: str = ""


def written(case: Case, ports: Ports, lever: LeverSettings, event: str) -> Brought | CannotDraft:
    """The code, or why there is none. Raises TemporaryError as the ports do."""
    goal, idea = idea_of(case)
    if ports.model is None or lever.file is None:
        return CannotDraft(
            reason=f"no code asks the flag {idea.turn.flag} yet, and no model is configured that could write it in "
            f"{lever.file}: ask it there, or bring the code with an idea (`patch`)"
        )
    brief = _brief(case, ports, idea, lever.file, event)
    if isinstance(brief, CannotDraft):
        return brief
    return _put_in(case, ports, ports.model, goal, brief)


def carried(change: Patch, ports: Ports, flags: str) -> tuple[FileEdit, ...] | CannotDraft:
    """The code of a change as files at the head of the branch now, where each changed stretch still stands once.

    flags  the path of the file of flags, which is edited apart
    """
    lead = change.lead
    head = ports.forge.head(lead.repository)
    edits: list[FileEdit] = []
    for one in lead.edits:
        if one.path == flags:
            continue
        base, now = (ports.forge.read(lead.repository, sha, one.path) for sha in (lead.base, head))
        moved = carried_over(one, base, now)
        if isinstance(moved, NoMatch):
            return CannotDraft(reason=f"{neutral(one.path, 80)} was changed in the same place since")
        edits.append(FileEdit(path=one.path, content=moved, executable=one.executable))
    return tuple(edits)


def may_be_written_again(case: Case) -> bool:
    """Whether the sandbox has refused less often than code is written, since the experiment was last begun."""
    refused = 0
    for entry in reversed(case.history):
        if isinstance(entry.event, Diagnosed):
            break
        refused += isinstance(entry.event, Disproved)
    return 0 < refused < MOST_WRITTEN


def _put_in(case: Case, ports: Ports, model: LanguageModel, goal: Goal, brief: Brief) -> Brought | CannotDraft:
    talk = Conversation(
        case=case.id, model=model, brief=brief, scope=ports.settings.scope, task=_TASK, purpose=PURPOSE
    )  # fmt: skip
    try:
        said = talk.run()
    except PermanentError as error:
        return CannotDraft(reason=asking.reason(error))
    if isinstance(said, CannotDraft):
        return said
    return _allowed(ports, goal, brief, said, talk)


def _allowed(ports: Ports, goal: Goal, brief: Brief, said: Written, talk: Conversation) -> Brought | CannotDraft:
    proposed = proposal(ports, brief, said.files, said.tests)
    if isinstance(proposed, CannotDraft):
        return proposed
    scope, part = ports.settings.scope, proposed.part
    outside = out_of_scope(tuple(said.files), goal, scope, lines=part.added + part.removed)
    if reasons := tuple(dict.fromkeys((*refusals(proposed, scope), *outside))):
        return CannotDraft(reason=f"the model's code is not allowed: {'; '.join(reasons)}")
    usd, count = sum(answer.usd for answer in talk.answers), len(talk.answers)
    name, tests = neutral(talk.answers[-1].model, 60), ", ".join(neutral(path, 80) for path in said.tests)
    return Brought(
        edits=part.edits,
        tests=said.tests,
        told=(
            f"The code that asks the flag was written by model {name}, with the test {tests}; it says: "
            f"“{neutral(said.claim, 200) or 'nothing'}”. "
            f"Its own view of the risk: {neutral(said.risk, 300) or 'not said'}"
        ),
        cost=f"${usd:.4f}, {count} answer{'s' if count > 1 else ''} of {name}, which wrote the code; it judged nothing",
    )


def _brief(case: Case, ports: Ports, idea: Hypothesis, path: str, event: str) -> Brief | CannotDraft:
    """What the model is shown. CannotDraft where the file does not show the control any more, or cannot be shown."""
    repository = ports.settings.service(case.service).repository
    head = ports.forge.head(repository)
    read = reader(ports.forge, repository, head)
    content = read(path)
    text = text_of(content) if content is not None and len(content) <= LARGEST else None
    if content is None or text is None or len(text) > _LONGEST:
        return CannotDraft(reason=f"{path} is not there, or nothing that a model can be shown (`levers[].file`)")
    control = json.loads(idea.turn.control)
    if isinstance(control, str | int | float) and str(control).casefold() not in text.casefold():
        return CannotDraft(reason=f"{path} does not show {idea.turn.control} any more (`levers[].control`)")
    examples = _examples(ports.forge.tree(repository, head, ()), path, event)
    tests = tests_beside((path,), read)
    asked = {"flag": idea.turn.flag, "control": control, "treated": json.loads(idea.turn.treated), "exposure": event}
    told = [
        Material(
            title="The experiment",
            source="checked by the program",
            text=redacted(json.dumps(asked, ensure_ascii=False, indent=1)),
        ),
        Material(title=path, source=REPOSITORY, text=text),
        *(_code(f"{name} (a test that is there)", held) for name, held in tests.items()),
        *(_code(f"{name} (how exposures are told)", held) for name, held in examples.items()),
        *guidance(case),
        *_before(case),
    ]
    return Brief(
        repository=repository,
        head=head,
        pointed=(),
        exception="",
        evidence=(),
        material=tuple(told),
        shown={path: content},
        read=read,
        seen=(*tests.values(), *examples.values()),
        outside=(),
    )


def _examples(tree: bytes, path: str, event: str) -> dict[str, bytes]:
    """Files that tell exposures of other flags: what `event` has before its flag stands in them."""
    begins = event.partition("(")[0].strip() or event
    found = {name: held for name, held in code_in(tree) if name != path and begins.encode() in held}
    return {name: found[name] for name in sorted(found)[:_EXAMPLES]}


def _before(case: Case) -> list[Material]:
    """How the sandbox refused the code that was written before, by the names of checks and tests only."""
    last = next((e.event for e in reversed(case.history) if isinstance(e.event, Diagnosed | Disproved)), None)
    if not isinstance(last, Disproved):
        return []
    told = failed(last.trial.checks)
    return [Material(title="Your code was tried and did not pass", source="the sandbox", text=told)]


def _code(title: str, content: bytes) -> Material:
    text = "\n".join((text_of(content) or "").split("\n")[:_EXAMPLE_LINES])
    return Material(title=title, source=REPOSITORY, text=text)
