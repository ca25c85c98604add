"""What `jest --json` (and `vitest --reporter=json`) writes. An id is the file and the test's full name."""

import json

from sandbox.reports.report import FAILED, PASSED, SKIPPED, Collected, Report, UnreadableReport, entries, members

BYTES = 4 * 1024 * 1024  # a document of JSON takes some twenty times its size while it is read
WORK = "/work/"
_OUTCOMES = {"passed": PASSED, "failed": FAILED}  # pending, skipped, todo, disabled: skipped


def read(text: str) -> Report:
    """Read it. A file that could not be run is a test of its own name that failed. Raises UnreadableReport."""
    if len(text) > BYTES:
        raise UnreadableReport(f"it is larger than {BYTES // 1024 // 1024} MiB")
    try:
        document = members(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UnreadableReport(f"it is not JSON: {str(error)[:200]}") from error
    if not isinstance(document.get("testResults"), list):
        raise UnreadableReport("it is JSON, and not what jest writes")
    found = Collected()
    for file in map(members, entries(document["testResults"])):
        path = str(file.get("name", ""))
        name = path.rpartition(WORK)[2] if WORK in path else path
        tests = [members(test) for test in entries(file.get("assertionResults"))]
        for test in tests:
            message = "\n".join(map(str, entries(test.get("failureMessages"))))
            outcome = _OUTCOMES.get(str(test.get("status")), SKIPPED)
            found.add(f"{name}::{test.get('fullName') or test.get('title') or ''}", outcome, message)
        if file.get("status") == "failed" and not any(test.get("status") == "failed" for test in tests):
            found.add(name, FAILED, str(file.get("message", "")))
    return found.report()
