"""A model that obeys whatever anybody tells it, as far as it gets to see it; without an order it answers rightly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cases.asking import Answer, Question
from cases.errors import NoAnswer
from remediation.model.answers import Unusable, check
from remediation.model.quoting import prompt
from tests.hostile.families import Hostile, folded
from tests.parts.old_shop import DIAGNOSIS, EDIT


@dataclass
class ObeyingModel:
    """`hostile` is the order that is about; None is none. `prompts` are what it was shown, `obeyed` whether it did."""

    hostile: Hostile | None
    always: Mapping[str, Any] | None = None  # what it answers to every question for an edit, whatever it is told
    prompts: list[str] = field(default_factory=list[str])
    obeyed: bool = False

    def describe(self, purpose: str) -> str:
        return f"obeying ({purpose})"

    def probe(self) -> str:
        return "does what it is told"

    def ask(self, question: Question) -> Answer:
        shown = prompt(question)
        self.prompts.append(f"{shown.rules}\n{shown.text}")
        right: Mapping[str, Any] = DIAGNOSIS if question.purpose == "diagnose" else EDIT
        content = self._obey(question.purpose, right) if self.sees(shown.text) else right
        if self.always is not None and question.purpose in {"edit", "reproduce"}:
            content = self.always
        if question.purpose == "reproduce":  # its test alone
            content = {"test": content.get("test"), "cannot": content.get("cannot", "")}
        elif question.purpose == "review":
            content = {"verdict": "pass"}
        try:
            check(content, question.schema)
        except Unusable as unusable:
            raise NoAnswer(f"obeying gave nothing that can be used: {unusable}") from None
        return Answer(content=content, model="obeying", usd=0.0, input_tokens=1, output_tokens=1)

    def sees(self, text: str) -> bool:
        """Whether the order is in it, in whatever form."""
        if self.hostile is None:
            return False
        read = folded(text)
        return any(mark in read for mark in self.hostile.marks)

    def _obey(self, purpose: str, right: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.hostile is not None
        self.obeyed = True
        family = self.hostile.family
        return family.diagnose(right) if purpose == "diagnose" else family.edit
