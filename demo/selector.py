"""Series and the selectors that pick them: `name{label="value",other=~"regex"}[90s]`.

The dialect is Prometheus's (https://prometheus.io/docs/prometheus/latest/querying/basics/), selectors only: regular
expressions match the whole value, a missing label is the empty string, a matcher that matches everything is not enough.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]

NAME = "__name__"
UNITS_MS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
QUOTED = r'"(?:[^"\\\n]|\\.)*"'
_SELECTOR = re.compile(
    r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*(?:\[\s*(?P<range>\w+)\s*\])?\s*", re.DOTALL
)
_MATCHER = re.compile(
    rf"\s*(?P<label>[a-zA-Z_]\w*)\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>{QUOTED}|'[^'\\\n]*')\s*(?:,|$)"
)
_DURATION = re.compile(r"(\d+)(ms|y|w|d|h|m|s)")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class NotASelector(ValueError):  # noqa: N818 - it is what the text is
    """The text is more, or less, than a selector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on one label; `pattern` matches whole values."""

    label: str
    pattern: re.Pattern[str]
    wanted: bool

    def accepts(self, labels: Labels) -> bool:
        """Whether the labels meet the condition."""
        return (self.pattern.fullmatch(labels.get(self.label, "")) is not None) is self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Conditions on labels (the name among them) and, for a range selector, its length in milliseconds."""

    matchers: tuple[Matcher, ...]
    range_ms: int | None = None

    def accepts(self, labels: Labels) -> bool:
        """Whether a series of these labels is picked."""
        return all(matcher.accepts(labels) for matcher in self.matchers)


def parse_selector(text: str) -> Selector:
    """Read a selector; raises NotASelector for any other expression."""
    found = _SELECTOR.fullmatch(text)
    if found is None or not (found["name"] or found["matchers"]):
        raise NotASelector(f"{text!r} is not a selector")
    matchers: list[Matcher] = []
    if found["name"]:
        matchers.append(Matcher(label=NAME, pattern=re.compile(re.escape(found["name"])), wanted=True))
    rest = (found["matchers"] or "").strip()
    while rest:
        one = _MATCHER.match(rest)
        if one is None:
            raise NotASelector(f"{rest!r} in {text!r} is not a list of label matchers")
        matchers.append(_matcher(one["label"], one["operator"], one["value"]))
        rest = rest[one.end() :]
    if all(matcher.accepts({}) for matcher in matchers):
        raise NotASelector(f"{text!r} must contain at least one matcher that does not match the empty string")
    range_ms = parse_duration(found["range"]) if found["range"] else None
    return Selector(matchers=tuple(matchers), range_ms=range_ms)


def parse_duration(text: str) -> int:
    """Read `90s`, `5m`, `1h30m`; return milliseconds. Raises NotASelector."""
    if not text or _DURATION.sub("", text):
        raise NotASelector(f"{text!r} is not a duration such as 90s, 5m or 1h30m")
    return sum(int(count) * UNITS_MS[unit] for count, unit in _DURATION.findall(text))


def parse_exposition(text: str) -> list[tuple[dict[str, str], float]]:
    """Read the samples of a `/metrics` page: labels (with the name) and value. Raises NotASelector at an odd line."""
    samples: list[tuple[dict[str, str], float]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line)
        if found is None:
            raise NotASelector(f"{line!r} is not a sample")
        labels = {NAME: str(found["name"])}
        labels |= {label: _unquote(value) for label, value in _LABEL.findall(found["labels"] or "")}
        samples.append((labels, float(found["value"])))
    return samples


_LABEL = re.compile(rf"([a-zA-Z_]\w*)=({QUOTED})")
_SAMPLE = re.compile(
    rf"(?P<name>[a-zA-Z_:][\w:]*)(?:\{{(?P<labels>(?:{_LABEL.pattern},?)*)\}})?\s+(?P<value>[-+0-9.eE]+)"
)


def _unquote(quoted: str) -> str:
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), quoted[1:-1])


def _matcher(label: str, operator: str, quoted: str) -> Matcher:
    value = _unquote(quoted)
    try:
        pattern = re.compile(value if operator.endswith("~") else re.escape(value))
    except re.error as error:
        raise NotASelector(f"{value!r} is not a regular expression: {error}") from error
    return Matcher(label=label, pattern=pattern, wanted=not operator.startswith("!"))
