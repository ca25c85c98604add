"""The rules that every pull request's text keeps before it leaves: eight lines first, few lines, figures from evidence.

A header that does not hold lets nothing leave. A folded line with a figure that resolves to nothing stored is left out,
and logged: a claim without evidence is not printed.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from enum import Enum
from typing import cast

from cases.case import Case
from cases.errors import PermanentError
from remediation.header import LINES, NEVER_LEFT_OUT

log = logging.getLogger("trackwalker.body_rules")

MOST_LINES = 60
SPARE = ("- also", "- not seen", "- E", "- considered", "| ")
"""How the lines begin that are cut when there are too many: these in turn, of each the first ones, checks the last."""
HEAD = "| check "

UNREAD = frozenset({"content", "diff", "patch", "query", "source", "settings"})
"""Fields of stored values that hold whole files and queries: a figure that is found in one proves nothing."""

# times, shas, evidence ids, link targets, code and hidden comments are names, not figures
_NAMES = re.compile(
    r"<!--.*?-->|\]\([^)]*\)|`[^`\n]*`|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)?|\b\d\d:\d\d(?::\d\d)?\b"
    r"|\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b|\bE\d+\b|^\d\. |“[^”]*”",
    re.MULTILINE,
)
_FIGURE = re.compile(r"(?<![\w./-])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
_TAG = re.compile(r"<[^>]+>")
_FORMS = (".3g", ".4g", ".2g", ".0f", ".1f", ".2f")
_SCALES = (1, 100, 1 / 60, 1 / 3600, 1 / 86_400)  # as it is, in percent, in minutes, hours, days


def held(text: str, case: Case) -> str:
    """The text without what does not hold. PermanentError, with every fault, when its header does not."""
    known = resolvable(case)
    faults = header_faults(text, known)
    if faults:
        raise PermanentError(f"the text of the pull request does not hold, so none is opened: {'; '.join(faults)}")
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        missing = unresolved(line, known) if number >= LINES else ()
        if missing:
            log.error("case %s: a line is not printed, for nothing stored has its %s", case.id, ", ".join(missing))
        else:
            lines.append(line)
    return "\n".join(_short(lines, case.id))


def header_faults(text: str, known: frozenset[str]) -> tuple[str, ...]:
    """What is wrong with the first eight lines, as a plain mail shows them: missing, out of order, or unproved."""
    lines = text.split("\n")[:LINES]
    found: list[str] = []
    for number in range(1, LINES + 1):
        line = lines[number - 1] if number <= len(lines) else ""
        plain = _TAG.sub("", line).strip()
        begin, mark = f"{number}. ", NEVER_LEFT_OUT[number - 1]
        if not plain.startswith(begin) or len(plain) <= len(begin) or mark not in plain:
            found.append(f"line {number} is not the header's ({plain[:60]!r})")
        found += [f"line {number}: nothing stored has the figure {figure}" for figure in unresolved(line, known)]
    return tuple(found)


def unresolved(line: str, known: frozenset[str]) -> tuple[str, ...]:
    """The figures of a line that nothing stored has."""
    figures = (found.replace(",", "").removeprefix("-") for found in _FIGURE.findall(_NAMES.sub(" ", line)))
    return tuple(figure for figure in figures if _plain(figure) not in known)


def resolvable(case: Case) -> frozenset[str]:
    """Every figure that a reader may be told of a case: what its history holds, in the forms that are printed."""
    known: set[str] = {"0"}
    for value in _values(case.history):
        for scale in _SCALES:
            known |= {_plain(format(abs(value) * scale, form)) for form in _FORMS}
    for said in _texts(case.history):
        known |= {_plain(found.replace(",", "").removeprefix("-")) for found in _FIGURE.findall(said)}
    return frozenset(known)


def _plain(figure: str) -> str:
    """The same figure in one form, whatever its trailing zeros."""
    try:
        return format(float(figure), ".6g")
    except ValueError:
        return figure


def _values(value: object) -> Iterator[float]:
    """Every number below a stored value; of a list also how long it is."""
    match value:
        case bool() | Enum() | None:
            return
        case int() | float():
            yield float(value)
        case timedelta():
            yield value.total_seconds()
        case _:
            parts = list(_parts(value))
            if isinstance(value, tuple):
                yield float(len(parts))
            for part in parts:
                yield from _values(part)


def _texts(value: object) -> Iterator[str]:
    """Every text below a stored value."""
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
        return
    for part in _parts(value):
        yield from _texts(part)


def _parts(value: object) -> Iterator[object]:
    if is_dataclass(value):
        yield from (getattr(value, field.name) for field in fields(value) if field.name not in UNREAD)
    elif isinstance(value, Mapping):
        yield from cast("Mapping[object, object]", value).values()
    elif isinstance(value, tuple | list):
        yield from cast("Sequence[object]", value)


def _short(lines: list[str], case_id: str) -> list[str]:
    """At most so many lines that a phone shows it: what is cut is in the ledger, and said to be."""
    room = MOST_LINES - 1  # for the seal
    if len(lines) <= room:
        return lines
    over = len(lines) - room + 1
    spare = [at for begin in SPARE for at, line in enumerate(lines) if line.startswith(begin)]
    cut = [at for at in spare if not lines[at].startswith(HEAD)][:over]
    kept = [line for at, line in enumerate(lines) if at not in cut]
    return [*kept, f"- {len(cut)} more lines: `trackwalker cases show {case_id}`"]
