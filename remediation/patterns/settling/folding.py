"""What became constant, folded away: branches, conditions, and what nothing reaches any more.

Only what the taking out made constant is folded: a `while True` or an `if False` that stood there before stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import libcst as cst

from remediation.patterns.mended import own
from remediation.patterns.settling.asking import quiet
from remediation.patterns.settling.conditions import Conditions
from remediation.values.refused import NotEditable

Left: TypeAlias = "cst.CSTNode | cst.FlattenSentinel[cst.CSTNode]"
_ENDS = (cst.Return, cst.Raise, cst.Continue, cst.Break)


class Fold(cst.CSTTransformer):
    """Puts expressions in the place of others, takes statements out, and folds what that made constant.

    replaced   id of a node of the module → what stands there now
    dropped    ids of small statements of the module, and of names of imports
    made       what was put in by this or an earlier pass over the same file: it keeps its identity
    """

    def __init__(
        self, replaced: Mapping[int, cst.BaseExpression], dropped: Iterable[int], made: dict[int, cst.CSTNode]
    ) -> None:
        super().__init__()
        self._replaced, self._dropped, self._made = replaced, set(dropped), made
        self._conditions = Conditions(made)
        self._elifs: set[int] = set()
        self._functions: list[cst.CSTNode] = []
        self._meant: set[int] = set()  # functions that yield or declare: what goes may change what they are
        self._gone: dict[int, cst.CSTNode] = {}
        self._ended: dict[int, cst.CSTNode] = {}

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Leave alone what was put in: it is told by its identity."""
        if isinstance(node, cst.If) and isinstance(node.orelse, cst.If):
            self._elifs.add(id(node.orelse))
        if isinstance(node, cst.FunctionDef | cst.Lambda):
            self._functions.append(node)
        elif isinstance(node, cst.Yield | cst.NameItem) and self._functions:
            self._meant.add(id(self._functions[-1]))
        return id(node) not in self._made

    def on_leave(  # type: ignore[override] # as LibCST has it for any node
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> Left:
        """The node, replaced, taken out, folded, or as it is."""
        if id(original_node) in self._made:
            return original_node
        if isinstance(original_node, cst.FunctionDef | cst.Lambda):
            self._functions.pop()
        new = self._replaced.get(id(original_node))
        if new is not None:
            return self._conditions.put(new)
        match updated_node:
            case cst.BaseExpression():
                return self._conditions.folded(updated_node)
            case cst.If():
                return self._if(updated_node, is_elif=id(original_node) in self._elifs)
            case cst.While() | cst.Assert() | cst.CompFor():
                return self._asking(updated_node)
            case cst.SimpleStatementLine() | cst.SimpleStatementSuite() | cst.Import() | cst.ImportFrom():
                return self._line(original_node, updated_node)
            case cst.IndentedBlock() | cst.Module():
                return self._block(updated_node)
            case cst.FunctionDef() if id(original_node) in self._meant:
                _check_kind(original_node, updated_node)
                return updated_node
            case _:
                return updated_node

    def _asking(self, node: cst.While | cst.Assert | cst.CompFor) -> cst.CSTNode:
        """A loop, an assertion or a comprehension, by what its condition came to."""
        if isinstance(node, cst.CompFor):
            ifs = [one.with_changes(test=self._conditions.asked(one.test)) for one in node.ifs]
            left = [one for one in ifs if not self._conditions.truth(one.test)]
            return node.with_changes(ifs=left) if len(left) < len(node.ifs) else node
        if isinstance(node, cst.While) and node.orelse is None and self._conditions.truth(node.test) is False:
            return self._marked(node.leading_lines)
        return node.with_changes(test=self._conditions.asked(node.test))

    def _if(self, node: cst.If, *, is_elif: bool) -> Left:
        below = node.orelse
        known = self._conditions.truth(below.test) if isinstance(below, cst.If) else None
        if isinstance(below, cst.If) and known is not None:
            chosen = cst.Else(body=below.body, leading_lines=below.leading_lines) if known else below.orelse
            if known and isinstance(below.body, cst.IndentedBlock) and _ends(below.body):
                self._ended[id(below.body.body[-1])] = below.body.body[-1]
            node = node.with_changes(orelse=chosen)
        test = self._conditions.asked(node.test)
        node = node.with_changes(test=test) if test is not node.test else node
        known = self._conditions.truth(test)
        if is_elif or known is None:
            return self._ending(node if is_elif else self._idle(node))
        if known:
            return self._unwrapped(node.body, node.leading_lines)
        if isinstance(node.orelse, cst.If):
            return self._ending(
                node.orelse.with_changes(leading_lines=[*node.leading_lines, *node.orelse.leading_lines])
            )
        if node.orelse is not None:
            return self._unwrapped(node.orelse.body, [*node.leading_lines, *node.orelse.leading_lines])
        return self._marked(node.leading_lines)

    def _ending(self, node: cst.CSTNode) -> cst.CSTNode:
        """Remember that nothing behind a statement is reached any more, because of what was folded inside."""
        below: cst.CSTNode | None = node
        while isinstance(below, cst.If | cst.Else):
            body = below.body
            if isinstance(body, cst.IndentedBlock) and body.body and id(body.body[-1]) in self._ended and _ends(node):
                self._ended[id(node)] = node
            below = below.orelse if isinstance(below, cst.If) else None
        return node

    def _idle(self, node: cst.If) -> cst.CSTNode:
        """A branch that lost all it did, and asks nothing that matters, goes as a whole."""
        body = node.body.body if isinstance(node.body, cst.IndentedBlock) else (node.body,)
        idle = [id(one) in self._gone for one in body] == [True]
        if idle and node.orelse is None and quiet(node.test):
            return self._marked(node.leading_lines)
        return node

    def _unwrapped(self, body: cst.BaseSuite, lines: Sequence[cst.EmptyLine]) -> Left:
        """The statements of a branch, one level up, with the comments around them."""
        statements: list[cst.BaseStatement]
        if isinstance(body, cst.IndentedBlock):
            statements = [one for one in body.body if not _passes(one)]
            footer = [line for line in body.footer if line.comment is not None]
        else:
            suite = cst.ensure_type(body, cst.SimpleStatementSuite)
            one = cst.SimpleStatementLine(body=suite.body, trailing_whitespace=suite.trailing_whitespace)
            statements, footer = list[cst.BaseStatement]([one]), []
        if statements:
            first = statements[0]
            above = list(_above(first))
            while above and above[0].comment is None:
                above.pop(0)
            statements[0] = first.with_changes(leading_lines=[*lines, *above])
            if id(first) in self._gone:
                self._gone[id(statements[0])] = statements[0]
            if _ends(statements[-1]):
                self._ended[id(statements[-1])] = statements[-1]
        else:
            statements.append(self._marked(lines))
        if footer:
            statements.append(self._marked(footer, whole=True))
        return cst.FlattenSentinel(statements)

    def _line(
        self,
        original: cst.CSTNode,
        now: cst.SimpleStatementLine | cst.SimpleStatementSuite | cst.Import | cst.ImportFrom,
    ) -> cst.CSTNode:
        """A line, or an import, without what is dropped of it."""
        if isinstance(now, cst.Import | cst.ImportFrom):
            return self._import(original, now)
        kept = self._kept(original, now)
        if len(kept) == len(now.body):
            return now
        if isinstance(now, cst.SimpleStatementLine):
            return now.with_changes(body=kept) if kept else self._marked(now.leading_lines)
        new = now.with_changes(body=kept or [cst.Pass()])
        if not kept:
            self._gone[id(new)] = new
        return new

    def _import(self, original: cst.CSTNode, now: cst.Import | cst.ImportFrom) -> cst.CSTNode:
        """The import without the names that go; as it is where all do, for its line goes."""
        before = original.names if isinstance(original, cst.Import | cst.ImportFrom) else ()
        if isinstance(now.names, cst.ImportStar) or isinstance(before, cst.ImportStar):
            return now
        kept = [new for old, new in zip(before, now.names, strict=True) if id(old) not in self._dropped]
        if not kept or len(kept) == len(now.names):
            return now
        kept[-1] = kept[-1].with_changes(comma=now.names[-1].comma)
        return now.with_changes(names=kept)

    def _kept(
        self, original: cst.CSTNode, now: cst.SimpleStatementLine | cst.SimpleStatementSuite
    ) -> list[cst.BaseSmallStatement]:
        """The small statements of a line that stay."""
        before = original.body if isinstance(original, cst.SimpleStatementLine | cst.SimpleStatementSuite) else ()
        kept = [new for old, new in zip(before, now.body, strict=True) if id(old) not in self._dropped]
        if kept and len(kept) < len(now.body):
            kept[-1] = kept[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return kept

    def _marked(self, lines: Sequence[cst.EmptyLine], *, whole: bool = False) -> cst.SimpleStatementLine:
        """What stands for a statement that is gone, with the lines above it that stay: none that belong to it alone."""
        blank = max((at for at, line in enumerate(lines) if line.comment is None), default=-1)
        mark = cst.SimpleStatementLine(body=[cst.Pass()], leading_lines=lines if whole else lines[: blank + 1])
        self._gone[id(mark)] = mark
        return mark

    def _block(self, block: cst.IndentedBlock | cst.Module) -> cst.CSTNode:
        """The statements of a block without those that are gone, and without what nothing reaches any more."""
        body: list[cst.BaseStatement] = list(block.body)
        end = next((at for at, one in enumerate(body) if id(one) in self._ended), len(body))
        if not any(id(one) in self._gone for one in body) and not body[end + 1 :]:
            return block
        opening = isinstance(block, cst.IndentedBlock) or not block.header
        kept: list[cst.BaseStatement] = []
        lines: list[cst.EmptyLine] = []
        gone = False
        for one in body[: end + 1]:
            lines = _joined(lines, _above(one), first=gone and not kept and opening)
            gone = id(one) in self._gone
            if not gone:
                new = one.with_changes(leading_lines=lines)
                if id(one) in self._ended:
                    self._ended[id(new)] = new
                kept.append(new)
                lines = []
        footer = [*(line for line in lines if line.comment is not None), *block.footer]
        if not kept and isinstance(block, cst.IndentedBlock):
            kept.append(self._marked([]))
        return block.with_changes(body=kept, footer=footer)


def _above(statement: cst.BaseStatement) -> Sequence[cst.EmptyLine]:
    """The lines above a statement."""
    return statement.leading_lines if isinstance(statement, cst.SimpleStatementLine | cst.BaseCompoundStatement) else ()


def _joined(above: Sequence[cst.EmptyLine], below: Sequence[cst.EmptyLine], *, first: bool) -> list[cst.EmptyLine]:
    """The lines above a statement that is gone, and those above the next: no more blank ones than either has."""
    lines = list(above)
    if below and below[0].comment is None:
        while lines and lines[-1].comment is None:
            lines.pop()
    lines += below
    while first and lines and lines[0].comment is None:
        lines.pop(0)
    return lines


def _passes(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and all(isinstance(one, cst.Pass) for one in node.body)


def _ends(node: cst.CSTNode) -> bool:
    """Whether nothing behind the statement is reached."""
    match node:
        case cst.SimpleStatementLine(body=[*_, final]):
            return isinstance(final, _ENDS)
        case cst.If(body=body, orelse=other) if other is not None:
            return _ends(body) and _ends(other)
        case cst.Else(body=body):
            return _ends(body)
        case cst.IndentedBlock(body=[*_, final]):
            return _ends(final)
        case cst.SimpleStatementSuite(body=[*_, final]):
            return isinstance(final, _ENDS)
        case _:
            return False


def _check_kind(before: cst.CSTNode, after: cst.CSTNode) -> None:
    """Refuse to drop what means something to the whole function though nothing reaches it."""
    if not isinstance(before, cst.FunctionDef):
        return
    had, has = list(own(before)), list(own(after))
    generates = any(isinstance(node, cst.Yield) for node in had)
    if generates and not any(isinstance(node, cst.Yield) for node in has):
        raise NotEditable(f"{before.name.value}() would yield nothing any more: a human takes the flag out there")
    if _declared(had) != _declared(has):
        raise NotEditable(f"{before.name.value}() sets names of others: a human takes the flag out there")


def _declared(nodes: Iterable[cst.CSTNode]) -> set[str]:
    return {one.name.value for one in nodes if isinstance(one, cst.NameItem)}
