"""Expressions that became constant, folded away: conditions, comparisons, negations.

Only what an expression that was put in makes constant is folded: a `1 == 1` that stood there before stays.
"""

import libcst as cst

from remediation.patterns.settling.asking import quiet
from remediation.patterns.settling.literal import constant, truth


class Conditions:
    """Folds expressions around what was put in, which is told by its identity: `made` has it by id."""

    def __init__(self, made: dict[int, cst.CSTNode]) -> None:
        self._made = made

    def put(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """Remember that the expression was put in."""
        self._made[id(node)] = node
        return node

    def truth(self, node: cst.BaseExpression) -> bool | None:
        """Whether something that was put in counts as true; None for all else."""
        return truth(node) if id(node) in self._made else None

    def folded(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """The expression, its parts folded already, without what is constant in it."""
        match node:
            case cst.BooleanOperation(left=left, right=right):
                known = self.truth(left)
                if known is None:
                    return node
                return _in(node, right if known is isinstance(node.operator, cst.And) else left, self._made)
            case cst.UnaryOperation(operator=cst.Not(), expression=inner):
                inner = self.asked(inner)
                known = self.truth(inner)
                if known is not None:
                    return self.put(_in(node, cst.Name(str(not known)), self._made))
                return node.with_changes(expression=inner) if inner is not node.expression else node
            case cst.Call(func=cst.Name(value="bool"), args=[cst.Arg(value=inner, keyword=None, star="")]):
                known = self.truth(inner)
                return node if known is None else self.put(_in(node, cst.Name(str(known)), self._made))
            case cst.IfExp(test=test):
                test = self.asked(test)
                known = self.truth(test)
                if known is not None:
                    return _in(node, node.body if known else node.orelse, self._made)
                return node.with_changes(test=test) if test is not node.test else node
            case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=by, comparator=right)]):
                known = self._compared(left, by, right)
                return node if known is None else self.put(_in(node, cst.Name(str(known)), self._made))
            case _:
                return node

    def _compared(self, left: cst.BaseExpression, by: cst.BaseCompOp, right: cst.BaseExpression) -> bool | None:
        """What comes of comparing two plain values, one of which was put in."""
        if id(left) not in self._made and id(right) not in self._made:
            return None
        (known, one), (known_too, other) = constant(left), constant(right)
        if isinstance(by, cst.In | cst.NotIn) and known and isinstance(right, cst.Tuple | cst.List | cst.Set):
            held = [constant(element.value) for element in right.elements if isinstance(element, cst.Element)]
            if len(held) < len(right.elements) or not all(plain for plain, _ in held):
                return None
            return any(value == one for _, value in held) is isinstance(by, cst.In)
        if not known or not known_too or isinstance(one, tuple) or isinstance(other, tuple):
            return None
        match by:
            case cst.Equal():
                return one == other
            case cst.NotEqual():
                return one != other
            case cst.Is() | cst.IsNot() if any(value is None or isinstance(value, bool) for value in (one, other)):
                return (one is other) is isinstance(by, cst.Is)
            case _:
                return None

    def asked(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """An expression of which only counts whether it is true: what was put in last may decide it, or go away."""
        if not isinstance(node, cst.BooleanOperation):
            return node
        left, right = self.asked(node.left), self.asked(node.right)
        known, conjunction = self.truth(right), isinstance(node.operator, cst.And)
        first = self.truth(left)
        if first is not None:
            return _in(node, right if first is conjunction else left, self._made)
        if known is not None and known is conjunction:
            return _in(node, left, self._made)
        if known is not None and quiet(left):
            return _in(node, right, self._made)
        if left is node.left and right is node.right:
            return node
        return node.with_changes(left=left, right=right)


def _in(outer: cst.BaseExpression, inner: cst.BaseExpression, made: dict[int, cst.CSTNode]) -> cst.BaseExpression:
    """An expression in the place of the one around it, with the parentheses of both; still told as put in."""
    if not outer.lpar:
        return inner
    new = inner.with_changes(lpar=[*outer.lpar, *inner.lpar], rpar=[*inner.rpar, *outer.rpar])
    if id(inner) in made:
        made[id(new)] = new
    return new
