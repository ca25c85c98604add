"""What a change of configuration comes to where it runs: what is rendered from base and from the change, compared.

| seen | verdict |
|---|---|
| only fields that held the old value hold the new one | passed |
| nothing differs | failed: the value reaches nothing |
| something else differs too | failed, with the fields named |
| the command fails with the change, not on base | failed |
| it fails on base, or could not run to its end | error |
| the output cannot be read whole | inconclusive |
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from cases.trying import CommandReport
from cases.verdict import Check, Verdict
from remediation.neutral import neutral
from remediation.values.edit import Differences, NotComparable, compared, differences, parsed
from remediation.values.refused import NotEditable

RENDERING = "Only what is meant changes"
OUTPUT = "rendered.yaml"
_CHECKSUM = re.compile(r"checksum|config-?hash|sha256", re.IGNORECASE)
_CUT = re.compile(r"\[\d+ bytes before this were left out\]")  # what a sandbox writes above the last of an output
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """A value as it is before and after the change, without quotes: what rendered fields may differ by."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A field that is rendered differently.

    `place` is as in Deployment/prod/shop:.spec.replicas, or a sentence where more than a value differs. `follows`: it
    is an annotation that sums up other configuration, so that pods restart when that changes.
    """

    place: str
    old: str
    new: str
    follows: bool = False


def rendered_differences(base_output: str, change_output: str) -> tuple[Rendered, ...]:
    """The fields that differ between two outputs of YAML documents. Raises NotEditable when one cannot be read."""
    base, change = (parsed(_documents(output).encode(), OUTPUT) for output in (base_output, change_output))
    found = compared(base, change)
    if isinstance(found, NotComparable):
        raise NotEditable(found.reason)
    return tuple(_fields(found))


def unintended(
    fields: Sequence[Rendered], intended: Sequence[Intended], unsteady: AbstractSet[str] = frozenset()
) -> tuple[Rendered, ...]:
    """The fields that differ by more than an intended value. Checksums of configuration follow it, and are fine."""
    return tuple(
        field
        for field in fields
        if field.place not in unsteady and not field.follows and not any(_by(field, value) for value in intended)
    )


def intended(before: bytes, after: bytes, name: str) -> tuple[Intended, ...]:
    """What a change of a configuration file means to change where it is rendered; of an image also its bare tag."""
    found = differences(before, after, name)
    meant: dict[tuple[str, str], None] = {}
    for change in found.changed if isinstance(found, Differences) else ():
        old, new = _text(change.old.value), _text(change.new.value)
        meant[old, new] = None
        (name_then, _, tag_then), (name_now, _, tag_now) = old.rpartition(":"), new.rpartition(":")
        if name_then and name_then == name_now:
            meant[tag_then, tag_now] = None
    return tuple(Intended(old=old, new=new) for old, new in meant)


def render_check(
    base: CommandReport, change: CommandReport, intended: Sequence[Intended], again: CommandReport | None = None
) -> Check:
    """Judge two runs of `config.render`. With a second run on base, what differs between those two is left out."""
    seconds = base.seconds + change.seconds + (again.seconds if again else 0)
    said = _said(base), _said(change)
    if base.ended != "exited" or change.ended != "exited" or base.exit_code != 0:
        detail = "rendering fails on base already" if base.ended == "exited" and base.exit_code else "it could not run"
        return _check(Verdict.ERROR, *said, detail, seconds)
    if change.exit_code != 0:
        return _check(Verdict.FAILED, *said, f"rendering fails with the change: {_last_line(change)}", seconds)
    if any(_CUT.match(report.output) for report in (base, change)):
        detail = "more was rendered than is kept: let `config.render` write the service's own documents only"
        return _check(Verdict.INCONCLUSIVE, *said, detail, seconds)
    try:
        fields = rendered_differences(base.output, change.output)
        unsteady = rendered_differences(base.output, again.output) if again and again.exit_code == 0 else ()
    except NotEditable as refused:
        return _check(Verdict.INCONCLUSIVE, *said, neutral(str(refused)), seconds)
    return _judged(fields, intended, {field.place for field in unsteady}, seconds)


def file_check(before: bytes, after: bytes, name: str, intended: Sequence[Intended]) -> Check:
    """The same for the file itself, where nothing renders it."""
    found = differences(before, after, name)
    if isinstance(found, NotComparable):
        return _check(Verdict.INCONCLUSIVE, "read", "not compared", neutral(found.reason), 0)
    return _judged(tuple(_fields(found)), intended, frozenset(), 0)


def _judged(
    fields: Sequence[Rendered], intended: Sequence[Intended], unsteady: AbstractSet[str], seconds: float
) -> Check:
    steady = [field for field in fields if field.place not in unsteady]
    named = f"; left out, for they differ from run to run: {_named(sorted(unsteady))}" if unsteady else ""
    if not steady:
        detail = f"nothing differs: the value reaches nothing that is rendered{named}"
        return _check(Verdict.FAILED, "rendered", "the same", detail, seconds)
    more = unintended(fields, intended, unsteady)
    shown = f"{len(steady)} field{'s' if len(steady) != 1 else ''} differ{'' if len(steady) != 1 else 's'}"
    if more:
        detail = f"{len(more)} more than meant: {_named([field.place for field in more])}{named}"
        return _check(Verdict.FAILED, "rendered", shown, detail, seconds)
    return _check(Verdict.PASSED, "rendered", shown, f"{_named([field.place for field in steady])}{named}", seconds)


def _check(verdict: Verdict, base: str, change: str, detail: str, seconds: float) -> Check:
    return Check(name=RENDERING, verdict=verdict, base=base, change=change, detail=detail, seconds=seconds)


def _fields(found: Differences) -> Iterator[Rendered]:
    for change in found.changed:
        yield Rendered(
            place=str(change.place),
            old=_text(change.old.value),
            new=_text(change.new.value),
            follows="annotations" in change.place.keys and bool(_CHECKSUM.search(str(change.place.keys[-1]))),
        )
    for other in found.others:
        yield Rendered(place=other, old="", new="")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _by(field: Rendered, value: Intended) -> bool:
    """Whether the field differs by that value alone: line by line, as a word of its own."""
    if not value.old or field.old == field.new:
        return (field.old, field.new) == (value.old, value.new)
    before, after = field.old.splitlines(), field.new.splitlines()
    same = len(before) == len(after)
    return same and all(old == new or _replaced(old, new, value) for old, new in zip(before, after, strict=True))


def _replaced(old: str, new: str, value: Intended) -> bool:
    word = re.compile(rf"(?<![\w.]){re.escape(value.old)}(?![\w]|\.\w)")
    once = {old[: found.start()] + value.new + old[found.end() :] for found in word.finditer(old)}
    return new in once or new == word.sub(lambda _: value.new, old)


def _documents(output: str) -> str:
    """The output from its first document on: what a tool says before it is no part of it."""
    at = re.search(r"^---(\s|$)", output, re.MULTILINE)
    return output[at.start() :] if at and _is_chatter(output[: at.start()]) else output


def _is_chatter(head: str) -> bool:
    """Whether what stands before the first document mark is warnings, and no document of its own."""
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")]
    return all(re.match(r"(WARN|warn|time=|level=|[IWE]\d{4} |\d{4}[-/]\d\d)", line) for line in lines)


def _named(places: Sequence[str]) -> str:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(neutral(place, 80) for place in places[:_SHOWN]) + more


def _said(report: CommandReport) -> str:
    return f"exit {report.exit_code}" if report.ended == "exited" else report.ended


def _last_line(report: CommandReport) -> str:
    lines = [line for line in report.output.splitlines() if line.strip()]
    return neutral(lines[-1]) if lines else "no output"
