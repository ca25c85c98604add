"""Which form a report has, told by what it holds; a command need not say."""

from sandbox.limits import REPORT_BYTES
from sandbox.output import Tail
from sandbox.reports import cargo, go, jest, junit, tap
from sandbox.reports.report import Report, UnreadableReport

_HEAD = 65_536
FORMS = "JUnit XML, TAP, `go test -json`, jest's JSON or what `cargo test` prints"


def read(report: bytes) -> Report:
    """Read a report that a command left in a file. Raises UnreadableReport."""
    if len(report) > REPORT_BYTES:
        raise UnreadableReport(f"it is larger than {REPORT_BYTES // 1024 // 1024} MiB")
    if report.lstrip()[:1] == b"<":
        return junit.read(report)
    text = report.decode("utf-8", "replace")
    if text.lstrip()[:1] == "{" and not _is_go(text):
        return jest.read(text)
    found = _spoken(text)
    if found is None:
        raise UnreadableReport(f"it is none of {FORMS}")
    return found


def spoken(output: Tail) -> Report:
    """What a command's own output says of its tests, where all of it is there and has one of the forms; else nothing.

    A pipe that was cut tells only of the last tests, and whoever believed it would miss the others.
    """
    if output.seen > output.limit:
        return Report()
    try:
        return _spoken(output.content().decode("utf-8", "replace")) or Report()
    except UnreadableReport:
        return Report()


def _spoken(text: str) -> Report | None:
    if _is_go(text):
        return go.read(text)
    if cargo.BEGINS.search(text):
        return cargo.read(text)
    if tap.BEGINS.search(text):
        return tap.read(text)
    return None


def _is_go(text: str) -> bool:
    return any("Package" in event or "ImportPath" in event for event in go.events(text[:_HEAD]))
