"""The second look: a model that saw nothing of the drafting reads the diff and the proof, and may veto.

It never promotes: what the sandbox did not prove is not asked about. A veto must cite lines that the change touches;
one that cites none of them is written down and counts as none, as does a look that could not be taken.
"""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cases.asking import Material
from cases.case import Case
from cases.change import Patch
from cases.errors import PermanentError, TemporaryError
from cases.ports import LanguageModel
from cases.redaction import redacted
from cases.verdict import Check, Verdict
from remediation.edit import asking
from remediation.neutral import neutral

SECOND_LOOK = "Second look"
NEAR = 3  # lines by which a citation may be off
SHORTEST = 4  # signs of a quoted line: less stands anywhere
_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,\d+)? \+(?P<new>\d+)(?:,\d+)? @@")
_MENDS = """\
Another model wrote the change, and a sandbox tried it. What speaks against it: it does not mend the cause but hides it,
it breaks other input or a caller, its test would pass for a wrong reason, it does more than it says, it opens a hole.
"""
_TRIES = """\
Another model wrote the code, which asks a feature flag so that some users can be shown `treated` in place of `control`,
and a sandbox tried it. What speaks against it: who is shown the control would see anything else than users see now; the
other variant would be anything else than `treated`; an exposure is told of users who see neither, or not of some who
do; its test would pass for a wrong reason; it does more than that; it opens a hole.
"""
_TASK = """\
Say whether something in the diff speaks against proposing it to a human.
{what}- "pass": nothing speaks against it. You need not like it.
- "veto": for each of up to 5 objections the `path`, the `line`, that line itself as `quote`, copied exactly from the
  diff without its sign, and `why` in one sentence. A veto without a line counts as none.
The program itself ran the checks.
"""


class ObjectionAnswer(BaseModel):
    """What speaks against a change, with the line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: asking.Path
    line: Annotated[int, Field(ge=0, le=10_000_000)]
    quote: Annotated[str, Field(max_length=500)]
    why: asking.Words


class ReviewAnswer(BaseModel):
    """What a reviewer says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Literal["pass", "veto"]
    objections: Annotated[list[ObjectionAnswer], Field(max_length=5)] = []


def second_look(case: Case, change: Patch, made: Sequence[Check], model: LanguageModel) -> Check:
    """Ask once. PASSED: it passes. FAILED: a veto that counts. INCONCLUSIVE: none taken, or one that cites nothing."""
    try:
        said, answer = asking.ask(
            model, ReviewAnswer, case=case.id, purpose="review", material=_material(case, change, made),
            task=_TASK.format(what=_MENDS if change.experiment is None else _TRIES),
        )  # fmt: skip
    except (PermanentError, TemporaryError) as error:
        return _check(Verdict.INCONCLUSIVE, "not taken", neutral(str(error), 160))
    who = neutral(answer.model, 60)
    if said.verdict == "pass":
        return _check(Verdict.PASSED, "pass", f"{who} saw the diff and the checks, and nothing of the drafting")
    lines = _touched(change)
    cited = [one for one in said.objections if _exists(one, lines)]
    if not cited:
        return _check(Verdict.INCONCLUSIVE, "veto", f"{who} cites no line of the change, so its veto counts as none")
    words = "; ".join(f"{neutral(one.path, 60)}:{one.line} {neutral(one.why, 120)}" for one in cited[:2])
    return _check(Verdict.FAILED, "veto", f"{who}: {words}")


def _check(verdict: Verdict, said: str, detail: str) -> Check:
    return Check(name=SECOND_LOOK, verdict=verdict, base="", change=said, detail=detail)


def _material(case: Case, change: Patch, made: Sequence[Check]) -> tuple[Material, ...]:
    """What it is for, the diff and the checks. Not what the drafter said of its own work."""
    rows = [
        f"{check.name}: {check.verdict.name.lower()}; on base {neutral(check.base, 60)}, with the change "
        f"{neutral(check.change, 60)}; {neutral(check.detail, 200)}"
        for check in made
    ]
    return (
        _wanted(case),
        *(
            Material(title=f"Diff in {part.repository}", source="the change under review", text=_read(part.diff))
            for part in change.parts
        ),
        Material(title="Checks", source="the sandbox", text="\n".join(rows)),
    )


def _read(diff: str) -> str:
    """The diff without what only git reads: the lines of a hunk begin with other signs."""
    return "\n".join(line for line in diff.split("\n") if not line.startswith(("diff --git ", "index ")))


def _wanted(case: Case) -> Material:
    """What the change is for: the diagnosis of a fault, or what an experiment shows to whom."""
    if case.hypothesis is not None:
        turn = case.hypothesis.turn
        asked = {"flag": turn.flag, "control": json.loads(turn.control), "treated": json.loads(turn.treated)}
        text = redacted(json.dumps(asked, ensure_ascii=False, indent=1))
        return Material(title="The experiment", source="checked by the program", text=text)
    hypotheses = case.diagnosis.hypotheses if case.diagnosis else ()
    places = [f"{one.path}:{one.line} {one.function}() {one.exception}".strip() for one in hypotheses[:3]]
    claim = neutral(case.diagnosis.claim, 300) if case.diagnosis else "none"
    return Material(title="Diagnosis", source="checked by the program", text="\n".join((claim, *places)))


def _touched(change: Patch) -> set[tuple[str, int, str]]:
    """(path, line, text) of every line that the diff shows: by its number before and after."""
    found: set[tuple[str, int, str]] = set()
    path, old, new = "", 0, 0
    for line in "\n".join(part.diff for part in change.parts).split("\n"):
        hunk = _HUNK.match(line)
        if line.startswith("diff --git "):
            path, old, new = line.rpartition(" b/")[2], 0, 0
        elif hunk:
            old, new = int(hunk["old"]), int(hunk["new"])
        elif new or old:
            text = line[1:].strip()
            found |= {(path, number, text) for sign, number in (("+", new), ("-", old)) if line[:1] in {sign, " "}}
            old, new = old + (line[:1] in {"-", " "}), new + (line[:1] in {"+", " "})
    return found


def _exists(said: ObjectionAnswer, lines: set[tuple[str, int, str]]) -> bool:
    """Whether the quoted line stands in the diff of that file, at or near that number."""
    quote = said.quote.strip()
    return len(quote) >= SHORTEST and any(
        (said.path, number, quote) in lines for number in range(said.line - NEAR, said.line + NEAR + 1)
    )
