"""Code without the words that people wrote beside it: what a comment asks of a model is not asked twice.

Only the view is bare. It keeps every line at its place, so that an edit of the view is an edit of the file: lines that
stay the same stay as they are, with their comments.
"""

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Iterator

from remediation.edit.code import text_of

_OWN_LINE = re.compile(r"^\s*(?://|#|--|/\*|\*/|\*\s|\*$|;;|%|\"\"\"|''').*$")
"""A line of another language that is nothing but a comment. One behind code stays: it cannot be told from a string."""


def bare(path: str, content: bytes) -> bytes:
    """The file with its comments and docstrings blanked, line for line; as it is where it cannot be read."""
    text = text_of(content)
    if text is None:
        return content
    lines = text.split("\n")
    if not path.endswith(".py"):
        return "\n".join("" if _OWN_LINE.match(line) else line for line in lines).encode()
    try:
        documented = {number for first, last in _docstrings(text) for number in range(first, last + 1)}
        comments = _comments(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return content
    kept: list[str] = []
    for number, line in enumerate(lines, start=1):
        if number in documented:
            kept.append(f'{line[: len(line) - len(line.lstrip())]}"..."' if number - 1 not in documented else "")
        else:
            kept.append(line[: comments[number]].rstrip() if number in comments else line)
    return "\n".join(kept).encode()


def clothed(path: str, content: bytes, view: bytes) -> bytes:
    """What an edit of the bare view makes of the file itself: the lines that it changed, and nothing else."""
    before, after = bare(path, content).decode().split("\n"), view.decode().split("\n")
    raw = content.decode().split("\n")
    end = "\r" if sum(line.endswith("\r") for line in raw) * 2 > len(raw) else ""
    made: list[str] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, first, last, start, stop in matcher.get_opcodes():
        made += raw[first:last] if tag == "equal" else [line + end for line in after[start:stop]]
    return "\n".join(made).encode()


def _docstrings(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each string that stands alone on its lines as a statement."""
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            last = node.end_lineno or node.lineno
            own = not lines[node.lineno - 1][: node.col_offset].strip()
            if own and not lines[last - 1].encode()[node.end_col_offset or 0 :].decode(errors="replace").strip():
                yield node.lineno, last


def _comments(text: str) -> dict[int, int]:
    """Line → column of the comment that ends it."""
    found: dict[int, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.start[1]
    return found
