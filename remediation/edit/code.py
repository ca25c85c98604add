"""Code as it is shown to a model and mended: functions by their place, the outline around them, the tests beside them.

Python is read by its own parser, what `grammar` knows by that; of other languages only lines are known.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from remediation.edit.grammar import definitions

AROUND = 30  # lines on each side where no function is known
SHORT_FILE = 220  # lines up to which a file is shown whole
TEST_LINES = 120
_PARTS = re.compile(r"[\w$<>]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of a file: lines from 1, both included. `line` is the one that was asked for, or the first."""

    name: str
    first: int
    last: int
    line: int


def text_of(content: bytes) -> str | None:
    """The text of a file with plain line ends, or None for what is no UTF-8 text."""
    if b"\0" in content:
        return None
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def functions(content: bytes) -> tuple[Function, ...] | None:
    """The functions of a Python file, outer before inner, named like `Cart.total`; None when it does not parse."""
    try:
        return tuple(_walk(ast.parse(content), ""))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def functions_of(path: str, content: bytes) -> tuple[Function, ...] | None:
    """The functions of a file that share no line with others; None where no parser reads it."""
    if path.endswith(".py"):
        return functions(content)
    found = definitions(path, content)
    if found is None:
        return None
    return tuple(
        Function(name=one.name, first=one.first, last=one.last, line=one.first)
        for one in found
        if one.is_function and one.alone
    )


def _walk(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            last = child.end_lineno or child.lineno
            yield Function(name=f"{prefix}{child.name}", first=first, last=last, line=child.lineno)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _walk(child, f"{prefix}{child.name}.")
        else:
            yield from _walk(child, prefix)


def function_at(path: str, content: bytes, line: int, name: str) -> Function | None:
    """The function of that name, the one around the line if there are several; None when the file has none such.

    Production may run another version: the name counts, and the line only where it lies inside.
    """
    short = last_name(name)
    known = [found for found in functions_of(path, content) or () if last_name(found.name) == short]
    around = [found for found in known if found.first <= line <= found.last]
    if known or path.endswith(".py"):
        best = (around or known)[-1:]
        return next((_at(found, line) for found in best), None)
    lines = (text_of(content) or "").split("\n")
    named = [number for number, text in enumerate(lines, 1) if short and re.search(rf"\b{re.escape(short)}\b", text)]
    if not named:
        return None
    line = line if 1 <= line <= len(lines) else named[0]
    return Function(name=short, first=max(1, line - AROUND), last=min(len(lines), line + AROUND), line=line)


def _at(found: Function, line: int) -> Function:
    inside = found.first <= line <= found.last
    return Function(name=found.name, first=found.first, last=found.last, line=line if inside else found.line)


def last_name(name: str) -> str:
    """`total` of `Cart.total`, `shop.Cart.<locals>.total` or `(*Cart).Total`."""
    parts = [part for part in _PARTS.findall(name) if part != "<locals>"]
    return parts[-1] if parts else ""


def shown(path: str, content: bytes, function: Function) -> str:
    """What a model is shown of a file: the whole of a short one, else its head, its outline and the function."""
    lines = (text_of(content) or "").split("\n")
    if len(lines) <= SHORT_FILE:
        return "\n".join(lines)
    body = "\n".join(lines[function.first - 1 : function.last])
    if not path.endswith(".py"):
        return body
    return "\n\n".join(filter(None, (_head(content, lines), _outline(content, lines, function), body)))


def _head(content: bytes, lines: list[str]) -> str:
    """The imports and constants at the top of a Python file."""
    kept: list[str] = []
    for node in ast.parse(content).body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign):
            kept += lines[node.lineno - 1 : min(node.end_lineno or node.lineno, node.lineno + 9)]
    return "\n".join(kept[:80])


def _outline(content: bytes, lines: list[str], function: Function) -> str:
    """The heads of the class that the function is a method of."""
    owner = function.name.rpartition(".")[0]
    if not owner:
        return ""
    kept: list[str] = []
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.ClassDef) and node.name == last_name(owner):
            kept.append(lines[node.lineno - 1])
            kept += [
                f"{lines[member.lineno - 1]} ..."
                for member in node.body
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
    return "\n".join(kept[:60])


def tests_of(path: str) -> tuple[str, ...]:
    """Where the tests of a file may lie, by the habits of its language."""
    file = PurePosixPath(path)
    folder, stem, end = file.parent, file.stem, file.suffix
    if end == ".py":
        package = folder.parts[0] if folder.parts else stem
        inner = folder.parts[1:]
        return tuple(
            str(candidate)
            for candidate in (
                PurePosixPath("tests", *folder.parts, f"test_{stem}.py"),
                PurePosixPath("tests", *inner, f"test_{stem}.py"),
                PurePosixPath("tests", f"test_{stem}.py"),
                PurePosixPath("tests", f"test_{package}.py"),
                folder / "tests" / f"test_{stem}.py",
                folder / f"test_{stem}.py",
                PurePosixPath("test", f"test_{stem}.py"),
            )
        )
    beside = (f"{stem}.test{end}", f"{stem}.spec{end}", f"__tests__/{stem}.test{end}", f"{stem}_test{end}")
    return tuple(str(folder / name) for name in beside)


_TEST_NAMES = re.compile(
    r"(^|/)(test_[^/]*\.py|[^/]*_test\.(py|go|rb|exs|dart|cc|cpp)|[^/]*\.(test|spec)\.[cm]?[jt]sx?|[^/]*_spec\.rb"
    r"|[^/]*Tests?\.(java|kt|cs|php|swift))$"
)
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testdata", "fixtures", "e2e"})


def runs_as_test(path: str) -> bool:
    """Whether test runners collect a file of that name."""
    return bool(_TEST_NAMES.search(path))


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests: by its name, or by a folder that it lies in."""
    return runs_as_test(path) or not _TEST_FOLDERS.isdisjoint(part.lower() for part in path.split("/")[:-1])
