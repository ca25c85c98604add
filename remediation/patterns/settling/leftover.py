"""What nothing uses any more once a flag is gone: names that stood for its answer, variables, imports.

Only where it is certain: bound once, in a function, and never read by a name that is not written. Names of a module may
be anybody's, so of those only imports go, and no parameter ever does.
"""

from collections.abc import Callable, Iterator

import libcst as cst

from remediation.patterns.settling.asking import quiet
from remediation.patterns.settling.literal import constant
from remediation.patterns.settling.tree import Tree


def answers(tree: Tree, made: dict[int, cst.CSTNode]) -> tuple[dict[int, cst.BaseExpression], set[int]]:
    """The reads of local names that hold the flag's yes or no, with that value, and the statements that named it.

    Each name is bound once, and read only behind that, in the same block: it holds nothing else wherever it is read.
    """
    replaced: dict[int, cst.BaseExpression] = {}
    dropped: set[int] = set()
    for at, name, value in _assigned(tree):
        if id(value) not in made or not isinstance(constant(value)[1], bool):
            continue
        home = _home(tree, at, name)
        if home is None:
            continue
        reads = tree.reads(name, home)
        line = tree.above(at)
        behind = _behind(tree, line) if line is not None else []
        inside = {id(node) for statement in behind for node in tree.every(statement)}
        if all(id(one) in inside and not _is_shown(tree, one) for one in reads):
            replaced |= {id(one): cst.Name(str(constant(value)[1]), lpar=one.lpar, rpar=one.rpar) for one in reads}
            dropped.add(id(at))
    return replaced, dropped


def unused(before: Tree, now: Tree, used: Callable[[str], bool]) -> set[int]:
    """What names something that is not read any more, and was: statements, and names of imports."""
    was = {(before.path(before.scope(one)), name) for name in before.names() for one in before.reads(name)}
    dropped = {
        id(at)
        for at, name, value in _assigned(now)
        if quiet(value) and _was_read(was, now, at, name) and _is_unread(now, at, name)
    }
    dropped |= {id(alias) for alias in _imports(before, now, used)}
    for node in now.every(now.module):
        names = node.names if isinstance(node, cst.Import | cst.ImportFrom) else ()
        if names and not isinstance(names, cst.ImportStar) and all(id(alias) in dropped for alias in names):
            dropped.add(id(node))
    return dropped


def _is_shown(tree: Tree, name: cst.Name) -> bool:
    """Whether an f-string shows the name itself, as in `{name=}`."""
    up = tree.above(name)
    return isinstance(up, cst.FormattedStringExpression) and up.equal is not None


def _was_read(was: set[tuple[str, str]], now: Tree, at: cst.CSTNode, name: str) -> bool:
    path = now.path(now.scope(at))
    return any(one == name and (where == path or where.startswith(f"{path}.")) for where, one in was)


def _is_unread(now: Tree, at: cst.CSTNode, name: str) -> bool:
    home = _home(now, at, name)
    return home is not None and not now.reads(name, home)


def _assigned(tree: Tree) -> Iterator[tuple[cst.CSTNode, str, cst.BaseExpression]]:
    """Each `name = value`, and what it says."""
    for node in tree.every(tree.module):
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                yield node, name, value
            case cst.AnnAssign(target=cst.Name(value=name), value=cst.BaseExpression() as value):
                yield node, name, value
            case _:
                pass


def _home(tree: Tree, at: cst.CSTNode, name: str) -> cst.FunctionDef | None:
    """The function whose variable it is; None where it is not one of its own alone."""
    home = tree.scope(at)
    if not isinstance(home, cst.FunctionDef) or tree.opaque(home) or tree.bindings(name, home) != 1:
        return None
    return home


def _behind(tree: Tree, line: cst.CSTNode) -> list[cst.CSTNode]:
    """The statements of the same block behind one that stands alone on its line."""
    block = tree.above(line)
    alone = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
    if not alone or not isinstance(block, cst.IndentedBlock):
        return []
    statements: list[cst.CSTNode] = list(block.body)
    return statements[statements.index(line) + 1 :]


def _imports(before: Tree, now: Tree, used: Callable[[str], bool]) -> Iterator[cst.ImportAlias]:
    """What is imported, was read, and is not any more."""
    for node in now.every(now.module):
        if not isinstance(node, cst.ImportAlias) or not _is_plain(now, node):
            continue
        name = _bound(node)
        if not before.reads(name) or now.reads(name) or now.bindings(name) != 1:
            continue
        if not used(name) and not now.exported(name):
            yield node


def _is_plain(tree: Tree, alias: cst.ImportAlias) -> bool:
    """Whether the import stands where it may go: not tried, not chosen, nothing remarked on its lines."""
    whole = tree.above(alias)
    line = tree.above(whole) if whole is not None else None
    place = tree.above(line) if line is not None else None
    if not isinstance(line, cst.SimpleStatementLine) or "#" in tree.text(line).lstrip().partition("import")[2]:
        return False
    if isinstance(whole, cst.ImportFrom) and isinstance(whole.module, cst.Name) and whole.module.value == "__future__":
        return False
    around = place if isinstance(place, cst.Module) else tree.above(place) if place is not None else None
    return isinstance(around, cst.Module | cst.FunctionDef)


def _bound(alias: cst.ImportAlias) -> str:
    """The name that an import gives to the file; "" where it is given on, as `x as x` says."""
    if alias.asname is not None:
        named = alias.asname.name
        again = isinstance(named, cst.Name) and named.value == alias.evaluated_name
        return "" if again or not isinstance(named, cst.Name) else named.value
    return alias.evaluated_name.partition(".")[0]
