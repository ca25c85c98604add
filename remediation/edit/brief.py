"""What a model is told for an edit: the validated diagnosis and code. Nothing that a log line says is in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cases.asking import CHECKS, Material
from cases.case import Case
from cases.change import ChangeClass
from cases.diagnosis import Hypothesis
from cases.logs import ErrorSeen
from cases.ports import Forge
from cases.pull_request_events import ChecksFailed
from cases.verdict import Check, Verdict
from config.scope import hygiene
from remediation.checks import STILL_PASSES
from remediation.edit.bare import bare
from remediation.edit.code import TEST_LINES, function_at, shown, tests_of, text_of
from remediation.edit.places import LARGEST, STACK_TRACE
from remediation.edit.replace import NoMatch
from remediation.edit.shapes import hints, known_exception
from remediation.neutral import neutral
from remediation.ports import Ports

_WORD = re.compile(r"[\w.@:/=+~-]+")
MOST_FILES = 3
MOST_TESTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The material of a question, and what its answer is held against.

    evidence what is told before anything was tried: `material` without that
    shown    path → content of the files that may be edited, at `head`
    read     what any file holds at `head`
    seen     contents of the further files that were read
    outside  texts from telemetry, none of which is in the material
    """

    repository: str
    head: str
    pointed: tuple[Hypothesis, ...]
    exception: str
    evidence: tuple[Material, ...]
    material: tuple[Material, ...]
    shown: Mapping[str, bytes]
    read: Callable[[str], bytes | None]
    seen: tuple[bytes, ...]
    outside: tuple[str, ...]


def reader(forge: Forge, repository: str, sha: str) -> Callable[[str], bytes | None]:
    """Read files of one tree, each once. A path that no edit may name is no file."""

    @cache
    def read(path: str) -> bytes | None:
        return None if hygiene(path) else forge.read(repository, sha, path)

    return read


def brief_of(
    case: Case, ports: Ports, repository: str, head: str, pointed: Sequence[Hypothesis], *, plain: bool = False
) -> Brief:
    """Put together what may be told. `plain`: code without comments, see `bare`; `shown` holds it like that then."""
    read = reader(ports.forge, repository, head)
    code: dict[str, bytes] = {}
    materials: list[Material] = []
    for hypothesis in pointed:
        content = read(hypothesis.path)
        if content is None or len(content) > LARGEST or len(code) >= MOST_FILES or hypothesis.path in code:
            continue
        content = bare(hypothesis.path, content) if plain else content
        function = function_at(hypothesis.path, content, hypothesis.line, hypothesis.function)
        if function is not None:
            code[hypothesis.path] = content
            text = shown(hypothesis.path, content, function)
            materials.append(Material(title=hypothesis.path, source="the repository", text=text))
    tests = tests_beside(tuple(code), read)
    for path, content in tests.items():
        text = "\n".join((text_of(bare(path, content) if plain else content) or "").split("\n")[:TEST_LINES])
        materials.append(Material(title=f"{path} (a test that is there)", source="the repository", text=text))
    errors = ports.logs.errors(case.service, min(a.onset for a in case.anomalies), ports.now)
    evidence = (_diagnosis(pointed, errors, code), *materials, *guidance(case), *_red(case))
    return Brief(
        repository=repository,
        head=head,
        pointed=tuple(pointed),
        exception=_exception(pointed) or "an error",
        evidence=evidence,
        material=(*evidence, *_before(case)),
        shown=code,
        read=read,
        seen=tuple(tests.values()),
        outside=_outside(case, errors),
    )


def _exception(pointed: Sequence[Hypothesis]) -> str:
    """The exception that the first stack trace names, or ""."""
    return next((name for hypothesis in pointed if (name := hypothesis.exception)), "")


def tests_beside(paths: Sequence[str], read: Callable[[str], bytes | None]) -> dict[str, bytes]:
    """The tests of those files, where they are kept by one of the usual names: path → content."""
    found: dict[str, bytes] = {}
    for path in paths:
        for candidate in tests_of(path):
            content = read(candidate)
            if content is not None and len(found) < MOST_TESTS:
                found[candidate] = content
    return found


