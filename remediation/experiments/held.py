"""What a model said of one idea, held field by field to the goal and its levers. Every reason at once."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from cases.goal import Goal
from cases.hypothesis import Effort, Peril, as_json, stated
from cases.redaction import redacted
from config.errors import printable
from config.experimenting import kind_of
from config.experiments import LeverSettings
from config.hypothesis_misfits import LONGEST, sizes
from remediation.experiments.built import Pull
from remediation.experiments.levers import Levers
from remediation.neutral import neutral

_FACTOR = 10.0
"""How far a number may be from the control, either way."""
_LONGEST_COPY = 200
_MARKUP = re.compile(r"[<>]|://|www\.|\[redacted|\]\(", re.IGNORECASE)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """The fields as they were said. `value` is JSON, as text."""

    lever: str
    value: str
    statement: str
    mechanism: str
    signal: str
    size: float
    effort: str
    risk: str
    origin: str


def held(idea: Idea, goal: Goal, levers: Levers, shown: str) -> Pull | tuple[str, ...]:
    """The idea as a turn of a lever, or every reason why it is none. `shown`: all that the model was shown."""
    lever = levers.named(idea.lever)
    reasons: list[str] = []
    value: JsonValue = None
    if lever is None:
        names = ", ".join(one.name for one in levers.found)
        reasons.append(f"there is no lever named {printable(idea.lever)!r} here, but {names}")
    else:
        value = _value(idea.value, lever)
        reasons += _wrong_value(value, lever)
    reasons += _wrong_size(idea, goal)
    reasons += _wrong_words(idea, as_json(value), shown)
    for name, kinds in (("effort", Effort), ("risk", Peril)):
        if getattr(idea, name) not in list(kinds):
            reasons.append(f"its {name} is none of {', '.join(kinds)}")
    if reasons or lever is None:
        return tuple(reasons)
    return Pull(
        lever=lever,
        value=value,
        origin=idea.origin,
        mechanism=idea.mechanism,
        statement=neutral(idea.statement.strip().rstrip("."), LONGEST),
        size=idea.size,
        effort=Effort(idea.effort),
        risk=Peril(idea.risk),
    )


def _value(text: str, lever: LeverSettings) -> JsonValue:
    """The value that a text means: JSON, or the bare text where the lever shows texts."""
    try:
        value = cast("JsonValue", json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return text if isinstance(lever.control, str) else None
    return text if isinstance(lever.control, str) and not isinstance(value, str) else value


def _no_number(name: str) -> Any:  # noqa: ANN401 - it never returns
    raise ValueError(f"{name} is no JSON")


def _wrong_value(value: JsonValue, lever: LeverSettings) -> Iterator[str]:
    told = as_json(value)
    if value is None or kind_of(value) != kind_of(lever.control):
        yield f"its value is not of the kind of {lever.name}'s control ({kind_of(lever.control)})"
        return
    if told == as_json(lever.control):
        yield f"its value is {lever.name}'s control: everybody sees it already"
    if redacted(told) != told or "[redacted" in told:
        yield "its value holds what looks like a secret or a person"
    if told not in [as_json(one) for one in lever.values]:
        yield from _unlisted(value, lever)


def _unlisted(value: JsonValue, lever: LeverSettings) -> Iterator[str]:
    """What is wrong with a value of the right kind that the operator did not name."""
    number = kind_of(value) == "number"
    if number and lever.kind in {"timeout", "cache"}:
        control = float(cast("float", lever.control))
        # An endless one, or an integer of a thousand digits, is not within either; NaN is no JSON.
        if not control / _FACTOR <= cast("float", value) <= control * _FACTOR:
            yield f"its value is not within a tenth and ten times of {lever.name}'s control"
    elif number or lever.kind == "value":
        yield f"its value is none of those that {lever.name} lists"
    elif lever.kind == "ordering" and isinstance(value, list) and isinstance(lever.control, list):
        if sorted(map(as_json, value)) != sorted(map(as_json, lever.control)):
            yield f"its value does not have the same entries as {lever.name}'s control"
    elif _shape(value) != _shape(lever.control):
        yield f"its value is not of the shape of {lever.name}'s control"
    elif any(not _plain(text) for text in _texts(value)):
        yield "its value is not one short line of plain text"


def _shape(value: JsonValue) -> object:
    """A value without its texts: only these are a copy's to change, no key, figure or yes and no."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return value if isinstance(value, int | float) else type(value).__name__


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _plain(text: str) -> bool:
    return bool(text.strip()) and len(text) <= _LONGEST_COPY and text.isprintable() and not _MARKUP.search(text)


def _wrong_size(idea: Idea, goal: Goal) -> Iterator[str]:
    if idea.signal != goal.signal:
        yield f"its signal is not the outcome's, {goal.signal}"
    if not math.isfinite(idea.size) or idea.size <= 0:
        yield "its size is no number above zero"
    elif wrong := sizes(idea.size, goal):
        yield f"its size does not fit: {wrong[0]}; {wrong[1]}"


def _wrong_words(idea: Idea, value: str, shown: str) -> Iterator[str]:
    statement = idea.statement
    if stated(statement) is None or len(statement) > LONGEST:
        yield "its statement is not one sentence, build X for Y, and they do Z"
    named = (idea.lever, value.strip('"'), idea.value.strip('" '))
    if not any(name.strip() and name.casefold() in statement.casefold() for name in named):
        yield "its statement names neither the lever nor the value"
    if not idea.mechanism.strip():
        yield "it has no mechanism"
    known = {*_figures(shown), *_figures(value), *_figures(f"{idea.size:g} {100 * idea.size:g}")}
    made_up = [text for text in _FIGURE.findall(f"{statement} {idea.mechanism}") if _number(text) not in known]
    if made_up:
        yield f"it says a figure that nothing shows ({', '.join(dict.fromkeys(made_up))[:60]})"


def _figures(text: str) -> set[float]:
    return {_number(found) for found in _FIGURE.findall(text)}


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:  # a version or a date: compared as its digits
        return float(re.sub(r"\D", "", text))
