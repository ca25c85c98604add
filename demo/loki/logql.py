"""The part of LogQL that the log stand-in understands: selectors, line filters, logfmt, counts and rates, sums.

The dialect is Loki's (https://grafana.com/docs/loki/latest/query/), and so is what it says of a query it refuses.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from demo.selector import UNITS_MS

Labels = Mapping[str, str]

EMPTY_COMPATIBLE = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)
_TOKEN = re.compile(
    r'\s*(?P<token>"(?:[^"\\\n]|\\.)*"|`[^`]*`|\|=|\|~|!=|!~|=~|[{}()\[\],|=]|[0-9]+(?:ms|[smhdw])|[A-Za-z_]\w*|\S)'
)
_DURATION = re.compile(r"([0-9]+)(ms|[smhdw])")
_LOGFMT = re.compile(r'([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|\S*)')
_RANGES = ("count_over_time", "rate")
_LINE_FILTERS = {"|=": True, "|~": True, "!=": False, "!~": False}


class RefusedQueryError(ValueError):
    """The client's mistake; the message is the body of a 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition on a label or, without one, on the line. `pattern` is searched in lines and fits whole labels."""

    label: str | None
    operator: str
    value: str
    pattern: re.Pattern[str]

    @property
    def wanted(self) -> bool:
        """Whether it asks for what fits, or for what does not."""
        return not self.operator.startswith("!")

    def takes_line(self, line: str) -> bool:
        """Whether a line meets it."""
        return (self.pattern.search(line) is not None) is self.wanted

    def takes_labels(self, labels: Labels) -> bool:
        """Whether labels meet it; one that is not there is the empty string."""
        return (self.pattern.fullmatch(labels.get(self.label or "", "")) is not None) is self.wanted


