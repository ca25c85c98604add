"""A turn of a lever as a whole hypothesis; and what a hypothesis lacks."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from cases.goal import Goal
from cases.hypothesis import Effort, Hypothesis, Peril, Prediction, Turn, as_json, identity, stated
from config.experiments import ExperimentsSettings, LeverSettings
from config.hypothesis_misfits import LONGEST, sizes
from config.settings import Settings
from remediation.experiments.planning import planned, shares_of
from remediation.neutral import neutral

_LONGEST_VALUE = 60
_LONGEST_WORDS = 600
_PERILS = tuple(Peril)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """One value on one lever, and what is expected of it. `size` None: what the lever's settings say."""

    lever: LeverSettings
    value: JsonValue
    origin: str
    mechanism: str = ""
    statement: str = ""
    size: float | None = None
    effort: Effort = Effort.SMALL
    risk: Peril = Peril.LOW


def built(pull: Pull, goal: Goal, experiments: ExperimentsSettings, settings: Settings) -> Hypothesis:
    """The hypothesis. Where nothing else is said the lever's own reason, size and risk hold; its risk is the least."""
    lever = pull.lever
    size = lever.size or 2 * goal.criteria.lift if pull.size is None else pull.size
    turn = Turn(lever=lever.name, flag=lever.flag, control=as_json(lever.control), treated=as_json(pull.value))
    statement = pull.statement or _statement(pull, goal, size)
    shares = shares_of(experiments)
    return Hypothesis(
        id=identity(goal.name, statement, turn),
        goal=goal.name,
        statement=statement,
        mechanism=neutral(pull.mechanism or lever.because, _LONGEST_WORDS),
        prediction=Prediction(signal=goal.signal, up=goal.up, size=size),
        plan=planned(goal, settings),
        turn=turn,
        shares=shares,
        effort=pull.effort,
        risk=max(Peril(lever.risk), pull.risk, key=_PERILS.index),
        blast_radius=_reach(lever, goal, shares),
        origin=pull.origin,
    )


def lacking(found: Hypothesis, goal: Goal) -> tuple[str, ...]:
    """What a hypothesis lacks, or has out of bounds, a sentence each; none for a whole one."""
    return tuple(_lacks(found, goal))


def shown(value: JsonValue) -> str:
    """The value of a flag in a sentence: a text, or a list of texts, in quotes; anything else as JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = ", ".join(map(str, value))
    return f"“{neutral(value, _LONGEST_VALUE)}”" if isinstance(value, str) else neutral(as_json(value), _LONGEST_VALUE)


def whom(goal: Goal) -> str:
    """Whom a goal is about, in words, without a comma: statements have their parts between commas."""
    if not goal.segment:
        return "everybody"
    told = (f"{name} {' or '.join(values)}" for name, values in goal.segment.items())
    return neutral(" and ".join(told).replace(",", " "), 100)


def _statement(pull: Pull, goal: Goal, size: float) -> str:
    lever = pull.lever
    swap = f"Show {shown(pull.value)} in place of {shown(lever.control)} as {lever.name} for {whom(goal)}"
    return f"{swap}, and {goal.signal} moves {'up' if goal.up else 'down'} by at least {size:g}"


def _reach(lever: LeverSettings, goal: Goal, shares: tuple[float, ...]) -> str:
    steps = ", then ".join(f"{share:.0%}" for share in shares[1:])
    later = f"; {steps} once it is shown to work" if steps else ""
    reached = f"{shares[0]:.0%} of {whom(goal)} in {goal.signal.partition('/')[0]} while it is measured{later}"
    if lever.file is not None:
        return f"{reached}. The flag {lever.flag} is asked in {lever.file}, by code that a model writes for it."
    return f"{reached}. One value of the flag {lever.flag} changes, and no code."


def _lacks(found: Hypothesis, goal: Goal) -> Iterator[str]:
    if found.goal != goal.name:
        yield f"it is for {found.goal}"
    if stated(found.statement) is None or len(found.statement) > LONGEST:
        yield "it is not said as one sentence: build X for Y, and they do Z"
    words = (("mechanism", found.mechanism), ("blast radius", found.blast_radius), ("origin", found.origin))
    yield from (f"it has no {name}" for name, text in words if not text.strip())
    if found.id != identity(found.goal, found.statement, found.turn):
        yield "its id is that of another idea"
    yield from _mispredicts(found, goal)
    plan = found.plan
    if not (math.isfinite(plan.least) and 0 < plan.least <= found.prediction.size):
        yield f"the least that is worth finding, {plan.least:g}, is not above zero and within what is predicted"
    if plan.users < 1 or not 1 <= plan.days <= goal.days:
        yield f"{plan.users} users in {plan.days} days are no plan for an outcome that allows {goal.days} days"
    if missing := {limit.signal for limit in goal.constraints} - set(plan.guardrails):
        yield f"it does not guard {', '.join(sorted(missing))}"
    if not found.shares or list(found.shares) != sorted(set(found.shares)) or not 0 < found.shares[0] <= 1:
        yield "its shares do not climb"
    elif found.shares[-1] != 1:
        yield "its shares do not come to everybody"
    yield from _turns_nothing(found.turn)


def _mispredicts(found: Hypothesis, goal: Goal) -> Iterator[str]:
    told = found.prediction
    if told.signal != goal.signal or told.up is not goal.up:
        yield f"it does not predict that {goal.signal} moves {'up' if goal.up else 'down'}"
    if not math.isfinite(told.size) or told.size <= 0:
        yield "the size that it predicts is no number above zero"
    elif wrong := sizes(told.size, goal):
        yield wrong[0]


def _turns_nothing(turn: Turn) -> Iterator[str]:
    if not turn.flag or bool(turn.lever) is bool(turn.patch):
        yield "it turns neither a lever nor a flag of its own patch"
    try:
        control, treated = json.loads(turn.control), json.loads(turn.treated)
    except ValueError:
        yield "its variants are no JSON"
    else:
        if as_json(control) == as_json(treated):
            yield "the treated see what everybody sees"
