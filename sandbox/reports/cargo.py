"""What `cargo test` prints. Its JSON is not stable; these words have been for ten years.

An id is the crate's file and the test, `src/lib.rs::cart::tests::adds`; documentation tests have their own file.
"""

import re

from sandbox.reports.report import FAILED, MESSAGE_CHARACTERS, PASSED, SKIPPED, Collected, Report

BEGINS = re.compile(r"^running \d{1,6} tests?$", re.MULTILINE)
_CRATE = re.compile(r"^\s*(?:Running (?:unittests )?(?P<file>\S+)|Doc-tests (?P<docs>\S+))")
_TEST = re.compile(r"^test (?P<name>.{1,400}?)(?: - should panic)? \.\.\. (?P<end>ok|FAILED|ignored)\b")
_SAID = re.compile(r"^---- (?P<name>.{1,400}?) stdout ----$")
_OUTCOMES = {"ok": PASSED, "FAILED": FAILED, "ignored": SKIPPED}


def read(text: str) -> Report:
    """Read it."""
    said = _said(text)
    found, crate = Collected(), ""
    for line in text.splitlines():
        if began := _CRATE.match(line):
            crate = began["file"] or f"{began['docs']} (documentation)"
        elif test := _TEST.match(line):
            name = test["name"]
            found.add(f"{crate}::{name}" if crate else name, _OUTCOMES[test["end"]], said.get(name, ""))
    return found.report()


def _said(text: str) -> dict[str, str]:
    """Test → what it printed before it failed."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if began := _SAID.match(line):
            name = began["name"]
            found[name] = ""
        elif line in {"", "failures:"} and name and found[name].endswith("\n\n"):
            name = ""
        elif name:
            found[name] = (found[name] + line + "\n")[-MESSAGE_CHARACTERS:]
    return found
