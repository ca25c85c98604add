"""TAP, the Test Anything Protocol, line by line. Subtests are ids of several parts; YAML blocks are left alone."""

import re
from typing import Any

from sandbox.reports.report import FAILED, PASSED, SKIPPED, Collected, Report, UnreadableReport

BEGINS = re.compile(r"^(TAP version \d{1,3}|1\.\.\d{1,6}\b)", re.MULTILINE)
_SUBTEST = re.compile(r"#\s*Subtest:\s*(.+)")
_LINE = 2_000  # a test's own line is short


def read(text: str) -> Report:
    """Read it. Raises UnreadableReport for a line that claims more than it may, such as a number of 5,000 digits."""
    from tap.parser import Parser

    parser: Any = Parser()  # the library has no types
    found, groups, count = Collected(), dict[int, str](), 0
    for line in text.splitlines():
        if len(line) > _LINE:
            continue
        words = line.lstrip(" ")
        depth = len(line) - len(words)
        if subtest := _SUBTEST.match(words):
            groups = {at: name for at, name in groups.items() if at < depth} | {depth: subtest[1].strip()}
            continue
        try:
            one = parser.parse_line(words.rstrip())
        except ValueError as error:
            raise UnreadableReport(f"it is not TAP: {str(error)[:200]}") from error
        if one.category == "test":
            count += 1
            _add(found, one, count, [name for at, name in sorted(groups.items()) if at < depth])
    return found.report()


def _add(found: Collected, one: Any, count: int, groups: list[str]) -> None:  # noqa: ANN401 - the library's
    name = one.description.removeprefix("-").strip() or f"test {one.number or count}"
    test = "::".join((*groups, name))
    left_out = one.skip or (one.todo and not one.ok)
    done = PASSED if one.ok else FAILED
    found.add(test, SKIPPED if left_out else done)
