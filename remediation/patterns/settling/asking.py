"""How Python asks a flag, and tells that a user saw it: what may be taken out, and what only a human can.

Names and orders of arguments are those of OpenFeature, LaunchDarkly, Unleash, django-waffle, PostHog, Flagsmith,
GrowthBook, Statsig, Split, Eppo, ConfigCat and Flipper, and the plain ones that teams give a function of their own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import libcst as cst
from pydantic import JsonValue

from remediation.patterns.mended import every
from remediation.patterns.settling.literal import literal
from remediation.patterns.settling.tree import Tree, chained, last, owner
from remediation.values.refused import NotEditable

_YES: frozenset[type] = frozenset({bool})
_TEXT: frozenset[type] = frozenset({str})
_WHOLE: frozenset[type] = frozenset({int})
_NUMBER: frozenset[type] = frozenset({int, float})
_HELD: frozenset[type] = frozenset({list, dict})
_ANY: frozenset[type] = frozenset({bool, str, int, float, list, dict, type(None)})
_FIRST: Mapping[str, frozenset[type]] = MappingProxyType(
    {
        "get_boolean_value": _YES,
        "get_string_value": _TEXT,
        "get_integer_value": _WHOLE,
        "get_float_value": _NUMBER,
        "get_object_value": _HELD,
        "get_boolean_assignment": _YES,
        "get_string_assignment": _TEXT,
        "get_integer_assignment": _WHOLE,
        "get_numeric_assignment": _NUMBER,
        "get_json_assignment": _HELD,
        "variation": _ANY,
        "get_feature_flag": _YES | _TEXT,
        "get_feature_value": _ANY,
        "get_flag": _ANY,
        "get_flag_value": _ANY,
        "flag_value": _ANY,
        "feature_flag": _ANY,
    }
    | dict.fromkeys(
        ("is_enabled", "is_on", "feature_enabled", "is_feature_enabled", "feature_is_enabled", "flag_enabled",
         "is_flag_enabled", "flag_is_enabled", "is_active", "switch_is_active", "is_flag_on", "check_flag"),
        _YES,
    )
)  # fmt: skip
"""What is asked by its first argument, and the kinds of what is answered."""
_SECOND: Mapping[str, frozenset[type]] = MappingProxyType(
    {"flag_is_active": _YES, "check_gate": _YES, "get_treatment": _TEXT}
)
"""What has the user first and the flag behind."""
_PLAIN = frozenset({"get", "value", "get_value", "flag", "feature", "bool", "string", "enabled", "evaluate"})
"""What says nothing of flags by itself: it is one where what it is called on says so, or the name itself."""
_KEYWORDS = frozenset(
    {"key", "flag_key", "flag", "flag_name", "feature", "feature_name", "feature_flag", "name", "gate", "toggle"}
)
_OF_FLAGS = re.compile(
    r"flag|feature|toggle|experiment|openfeature|unleash|waffle|flipper|configcat|growthbook", re.IGNORECASE
)
_FLOATS = frozenset({"get_float_value", "get_numeric_assignment"})

_QUIET = frozenset(
    {"str", "int", "float", "bool", "len", "dict", "list", "tuple", "set", "repr", "getattr", "isinstance", "min",
     "max", "round", "abs", "get", "client", "build", "builder", "kind", "format", "lower", "upper", "strip", "hex",
     "isoformat", "items", "keys", "values", "copy", "id", "key", "join", "uuid4", "now", "utcnow", "today"}
)  # fmt: skip
_QUIETER = re.compile(r"^(get|build|current|as|to|is|has)_|context|ctx|flag|feature|^[A-Z]\w*$")
_BUILDS = re.compile(r"(Context|Builder|User)$")
"""What is called step by step, and only comes to a description of the user."""
_UNQUIET = (cst.Await, cst.Yield, cst.NamedExpr)


def quiet(node: cst.CSTNode) -> bool:
    """Whether nothing is lost where an expression is not evaluated any more: it reads, builds and converts at most."""
    for one in every(node):
        if isinstance(one, _UNQUIET):
            return False
        if isinstance(one, cst.Call):
            name = last(one.func)
            known = name in _QUIET or name in _FIRST or name in _SECOND or _QUIETER.search(name)
            if not known and not any(_BUILDS.search(part) for part in chained(one.func)):
                return False
    return True


def squeezed(text: str) -> str:
    """Code without what may be written one way or another: blanks, and the kind of quote."""
    return re.sub(r"\s+", "", text).replace("'", '"')


def _unpacked(assigned: cst.Assign) -> bool:
    """Whether it is given to several names at once: then more is answered than a value."""
    return any(isinstance(one.target, cst.Tuple | cst.List) for one in assigned.targets)


@dataclass(kw_only=True)
class Plan:
    """What of a file is taken out. Raises NotEditable, as `<path>:<line> …`, for what only a human can."""

    tree: Tree
    path: str
    flag: str
    value: JsonValue
    event: str
    used: Callable[[str], bool]
    lines: Mapping[cst.CSTNode, int]
    replaced: dict[int, cst.BaseExpression] = field(default_factory=dict[int, cst.BaseExpression])
    dropped: set[int] = field(default_factory=set[int])
    asked: int = 0
    told: int = 0

    def __post_init__(self) -> None:
        constants = self._constants()
        told = squeezed(self.event)
        for node in self.tree.every(self.tree.module):
            if isinstance(node, cst.Expr) and not _is_text(node) and told in self._said(node, constants):
                self._taken(node, constants)
        for node in self._mentions(constants):
            if not any(id(up) in self.dropped or id(up) in self.replaced for up in (node, *self.tree.around(node))):
                self._answered(node)
        self.dropped |= {id(at) for at in constants.values()}
        self._nothing_told(told)

    def refuse(self, node: cst.CSTNode, reason: str) -> NotEditable:
        """Why a human has to do it, and where."""
        return NotEditable(f"{self.path}:{self.lines[node]} {reason}")

    def _constants(self) -> dict[str, cst.CSTNode]:
        """Names of the module that stand for the key, and nothing else, with the statement that says so."""
        found: dict[str, cst.CSTNode] = {}
        for line in self.tree.module.body:
            if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
                continue
            match line.body[0]:
                case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                    pass
                case cst.AnnAssign(target=cst.Name(value=name), value=cst.BaseExpression() as value):
                    pass
                case _:
                    continue
            if self._is_key(value):
                found[name] = line.body[0]
        for name, at in found.items():
            elsewhere = self.used(name) or self.tree.exported(name) or self.tree.opaque(self.tree.module)
            if not self.tree.reads(name) or elsewhere or self.tree.bindings(name) != 1:
                raise self.refuse(at, f"names the flag {name}: a human follows where that goes")
        return found

    def _is_key(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
            return node.evaluated_value in (self.flag, self.flag.encode())
        if isinstance(node, cst.FormattedString):
            texts = [part.value if isinstance(part, cst.FormattedStringText) else "\0" for part in node.parts]
            return "".join(texts) == self.flag
        return False

    def _mentions(self, constants: Mapping[str, cst.CSTNode]) -> Iterator[cst.CSTNode]:
        """Where the key stands, or a name for it."""
        named = {id(one) for name in constants for one in self.tree.reads(name)}
        for node in self.tree.every(self.tree.module):
            if id(node) in named:
                yield node
            elif self._is_key(node):
                if not any(up in constants.values() for up in self.tree.around(node)):
                    yield node
            elif (
                isinstance(node, cst.Attribute) and node.attr.value == self.flag and _OF_FLAGS.search(last(node.value))
            ):
                yield node

    def _said(self, node: cst.CSTNode, constants: Mapping[str, cst.CSTNode]) -> str:
        text = squeezed(self.tree.text(node))
        for name in constants:
            text = re.sub(rf"(?<![\w.\"]){re.escape(name)}(?![\w\"=])", f'"{self.flag}"', text)
        return text

    def _taken(self, node: cst.Expr, constants: Mapping[str, cst.CSTNode]) -> None:
        """Take out a statement that tells that a user saw the flag, and does nothing else."""
        call = node.value.expression if isinstance(node.value, cst.Await) else node.value
        if not isinstance(call, cst.Call):
            raise self.refuse(node, "tells of the flag in the midst of something else: a human takes it out there")
        told = squeezed(self.event)
        called = {id(one) for one in self.tree.every(call.func)}
        inner = [one for one in self.tree.every(call) if one is not call and isinstance(one, cst.Call)]
        within = any(told in self._said(one, constants) for one in inner if id(one) not in called)
        if within or not all(quiet(arg.value) for arg in call.args):
            raise self.refuse(node, "does something else where it tells of the flag: a human takes it out there")
        self.dropped.add(id(node))
        self.told += 1

    def _answered(self, node: cst.CSTNode) -> None:
        """Put the value in the place of the question that a mention of the key belongs to."""
        arg = self.tree.above(node)
        call = self.tree.above(arg) if isinstance(arg, cst.Arg) else None
        if not isinstance(arg, cst.Arg) or not isinstance(call, cst.Call):
            raise self.refuse(node, "has the flag's key in no call that asks a flag: a human takes it out there")
        kinds = self._kinds(call, arg)
        if kinds is None and squeezed(self.event) in squeezed(self.tree.text(call)):
            raise self.refuse(node, "tells of the flag in the midst of something else: a human takes it out there")
        if kinds is None:
            name = last(call.func) or "something"
            raise self.refuse(node, f"gives the flag's key to {name}, which may be no question: a human takes it out")
        if type(self.value) not in kinds:
            raise self.refuse(call, f"asks by {last(call.func)}, and what everybody is shown is of another kind")
        others = [one.value for one in call.args if one is not arg]
        below = call.func.value if isinstance(call.func, cst.Attribute) else None
        if not all(quiet(one) for one in others) or (below is not None and not quiet(below)):
            raise self.refuse(call, "does something else where it asks the flag: a human takes it out there")
        self._replace(node, call)

    def _kinds(self, call: cst.Call, arg: cst.Arg) -> frozenset[type] | None:
        """What the call may answer; None where it may ask no flag, or not by this argument."""
        name, on = last(call.func), owner(call.func)
        short = name.removesuffix("_async")
        position = next(at for at, one in enumerate(call.args) if one is arg)
        if arg.star or (arg.keyword is not None and arg.keyword.value not in _KEYWORDS):
            return None
        if short in _SECOND:
            return _SECOND[short] if position == 1 or arg.keyword is not None else None
        if position != 0 and arg.keyword is None:
            return None
        if short in _FIRST:
            return _FIRST[short]
        return _ANY if name in _PLAIN and _OF_FLAGS.search(on or name) else None

    def _replace(self, key: cst.CSTNode, call: cst.Call) -> None:
        whole: cst.BaseExpression = call
        up = self.tree.above(call)
        promised = last(call.func).endswith("_async")
        if isinstance(up, cst.Await) and promised:
            whole, up = up, self.tree.above(up)
        elif isinstance(up, cst.Await) or promised:
            raise self.refuse(call, "asks the flag in a way that is awaited: a human takes it out there")
        odd = cst.Attribute | cst.Decorator | cst.WithItem | cst.Match
        if isinstance(up, odd) or (isinstance(up, cst.Subscript) and up.value is whole):
            raise self.refuse(call, "uses the answer of the flag as more than a value: a human takes it out there")
        if isinstance(up, cst.Assign) and _unpacked(up) and not isinstance(self.value, list):
            raise self.refuse(call, "takes the answer of the flag apart: a human takes it out there")
        if isinstance(up, cst.Call) and up.func is whole:
            raise self.refuse(call, "calls what the flag answers: a human takes it out there")
        self.asked += 1
        if isinstance(up, cst.Expr):
            self.dropped.add(id(up))
            return
        new = literal(self._shown(call), self._quote(key))
        if isinstance(up, cst.FormattedStringExpression) and not _fits(
            self.tree.module.code_for_node(new), up, self.tree
        ):
            raise self.refuse(call, "asks the flag inside a text that the value cannot be written in")
        new = new.with_changes(lpar=whole.lpar, rpar=whole.rpar)
        if isinstance(new, cst.UnaryOperation) and isinstance(up, cst.BinaryOperation | cst.UnaryOperation):
            new = new.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        self.replaced[id(whole)] = new

    def _shown(self, call: cst.Call) -> JsonValue:
        return float(self.value) if last(call.func) in _FLOATS and isinstance(self.value, int) else self.value

    def _quote(self, key: cst.CSTNode) -> str:
        """The quote that the key stands in, or else that most of the file's texts stand in."""
        if isinstance(key, cst.SimpleString):
            return key.quote[0]
        texts = [one.quote[0] for one in self.tree.every(self.tree.module) if isinstance(one, cst.SimpleString)]
        return "'" if texts.count("'") > texts.count('"') else '"'

    def _nothing_told(self, told: str) -> None:
        """Refuse what tells of the flag in any other way than by a statement of its own."""
        if told not in squeezed(self.tree.text(self.tree.module)):
            return
        for node in self.tree.every(self.tree.module):
            if isinstance(node, cst.Call | cst.SimpleString) and told in squeezed(self.tree.text(node)):
                ups = (node, *self.tree.around(node))
                if any(id(up) in self.dropped or id(up) in self.replaced or _is_text(up) for up in ups):
                    continue
                raise self.refuse(node, "tells of the flag in the midst of something else: a human takes it out there")


def _is_text(node: cst.CSTNode) -> bool:
    """Whether a statement is a text alone, as a docstring is."""
    return isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)


def _fits(text: str, place: cst.FormattedStringExpression, tree: Tree) -> bool:
    """Whether a value may stand in an f-string of any Python: no backslash, no brace, none of the string's quotes."""
    whole = tree.above(place)
    end = whole.end if isinstance(whole, cst.FormattedString) else "'\""
    return (
        place.equal is None
        and "\\" not in text
        and not text.startswith("{")
        and not any(mark in text for mark in {end, end[0]})
    )
