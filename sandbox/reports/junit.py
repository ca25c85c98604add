"""JUnit XML, as pytest, gotestsum, cargo-nextest, jest-junit and most others write it.

Expat walks the document and no tree is ever built, so eight mebibytes of it cost a few. A document type, and with it
every entity, is refused.
"""

from xml.parsers import expat  # safe: see above

from sandbox.reports.report import FAILED, MESSAGE_CHARACTERS, PASSED, SKIPPED, Collected, Report, UnreadableReport

_OUTCOMES = {"failure": FAILED, "error": FAILED, "skipped": SKIPPED}
_WITHIN = {PASSED: 0, SKIPPED: 1, FAILED: 2}  # within one test case, a skip says more than the silence of a pass


class _Testcases:
    """Collects test cases while the parser walks the document."""

    def __init__(self) -> None:
        self.found = Collected()
        self._id = ""
        self._outcome = PASSED
        self._words: list[str] = []
        self._room = 0  # characters of the failure that is being read

    def start(self, element: str, attributes: dict[str, str]) -> None:
        if element == "testcase":
            classname, name = attributes.get("classname", ""), attributes.get("name", "")
            self._id = f"{classname}::{name}" if classname else name
            self._outcome, self._words, self._room = PASSED, [], 0
        elif element in _OUTCOMES:
            self._outcome = max(self._outcome, _OUTCOMES[element], key=_WITHIN.__getitem__)
            if _OUTCOMES[element] == FAILED:
                words = filter(None, (attributes.get("type", ""), attributes.get("message", "")))
                self._words.append(": ".join(words)[:MESSAGE_CHARACTERS] + "\n")
                self._room = 4 * MESSAGE_CHARACTERS

    def text(self, words: str) -> None:
        if self._room > 0:
            self._words.append(words[: self._room])
            self._room -= len(words)

    def end(self, element: str) -> None:
        if element in _OUTCOMES:
            self._room = 0
        elif element == "testcase":
            self.found.add(self._id, self._outcome, "".join(self._words).strip())

    def refuse(self, *_: object) -> None:
        raise UnreadableReport("it declares a document type, which no JUnit report needs")


def read(report: bytes) -> Report:
    """Read it. Raises UnreadableReport."""
    walked = _Testcases()
    parser = expat.ParserCreate()
    parser.StartElementHandler = walked.start
    parser.EndElementHandler = walked.end
    parser.CharacterDataHandler = walked.text
    parser.StartDoctypeDeclHandler = walked.refuse
    parser.EntityDeclHandler = walked.refuse
    try:
        parser.Parse(report, True)
    except expat.ExpatError as error:
        raise UnreadableReport(f"it is not XML: {error}") from error
    return walked.found.report()
