"""A resource that is opened and not closed on every way out: open it with `with`, around all that uses it.

Only where it does not leave the function: it is not returned, yielded, kept in an attribute or a container, or given
another name. Its own `close()`, if there is one at the end, goes away with the line that it stands on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from remediation.patterns.mended import Code, Mended, code, dotted, every, own

_OPENERS = re.compile(
    r"(io\.|gzip\.|bz2\.|lzma\.|codecs\.|tarfile\.|wave\.)?open|(\w+\.)*(TemporaryFile|NamedTemporaryFile|ZipFile"
    r"|urlopen|ThreadPoolExecutor|ProcessPoolExecutor)|socket\.(socket|create_connection)|requests\.Session|httpx\.Client"
    r"|http\.client\.HTTPConnection|(\w+\.)*(engine|pool|_engine|_pool)\.(connect|begin|acquire|connection)"
    r"|psycopg\.connect|(\w+\.)*(Session|SessionLocal)"
)
"""What gives something that `with` closes. Of `sqlite3.connect` and `psycopg2.connect` it does not."""
_KEPT_BY = frozenset({"append", "add", "put", "register", "submit", "setdefault", "insert", "push", "enter_context"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leak:
    """A statement of a block that opens something, and the statements behind it up to the last that uses it."""

    block: cst.IndentedBlock
    opening: cst.SimpleStatementLine
    name: str
    value: cst.BaseExpression
    uses: Sequence[cst.BaseStatement]
    closing: cst.SimpleStatementLine | None


class _With(cst.CSTTransformer):
    """Puts the `with` in the place of the opening and of the statements that use what it opened."""

    def __init__(self, leak: _Leak) -> None:
        super().__init__()
        self._leak = leak

    def leave_IndentedBlock(  # noqa: N802 - LibCST's name for it
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.BaseSuite:
        """The block, one level deeper where the resource is used."""
        leak = self._leak
        if original_node is not leak.block:
            return updated_node
        at = original_node.body.index(leak.opening)
        new = list(updated_node.body)
        used = new[at + 1 : at + 1 + len(leak.uses)]
        if leak.closing is not None:
            del used[original_node.body.index(leak.closing) - at - 1]
        opening = new[at]
        lines = opening.leading_lines if isinstance(opening, cst.SimpleStatementLine) else ()
        trailing = (
            opening.trailing_whitespace if isinstance(opening, cst.SimpleStatementLine) else cst.TrailingWhitespace()
        )
        item = cst.WithItem(item=leak.value, asname=cst.AsName(name=cst.Name(leak.name)))
        whole = cst.With(items=[item], body=cst.IndentedBlock(body=used, header=trailing), leading_lines=lines)
        return updated_node.with_changes(body=[*new[:at], whole, *new[at + 1 + len(leak.uses) :]])


def closed(source: str, function: str) -> Mended | str:
    """The file with the one leak of a function closed, or of the file where the function has none; or why not."""
    parsed = code(source)
    if parsed is None:
        return "the file does not parse"
    for name in (function, "*"):
        leaks = [leak for home in parsed.functions(name) for leak in _leaks(parsed, home)]
        if len(leaks) > 1:
            return f"{len(leaks)} resources are not closed there"
        if leaks:
            leak = leaks[0]
            shown = parsed.text(leak.value).partition("(")[0]
            return Mended(
                source=parsed.module.visit(_With(leak)).code,
                title=f"Close {leak.name} with `with`".replace("`", "'"),
                summary=f"Opens {leak.name} ({shown}) by “with”, around the statements that use it.",
            )
    return "nothing is opened there that stays open"


def _leaks(parsed: Code, home: cst.FunctionDef) -> Iterator[_Leak]:
    if home.asynchronous is not None:
        return
    for node in own(home):
        if isinstance(node, cst.IndentedBlock):
            body: Sequence[cst.BaseStatement] = node.body
            for at, statement in enumerate(body):
                leak = _leak(parsed, home, node, body[at:]) if isinstance(statement, cst.SimpleStatementLine) else None
                if leak is not None:
                    yield leak


def _leak(
    parsed: Code, home: cst.FunctionDef, block: cst.IndentedBlock, rest: Sequence[cst.BaseStatement]
) -> _Leak | None:
    """The leak that the first of the rest of a block opens, or None."""
    opening, behind = rest[0], rest[1:]
    opened = _opened(parsed, opening)
    if opened is None or not isinstance(opening, cst.SimpleStatementLine):
        return None
    name, value = opened
    using = [number for number, one in enumerate(behind) if name in _names(one)]
    uses = behind[: using[-1] + 1] if using else ()
    closing = [one for one in uses if isinstance(one, cst.SimpleStatementLine) and _closes(one, name)]
    out_of_hand = _used_elsewhere(home, name, [opening, *uses]) or any(_escapes(one, name) for one in uses)
    if len(uses) <= len(closing) or len(closing) > 1 or out_of_hand or _closed_safely(uses, name):
        return None
    last = closing[0] if closing else None
    return _Leak(block=block, opening=opening, name=name, value=value, uses=uses, closing=last)


def _opened(parsed: Code, statement: cst.CSTNode) -> tuple[str, cst.BaseExpression] | None:
    """The name and the call of `name = open(...)`, alone on its line."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    one = statement.body[0]
    if not isinstance(one, cst.Assign) or len(one.targets) != 1 or not isinstance(one.value, cst.Call):
        return None
    target = one.targets[0].target
    known = _OPENERS.fullmatch(dotted(one.value.func)) or _is_path_open(parsed, one.value.func)
    return (target.value, one.value) if isinstance(target, cst.Name) and known else None


