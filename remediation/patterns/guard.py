"""A guard against None: leave before the statement that needs something, the way the function leaves elsewhere."""

import re
from collections.abc import Iterator

import libcst as cst

from remediation.patterns.mended import Code, Mended, code, dotted, every, own

_ATTRIBUTE = re.compile(r"'NoneType' object has no attribute '([A-Za-z_]\w*)'")
_ITEM = re.compile(r"'NoneType' object (?:is not subscriptable|does not support item)")
_LOOPED = re.compile(r"'NoneType' object is not iterable")


class _Before(cst.CSTTransformer):
    """Puts one statement before another."""

    def __init__(self, statement: cst.SimpleStatementLine, guard: cst.BaseStatement) -> None:
        super().__init__()
        self._statement, self._guard = statement, guard

    def leave_SimpleStatementLine(  # noqa: N802 - LibCST's name for it
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        """The guard and the statement in the statement's place."""
        if original_node is not self._statement:
            return updated_node
        guard = self._guard.with_changes(leading_lines=updated_node.leading_lines)
        return cst.FlattenSentinel([guard, updated_node.with_changes(leading_lines=())])


def guarded(source: str, line: int, function: str, said: str) -> Mended | str:
    """The file with a guard before the statement on the line (from 1), or why there is none.

    `said` is the message of the error that was raised there. Only compared: nothing of it gets into the file.
    """
    parsed = code(source)
    if parsed is None:
        return "the file does not parse"
    inside = [home for home in parsed.functions(function) if parsed.holds(home, line)]
    if not inside:
        return "the function is not there any more"
    statement, in_loop = _statement(parsed, inside[-1], line)
    if statement is None:
        return "no plain statement stands on that line"
    names = sorted(set(_meant(parsed, statement, line, said)))
    if len(names) != 1 or not names[0]:
        return f"{'several names' if len(names) > 1 else 'no plain name'} may be the one that was None"
    leave = _leave(parsed, inside[-1], in_loop=in_loop)
    if leave is None:
        return "nothing says what the function gives where there is nothing"
    module = parsed.module
    guard = cst.parse_statement(f"if {names[0]} is None:\n    {leave}\n", module.config_for_parsing)
    return Mended(
        source=module.visit(_Before(statement, guard)).code,
        title=f"Guard {names[0]} against None in {function}()",
        summary=f"Adds “if {names[0]} is None: {leave}” before line {line}.",
    )


def _statement(parsed: Code, home: cst.FunctionDef, line: int) -> tuple[cst.SimpleStatementLine | None, bool]:
    """The statement of the line, and whether it stands in a loop of the function."""
    found = next(
        (node for node in own(home) if isinstance(node, cst.SimpleStatementLine) and parsed.holds(node, line)), None
    )
    loops = (node for node in own(home) if isinstance(node, cst.For | cst.While))
    return found, any(found in list(every(loop.body)) for loop in loops)


def _meant(parsed: Code, statement: cst.CSTNode, line: int, said: str) -> Iterator[str]:
    """What on the line may have been None, by what the error says was asked of it; "" for what has no plain name."""
    attribute = _ATTRIBUTE.search(said)
    item, looped = _ITEM.search(said), _LOOPED.search(said)
    for node in every(statement):
        match node:
            case cst.Attribute(value=below, attr=cst.Name(value=name)) if attribute and name == attribute[1]:
                value = below
            case cst.Subscript(value=below) if item:
                value = below
            case cst.CompFor(iter=below) if looped:
                value = below
            case _:
                continue
        if parsed.holds(value, line):
            yield dotted(value)


def _leave(parsed: Code, home: cst.FunctionDef, *, in_loop: bool) -> str | None:
    """How the function leaves where there is nothing: on to the next turn, or by what it returns early."""
    if in_loop:
        return "continue"
    below = list(own(home))
    returned = [node.value for node in below if isinstance(node, cst.Return)]
    if any(isinstance(node, cst.Yield) for node in below) or all(value is None for value in returned):
        return "return"
    constants = {parsed.text(value) for value in returned if value is not None and _is_constant(value)}
    return f"return {constants.pop()}" if len(constants) == 1 else None


def _is_constant(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.Name):
        return value.value in {"None", "True", "False"}
    if isinstance(value, cst.List | cst.Tuple | cst.Dict):
        return not value.elements
    return isinstance(value, cst.Integer | cst.Float | cst.SimpleString)
