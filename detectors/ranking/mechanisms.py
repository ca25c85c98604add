"""Mechanisms: how a change can have done what is seen. Without one nobody is convicted, however well the times fit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cases.diagnosis import Commit
from detectors.hunks import Hunk, Reached, Setting, hunks, reached, settings, writes, writes_name
from detectors.ranking.calls import Calls, Operation
from detectors.ranking.candidates import Candidate
from detectors.ranking.sayings import Sayings
from detectors.ranking.shifts import CLEAR, Shift
from detectors.words import telling, words_of

_GAINS = {"stack": 0.45, "template": 0.20, "setting": 0.30, "operation": 0.20, "flag": 0.20, "name": 0.25}
_FILE_ONLY = 0.20
_BIG = 12  # files from which on a commit is in every trace's way
_CLOSE, _CLOSE_MS = 0.03, 0.08
_NAMED = 2  # words that name an operation well enough to convict by
_PARTLY = 0.5  # of the gain, where some of them are shared
_MOST_TEXTS = 2_000
_OPERATION = 0.35  # of an operation's strength, from which on the trouble arises there
_ELSEWHERE = 0.4  # of that strength, up to which the service's other operations count as well
_DEFINES = re.compile(r"\s*(?:(?:pub|export|public|private|static|async)\s+){0,3}(?:def|func|function|fn)\b")
_LIMITS = frozenset({"timeout", "deadline"})
_UNITS = {"ms": 1.0, "millis": 1.0, "milliseconds": 1.0, "s": 1000.0, "sec": 1000.0, "seconds": 1000.0}
_DURATION = re.compile(r"lat|dur|time", re.IGNORECASE)
_FAILURES = re.compile(r"err|fail|5xx|timeout", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """`gain` is added to the score. `convicts`: it leads to the very lines, name or number that were changed.

    `sure` is one that no log line can make.
    """

    kind: str
    gain: float
    told: str
    convicts: bool
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the mechanisms are looked for in."""

    said: Sayings
    spans: Calls
    moved: Sequence[Shift]
    services: frozenset[str]
    stacks: bool = True


def mechanisms(candidate: Candidate, scene: Scene) -> tuple[Mechanism, ...]:
    """All that link a candidate to the symptom."""
    if candidate.flip is not None:
        return _of_flag(candidate, scene)
    if candidate.commit is None:
        return ()
    changes = hunks(candidate.commit.patch)
    weight = min(1.0, _BIG / max(1, len(candidate.commit.files)))
    found = [
        *(_stacks(candidate, candidate.commit, changes, scene) if scene.stacks else ()),
        *_templates(candidate, changes, scene),
        *_settings(candidate, changes, scene),
        *_operations(candidate, changes, scene),
    ]
    return tuple(
        Mechanism(kind=m.kind, gain=m.gain * weight, told=m.told, convicts=m.convicts, sure=m.sure) for m in found
    )


def _stacks(candidate: Candidate, commit: Commit, changes: Sequence[Hunk], scene: Scene) -> list[Mechanism]:
    best: tuple[Reached, str, str] | None = None
    for saying in scene.said.new:
        if saying.trace is None or saying.service != candidate.service:
            continue
        place = reached(saying.trace, commit, changes)
        if place is not None and (
            best is None or (place.changed, place.strength) > (best[0].changed, best[0].strength)
        ):
            best = place, saying.trace.exception or saying.error or "an error", f"{saying.count} times"
    if best is None:
        return []
    place, exception, often = best
    where = f"{place.path}:{place.line} {place.function}()"
    if not place.changed:
        told = f"it changes {place.path}, where {exception} is raised now ({often})"
        return [Mechanism(kind="stack", gain=_FILE_ONLY * place.strength, told=told, convicts=False, sure=False)]
    told = f"{exception} is raised now ({often}) at {where}, in what it changed"
    return [Mechanism(kind="stack", gain=_GAINS["stack"] * place.strength, told=told, convicts=True, sure=False)]


def _templates(candidate: Candidate, changes: Sequence[Hunk], scene: Scene) -> list[Mechanism]:
    for saying in scene.said.of(candidate.service):
        hunk = writes(saying.sample, changes)
        if hunk is not None and saying.fresh:
            told = f"a line that it adds to {hunk.path} writes what is new in the log: “{saying.sample[:80]}”"
            return [Mechanism(kind="template", gain=_GAINS["template"], told=told, convicts=True, sure=False)]
    for saying in scene.said.of(candidate.service):
        found = writes_name(saying.sample, changes) if saying.bad and saying.fresh else None
        if found is not None:
            name, hunk = found
            told = f"{name}, which it brings into {hunk.path}, is what the log complains of: “{saying.sample[:80]}”"
            return [Mechanism(kind="name", gain=_GAINS["name"], told=told, convicts=True, sure=False)]
    return []


