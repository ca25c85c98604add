"""What a change says of data that is stored or sent: undoing code does not undo data, so such a change is a human's.

Told by paths (migrations, schemas) and by changed lines (statements that alter tables, numbers of formats). It may say
too much: then a human is asked for nothing, and no data is lost.
"""

import re
from collections.abc import Iterator, Sequence

from remediation.neutral import neutral

_PATHS = re.compile(
    r"migration|alembic/versions|(^|/)db/(migrate|schema)|flyway|liquibase|(^|/)schema\.(sql|rb|prisma|graphql)$"
    r"|\.(sql|ddl|proto|avsc|avdl|thrift|fbs|capnp|xsd)$",
    re.IGNORECASE,
)
_LINES = (
    ("a table's shape", re.compile(r"\b(ALTER|CREATE|DROP|RENAME)\s+(TABLE|COLUMN|INDEX|TYPE)\b", re.IGNORECASE)),
    ("a table's shape", re.compile(r"\bop\.(add|drop|alter|rename|create)_\w+\(|\bmodels\.\w+Field\(")),
    ("a table's shape", re.compile(r"\bmapped_column\(")),
    (
        "the number of a format",
        re.compile(
            r"\b(schema|format|data|storage|wire|payload|serial(?:ization|isation)?|protocol)_?version\b\W{0,4}[=:]",
            re.IGNORECASE,
        ),
    ),
)
NONE = "none found"


def stored(paths: Sequence[str], diff: str) -> str:
    """`none found`, or `found: …` with the first three things that speak of stored data."""
    found = list(dict.fromkeys([*_of_paths(paths), *_of_lines(diff)]))
    return f"found: {', '.join(found[:3])}" if found else NONE


def _of_paths(paths: Sequence[str]) -> Iterator[str]:
    return (neutral(path, 80) for path in paths if _PATHS.search(path))


def _of_lines(diff: str) -> Iterator[str]:
    for line in diff.splitlines():
        if line[:1] in {"+", "-"} and not line.startswith(("+++ ", "--- ")):
            yield from (what for what, form in _LINES if form.search(line))