Stage = Condition | str
"""A filter, or the name of a parser: logfmt, json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which streams, and what is done with each line."""

    matchers: tuple[Condition, ...]
    stages: tuple[Stage, ...] = ()

    def picks(self, labels: Labels) -> bool:
        """Whether a stream of these labels is read."""
        return all(matcher.takes_labels(labels) for matcher in self.matchers)

    def reads(self, line: str) -> bool:
        """Whether every filter on the line itself lets it through: what parsers find cannot change that."""
        return all(isinstance(s, str) or s.label is not None or s.takes_line(line) for s in self.stages)

    def passes(self, line: str, labels: Labels) -> dict[str, str] | None:
        """The labels of a line that it reads, with what parsers found in it; None when one of them keeps it back."""
        found = dict(labels)
        for stage in self.stages:
            if isinstance(stage, str):
                found |= {name: value for name, value in _parsed(stage, line).items() if name not in found}
            elif stage.label is not None and not stage.takes_labels(found):
                return None
        return found

    def __str__(self) -> str:
        matchers = ", ".join(f"{m.label}{m.operator}{json.dumps(m.value)}" for m in self.matchers)
        stages = (
            f" | {s}"
            if isinstance(s, str)
            else f" {'| ' + s.label if s.label else ''}{s.operator} {json.dumps(s.value)}"
            for s in self.stages
        )
        return f"{{{matchers}}}{''.join(stages)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """Lines counted over a range. `by` None keeps every label; otherwise the counts are summed over the others."""

    log: LogQuery
    function: str
    range_ns: int
    by: tuple[str, ...] | None = None


def parse(text: str) -> LogQuery | MetricQuery:
    """Read a query. Raises RefusedQueryError for what Loki refuses, and for what the stand-in does not understand."""
    reader = _Reader(text)
    query = reader.query()
    if reader.word:
        raise reader.unexpected("|")
    return query


class _Reader:
    """Reads one query, token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.word = ""
        self._next()

    def at(self, *words: str) -> bool:
        """Whether the next word is one of these."""
        return self.word in words

    def query(self) -> LogQuery | MetricQuery:
        if self.at("{"):
            return self._log()
        return self._metric()

    def unexpected(self, expected: str) -> RefusedQueryError:
        column = self._at + 1 if not self.word else self._at - len(self.word) + 1
        found = "$end" if not self.word else "STRING" if self.word[0] in '"`' else self.word
        return RefusedQueryError(
            f"parse error at line 1, col {column}: syntax error: unexpected {found}, expecting {expected}"
        )

    def _next(self) -> str:
        before = self.word
        found = _TOKEN.match(self._text, self._at)
        self.word = found["token"] if found else ""
        self._at = found.end() if found else len(self._text)
        return before

    def _take(self, token: str, expected: str = "") -> None:
        if self.word != token:
            raise self.unexpected(expected or token)
        self._next()

    def _log(self) -> LogQuery:
        self._take("{")
        matchers: list[Condition] = []
        while not self.at("}"):
            label = self._name()
            matchers.append(self._condition(label, self._next()))
            if not self.at(",", "}"):
                raise self.unexpected("} or ,")
            if self.at(","):
                self._next()
        self._take("}")
        if all(matcher.takes_labels({}) for matcher in matchers):
            raise RefusedQueryError(EMPTY_COMPATIBLE)
        stages: list[Stage] = []
        while self.at("|", *_LINE_FILTERS):
            stages.append(self._stage())
        return LogQuery(matchers=tuple(matchers), stages=tuple(stages))

    def _stage(self) -> Stage:
        operator = self._next()
        if operator != "|":
            return self._condition(None, operator)
        name = self._name()
        if name in {"logfmt", "json"}:
            return name
        return self._condition(name, self._next())

    def _condition(self, label: str | None, operator: str) -> Condition:
        if operator not in ({"=", "!=", "=~", "!~"} if label is not None else _LINE_FILTERS):
            raise self.unexpected("= or != or =~ or !~")
        if self.word[:1] not in {'"', "`"}:
            raise self.unexpected("STRING")
        quoted = self._next()
        value: str = quoted[1:-1] if quoted[0] == "`" else json.loads(quoted)
        try:
            pattern = re.compile(value if operator.endswith("~") else re.escape(value))
        except re.error as error:
            raise RefusedQueryError(f"parse error : error parsing regexp: {error}: `{value}`") from None
        return Condition(label=label, operator=operator, value=value, pattern=pattern)

    def _metric(self) -> MetricQuery:
        name = self._name()
        if name == "sum":
            by = self._by()
            self._take("(")
            inner = self._metric()
            self._take(")")
            return replace(inner, by=by or self._by() or ())
        if name not in _RANGES:
            raise RefusedQueryError(f"parse error : the log stand-in does not know the function {name}")
        self._take("(")
        query = self._log()
        self._take("[")
        range_ns = duration_ns(self._next())
        self._take("]")
        self._take(")")
        return MetricQuery(log=query, function=name, range_ns=range_ns)

    def _by(self) -> tuple[str, ...] | None:
        if not self.at("by"):
            return None
        self._next()
        self._take("(")
        names: list[str] = []
        while not self.at(")"):
            names.append(self._name())
            if self.at(","):
                self._next()
        self._take(")")
        return tuple(names)

    def _name(self) -> str:
        if not self.word.isidentifier():
            raise self.unexpected("IDENTIFIER")
        return self._next()


def duration_ns(text: str) -> int:
    """Read `5m`; return nanoseconds. Raises RefusedQueryError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise RefusedQueryError(f'parse error : not a valid duration string: "{text}"')
    return int(found[1]) * UNITS_MS[found[2]] * 1_000_000


def _parsed(parser: str, line: str) -> dict[str, str]:
    return _PARSERS[parser](line)


def _logfmt(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _LOGFMT.findall(line)}


def _json(line: str) -> dict[str, str]:
    try:
        document: object = json.loads(line)
    except ValueError:
        return {"__error__": "JSONParserErr"}
    if not isinstance(document, dict):
        return {}
    pairs: list[tuple[object, object]] = list(document.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] # checked below
    return {str(name): str(value) for name, value in pairs if isinstance(value, str | int | float)}


_PARSERS: Mapping[str, Callable[[str], dict[str, str]]] = {"logfmt": _logfmt, "json": _json}