def _diagnosis(pointed: Sequence[Hypothesis], errors: Sequence[ErrorSeen], code: Mapping[str, bytes]) -> Material:
    """The place and the exception, in our own words; of the message only what `hints` lets through."""
    exception = _exception(pointed)
    texts = [text_of(content) or "" for content in code.values()]
    known = known_exception(exception, texts)
    unknown = "an exception of a name that the code does not have" if exception else "no stack trace names an exception"
    lines = [f"exception: {known}" if known else unknown]
    lines += [
        f"{'frame' if one.origin == STACK_TRACE else 'suspected'}: {one.path}:{one.line} {one.function}() "
        f"({', '.join(one.evidence)})"
        for one in pointed
    ]
    messages = [seen.trace.message for seen in errors if seen.trace is not None and seen.trace.exception == exception]
    return Material(
        title="Diagnosis", source="checked by the program", text="\n".join((*lines, *hints(messages, texts)))
    )


def _before(case: Case) -> list[Material]:
    """What was tried, without any output of it: names of tests and of checks only."""
    edits = {change.number for change in case.changes if change.kind is ChangeClass.EDIT}
    tried = [trial for trial in case.trials if trial.change in edits and trial.verdict is Verdict.FAILED][-1:]
    return [
        Material(title="Your earlier edit was tried and did not pass", source="the sandbox", text=failed(trial.checks))
        for trial in tried
    ]


def failed(checks: Sequence[Check]) -> str:
    """Which checks failed, and the names of their tests; without a report a test there are only lines of output."""
    return "\n".join(
        f"{check.name}: {neutral(check.detail, 300)}"
        if check.name != STILL_PASSES or "pass no longer" in check.detail
        else check.name
        for check in checks
        if check.verdict is Verdict.FAILED
    )


def guidance(case: Case) -> list[Material]:
    """What people said of the case, the newest three."""
    return [
        Material(title="A human's remark", source="a human", text=neutral(text, 600)) for text in case.guidance[-3:]
    ]


def _red(case: Case) -> list[Material]:
    """What the repository's own checks say of the edit as it was proposed, where it is drafted again for just that."""
    last = case.history[-1].event
    if not isinstance(last, ChecksFailed) or not last.output:
        return []
    return [
        Material(title="Your edit, as it was proposed", source="the program", text=case.change.lead.diff),
        Material(title="Checks of the repository that failed on it", source=CHECKS, text=last.output),
    ]


def _not_ours(case: Case, output: str) -> str:
    """An output without the words of the edit that it is about: a draft of the same may have them again."""
    edits = case.change.lead.edits
    own = "\n".join(text for one in edits for text in (one.path, (one.content or b"").decode(errors="replace")))
    return _WORD.sub(lambda word: "" if word.group().strip(".,:=-") in own else word.group(), output)


def nearest(attempt: NoMatch) -> Material:
    """What a model is told of an edit that did not go in."""
    lines = f"\nThe nearest lines of the file are:\n{attempt.nearest}" if attempt.nearest else ""
    return Material(
        title="Your edit did not go in", source="the program", text=f"{attempt.path}: {attempt.because}.{lines}"
    )


def _outside(case: Case, errors: Sequence[ErrorSeen]) -> tuple[str, ...]:
    """Everything that was written outside, to hold a diff against."""
    told = [value for anomaly in case.anomalies for value in anomaly.labels.values()]
    for seen in errors:
        told += [seen.sample, seen.signature, *seen.labels.values()]
        if seen.trace is not None:
            told.append(seen.trace.message)
    last = case.history[-1].event
    if isinstance(last, ChecksFailed):
        told.append(_not_ours(case, last.output))
    facts = case.diagnosis.facts if case.diagnosis else ()
    return (*told, *(fact.fact for fact in facts if fact.source.startswith("logs")))
