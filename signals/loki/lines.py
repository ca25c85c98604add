"""From the JSON of a Loki answer to log lines in order, and the splitting of a moment that holds too many of them.

Nothing in an answer is trusted to have the right shape.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from cases.moments import from_milliseconds
from cases.telemetry import LogLine
from signals.json_body import parsed
from signals.matrix import Misshapen

_NANOS_A_MILLI = 1_000_000
_LONGEST_STAMP = 19
_PROBED = 2_000  # characters of a line in which a difference is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line as Loki has it: `at` in nanoseconds since the epoch, the labels of its stream."""

    at: int
    labels: Mapping[str, str]
    text: str

    def line(self) -> LogLine:
        """The same as our noun."""
        return LogLine(at=from_milliseconds(self.at / _NANOS_A_MILLI), labels=self.labels, text=self.text)


def json_object(body: bytes) -> dict[str, object] | None:
    """The object that a body holds, or None."""
    try:
        document = parsed(body)
    except ValueError:
        return None
    return cast("dict[str, object]", document) if isinstance(document, dict) else None


def payload(document: Mapping[str, object] | None, wanted: str) -> list[object]:
    """The list that a successful answer of the type `wanted` carries. Raises Misshapen."""
    inside = _fields(document.get("data")) if document and document.get("status") == "success" else None
    found = _listed(inside.get("result")) if inside is not None else None
    if inside is None or found is None:
        raise Misshapen("something that is not its API's JSON")
    kind = inside.get("resultType")
    if kind != wanted:
        raise Misshapen(f"an answer of type {str(kind)[:40]!r} where {wanted} were asked for")
    return found


def entries(streams: Sequence[object], since: int, until: int) -> list[Entry]:
    """The lines of an answer, oldest first; lines of one moment stay as their stream has them. Raises Misshapen.

    Loki answers a stream at a time, and takes one pushed stream apart by the labels that it adds.
    """
    found: list[Entry] = []
    for stream in streams:
        fields = _fields(stream) or {}
        labels, values = _fields(fields.get("stream")), _listed(fields.get("values"))
        if labels is None or values is None or not all(isinstance(value, str) for value in labels.values()):
            raise Misshapen("a stream without labels")
        sound = cast("dict[str, str]", labels)
        found += [_entry(value, sound) for value in values]
    if any(not since <= entry.at < until for entry in found):
        raise Misshapen("lines of other times than were asked for")
    return sorted(found, key=lambda entry: entry.at)


def _entry(value: object, labels: Mapping[str, str]) -> Entry:
    pair = _listed(value) or []
    match pair[:2]:
        case [str(at), str(text)] if at.isascii() and at.isdecimal() and len(at) <= _LONGEST_STAMP:
            # Half a surrogate pair cannot be sent back, nor stored.
            sound = text if text.isascii() else text.encode(errors="replace").decode()
            return Entry(at=int(at), labels=labels, text=sound)
        case _:
            raise Misshapen("a line that is not [nanoseconds, text]")


def _fields(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _listed(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def parting(found: Sequence[Entry]) -> tuple[str, str] | None:
    """Two LogQL stages that exclude each other and between them let everything through; each passes some of `found`.

    None when the lines cannot be told apart: the server sent the same one twice.
    """
    texts = {entry.text[:_PROBED] for entry in found}
    if len(texts) > 1:
        start = _quoted("^" + _half(texts))
        return f"|~ {start}", f"!~ {start}"
    names = sorted({name for entry in found for name in entry.labels})
    for name in names:
        values = sorted({entry.labels.get(name, "") for entry in found})
        if len(values) > 1:
            half = _quoted("|".join(_escaped(value) for value in values[: len(values) // 2]))
            return f"| {name}=~{half}", f"| {name}!~{half}"
    return None


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _half(texts: Collection[str]) -> str:
    """How about half of the texts begin, and the others do not, as a regular expression. They are not all alike."""
    while True:
        shared = _shared(min(texts), max(texts))
        following = Counter(text[shared : shared + 1] for text in texts)
        common, count = following.most_common(1)[0]
        if count * 3 < len(texts) * 2 or not common:
            break
        texts = [text for text in texts if text[shared : shared + 1] == common]
        if len(texts) == 1:
            return _escaped(texts[0][: shared + 1])
    prefix = min(texts)[:shared]
    taken, chosen = 0, list[str]()
    for character, count in sorted(following.items()):
        if character and (not chosen or (taken + count) * 2 <= len(texts)):
            chosen.append(_escaped(character))
            taken += count
    return f"{_escaped(prefix)}({'|'.join(chosen)})"


_SPECIAL = frozenset("\\.+*?()|[]{}^$")


def _escaped(text: str) -> str:
    """Text as a regular expression of Go has it: Python's own escapes more than Go takes."""
    return "".join("\\" + character if character in _SPECIAL else character for character in text)


def _quoted(text: str) -> str:
    """A LogQL string. Like Go's, and what JSON writes within it is the same."""
    return json.dumps(text, ensure_ascii=False)
