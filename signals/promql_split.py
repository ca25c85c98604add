"""An alert rule's expression, taken apart: the reading, where harm begins, and on which side.

PromQL compares by filtering: `a > 5` has the series that are past 5 and no others, so that a rule's expression shows
nothing while all is well. What is watched is the reading itself, at all times; where a condition takes series away
(`a > 5 and b > 2`, `count(up == 0) > 2`) they read a harmless value instead, so that only a source without any series
is missing. Grammar and semantics: https://prometheus.io/docs/prometheus/latest/querying/operators/
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.telemetry import Direction

if TYPE_CHECKING:
    from promql_parser import BinaryExpr, BinModifier, Expr

_SIDES = {">": Direction.UP, ">=": Direction.UP, "<": Direction.DOWN, "<=": Direction.DOWN}
_COMPARING = frozenset({*_SIDES, "==", "!="})
_CONDITIONS = frozenset({"and", "unless"})
_SCALARS = frozenset({"time", "scalar", "pi"})
_ABSENCE = frozenset({"absent", "absent_over_time"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What a rule's expression compares: the rule's condition holds exactly where `query` is beyond `threshold`.

    `threshold` itself is still allowed, so `>= 5` has the number just below 5.
    """

    query: str
    threshold: float
    harm: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One rule's expression, understood as far as it can be.

    split   what it compares, or None
    why     why it cannot be split, or ""
    reach   a query for every series that it may ever speak of, firing or not; "" when there is no such query
    fixed   label → the one value that every selector in it asks for
    """

    split: Split | None
    why: str
    reach: str
    fixed: dict[str, str]


def understood(expression: str) -> Expression:
    """Take an expression apart. What is no PromQL that the parser knows is said in `why`."""
    from promql_parser import parse

    try:
        root = parse(expression)
    except ValueError as error:
        said = " ".join(str(error).split())[:200]
        return Expression(split=None, why=f"its expression cannot be parsed here ({said})", reach="", fixed={})
    fixed = _fixed(root)
    absence = _absence(root)
    if absence is not None:
        return Expression(split=absence, why="", reach="", fixed=fixed)
    found = _split(root)
    if isinstance(found, str):
        opened = _opened(root)
        return Expression(split=None, why=found, reach="" if _thins(opened) else opened.prettify(), fixed=fixed)
    dense = _dense(found)
    if dense is None:
        return Expression(split=None, why="it compares what is only there at times", reach="", fixed=fixed)
    return Expression(split=dense, why="", reach=dense.query, fixed=fixed)


def _absence(root: "Expr") -> Split | None:
    """`absent(…)` has a series only while nothing else has: 1 then, 0 otherwise, under one and the same labels."""
    from promql_parser import Call

    node = _bare(root)
    if isinstance(node, Call) and node.func.name in _ABSENCE:
        return Split(query=f"max({node.prettify()} or vector(0))", threshold=0.5, harm=Direction.UP)
    return None


def _split(root: "Expr") -> Split | str:
    """What the expression compares, or why that cannot be told."""
    from promql_parser import BinaryExpr

    node = _bare(root)
    if not isinstance(node, BinaryExpr):
        return "it compares nothing at its top"
    operator = str(node.op)
    if operator in _CONDITIONS:
        found = _split(node.lhs)
        if isinstance(found, str):
            return found
        query = f"({found.query}) {operator} {_matching(node.modifier) or ''}({node.rhs.prettify()})"
        return Split(query=query, threshold=found.threshold, harm=found.harm)
    if operator == "or":
        return "it is one of several conditions (`or`)"
    if operator not in _SIDES:
        return f"`{operator}` has no side" if operator in _COMPARING else "it compares nothing at its top"
    if node.modifier is not None and node.modifier.return_bool:
        return "`bool` makes it fire at all times"
    return _compared(node, operator)


def _compared(node: "BinaryExpr", operator: str) -> Split | str:
    """`reading > number`, `number < reading`, or two readings, whose difference is held against zero."""
    harm = _SIDES[operator]
    left, right = _constant(node.lhs), _constant(node.rhs)
    if left is not None and right is not None:
        return "it compares two numbers"
    if right is not None:
        query, threshold = _bare(node.lhs).prettify(), right
    elif left is not None:
        query, threshold, harm = _bare(node.rhs).prettify(), left, harm.opposite
    else:
        between = _matching(node.modifier)
        if between is None:
            return "its vectors are matched in a way that is not known here"
        query, threshold = f"({node.lhs.prettify()}) - {between}({node.rhs.prettify()})", 0.0
    if not math.isfinite(threshold):
        return "its threshold is not finite"
    if operator.endswith("="):
        threshold = math.nextafter(threshold, -math.inf if harm is Direction.UP else math.inf)
    return Split(query=query, threshold=threshold, harm=harm)


def _dense(split: Split) -> Split | None:
    """The same with a harmless reading wherever a condition takes a series away; None when that cannot be written."""
    from promql_parser import parse

    root = parse(split.query)
    if not _thins(root):
        return split
    opened = _opened(root)
    if _thins(opened):
        return None
    past_zero = split.threshold < 0 if split.harm is Direction.UP else split.threshold > 0
    rest = f"0 * ({opened.prettify()})" + (f" + {split.threshold!r}" if past_zero else "")
    # `1 *` takes the metric's name away, as `0 *` does: one series keeps one set of labels.
    return Split(query=f"1 * ({split.query}) or {rest}", threshold=split.threshold, harm=split.harm)


def _opened(root: "Expr") -> "Expr":
    """The expression with its filters open: every comparison passes all, every condition holds."""
    from promql_parser import BinaryExpr, parse, transform

    def widened(node: "Expr") -> "Expr | None":
        if not isinstance(node, BinaryExpr) or not _filters(node):
            return None
        if str(node.op) in _CONDITIONS or _is_scalar(node.rhs):
            return parse(f"({node.lhs.prettify()})")
        if _is_scalar(node.lhs):
            return parse(f"({node.rhs.prettify()})")
        # Matching changes labels: a sum with nothing of the other side has just those of the comparison.
        return parse(f"(({node.lhs.prettify()}) + {_matching(node.modifier) or ''}0 * ({node.rhs.prettify()}))")

    return transform(root, None, widened)


def _thins(root: "Expr") -> bool:
    """Whether anything in it takes series away, depending on readings."""
    from promql_parser import BinaryExpr, Call, walk

    def passes(node: "Expr") -> bool:
        absence = isinstance(node, Call) and node.func.name in _ABSENCE
        return not absence and not (isinstance(node, BinaryExpr) and _filters(node))

    return not walk(root, passes)


def _filters(node: "BinaryExpr") -> bool:
    operator = str(node.op)
    if operator in _COMPARING:
        compares_numbers = _is_scalar(node.lhs) and _is_scalar(node.rhs)
        return not compares_numbers and not (node.modifier is not None and node.modifier.return_bool)
    return operator in _CONDITIONS


def _matching(modifier: "BinModifier | None") -> str | None:
    """`on (…) group_left (…) ` as PromQL has it, with a space behind; None for what is not known here."""
    from promql_parser import LabelModifierType, VectorMatchCardinality

    if modifier is None:
        return ""
    filled = modifier.fill_values
    if filled.lhs is not None or filled.rhs is not None:
        return None
    text = ""
    if modifier.matching is not None:
        word = "on" if modifier.matching.type == LabelModifierType.Include else "ignoring"
        text = f"{word} ({', '.join(modifier.matching.labels)}) "
    sides = ((VectorMatchCardinality.ManyToOne, "group_left"), (VectorMatchCardinality.OneToMany, "group_right"))
    for cardinality, word in sides:  # the parser's words cannot be the keys of a mapping
        if modifier.card == cardinality:
            text += f"{word} ({', '.join(modifier.group_labels or [])}) "
    return text


def _constant(root: "Expr") -> float | None:
    """The number that the expression always is, or None."""
    from promql_parser import BinaryExpr, NumberLiteral, UnaryExpr

    node = _bare(root)
    if isinstance(node, NumberLiteral):
        return float(node.val)
    if isinstance(node, UnaryExpr):
        inner = _constant(node.expr)
        return None if inner is None else -inner
    if not isinstance(node, BinaryExpr):
        return None
    left, right = _constant(node.lhs), _constant(node.rhs)
    return None if left is None or right is None else _reckoned(str(node.op), left, right)


def _reckoned(operator: str, left: float, right: float) -> float | None:
    if operator not in _ARITHMETIC:
        return None
    try:
        match operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case "%":
                return math.fmod(left, right)
            case _:
                return math.pow(left, right)
    except (ArithmeticError, ValueError):  # Prometheus has Inf or NaN there: neither is a threshold
        return None


def _is_scalar(root: "Expr") -> bool:
    from promql_parser import BinaryExpr, Call, NumberLiteral, UnaryExpr

    node = _bare(root)
    if isinstance(node, BinaryExpr):
        return _is_scalar(node.lhs) and _is_scalar(node.rhs)
    if isinstance(node, UnaryExpr):
        return _is_scalar(node.expr)
    return isinstance(node, NumberLiteral) or (isinstance(node, Call) and node.func.name in _SCALARS)


def _fixed(root: "Expr") -> dict[str, str]:
    """The labels that every selector of the expression fixes, and fixes to one value."""
    from promql_parser import MatchOp, MatrixSelector, VectorSelector, walk

    selectors: list[dict[str, str]] = []

    def visit(node: "Expr") -> bool:
        selector = node.vector_selector if isinstance(node, MatrixSelector) else node
        if isinstance(selector, VectorSelector):
            equal = [matcher for matcher in selector.matchers.matchers if matcher.op == MatchOp.Equal]
            selectors.append({matcher.name: matcher.value for matcher in equal if matcher.value})
        return True

    walk(root, visit)
    first, *others = selectors or [{}]
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _bare(root: "Expr") -> "Expr":
    from promql_parser import ParenExpr

    while isinstance(root, ParenExpr):
        root = root.expr
    return root
