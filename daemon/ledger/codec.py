"""Frozen values to JSON and back. The class's name is stored beside the payload, and picks the class again.

Bytes are base64 (URL-safe), times ISO in UTC, durations ISO, enums their values. Not-a-number and the infinities are
written as Python's `json` writes them. Half of a surrogate pair, which hostile telemetry can carry and no database
takes, becomes a question mark.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from cases.errors import PermanentError
from cases.events import Event
from cases.outcome import Lesson
from cases.steps import Effect, Receipt
from cases.trust import Mark

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A value as the database keeps it: the name of its class, and its fields as a JSON object."""

    kind: str
    payload: str


class Vocabulary(Generic[Noun]):
    """The classes that may stand in one column."""

    def __init__(self, words: Iterable[type[Noun]]) -> None:
        self._words = {word.__name__: word for word in words}
        self._adapters: dict[str, TypeAdapter[tuple[Any]]] = {}

    def pack(self, noun: Noun) -> Packed:
        """Give the value's kind and payload.

        TypeError for a value whose fields are not of their declared types; a mapping has to be a plain dict.
        """
        from pydantic_core import PydanticSerializationError

        word = type(noun)
        if self._words.get(word.__name__) is not word:
            raise TypeError(f"{word.__name__} is none of {', '.join(sorted(self._words))}")
        try:
            (fields,) = self._adapter(word.__name__).dump_python((noun,), mode="json", warnings="error")
        except PydanticSerializationError as error:
            raise TypeError(f"a {word.__name__} cannot be stored: {error}") from error
        whole = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return Packed(kind=word.__name__, payload=whole.encode("utf-8", "replace").decode())

    def unpack(self, kind: str, payload: str, where: str) -> Noun:
        """Rebuild the value. PermanentError, naming `where` it stands, for what this version cannot read."""
        from pydantic import ValidationError

        if kind not in self._words:
            raise PermanentError(f"{where} is of a kind that this version does not know ({kind}): run a newer version")
        try:
            noun: Noun = self._adapter(kind).validate_json(f"[{payload}]")[0]
        except ValidationError as error:
            # The error's own text would quote the payload.
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(step) for step in first["loc"][1:]) or "the whole"
            raise PermanentError(
                f"{where} does not read as {kind} ({place}: {first['msg']}): "
                "another version wrote it, or the database is damaged; restore a backup or run that version"
            ) from None
        return noun

    def _adapter(self, kind: str) -> "TypeAdapter[tuple[Any]]":
        """The adapter of one class, built at its first use: all of them at once would slow every start.

        In a tuple of one, because that is what lets a plain dataclass take a configuration from outside.
        """
        if kind not in self._adapters:
            from pydantic import ConfigDict, TypeAdapter

            strict = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")
            tuple_of_one: Any = GenericAlias(tuple, (self._words[kind],))
            self._adapters[kind] = TypeAdapter(tuple_of_one, config=strict)
        return self._adapters[kind]


EVENTS: Vocabulary[Event] = Vocabulary(get_args(Event))
EFFECTS: Vocabulary[Effect] = Vocabulary(get_args(Effect))
LESSONS: Vocabulary[Lesson] = Vocabulary([Lesson])
RECEIPTS: Vocabulary[Receipt] = Vocabulary([Receipt])
MARKS: Vocabulary[Mark] = Vocabulary([Mark])
