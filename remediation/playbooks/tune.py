"""Tune a value: when no change explains an anomaly, and the operator's own rule says which value answers it."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cases.anomaly import AnomalyKind
from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.diagnosis import Suspect
from cases.ports import Forge
from cases.symptom import symptom
from cases.verdict import Claim
from config.settings import ServiceSettings, TuneSettings
from remediation.drafting import CannotDraft, Drafting
from remediation.neutral import neutral
from remediation.playbooks.promise import part_of, promise, reach, reading_cited
from remediation.ports import Ports
from remediation.precedent import precedent
from remediation.values.edit import read_value, set_value
from remediation.values.nodes import Kind, Plain, Scalar
from remediation.values.place import Place
from remediation.values.refused import NotEditable

ORIGIN = "playbook:tune-a-value"
_QUANTITY = re.compile(r"((?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?)([A-Za-zµ%]{1,8})")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
HEADROOM = 1.5
"""How many times as much stays set aside as was ever used in the weeks that were looked at."""
_DIGITS = 12  # of a product, so that 3 x 0.1 is 0.3


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Tune only where no change is left that something links to the symptom."""
    service = ports.settings.service(case.service)
    if suspect is not None or not rules(case, service):
        return CannotDraft()
    before = precedent(case, ports, ports.lessons.recall(case.fingerprint, case.service))
    well = before.lesson.at if before is not None and before.lesson.strategy == ORIGIN else None
    linked = linked_change(case, well)
    if linked:
        return CannotDraft(reason=f"nothing is tuned while {linked} may explain it")
    head = ports.forge.head(service.repository)
    return tune(case, len(case.changes) + 1, service.repository, ports.forge, head, service)


def linked_change(case: Case, well: datetime | None = None) -> str:
    """The first suspect that ran before the onset, is linked to the symptom and was not disproved; "" for none.

    `well`: when the same trouble was seen to be over. What ran by then ran without it.
    """
    failed = {trial.change for trial in case.trials if trial.claim is Claim.DISPROVED}
    cleared = {change.blames or change.inverse_of for change in case.changes if change.number in failed}
    for suspect in case.diagnosis.suspects if case.diagnosis else ():
        if suspect.deployed is None or (well is not None and suspect.deployed <= well):
            continue
        if suspect.before_onset and suspect.mechanism and suspect.commit.sha not in cleared:
            return suspect.commit.short
    return ""


def rules(case: Case, service: ServiceSettings) -> tuple[TuneSettings, ...]:
    """The operator's rules for the signals of the case, the leading one's first; those for its class alone."""
    answers = "improvement" if case.improvement else "trouble"
    names = dict.fromkeys([case.anomaly.signal.name, *(anomaly.signal.name for anomaly in case.anomalies)])
    return tuple(rule for name in names for rule in service.tune if (rule.signal, rule.answers) == (name, answers))


def each(case: Case, ports: Ports) -> Iterator[Drafting]:
    """A drafting for each rule of the case's signals, in their order."""
    service = ports.settings.service(case.service)
    head = ports.forge.head(service.repository)
    for rule in rules(case, service):
        try:
            yield _tuned(case, len(case.changes) + 1, service.repository, ports.forge, head, service, rule)
        except NotEditable as refused:
            yield CannotDraft(reason=neutral(str(refused), 300))


def tune(case: Case, number: int, repository: str, forge: Forge, head: str, service: ServiceSettings) -> Drafting:
    """Draft the first rule of the case's signals that can still be followed."""
    reasons: list[str] = []
    for rule in rules(case, service):
        try:
            return _tuned(case, number, repository, forge, head, service, rule)
        except NotEditable as refused:
            reasons.append(neutral(str(refused), 300))
    return CannotDraft(reason="; ".join(reasons) or "no `tune` rule of the service names the signal")


