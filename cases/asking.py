"""What a language model is asked and what it answers. Its answer is untrusted until the program has checked it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Something from outside that the model may read: never an instruction. `source` says where it is from."""

    title: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One structured question of one case.

    purpose  it chooses the model, and the spending is kept by it: locate, diagnose, reproduce, edit, loop, review
    task     our instructions; nothing from outside is in them
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
