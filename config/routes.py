"""Settings of which receiver hears of what: a tree, as Alertmanager's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from config.errors import Unusable, shown
from config.fields import Duration, Name, lasting, validating
from config.section import Section

LABELS: tuple[str, ...] = ("severity", "service", "kind", "urgency", "case")
"""What a notice is known by. `kind` says what it is about, `urgency` how soon a human is needed."""
_FORM = re.compile(r'\s*([a-z]+)\s*(=~|!~|!=|=)\s*("?)(.*?)\3\s*')


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; an expression is anchored at both ends."""

    label: str
    operator: str  # one of = != =~ !~
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet it. One that is not there is empty."""
        has = labels.get(self.label, "")
        met = re.fullmatch(self.value, has) is not None if "~" in self.operator else has == self.value
        return met is self.operator.startswith("=")

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


def _matcher(value: object) -> Matcher:
    if isinstance(value, Matcher):
        return value
    hint = 'write it as in severity="page" or service=~"shop|cart"'
    form = _FORM.fullmatch(value) if isinstance(value, str) else None
    if form is None:
        raise Unusable(f"{shown(value)} is no matcher", hint)
    label, operator, _, wanted = form.groups()
    if label not in LABELS:
        raise Unusable(f"there is no label {label}", f"known here: {', '.join(LABELS)}")
    try:
        re.compile(wanted)
    except re.error:
        if "~" in operator:
            raise Unusable(f"{shown(wanted)} is no regular expression", hint) from None
    return Matcher(label, operator, wanted)


MatcherText: TypeAlias = Annotated[
    Matcher,
    PlainValidator(validating(_matcher)),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "title": "matcher", "pattern": "^\\s*[a-z]+\\s*(=~|!~|!=|=).*$"}),
]
_Span = Annotated[Duration, lasting(timedelta(seconds=1), timedelta(days=30))]


class RouteSettings(Section):
    """Who hears of the notices that match. What is not said here is as in the route above."""

    matchers: tuple[MatcherText, ...] = ()
    """All of them must match; none: everything does. Labels are severity (page, ticket, note), service, kind, urgency
    (hour, day, week) and case."""

    receiver: Name | None = None
    """Who is told. None: as the route above; at the top, every receiver."""

    continue_: Annotated[bool, Field(alias="continue")] = False
    """Whether the routes after this one are looked at too (`continue` in the file)."""

    group_by: tuple[Literal["severity", "service", "kind", "urgency", "case"], ...] | None = None
    """Notices that are alike in these labels are one message. None: as above; at the top [service]."""

    group_wait: _Span | None = None
    """How long the first notice of a group waits for others. None: as above; at the top 30s."""

    group_interval: _Span | None = None
    """How long after a message the next one of its group may follow. None: as above; at the top 5m."""

    repeat_interval: _Span | None = None
    """How often this route tells again of what nobody answered or acknowledged. None: as above; at the top
    `approvals.repeat`."""

    routes: tuple["RouteSettings", ...] = ()
    """Routes below this one: the first that matches takes its place."""
