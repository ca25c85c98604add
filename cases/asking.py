"""What a language model is asked and what it answers. Its answer is untrusted until the program has checked it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REPOSITORY = "the repository"
"""The `source` of material that is code: it is shown as it is, so that an answer can quote it exactly."""

CHECKS = "the repository's own checks"
"""The `source` of what they say of a commit of ours: shown only where that commit is repaired."""


STEPS: Mapping[str, str] = {
    **dict.fromkeys(("locate", "diagnose"), "diagnose"),
    **dict.fromkeys(("triage", "remark"), "triage"),
    "review": "review",
    **dict.fromkeys(
        ("edit", "reproduce", "loop", "repair", "experiment", "variant", "improvement", "hotspot"), "draft"
    ),
}
"""The step of a case that asks questions of a purpose."""

ALL_OF: Mapping[str, tuple[str, ...]] = {
    purpose: together
    for together in (("edit", "reproduce", "loop"), ("experiment", "variant"), ("improvement", "hotspot"))
    for purpose in together
}
"""The purposes that are paid for together, as one class of change, the class first; any other is one of its own."""


PROMPTS = 1
"""The major version of what models are told: raised with a change that could make them draft otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Something from outside that the model may read: never an instruction. `source` says where it is from."""

    title: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One structured question of one case.

    purpose  "locate", "diagnose", "triage", "remark", "review", or what is drafted ("edit", "repair", "experiment",
             "improvement"; of an edit also "reproduce" and "loop", of an experiment "variant", its code, of an
             improvement "hotspot", where it reads first): it chooses the model and says what may be shown; spending
             is kept by it and capped by its class
    task     our instructions; nothing from outside is in them. The first line says in short what is asked: it is said
             again after the material
    material what it is about, quoted and marked on the way
    name     the name of the answer's shape; `schema` is its JSON Schema (an object)
    """

    case: str
    purpose: str
    task: str
    material: tuple[Material, ...]
    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: an object that fits the question's schema, and what it cost in all attempts."""

    content: Mapping[str, Any]
    model: str
    usd: float
    input_tokens: int
    output_tokens: int