def stepped(current: Scalar, rule: TuneSettings) -> Plain:
    """The value times the factor, no farther than the bound, and of the type that it was. Raises NotEditable.

    A string of digits stays a string, as environment variables are written; one with a unit keeps it.
    """
    number = _number(current, rule.unit)
    up = rule.factor > 1
    if number * (rule.factor - 1) == 0 or number < 0:
        raise NotEditable(f"is {current.source}: times {rule.factor:g} it would not be {'more' if up else 'less'}")
    if (up and number >= rule.bound) or (not up and number <= rule.bound):
        raise NotEditable(f"is already at its bound {rule.bound:g}: a human has to decide")
    product = float(f"{number * rule.factor:.{_DIGITS}g}")
    if current.kind is Kind.NUMBER or (rule.unit and "." in str(current.value)):
        reached = min(product, rule.bound) if up else max(product, rule.bound)
        return f"{reached:g}{rule.unit}" if rule.unit else reached
    whole = min(math.ceil(product), math.floor(rule.bound)) if up else max(math.floor(product), math.ceil(rule.bound))
    if whole == number:
        raise NotEditable(f"has no whole number left before its bound {rule.bound:g}: a human has to decide")
    return f"{whole}{rule.unit or ''}" if current.kind is Kind.STRING else whole


def _number(current: Scalar, unit: str | None) -> float:
    value = current.value
    if unit:
        return _with_unit(current, unit)
    if current.kind in {Kind.INTEGER, Kind.NUMBER} and isinstance(value, int | float):
        return value
    if isinstance(value, str) and current.kind is Kind.STRING and _WHOLE.fullmatch(value):
        return int(value)
    named = _QUANTITY.fullmatch(str(value)) if current.kind is Kind.STRING else None
    hint = f": name its unit in the rule, as in unit: {neutral(named[2], 8)}" if named else ""
    raise NotEditable(f"is {neutral(current.source, 40) or 'nothing'}, which is no number to multiply{hint}")


def _with_unit(current: Scalar, unit: str) -> float:
    """The number before the unit: whole stays whole. Raises NotEditable for any other unit, or none."""
    found = _QUANTITY.fullmatch(str(current.value)) if current.kind is Kind.STRING else None
    if found is None or found[2] != unit:
        raise NotEditable(f"is {neutral(current.source, 40) or 'nothing'}, and the rule is for a number of {unit}")
    return float(found[1]) if "." in found[1] else int(found[1])


def _tuned(
    case: Case, number: int, repository: str, forge: Forge, head: str, service: ServiceSettings, rule: TuneSettings
) -> Patch:
    place, path = Place.parse(rule.path), rule.file
    content = forge.read(repository, head, path)
    if content is None:
        raise NotEditable(f"{repository} has no file {path}")
    current = read_value(content, path, place)
    name = f"{neutral(place.shown, 60)} in {neutral(path, 60)}"
    try:
        new = stepped(current, rule)
    except NotEditable as refused:
        raise NotEditable(f"{name} {refused}") from None
    edited = set_value(content, path, place, new)
    written = read_value(edited, path, place).source
    part = part_of(forge, repository, head, [FileEdit(path=path, content=edited)])
    promised = promise(case)
    if case.anomaly.kind is AnomalyKind.WASTE:
        promised = replace(promised, after=_left(case, current, read_value(edited, path, place), rule, name))
    return Patch(
        number=number,
        kind=ChangeClass.IMPROVEMENT if case.improvement else ChangeClass.CONFIGURATION,
        origin=ORIGIN,
        title=f"Tune {name} from {current.source} to {written}",
        summary=f"Sets {name} from {current.source} to {written}, and touches nothing else.",
        parts=(part,),
        promise=promised,
        blast_radius=reach((part,), service, migrations="none found"),
        because=(
            f"{_why(case, rule)}, and the operator's rule for it is {place.shown} times {rule.factor:g}, never past "
            f"{rule.bound:g}"
        ),
    )


def _why(case: Case, rule: TuneSettings) -> str:
    """What asks for it, with the evidence."""
    signal, cited = neutral(rule.signal, 60), reading_cited(case)
    if case.improvement:
        return f"{signal} {symptom(case.anomaly)}{cited}"
    return f"no change is linked to {signal}{cited}"


def _left(case: Case, current: Scalar, new: Scalar, rule: TuneSettings, name: str) -> float:
    """What stays set aside, in the signal's unit: it goes down by the same share as the value. Raises NotEditable."""
    anomaly = case.anomaly
    left = anomaly.value * _number(new, rule.unit) / _number(current, rule.unit)
    if HEADROOM * anomaly.expected <= left < anomaly.value:
        return left
    raise NotEditable(
        f"{name} would leave {left:.4g} of {anomaly.value:.4g}, and {HEADROOM:g} times the {anomaly.expected:.4g} that "
        "were used at most stay set aside"
    )
