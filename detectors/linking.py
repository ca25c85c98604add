"""Links: what ties a change to a symptom beyond its time. Pure; a link names a mechanism, and proves nothing.

From the strongest to the weakest:

- trace    the code that raises the error is code that the change touched
- setting  a number was turned the way that brings on just this symptom: fewer workers and slower answers
- shape    its own lines do just what a signal shows: what let go of memory is taken out (`detectors.shapes`)
- words    what the symptom is called (a route, a signal, a function) is what the change is about

Where stack traces lead into the repository, they say which code is concerned: a change to other code of the same file
is then no link, and shared words link only what is no code (values, flags, pins). New functions that nothing of the
change calls, tests, comments and prose link to nothing: what nobody calls does nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cases.anomaly import Anomaly
from cases.diagnosis import Commit
from cases.telemetry import Direction
from detectors.hunks import LONGEST_PATCH, Hunk, Setting, hunks, settings
from detectors.words import words_of

TRACE, SETTING, SHAPE, WORDS = "trace", "setting", "shape", "words"
_VALUES = frozenset(
    {".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf", ".env", ".properties", ".txt", ".lock", ".tf", ".mod"}
)
_TEST = re.compile(r"(^|/)(tests?|spec|__tests__)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.\w+$|\.(test|spec)\.\w+$")
_TOML_TABLE = re.compile(r"^\[+[\w.\"' -]+\]+\s*$")
_DOCSTRING = re.compile(r'"""[^"]*"""')
_DEFINITION = re.compile(r"(?:async\s+)?def\s+(\w+)\s*\(")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """What happens when a number of that kind is turned down (or up): the signals that rise, by parts of their names.

    falls  signals that fall then
    """

    keys: re.Pattern[str]
    up: bool
    rises: re.Pattern[str]
    falls: re.Pattern[str] = re.compile(r"(?!)")


_SLOW = "latenc|duration|slow|p9[0-9]|response_time|wait|queue|backlog|saturat"
_FAILS = "error|fail|5xx|reject|refus|timeout"
_CAPACITY = "worker|thread|process|replica|pool|connection|concurren|consumer|instance|cpu|quota"


def _names(parts: str) -> re.Pattern[str]:
    return re.compile(parts, re.IGNORECASE)


KNOBS = (
    Knob(keys=_names(_CAPACITY), up=False, rises=_names(f"{_SLOW}|{_FAILS}")),
    Knob(keys=_names("timeout|deadline"), up=False, rises=_names(_FAILS)),
    Knob(keys=_names("timeout|deadline"), up=True, rises=_names(_SLOW)),
    Knob(
        keys=_names("ttl|expir|max_?age|cache|entries"),
        up=False,
        rises=_names(f"{_SLOW}|quer|miss|load|evict"),
        falls=_names("hit"),
    ),
    Knob(keys=_names("retry|retries|attempt"), up=True, rises=_names(f"{_SLOW}|{_FAILS}|call|request|rate")),
    Knob(keys=_names("backoff|delay|pause|interval"), up=False, rises=_names("call|request|rate|load|cpu")),
    Knob(keys=_names("limit|max|body|memory|heap"), up=False, rises=_names(f"{_FAILS}|oom|restart")),
    Knob(keys=_names("page|batch|size|limit|fetch|depth"), up=True, rises=_names(f"{_SLOW}|memory|rss|cpu")),
)


def is_value(path: str) -> bool:
    """Whether a file holds values (configuration, flags, pins) rather than code."""
    return PurePosixPath(path.lower()).suffix in _VALUES


def turned(commit: Commit, anomalies: Sequence[Anomaly]) -> str:
    """A number that the commit turned the way that brings on one of the anomalies, as the end of a sentence; or ""."""
    for setting in settings(hunks(commit.patch)):
        for anomaly in anomalies:
            if _brings_on(setting, anomaly):
                way = "raises" if setting.new > setting.old else "lowers"
                moved = "rose" if anomaly.direction is Direction.UP else "fell"
                key = setting.key[:_LONGEST_NAME]
                return f"it {way} {key} from {setting.old:g} to {setting.new:g}, and {anomaly.signal.name} {moved}"
    return ""


def _brings_on(setting: Setting, anomaly: Anomaly) -> bool:
    up = anomaly.direction is Direction.UP
    return any(
        knob.up is (setting.new > setting.old)
        and knob.keys.search(setting.key) is not None
        and (knob.rises if up else knob.falls).search(anomaly.signal.name) is not None
        for knob in KNOBS
    )


def enclosing(patch: str) -> Counter[str]:
    """The words of the keys that enclose a changed line of a file of values, as far as its hunk shows them."""
    counts: Counter[str] = Counter()
    openers: list[tuple[int, str]] = []
    values = False
    for line in patch[:LONGEST_PATCH].splitlines():
        if line.startswith("+++ "):
            values = is_value(line[4:].split("\t", maxsplit=1)[0].strip().strip('"'))
        elif line.startswith("@@"):
            openers = [(0, line.rpartition("@@")[2].strip())]
        elif values and line[:1] in {" ", "+", "-"}:
            text = line[1:].rstrip()
            indent = len(text) - len(text.lstrip())
            if _TOML_TABLE.match(text):
                openers = [(-1, text)]
                continue
            while openers and openers[-1][0] >= indent and text:
                openers.pop()
            if line[0] in {"+", "-"} and not line.startswith("---"):
                counts.update(word for _, opener in openers for word in set(words_of(opener)))
            if text.endswith((":", "{", "[")):
                openers.append((indent, text))
    return counts


def inert(commit: Commit) -> bool:
    """Whether nothing of it runs otherwise: tests, comments, and new Python functions that none of its lines call."""
    code = [path for path in commit.files if not _TEST.search(path)]
    if not code:
        return bool(commit.files)
    if len(commit.patch) > LONGEST_PATCH or any(not path.endswith(".py") for path in code):
        return False
    mine = [hunk for hunk in hunks(commit.patch) if hunk.path in code]
    if not mine or {hunk.path for hunk in mine} != set(code):
        return False
    told = [hunk for hunk in mine if not _only_comments(hunk)]
    return all(_adds_functions_alone(hunk) for hunk in told) and not _called(told)


def _only_comments(hunk: Hunk) -> bool:
    """Whether it changes comments, and docstrings that begin and end on their line."""
    lines = [text.strip() for text in (*hunk.added.values(), *hunk.removed)]
    return all(not text or text.startswith("#") or _DOCSTRING.fullmatch(text) is not None for text in lines)


def _adds_functions_alone(hunk: Hunk) -> bool:
    """Whether all that it adds is whole functions at the top level, without a decorator."""
    if hunk.removed:
        return False
    inside = False
    for text in hunk.added.values():
        if not text.strip() or text.startswith("#"):
            continue
        if text[0].isspace():
            if not inside:
                return False
            continue
        inside = _DEFINITION.match(text) is not None
        if not inside:
            return False
    return True


def _called(mine: Sequence[Hunk]) -> bool:
    """Whether one of the functions that it adds is called by another of them, or by a line outside them."""
    lines = [text for hunk in mine for text in hunk.added.values()]
    return any(
        re.search(rf"\b{re.escape(name)}\b", text)
        for name in _defined(lines)
        for text in lines
        if not _DEFINITION.match(text)
    )


def _defined(lines: Sequence[str]) -> Iterator[str]:
    for text in lines:
        if (found := _DEFINITION.match(text)) is not None:
            yield found[1]