def _is_path_open(parsed: Code, func: cst.BaseExpression) -> bool:
    """`Path(...).open` or `path.open`."""
    ends = isinstance(func, cst.Attribute) and func.attr.value == "open"
    return ends and re.match(r"(pathlib\.)?Path\(|(\w+\.)*\w*path\.open", parsed.text(func)) is not None


def _names(node: cst.CSTNode) -> set[str]:
    return {one.value for one in every(node) if isinstance(one, cst.Name)}


def _used_elsewhere(home: cst.FunctionDef, name: str, within: Sequence[cst.CSTNode]) -> bool:
    """Whether the name is used in the function outside these statements."""
    inside = {id(one) for statement in within for one in every(statement)}
    return any(isinstance(one, cst.Name) and one.value == name and id(one) not in inside for one in every(home))


def _escapes(statement: cst.CSTNode, name: str) -> bool:
    """Whether what the name holds may outlive the statement."""
    for node in every(statement):
        kept: Sequence[object] = ()
        match node:
            case cst.Return(value=value) | cst.Yield(value=value):
                kept = (value, *(value.elements if isinstance(value, cst.Tuple) else ()))
            case cst.Assign(value=value) | cst.AnnAssign(value=value) | cst.NamedExpr(value=value):
                kept = (value,)
            case cst.Element(value=value) | cst.DictElement(value=value):
                kept = (value,)
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=method)), args=args) if method in _KEPT_BY:
                kept = [one.value for one in args]
            case cst.FunctionDef() | cst.Lambda() if name in _names(node):
                return True
            case cst.Global() | cst.Nonlocal() | cst.Del() if name in _names(node):
                return True
            case _:
                continue
        if any(isinstance(one, cst.Name) and one.value == name for one in kept):
            return True
    return False


def _closes(statement: cst.CSTNode, name: str) -> bool:
    """Whether the statement is `name.close()`, alone on its line."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    one = statement.body[0]
    return isinstance(one, cst.Expr) and isinstance(one.value, cst.Call) and dotted(one.value.func) == f"{name}.close"


def _closed_safely(uses: Sequence[cst.CSTNode], name: str) -> bool:
    """Whether a `with` or a `finally` closes it already, or a branch does: then it is no plain leak."""
    for statement in uses:
        for node in every(statement):
            if isinstance(node, cst.WithItem) and name in _names(node.item):
                return True
            if isinstance(node, cst.Call) and dotted(node.func) == f"{name}.close" and not _closes(statement, name):
                return True
    return False
