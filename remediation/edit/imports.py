"""New imports: only what computes in the standard library, and what the files that were looked at import already."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from remediation.edit.code import text_of

_BEGINS = re.compile(
    r"[ \t]*(?:import|from|export\b.{1,200}\bfrom|use|using|require|require_relative|include|#include|extern crate)\b"
)
_HOLDS = re.compile(r"\b(?:require|import)\s{0,9}\(")
_REACHES_OUT = frozenset(
    {
        "_posixsubprocess", "_socket", "_thread", "asynchat", "asyncio", "asyncore", "atexit", "bdb", "builtins", "cgi",
        "code", "codeop", "concurrent", "ctypes", "dbm", "distutils", "ensurepip", "faulthandler", "fcntl", "fileinput",
        "ftplib", "gc", "getpass", "glob", "http", "imaplib", "imp", "importlib", "inspect", "io", "linecache",
        "logging", "mailbox", "marshal", "mmap", "modulefinder", "msvcrt", "multiprocessing", "netrc", "nntplib", "nt",
        "os", "pathlib", "pdb", "pickle", "pip", "pipes", "pkgutil", "platform", "poplib", "posix", "posixpath",
        "profile", "pty", "pwd", "pydoc", "readline", "resource", "runpy", "sched", "select", "selectors", "shelve",
        "shutil", "signal", "site", "smtpd", "smtplib", "socket", "socketserver", "spwd", "sqlite3", "ssl",
        "subprocess", "sys", "sysconfig", "syslog", "tarfile", "telnetlib", "tempfile", "termios", "threading",
        "timeit", "trace", "tracemalloc", "tty", "types", "urllib", "venv", "warnings", "webbrowser", "winreg",
        "wsgiref", "xmlrpc", "zipapp", "zipfile", "zipimport",
    }
)  # fmt: skip
"""Modules of the standard library that reach files, processes, the network, or the program itself."""
_LONGEST = 2000  # characters of a line that are looked at


def refusals(
    before: Mapping[str, bytes | None],
    after: Mapping[str, bytes | None],
    seen: Sequence[bytes],
    shown: Sequence[str] = (),
) -> Iterator[str]:
    """Which imports are new, and from where they may not come. What was `shown`, by its paths, a test may import."""
    held = [content for content in before.values() if content is not None]
    known = {"pytest", "unittest"}.union(*(modules(content) for content in (*held, *seen)))
    lines = {line.strip() for content in (*held, *seen) for line in _lines(content)}
    for path, content in after.items():
        if content is None:
            continue
        if path.endswith(".py"):
            own = {path.split("/", 1)[0].removesuffix(".py")} | {
                p.split("/", 1)[0].removesuffix(".py") for p in (*before, *shown)
            }
            new = modules(content) - modules(before.get(path) or b"")
            strange = new - known - own - (sys.stdlib_module_names - _REACHES_OUT)
            yield from (f"{path}: it imports {name}, which the files around it do not" for name in sorted(strange))
        else:
            fresh = [line.strip() for line in _lines(content) if line.strip() not in lines]
            yield from (f"{path}: it adds the import `{line[:80]}`" for line in fresh)


def modules(content: bytes) -> set[str]:
    """The top-level names that a Python file imports from; relative imports have none."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _lines(content: bytes) -> list[str]:
    """The lines of a file of another language that bring something in."""
    lines = (line[:_LONGEST] for line in (text_of(content) or "").split("\n"))
    return [line for line in lines if _BEGINS.match(line) or _HOLDS.search(line)]
