"""Shapes of code: a change whose own lines do just what a signal shows. Pure; a link names a mechanism, proves nothing.

- kept     memory rises, and the change takes out what let go of something, or keeps things that outlive a call
- per row  queries or calls rise, and the change calls for each of a loop where it called once

Both are read off the diff against a signal, so that nobody who only writes to a log can bring them on. Python's own
syntax is read where a call must be told to be in a loop.
"""

import ast
import builtins
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from cases.anomaly import Anomaly
from cases.diagnosis import Commit
from cases.telemetry import Direction
from detectors.hunks import Hunk, hunks

_GROWS = re.compile(
    r"memory|heap|rss|working_set|resident|goroutine|threads|file_desc|(?:\b|_)fds?(?:\b|_)|handles", re.IGNORECASE
)
_COUNTED = re.compile(r"quer|sql|calls|rpc|round_?trip|lookups", re.IGNORECASE)
_RELEASES = re.compile(
    r"(\w+)\.(?:pop|popitem|popleft|clear|remove|discard|close|release|free|evict|expire|delete|dispose|shutdown)\("
    r"|\bdel\s+(?:\w+\.)*(\w+)|\bdelete\s+(?:\w+\.)*(\w+)"
)
_CONTAINER = re.compile(
    r"^(?:self\.)?(\w+)(?:\s*:[^=]+)?\s*=\s*"
    r"(?:\[\]|\{\}|(?:set|dict|list|deque|OrderedDict|defaultdict)\([^)]*\))\s*(?:#.*)?$"
)
_BUILT_IN = frozenset(dir(builtins))
_LONGEST_NAME = 60
_MOST_LINES = 400
_TESTS = re.compile(r"(^|/)tests?/|(^|/)test_|_test\.|\.(test|spec)\.")


def shaped(commit: Commit, anomalies: Sequence[Anomaly]) -> str:
    """What the commit's own lines do that one of the anomalies shows, as the end of a sentence; or ""."""
    risen = [anomaly.signal.name for anomaly in anomalies if anomaly.direction is Direction.UP]
    mine = [hunk for hunk in hunks(commit.patch) if not _TESTS.search(hunk.path)]
    for name in risen:
        if _GROWS.search(name) and (does := _keeps(mine)):
            return f"it {does}, and {name} rose"
        if _COUNTED.search(name) and (does := _per_row(mine)):
            return f"it {does}, and {name} rose"
    return ""


def _keeps(mine: Sequence[Hunk]) -> str:
    """What it does that lets something grow."""
    for path in dict.fromkeys(hunk.path for hunk in mine):
        here = [hunk for hunk in mine if hunk.path == path]
        gone = _released(text for hunk in here for text in hunk.removed)
        come = _released(text for hunk in here for text in hunk.added.values())
        lost = [name for name in gone if gone.count(name) > come.count(name)]
        if lost and len(gone) > len(come):  # it may be let go of by another name, or in another way
            return f"takes out what let go of {lost[0][:_LONGEST_NAME]} in {path}"
    added = [(hunk.path, text) for hunk in mine for text in list(hunk.added.values())[:_MOST_LINES]]
    texts = [text for _, text in added]
    for path, text in added:
        held = _CONTAINER.match(text.strip() if text.lstrip().startswith("self.") else text)
        if held is not None and _fills(held[1], texts) and held[1] not in _released(texts):
            return f"keeps what it puts into {held[1][:_LONGEST_NAME]} in {path}, and never takes any out"
    return ""


def _released(lines: Iterable[str]) -> list[str]:
    return [next(filter(None, found.groups())) for text in lines for found in _RELEASES.finditer(text)]


def _fills(name: str, lines: Iterable[str]) -> bool:
    calls = re.compile(rf"\b{re.escape(name)}\.(?:append|appendleft|add|insert|extend|setdefault|update)\(")
    sets = re.compile(rf"\b{re.escape(name)}\[.{{1,200}}\]\s*=(?!=)")
    return any(calls.search(text) or sets.search(text) for text in lines)


def _per_row(mine: Sequence[Hunk]) -> str:
    """What it calls for each, where it did not before: only beside a call that was taken out, for all of them."""
    for hunk in mine:
        if not hunk.path.endswith(".py"):
            continue
        now, before = set(_called_for_each(hunk.added.values())), set(_called_for_each(hunk.removed))
        fewer = _calls(hunk.removed)
        new = sorted(name for name in now - before if "." in name or name not in _BUILT_IN)
        if new and fewer:
            return f"calls {new[0][:_LONGEST_NAME]}() for each in {hunk.path}, where it did not"
    return ""


def _called_for_each(lines: Iterable[str]) -> Iterator[str]:
    """The names of what is called in a loop or comprehension with what it goes through."""
    for tree in _parsed(lines):
        for node in ast.walk(tree):
            if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
                yield from _with([node.elt], _names(node.generators[0].target))
            elif isinstance(node, ast.DictComp):
                yield from _with([node.key, node.value], _names(node.generators[0].target))
            elif isinstance(node, ast.For):
                yield from _with(node.body, _names(node.target))


def _parsed(lines: Iterable[str]) -> Iterator[ast.AST]:
    """What can be read of the lines: all together, and otherwise one by one."""
    held = list(lines)[:_MOST_LINES]
    whole = _tree(textwrap.dedent("\n".join(held)))
    trees = [whole] if whole is not None else [_tree(text.strip()) for text in held]
    yield from (tree for tree in trees if tree is not None)


def _tree(text: str) -> ast.AST | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _names(target: ast.AST) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _with(nodes: Iterable[ast.AST], through: frozenset[str]) -> Iterator[str]:
    """The calls below the nodes, one of whose arguments names what the loop goes through."""
    for node in (below for each in nodes for below in ast.walk(each)):
        if isinstance(node, ast.Call) and any(through & _names(argument) for argument in node.args):
            name = ast.unparse(node.func)
            if not set(re.findall(r"\w+", name)[:1]) & through:  # a method of the row itself asks nobody else
                yield name


def _calls(lines: Iterable[str]) -> bool:
    return any(isinstance(node, ast.Call) for tree in _parsed(lines) for node in ast.walk(tree))
