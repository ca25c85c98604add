"""Hypotheses that a model has: one question, each answer held to the goal and the levers, one repair of those refused.

The model is shown what people declared and what was learnt, never what any user did; it names a lever and a value, and
chooses neither flag, files, shares nor plan.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cases.asking import Answer, Material
from cases.errors import PermanentError, TemporaryError
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.outcome import Lesson
from cases.ports import LanguageModel
from cases.redaction import redacted
from config.settings import Settings
from remediation.edit import asking
from remediation.experiments.built import built, lacking, whom
from remediation.experiments.held import Idea, held
from remediation.experiments.levers import Levers, Refused
from remediation.experiments.marks import of_experiments
from remediation.model.cleaning import visible
from remediation.neutral import neutral

PURPOSE = "experiment"
MOST = 3
_LESSONS_SHOWN = 20
_STATEMENTS_SHOWN = 40


class IdeaAnswer(BaseModel):
    """One candidate. `value` is JSON, as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lever: Annotated[str, Field(max_length=100)]
    value: Annotated[str, Field(max_length=2000)]
    statement: Annotated[str, Field(max_length=400)]
    mechanism: Annotated[str, Field(max_length=600)]
    signal: Annotated[str, Field(max_length=200)]
    size: float
    effort: Annotated[str, Field(max_length=20)]
    risk: Annotated[str, Field(max_length=20)]


class IdeasAnswer(BaseModel):
    """Candidates, the best first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ideas: Annotated[list[IdeaAnswer], Field(max_length=MOST)]


_ASK = """\
Say which values of the levers are worth trying to move the outcome's signal to its target, as at most {count} ideas.
Each idea pulls one lever: something that the software shows to some users and not to others.
"""
_REPAIR = """\
Mend the ideas that could not be used, as at most {count} ideas that are right.
The material says what was wrong with each. Give only those that are mended, or others in their place.
"""
_RULES = """\
- `lever`: the name of one of the levers. `value`: another value than its control, of the same kind, as JSON; for a
  timeout or cache a number within a tenth and ten times of the control; for an ordering the same entries in another
  order; for a value one of those that the lever lists; for a copy one short line without links.
- `statement`: one sentence, "Build X for Y, and they do Z", that names the lever or the value.
- `mechanism`: why it should work, in a sentence or two. No figure but those that the material shows.
- `signal`: the outcome's signal. `size`: how far it moves towards the target, in its unit: at least the outcome's
  lift, at most twice the way from baseline to target.
