"""A flag, taken out of a Python file."""

import ast
from collections.abc import Callable
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from pydantic import JsonValue

from remediation.patterns.settling.asking import Plan
from remediation.patterns.settling.folding import Fold
from remediation.patterns.settling.leftover import answers, unused
from remediation.patterns.settling.tree import Tree
from remediation.values.refused import NotEditable


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """The file without the flag; how often it was asked there, and how often it was told that a user saw it."""

    content: bytes
    asked: int
    told: int


def taken_out(
    content: bytes, path: str, *, flag: str, value: JsonValue, event: str, used: Callable[[str], bool]
) -> TakenOut:
    """The file with the value in the place of each question to the flag, and what that makes constant folded away.

    used  whether another file may have a name from this one
    Raises NotEditable, as `<path>:<line> …` where a line is to blame.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(content), unsafe_skip_copy=True)
        lines = {node: place.start.line for node, place in wrapper.resolve(PositionProvider).items()}
        before = Tree(wrapper.module)
        plan = Plan(tree=before, path=path, flag=flag, value=value, event=event, used=used, lines=lines)
        after = _folded(before, plan, used) if plan.replaced or plan.dropped else before.module
        new = after.bytes
    except cst.CSTValidationError:
        raise NotEditable(f"{path} is written too closely to be edited: a human takes the flag out there") from None
    except (cst.ParserSyntaxError, UnicodeError, LookupError, SyntaxError, RecursionError):
        raise NotEditable(f"{path} cannot be read as Python: a human takes the flag out there") from None
    if _parses(content) and not _parses(new):
        raise NotEditable(f"{path} would not parse without the flag: a human takes it out there")
    return TakenOut(content=new, asked=plan.asked, told=plan.told)


def _folded(before: Tree, plan: Plan, used: Callable[[str], bool]) -> cst.Module:
    """The module as planned, and then without what that leaves unused."""
    made: dict[int, cst.CSTNode] = {}
    try:
        module = before.module.visit(Fold(plan.replaced, plan.dropped, made))
        while True:
            now = Tree(module)
            replaced, dropped = answers(now, made)
            dropped = dropped or unused(before, now, used)
            if not dropped:
                return module
            module = module.visit(Fold(replaced, dropped, made))
    except NotEditable as refused:
        raise NotEditable(f"{plan.path}: {refused}") from None


def _parses(content: bytes) -> bool:
    """Whether the Python that runs here reads it: it may be older than the one the file is written for."""
    try:
        ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
