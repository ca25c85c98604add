"""What `go test -json` writes: an event a line. An id is package and test, as in `example.com/shop/cart::TestTotal`."""

import json
from collections.abc import Iterator

from sandbox.reports.report import FAILED, MESSAGE_CHARACTERS, PASSED, SKIPPED, TESTS, Collected, Report, members

_ENDS = {"pass": PASSED, "fail": FAILED, "skip": SKIPPED}
_LINE = 65_536  # a longer one is somebody's output


def events(text: str) -> Iterator[dict[str, object]]:
    """The events; lines that are none (of a compiler, say) are left out."""
    for line in text.splitlines():
        if not line.startswith("{") or len(line) > _LINE:
            continue
        try:
            found = members(json.loads(line))
        except (ValueError, RecursionError):
            continue
        if isinstance(found.get("Action"), str):
            yield found


def read(text: str) -> Report:
    """Read it. A test that began and has no end failed with its package, and so did a package that did not compile."""
    found = Collected()
    open_tests: dict[tuple[str, str], str] = {}
    failed: set[str] = set()
    for event in events(text):
        package, test, action = str(event.get("Package", "")), str(event.get("Test", "")), str(event["Action"])
        at = (package, test)
        if action == "run" and len(open_tests) < TESTS:
            open_tests[at] = ""
        elif action == "output" and at in open_tests:
            open_tests[at] = (open_tests[at] + str(event.get("Output", "")))[-MESSAGE_CHARACTERS:]
        elif action in _ENDS and test:
            found.add(f"{package}::{test}", _ENDS[action], open_tests.pop(at, ""))
            failed |= {package} if action == "fail" else set()
        elif action == "fail" and package not in failed:
            for one in [one for one in open_tests if one[0] == package]:
                found.add(f"{package}::{one[1]}", FAILED, open_tests.pop(one))
            found.add(package, FAILED)
    for (package, test), said in open_tests.items():
        found.add(f"{package}::{test}", FAILED, said)
    return found.report()