def _settings(candidate: Candidate, changes: Sequence[Hunk], scene: Scene) -> list[Mechanism]:
    """A metric that sticks to the very number that was set, and stood elsewhere before."""
    for setting in settings(changes):
        key = set(words_of(setting.key))
        for shift in scene.moved:
            if shift.service != candidate.service or shift.score < CLEAR or not key & set(words_of(shift.metric)):
                continue
            if _at(shift.after, setting.new, _CLOSE) and not _at(shift.before, setting.new, _CLOSE):
                told = (
                    f"{shift.metric} sticks at {shift.after:.4g} since {setting.key} went from {setting.old:g} "
                    f"to {setting.new:g}"
                )
                return [Mechanism(kind="setting", gain=_GAINS["setting"], told=told, convicts=True, sure=True)]
        limit = _limit(candidate.service, setting, scene)
        if limit is not None:
            return [limit]
        if not key & {"timeout", "deadline", "delay", "wait"}:
            continue
        for operation in scene.spans.operations:
            mine = operation.service == candidate.service and operation.slower > 1.0
            if mine and _at(operation.after_ms, setting.new, _CLOSE_MS):
                told = f"{operation.name} takes {operation.after_ms:.0f} ms since {setting.key} is {setting.new:g}"
                return [Mechanism(kind="setting", gain=_GAINS["setting"], told=told, convicts=True, sure=True)]
    return []


def _limit(service: str, setting: Setting, scene: Scene) -> Mechanism | None:
    """A time limit that was set below what calls of the service took before, and calls of it fail since."""
    key = set(words_of(setting.key))
    unit = _unit(setting.key)
    if unit is None or not key & _LIMITS or setting.new >= setting.old:
        return None
    failing = any(_FAILURES.search(s.metric) and s.up and s.onset is not None for s in _clear(service, scene))
    failing = failing or any(o.service == service and o.after_failed > o.before_failed for o in scene.spans.operations)
    for shift in scene.moved if failing else ():
        measured = _unit(shift.metric)
        if shift.service != service or measured is None or not _DURATION.search(shift.metric):
            continue
        usual = shift.before * measured
        if setting.new * unit <= usual < setting.old * unit:
            told = (
                f"calls fail since {setting.key} went from {setting.old:g} to {setting.new:g}, where {shift.metric} "
                f"was {shift.before:.4g} before"
            )
            return Mechanism(kind="setting", gain=_GAINS["setting"], told=told, convicts=True, sure=True)
    return None


def _clear(service: str, scene: Scene) -> Iterable[Shift]:
    return (shift for shift in scene.moved if shift.service == service and shift.score >= CLEAR)


def _unit(name: str) -> float | None:
    """How many milliseconds the unit is that a name ends in; None where it does not say."""
    return _UNITS.get(re.split(r"[_.\s-]", name.lower())[-1])


def _operations(candidate: Candidate, changes: Sequence[Hunk], scene: Scene) -> list[Mechanism]:
    """The operation in which the errors or the delay arise is named in the lines that were changed."""
    texts = [text for hunk in changes for text in (hunk.function, *hunk.added.values(), *hunk.removed)]
    headed = [text for hunk in changes for text in (*hunk.added.values(), *hunk.removed) if _DEFINES.match(text)]
    functions = [*(hunk.function for hunk in changes), *headed]
    return _by_operation(
        candidate,
        [set(words_of(text)) for text in texts[:_MOST_TEXTS]],
        [set(words_of(text)) for text in functions[:_MOST_TEXTS]],
        scene,
    )


def _of_flag(candidate: Candidate, scene: Scene) -> tuple[Mechanism, ...]:
    if candidate.flip is None:
        return ()
    flag = candidate.flip.flag
    words = set(telling([flag], scene.services))
    found = _by_operation(candidate, [words], [], scene)
    for saying in scene.said.of(candidate.service):
        if flag.lower() in saying.sample.lower() and saying.fresh:
            told = f"what is new in the log names the flag: “{saying.sample[:80]}”"
            found.append(Mechanism(kind="flag", gain=_GAINS["flag"], told=told, convicts=True, sure=False))
            break
    return tuple(found)


def _by_operation(
    candidate: Candidate, texts: Sequence[set[str]], functions: Sequence[set[str]], scene: Scene
) -> list[Mechanism]:
    """The first operation with trouble that is named in `texts`. `functions` are the names of those that were changed.

    Two words that a line shares with an operation are chance often enough. A flag is named on purpose; and where one
    operation alone is in trouble, the function that it is named after was changed, and its service's other operations
    are well, chance has little room left.
    """
    for operation in scene.spans.operations:
        if operation.service != candidate.service or operation.strength < _OPERATION:
            continue
        named = set(telling([operation.name], scene.services))
        shared = max((len(named & words) for words in texts), default=0)
        if shared and shared * 2 >= len(named):
            whole = shared == len(named) >= _NAMED
            alone = whole and any(named <= words for words in functions) and _is_alone(operation, scene)
            told = f"{operation.name}, in which the trouble arises, is {'' if whole else 'near '}what it changed"
            told += ", and no other operation of its service is in trouble" if alone else ""
            gain = _GAINS["operation"] * (1.0 if whole else _PARTLY)
            convicts = whole and (candidate.flip is not None or alone)
            return [Mechanism(kind="operation", gain=gain, told=told, convicts=convicts, sure=True)]
    return []


def _is_alone(operation: Operation, scene: Scene) -> bool:
    """Whether its service has other operations, and they are well."""
    others = [o for o in scene.spans.operations if o.service == operation.service and o.name != operation.name]
    return bool(others) and all(other.strength <= _ELSEWHERE * operation.strength for other in others)


def _at(value: float, target: float, close: float) -> bool:
    return target > 0 and abs(value - target) <= close * target
