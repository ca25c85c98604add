"""How the tests of one file failed, read from a test run's own report and output. What is read is untrusted text.

The report says which tests failed. With what, the output says as pytest prints it (and Python's own traceback inside
it), or the report itself, in the words of Python, JavaScript, Go or Rust. What is not known proves nothing.
"""

import re
from collections.abc import Mapping

from cases.trying import CommandReport
from remediation.failure import Failure, in_other_words

# An error of the test's own file, before it came to what it tests.
ITS_OWN = frozenset(
    {
        "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError", "NameError",
        "AttributeError", "ReferenceError",
    }
)  # fmt: skip
_HEADER = re.compile(r"^_{3,} (?:ERROR at (?:setup|teardown) of |ERROR collecting )?(?P<name>\S.{0,400}?) _{3,}$")
_SECTION_END = re.compile(r"^(-{3,} Captured |={3,} )")
_ENTRY = re.compile(r"^(?P<path>[^\s:][^:]{0,400}):(?P<line>\d{1,7}): ?(?P<rest>.{0,200})$")
_TYPE = re.compile(r"^(?:[A-Za-z_]\w*\.)*(?P<type>[A-Z]\w{2,80})$")
_SAID = re.compile(r"^E   +(?:(?:[A-Za-z_]\w*\.)*(?P<type>[A-Z]\w{2,80})(?::|$)|(?P<asserted>assert ))")
_OWN = re.compile(r"^(?!/)(?!.*(?:site-packages|dist-packages|\.\./)).+")


def outcomes_of(report: CommandReport, path: str, content: bytes = b"") -> Mapping[str, str]:
    """Test id → outcome, of the tests that a file holds: ids begin with the file's name in dots, or hold its path.

    Where a runner's ids name no file, as those of Go, Rust and TAP do not, they are the tests that `content` names.
    """
    dotted = path.rpartition(".")[0].replace("/", ".")
    named = _named_in(path, content)
    return {
        test: outcome
        for test, outcome in report.tests
        if _is_of(test, path, dotted) or (named and _is_named(test, path, named))
    }


def _is_of(test: str, path: str, dotted: str) -> bool:
    module = test.partition("::")[0]
    return "::" in test and (module == dotted or module.startswith(f"{dotted}.") or path in test)


def _named_in(path: str, content: bytes) -> frozenset[str]:
    form = _NAMES.get(path.rpartition(".")[2])
    return frozenset(form.findall(content.decode("utf-8", "replace"))) if form and content else frozenset[str]()


def _is_named(test: str, path: str, names: frozenset[str]) -> bool:
    """Whether a test of that id may be one of these; one of another folder's Go package or another crate is not."""
    where, _, name = test.rpartition("::")
    folder = path.rpartition("/")[0]
    if path.endswith(".go"):
        return name.partition("/")[0] in names and (not folder or where == folder or where.endswith(f"/{folder}"))
    if path.endswith(".rs"):
        return name in names and (not folder.endswith("tests") or where == path)
    return name in names


_NAMES = {
    "go": re.compile(r"^func (Test\w{0,200})\(", re.MULTILINE),
    "rs": re.compile(r"\bfn (\w{1,200})\s*\("),
    **dict.fromkeys(
        ("js", "mjs", "cjs", "ts", "jsx", "tsx"),
        re.compile(r"""\b(?:test|it)(?:\.\w+)?\(\s*["'`]([^"'`\n]{1,300})["'`]"""),
    ),
}
"""By a file's ending, how it names its tests."""


def failures(report: CommandReport) -> Mapping[str, Failure]:
    """The last part of a test's id (`test_total`, `TestCart.test_total`), or all of it → how it failed."""
    found: dict[str, Failure] = {}
    name = ""
    section: list[str] = []
    for line in report.output.splitlines():
        header = _HEADER.match(line)
        if header or (name and _SECTION_END.match(line)):
            _keep(found, name, section)
            name, section = (header["name"], []) if header else ("", [])
        elif name:
            section.append(line)
    _keep(found, name, section)
    for test, message in report.messages:
        failure = _failure(message.splitlines()) or in_other_words(message)
        if failure is not None:
            found.setdefault(test, failure)
    return found


def _keep(found: dict[str, Failure], name: str, section: list[str]) -> None:
    failure = _failure(section) if name else None
    if failure is not None:
        found.setdefault(name, failure)


def _failure(section: list[str]) -> Failure | None:
    """Read one traceback: its last entry names the exception, its last entry of the repository the file."""
    path, exception, said = "", "", ""
    for line in section:
        entry = _ENTRY.match(line)
        if entry:
            path = entry["path"] if _OWN.match(entry["path"]) else path
            typed = _TYPE.match(entry["rest"].strip())
            exception = typed["type"] if typed else exception
            continue
        spoken = _SAID.match(line)
        if spoken:
            said = spoken["type"] or "AssertionError"
    kind = exception or said
    return Failure(exception=kind, path=path) if kind else None


def failure_of(test: str, known: Mapping[str, Failure]) -> Failure | None:
    """How a test of that id failed. `tests.test_cart.TestCart::test_total` is printed as `TestCart.test_total`."""
    module, _, name = test.rpartition("::")
    owner = module.rpartition(".")[2]
    return known.get(f"{owner}.{name}") or known.get(name) or known.get(test)
