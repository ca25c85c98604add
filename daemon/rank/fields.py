"""Fields of a bundle's files: each read with its file, line and key, so that a mistake is told where it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from cases.errors import PermanentError

_SHOWN = 60
_EXAMPLE = "2026-01-02T03:04:05Z"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one reads: a file, a line from 1 (0: the file as a whole), and what leads to the keys."""

    file: str
    line: int = 0
    within: str = ""

    def wrong(self, key: str, problem: str, right: str) -> PermanentError:
        """`changes.json: deploys[2].at: "soon" is not a time; write it as 2026-01-02T03:04:05Z`."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        name = f"{self.within}.{key}" if self.within and key else self.within or key
        return PermanentError(": ".join(part for part in (where, name, f"{problem}; {right}") if part))


@dataclass(slots=True)
class Times:
    """Times as text, in epoch ms. Many lines share one, and each is understood once."""

    known: dict[str, int] = field(default_factory=dict[str, int])

    def at(self, text: object, place: Place, key: str) -> int:
        """Epoch milliseconds. Raises PermanentError for what is no time, or has no zone."""
        known = self.known.get(text) if isinstance(text, str) else None
        if known is not None:
            return known
        if not isinstance(text, str):
            raise place.wrong(key, f"{shown(text)} is not a time", f"write it as text, as in {_EXAMPLE}")
        try:
            moment = datetime.fromisoformat(text.strip())
            if moment.tzinfo is None:
                raise place.wrong(key, f"{shown(text)} has no zone", f"end it with Z for UTC, as in {_EXAMPLE}")
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise place.wrong(key, f"{shown(text)} is not a time", f"write it as {_EXAMPLE}") from None
        ms = round(moment.timestamp() * 1000)
        if len(self.known) < 1_000_000:  # noqa: PLR2004 - a bound on memory
            self.known[text] = ms
        return ms


def mapping(value: object, place: Place, what: str) -> Mapping[str, Any]:
    """An object of JSON, or PermanentError."""
    if not isinstance(value, dict):
        raise place.wrong("", f"{shown(value)} is not an object", f"write {what}")
    return cast("Mapping[str, Any]", value)


def text(document: Mapping[str, Any], key: str, place: Place, *, needed: bool = False) -> str:
    """A text; a number is taken for one, null and nothing for "" unless it is needed."""
    value = document.get(key)
    if value is None or value == "":
        if needed:
            raise place.wrong(key, "it is missing", "write a text")
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise place.wrong(key, f"{shown(value)} is not text", "write a text")


def items(document: Mapping[str, Any], key: str, place: Place) -> list[Any]:
    """A list; nothing and null are an empty one."""
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise place.wrong(key, f"{shown(value)} is not a list", "write [ … ]")
    return list(cast("Iterable[Any]", value))


def shown(value: object) -> str:
    """A value for a message: short, and on one line."""
    told = repr(value) if not isinstance(value, str) else f'"{value}"'
    told = "".join(character if character.isprintable() else " " for character in told[: 4 * _SHOWN])
    return told if len(told) <= _SHOWN else told[:_SHOWN] + "…"
