"""ScriptedModel: the stand-in. It answers from a file: for tests, for trials, and to play recorded cases again.

The file is YAML or JSON: a list of entries, used in order, each once unless it says `repeat: true`.

    - purpose: diagnose            # which questions it answers
      when: checkout               # only where the question has this text; any where it is left out
      answer: {…}                  # the object; or `refuse: why`, or `busy: why`
      usd: 0.004                   # what it costs, and is reserved; 0 where it is left out
      input_tokens: 1500
      output_tokens: 200
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from cases.asking import Answer, Question
from cases.errors import NoAnswer, PermanentError, TemporaryError
from cases.stores import Purse
from remediation.model.answers import Unusable, check
from remediation.model.quoting import cleaned

TRIES = 2
"""As often as a real model is asked when its answer cannot be used."""


class Entry(BaseModel):
    """One answer of a script."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: str
    when: str = ""
    answer: dict[str, Any] | None = None
    refuse: str | None = None
    busy: str | None = None
    usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    input_tokens: Annotated[int, Field(ge=0)] = 0
    output_tokens: Annotated[int, Field(ge=0)] = 0
    repeat: bool = False

    @model_validator(mode="after")
    def _one_of_three(self) -> "Entry":
        if sum(given is not None for given in (self.answer, self.refuse, self.busy)) != 1:
            raise ValueError("an entry has one of answer, refuse and busy")
        return self


class ScriptedModel:
    """The port `LanguageModel`, answering from entries. `asked` are the questions it was given. Safe for threads."""

    def __init__(self, entries: Sequence[Entry], purse: Purse, *, name: str = "script") -> None:
        self.asked: list[Question] = []
        self._left = list(entries)
        self._purse = purse
        self._name = name
        self._lock = threading.Lock()

    @classmethod
    def read(cls, path: str | Path, purse: Purse) -> "ScriptedModel":
        """The model that a file scripts. Raises PermanentError for a file that is none."""
        try:
            found: object = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
            entries = TypeAdapter(list[Entry]).validate_python(found)
        except OSError as error:
            raise PermanentError(
                f"model.script: {path} cannot be read ({error.strerror}); name a file of answers"
            ) from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise PermanentError(f"model.script: {path} is no YAML ({_first_line(error)})") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise PermanentError(f"model.script: {path}: entry {where}: {first['msg']}") from None
        return cls(entries, purse, name=f"script {Path(path).name}")

    def describe(self, purpose: str) -> str:
        """Says that no model was asked."""
        return f"{self._name} ({purpose}; no model was asked)"

    def probe(self) -> str:
        """Always there."""
        return f"{self._name} with {len(self._left)} answers left"

    def ask(self, question: Question) -> Answer:
        """The next entry that fits, paid for as a real answer is."""
        self.asked.append(question)
        usd, fault, read, written = 0.0, "", 0, 0
        for _ in range(TRIES):
            entry = self._next(question)
            reservation = self._purse.reserve(question.case, question.purpose, self._name, entry.usd)
            if entry.busy is not None:
                self._purse.settle(reservation, 0.0, 0, 0)
                raise TemporaryError(f"{self._name} is busy: {entry.busy}")
            self._purse.settle(reservation, entry.usd, entry.input_tokens, entry.output_tokens)
            usd, read, written = usd + entry.usd, read + entry.input_tokens, written + entry.output_tokens
            if entry.answer is None:
                raise NoAnswer(f"{self._name} refused the question: {entry.refuse}")
            try:
                check(entry.answer, question.schema)
            except Unusable as unusable:
                fault = str(unusable)
                continue
            return Answer(content=entry.answer, model=self._name, usd=usd, input_tokens=read, output_tokens=written)
        raise NoAnswer(f"{self._name} gave no {question.name} that can be used, {TRIES} times; the last: {fault}")

    def _next(self, question: Question) -> Entry:
        """Take the first entry that fits, out of the script unless it repeats."""
        pieces = (f"{piece.title}\n{piece.source}\n{piece.text}" for piece in cleaned(question.material))
        text = "\n".join([question.task, *pieces])  # as a model would see it: cleaned, cut, without secrets
        with self._lock:
            for number, entry in enumerate(self._left):
                if entry.purpose == question.purpose and entry.when in text:
                    return entry if entry.repeat else self._left.pop(number)
        raise PermanentError(
            f"{self._name} has no answer left for a question of purpose {question.purpose!r} of case {question.case}"
        )


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
