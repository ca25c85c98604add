"""Alertmanager's silences: which labels they are for. Matchers are Alertmanager's: = != =~ !~, anchored at both ends.

A label that is not there is empty, as it is for Alertmanager. A silence that cannot be read suppresses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from signals.regular import Regular, Unreadable

LONGEST_COMMENT = 200
LONGEST_EXPRESSION = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on a label. `expression` is None where the value is plain."""

    name: str
    value: str
    equal: bool
    expression: Regular | None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet it."""
        has = labels.get(self.name, "")
        return (self.expression.matches(has) if self.expression else has == self.value) is self.equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """An active silence. Its comment and author are text from outside: quoted, never followed."""

    id: str
    by: str
    comment: str
    matchers: tuple[Matcher, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether alerts with these labels page nobody because of it."""
        return bool(self.matchers) and all(matcher.matches(labels) for matcher in self.matchers)


def silence_of(found: Mapping[str, Any]) -> Silence:
    """A silence as the API lists it.

    Raises Unreadable for an expression that is none, LookupError, TypeError or AttributeError for anything else.
    """
    listed = cast("list[Mapping[str, Any]]", found["matchers"])
    # plain ones first: most silences are decided by them
    matchers = sorted((_matcher(one) for one in listed), key=lambda matcher: matcher.expression is not None)
    return Silence(
        id=str(found["id"]),
        by=str(found.get("createdBy") or ""),
        comment=str(found.get("comment") or ""),
        matchers=tuple(matchers),
    )


def _matcher(found: Mapping[str, Any]) -> Matcher:
    value = str(found["value"])
    if found["isRegex"] and len(value) > LONGEST_EXPRESSION:
        raise Unreadable(f"it is longer than {LONGEST_EXPRESSION} letters")
    return Matcher(
        name=str(found["name"]),
        value=value,
        equal=bool(found.get("isEqual", True)),
        expression=Regular.of(value) if found["isRegex"] else None,
    )