- `effort`: small, medium or large. `risk`: low, medium or high.
- Nothing that is listed as not wanted, in whatever words.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagined:
    """What a model gave: whole hypotheses, what was refused with the reason, and what its answers cost."""

    hypotheses: tuple[Hypothesis, ...] = ()
    refused: tuple[Refused, ...] = ()
    usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a model is asked for. `avoid`: statements of ideas that are known, or not wanted. `case` pays."""

    goal: Goal
    settings: Settings
    levers: Levers
    lessons: Sequence[Lesson] = ()
    avoid: Sequence[str] = ()
    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """An idea that could not be used, and why."""

    idea: IdeaAnswer
    why: str


def imagine(model: LanguageModel, wish: Wish) -> Imagined:
    """Ask. A model that is away or of no help gives nothing, and that is said: it raises for neither."""
    if wish.levers.experiments is None or not wish.levers.found:
        return Imagined()
    material = _material(wish)
    try:
        said, answer = _ask(model, wish, _ASK.format(count=MOST), material)
    except (PermanentError, TemporaryError) as error:
        return Imagined(refused=(Refused("the model's ideas", asking.reason(error)),))
    good, faults = _checked(said, answer, wish, material)
    usd = answer.usd
    if not faults:
        return Imagined(hypotheses=good, usd=usd)
    try:
        told = (*material, _faults(faults))
        said, answer = _ask(model, wish, _REPAIR.format(count=len(faults)), told)
    except (PermanentError, TemporaryError) as error:
        refused = tuple(_refused(fault, f"; mended it was not: {asking.reason(error)}") for fault in faults)
        return Imagined(hypotheses=good, refused=refused, usd=usd)
    mended, left = _checked(said, answer, wish, material, most=len(faults))
    first = tuple(_refused(fault, "; it was asked for again") for fault in faults)
    again = tuple(_refused(fault, "; that was its second try") for fault in left)
    return Imagined(hypotheses=(*good, *mended), refused=(*first, *again), usd=usd + answer.usd)


def _ask(model: LanguageModel, wish: Wish, task: str, material: tuple[Material, ...]) -> tuple[IdeasAnswer, Answer]:
    return asking.ask(
        model, IdeasAnswer, case=wish.case, purpose=PURPOSE, task=task + _RULES, material=material
    )  # fmt: skip


def _checked(
    said: IdeasAnswer, answer: Answer, wish: Wish, material: Sequence[Material], most: int = MOST
) -> tuple[tuple[Hypothesis, ...], tuple[_Fault, ...]]:
    """Each idea as a hypothesis, or with its faults. What was shown is what its figures may be from."""
    good: list[Hypothesis] = []
    faults: list[_Fault] = []
    if (experiments := wish.levers.experiments) is None:
        return (), ()
    shown = "\n".join(piece.text for piece in material)
    for one in said.ideas[:most]:
        idea = Idea(**one.model_dump(), origin=f"model:{neutral(answer.model, 60)}")
        pull = held(idea, wish.goal, wish.levers, shown)
        if isinstance(pull, tuple):
            faults.append(_Fault(idea=one, why="; ".join(pull)))
            continue
        found = built(pull, wish.goal, experiments, wish.settings)
        if wrong := lacking(found, wish.goal):
            faults.append(_Fault(idea=one, why="; ".join(wrong)))
        else:
            good.append(found)
    return tuple(good), tuple(faults)


def _refused(fault: _Fault, then: str) -> Refused:
    what = neutral(fault.idea.statement, 160) or "an idea without a statement"
    return Refused(what, f"the model's idea cannot be used: {fault.why}{then}")


def _material(wish: Wish) -> tuple[Material, ...]:
    """What people declared and what was learnt, without what looks like a secret or a person."""
    goal = wish.goal
    outcome = {
        "why": goal.why,
        "signal": goal.signal,
        "baseline": goal.baseline,
        "target": goal.target,
        "lift": goal.criteria.lift,
        "users": whom(goal),
        "guardrails": [limit.signal for limit in goal.constraints],
    }
    levers = [
        lever.model_dump(mode="json", include={"name", "kind", "control", "values", "because", "risk"})
        for lever in wish.levers.found
    ]
    tried = [
        {"idea": lesson.subject, "signal": lesson.signal, "ended": str(lesson.ending), "effect": lesson.effect}
        for lesson in of_experiments(wish.lessons)[:_LESSONS_SHOWN]
    ]
    pieces = [_piece("The outcome", "what people declared", outcome)]
    pieces += [_piece("The levers", "the configuration", levers)]
    pieces += [_piece("What was tried before", "lessons", tried)] if tried else []
    avoid = list(dict.fromkeys(wish.avoid))[:_STATEMENTS_SHOWN]
    pieces += [_piece("Not wanted: known or rejected already", "earlier hypotheses", avoid)] if avoid else []
    return tuple(pieces)


def _faults(faults: Sequence[_Fault]) -> Material:
    told = [{"idea": fault.idea.model_dump(), "wrong": fault.why} for fault in faults]
    return _piece("Ideas that could not be used", "an earlier answer", told)


def _piece(title: str, source: str, content: object) -> Material:
    # No value that a model or a file gave may stay as NaN: that is no JSON.
    text = json.dumps(content, ensure_ascii=False, indent=1, default=str).replace("NaN", "null")
    # An address that was made harmless for a forge has an unseen letter in it, and is seen as one only without.
    return Material(title=title, source=source, text=redacted(visible(text)))
