"""Lessons as markdown: a page that people read and edit, and that comes back as what it was.

A lesson is a heading, its sentence, and a list of its fields; each field is JSON, so that nothing in it can be taken
for another field. What a page leaves out has its default. `parsed` is for pages from anywhere: nothing of them is
believed but their shape, and a lesson orders and warns, it grants nothing.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from cases.errors import PermanentError
from cases.outcome import Lesson
from daemon.ledger.codec import LESSONS

TITLE = "# Lessons"
_HEADING = re.compile(r"## lesson (\S+)")
_FIELD = re.compile(r"- (\w+): (.*)")
_NAMES = tuple(field.name for field in fields(Lesson))
_LISTED = tuple(name for name in _NAMES if name not in {"id", "text"})


def written(lessons: Sequence[Lesson]) -> str:
    """The page of these lessons, in their order."""
    return "\n".join([TITLE, "", *(line for lesson in lessons for line in _page(lesson))])


def _page(lesson: Lesson) -> list[str]:
    held: dict[str, Any] = json.loads(LESSONS.pack(lesson).payload)
    listed = [f"- {name}: {json.dumps(held[name], ensure_ascii=False)}" for name in _LISTED]
    said = [f"> {line}" for line in lesson.text.split("\n")]
    return [f"## lesson {lesson.id}", "", *said, "", *listed, ""]


def parsed(page: str, name: str) -> tuple[Lesson, ...]:
    """The lessons of a page, in its order. Raises PermanentError with the line of what cannot be read."""
    found: list[Lesson] = []
    begun: tuple[int, dict[str, Any], list[str]] | None = None
    # Only a line feed ends a line here: a lesson's text may hold other separators.
    for number, line in enumerate(page.split("\n"), start=1):
        plain = line.rstrip("\r")
        if heading := _HEADING.fullmatch(plain.rstrip()):
            found += [] if begun is None else [_lesson(name, *begun)]
            begun = number, {"id": heading[1]}, []
        elif begun is not None and plain.startswith("> "):
            begun[2].append(plain[2:])
        elif begun is not None and plain == ">":
            begun[2].append("")
        elif begun is not None and (field := _FIELD.fullmatch(plain)):
            begun[1][field[1]] = _value(name, number, field[2])
    return (*found, *(() if begun is None else (_lesson(name, *begun),)))


def _value(name: str, number: int, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise PermanentError(f"{name}:{number}: the value is not JSON; put text in double quotes") from None


def _lesson(name: str, number: int, held: dict[str, Any], said: Sequence[str]) -> Lesson:
    unknown = sorted(held.keys() - set(_NAMES))
    if unknown:
        raise PermanentError(f"{name}:{number}: a lesson has no {', '.join(unknown)}; remove it")
    payload = json.dumps({**held, "text": "\n".join(said)}, ensure_ascii=False)
    try:
        lesson = LESSONS.unpack(Lesson.__name__, payload, "it")
    except PermanentError as error:
        raise PermanentError(f"{name}:{number}: lesson {held['id']} cannot be read: {error}") from None
    return replace(lesson, id=held["id"])
