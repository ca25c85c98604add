"""What a command's end means, and which tests it ran. Everything read here was written by untrusted code."""

import hashlib
from dataclasses import dataclass
from xml.parsers import expat  # safe: a document type, and with it every entity, is refused below

JUNIT_BYTES = 8 * 1024 * 1024
TESTS = 100_000
ID_CHARACTERS = 500

EXITED = "exited"
TIMED_OUT = "timed out"
OUT_OF_MEMORY = "out of memory"
UNREADABLE = "killed: what it left running kept its container from starting another process"
CONTAINER_ENDED = "killed: its container ended before it did"
SIGKILLED = 137  # what a shell says of a command that SIGKILL ended
FILE_TOO_LARGE = 153  # the same for SIGXFSZ

_OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "skipped"}
_WORST = {"skipped": 0, "passed": 1, "failed": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a command ended: its exit code, or None when it did not end by itself, and the word for it."""

    exit_code: int | None
    ended: str


def end_of(exit_code: int, *, short_of_memory: bool) -> End:
    """Read an exit code. `short_of_memory` says that the kernel killed something of the command for memory.

    A command that succeeded all the same did succeed. One that failed while something of it was being killed for
    memory failed for want of memory, whatever its own exit code: a suite whose worker was killed only looks failed.
    """
    if exit_code != 0 and short_of_memory:
        return End(exit_code=None, ended=OUT_OF_MEMORY)
    if exit_code == SIGKILLED:
        return End(exit_code=None, ended="killed: by SIGKILL")
    if exit_code == FILE_TOO_LARGE:
        return End(exit_code=None, ended="killed: it wrote a file over the size limit")
    return End(exit_code=exit_code, ended=EXITED)


class UnreadableReport(ValueError):  # noqa: N818 - it is what the report is, and reads as one where it is caught
    """A JUnit report that is not one, or that is too big. The message says why."""


class _Testcases:
    """Collects test cases while the parser walks the document: no tree is ever built."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self._id = ""
        self._outcome = "passed"

    def start(self, element: str, attributes: dict[str, str]) -> None:
        if element == "testcase":
            self._id = _id(attributes.get("classname", ""), attributes.get("name", ""))
            self._outcome = "passed"
        elif element in _OUTCOMES:
            self._outcome = max(self._outcome, _OUTCOMES[element], key=_rank_within)

    def end(self, element: str) -> None:
        if element != "testcase":
            return
        known = self.outcomes.get(self._id, self._outcome)
        self.outcomes[self._id] = max(known, self._outcome, key=_WORST.__getitem__)
        if len(self.outcomes) > TESTS:
            raise UnreadableReport(f"it names more than {TESTS} tests")

    def refuse(self, *_: object) -> None:
        raise UnreadableReport("it declares a document type, which no JUnit report needs")


def _rank_within(outcome: str) -> int:
    """Within one test case, a skip says more than the silence that stands for passed."""
    return {"passed": 0, "skipped": 1, "failed": 2}[outcome]


def _id(classname: str, name: str) -> str:
    """`classname::name`; a monster is cut, and told from other monsters by a digest."""
    test = f"{classname}::{name}" if classname else name
    if len(test) <= ID_CHARACTERS:
        return test
    digest = hashlib.sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{test[: ID_CHARACTERS - len(digest) - 1]}…{digest}"


def outcomes_in(report: bytes) -> tuple[tuple[str, str], ...]:
    """Test id → "passed", "failed" or "skipped", in the report's order. Raises UnreadableReport.

    A test that appears twice (a failing teardown is written as a second case) has its worst outcome.
    """
    if len(report) > JUNIT_BYTES:
        raise UnreadableReport(f"it is larger than {JUNIT_BYTES // 1024 // 1024} MiB")
    found = _Testcases()
    parser = expat.ParserCreate()
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.StartDoctypeDeclHandler = found.refuse
    parser.EntityDeclHandler = found.refuse
    try:
        parser.Parse(report, True)
    except expat.ExpatError as error:
        raise UnreadableReport(f"it is not XML: {error}") from error
    return tuple(found.outcomes.items())
