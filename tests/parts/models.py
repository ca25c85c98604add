"""A language model whose answers a test writes down beforehand: it remembers what it was asked, and costs a cent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cases.asking import Answer, Question
from cases.errors import PermanentError
from cases.roles import out_of_sight

Said: TypeAlias = Mapping[str, Any] | PermanentError | Callable[[Question], Mapping[str, Any]]


@dataclass
class TalkingModel:
    """Answers by purpose, in order; the last one of a purpose is repeated.

    As in the daemon, no question may show a role what it may not see.
    """

    answers: Mapping[str, Sequence[Said]]
    asked: list[Question] = field(default_factory=list[Question])

    def describe(self, purpose: str) -> str:
        return f"talker ({purpose})"

    def probe(self) -> str:
        return "a test's own words"

    def ask(self, question: Question) -> Answer:
        before = sum(asked.purpose == question.purpose for asked in self.asked)
        assert out_of_sight(question) == (), f"the daemon would not ask this: {question.purpose}"
        self.asked.append(question)
        said = self.answers.get(question.purpose, (PermanentError(f"nothing is written down to {question.purpose}"),))
        one = said[min(before, len(said) - 1)]
        if isinstance(one, PermanentError):
            raise one
        content: Mapping[str, Any] = one(question) if callable(one) else one
        return Answer(content=content, model="talker", usd=0.01, input_tokens=1000, output_tokens=100)

    def told(self, purpose: str) -> str:
        """Everything that it was asked for that purpose."""
        return "\n".join(
            text
            for question in self.asked
            if question.purpose == purpose
            for text in (question.task, *(part for m in question.material for part in (m.title, m.source, m.text)))
        )
