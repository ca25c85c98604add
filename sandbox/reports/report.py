"""What a report says, and what keeps it small."""

import hashlib
from dataclasses import dataclass
from typing import cast

TESTS = 100_000
ID_CHARACTERS = 500
MESSAGES = 50  # failed tests whose words are kept: a verdict names three
MESSAGE_CHARACTERS = 2_000

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_WORST = {SKIPPED: 0, PASSED: 1, FAILED: 2}


class UnreadableReport(ValueError):  # noqa: N818 - it is what the report is, and reads as one where it is caught
    """A report that is none, or that is too big. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command said of its tests, in the report's order.

    tests     test id → "passed", "failed" or "skipped"
    messages  test id → the last of what it failed with; of the first fifty that failed
    """

    tests: tuple[tuple[str, str], ...] = ()
    messages: tuple[tuple[str, str], ...] = ()


class Collected:
    """Takes tests one by one. One that comes twice (a failing teardown is a second case) has its worst outcome."""

    def __init__(self) -> None:
        self._outcomes: dict[str, str] = {}
        self._messages: dict[str, str] = {}

    def add(self, test: str, outcome: str, message: str = "") -> None:
        """Take one. Raises UnreadableReport when there are too many."""
        test = cut(test)
        known = self._outcomes.get(test, outcome)
        self._outcomes[test] = max(known, outcome, key=_WORST.__getitem__)
        if len(self._outcomes) > TESTS:
            raise UnreadableReport(f"it names more than {TESTS} tests")
        if outcome == FAILED and message and len(self._messages) < MESSAGES:
            self._messages.setdefault(test, message[-MESSAGE_CHARACTERS:])

    def __contains__(self, test: str) -> bool:
        return cut(test) in self._outcomes

    def report(self) -> Report:
        """All of them."""
        return Report(tests=tuple(self._outcomes.items()), messages=tuple(self._messages.items()))


def cut(test: str) -> str:
    """An id of bearable length; a monster is cut, and told from other monsters by a digest. Databases hold no NUL."""
    test = test.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if len(test) <= ID_CHARACTERS:
        return test
    digest = hashlib.sha256(test.encode()).hexdigest()[:12]
    return f"{test[: ID_CHARACTERS - len(digest) - 1]}…{digest}"


def members(value: object) -> dict[str, object]:
    """What JSON gave, if it is an object; else an empty one."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def entries(value: object) -> list[object]:
    """What JSON gave, if it is an array; else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []
