"""Hypotheses from a model: each must cite facts that exist and name code that exists. What does not is dropped."""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.asking import Material
from cases.diagnosis import Evidence, Hypothesis
from cases.errors import PermanentError
from cases.ports import LanguageModel
from config.scope import hygiene
from remediation.edit import asking
from remediation.edit.code import function_at, shown
from remediation.edit.places import Place, Read
from remediation.neutral import neutral

MOST_CONFIDENT = 0.6  # a model's own figure is not calibrated
FILES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a model said. `because` is for people: why there is none, or what was dropped; "" when all was well.

    usable  whether the model thinks that the code is at fault
    """

    hypotheses: tuple[Hypothesis, ...]
    because: str
    usable: bool


def consult(model: LanguageModel, case: str, facts: Sequence[Evidence], places: Sequence[Place], read: Read) -> Opinion:
    """Ask once. A model that is of no help leaves the case as it is, and says so; TemporaryError goes through."""
    try:
        said, answer = asking.ask(
            model,
            asking.DiagnosisAnswer,
            case=case,
            purpose="diagnose",
            task=asking.DIAGNOSE,
            material=(_facts(facts), *_code(places, read)),
        )
    except PermanentError as error:
        return Opinion(hypotheses=(), because=asking.reason(error), usable=False)
    if said.verdict != "hypotheses":
        missing = f": {neutral(said.missing, 160)}" if said.missing else ""
        word = "that nothing in the code explains it" if said.verdict == "none" else "that it needs more"
        return Opinion(hypotheses=(), because=f"{neutral(answer.model, 60)} says {word}{missing}", usable=False)
    known = {fact.id for fact in facts}
    kept: list[Hypothesis] = []
    dropped = 0
    for one in said.hypotheses:
        found = _checked(one, known, neutral(answer.model, 60), read)
        if found is None:
            dropped += 1
        else:
            kept.append(found)
    kept.sort(key=lambda hypothesis: -hypothesis.confidence)
    because = f"{dropped} of the model's hypotheses cite evidence or code that does not exist" if dropped else ""
    return Opinion(hypotheses=tuple(kept), because=because, usable=bool(kept))


def _checked(said: asking.HypothesisAnswer, known: set[str], model: str, read: Read) -> Hypothesis | None:
    if not set(said.evidence) <= known or hygiene(said.path):
        return None
    content = read(said.path)
    function = function_at(said.path, content, 0, said.function) if content is not None else None
    if function is None:
        return None
    return Hypothesis(
        statement=neutral(said.statement, 200),
        path=said.path,
        line=function.line,
        function=function.name,
        evidence=tuple(dict.fromkeys(said.evidence)),
        confidence=round(min(MOST_CONFIDENT, said.confidence), 3),
        origin=f"model:{model}",
    )


def _facts(facts: Sequence[Evidence]) -> Material:
    return Material(
        title="Facts", source="evidence of the case", text="\n".join(f"{fact.id}: {fact.fact}" for fact in facts)
    )


def _code(places: Sequence[Place], read: Read) -> list[Material]:
    """The code where the traces lead, each file once."""
    materials: list[Material] = []
    for path in list(dict.fromkeys(place.path for place in places))[:FILES_SHOWN]:
        place = next(place for place in places if place.path == path)
        content = read(path)
        function = function_at(path, content, place.line, place.function) if content is not None else None
        if content is not None and function is not None:
            materials.append(Material(title=path, source="the repository", text=shown(path, content, function)))
    return materials
