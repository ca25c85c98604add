"""What in a hypothesis does not fit together, or not to its outcome and the configuration."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from pydantic import JsonValue

from cases.goal import Goal
from cases.hypothesis import stated
from config.document import Loc
from config.errors import Unusable, shown
from config.experimenting import kind_of
from config.experiments import ExperimentsSettings, LeverSettings
from config.hypothesis_form import HypothesisFile, TurnSettings
from config.patch_paths import out_of_scope, read_patch
from config.settings import Settings, WatchSettings
from config.wording import closest

LONGEST = 400
"""Characters of a statement."""
MOST_OF_GAP = 2.0
"""A size beyond so many times the way from baseline to target is no prediction."""

Misfit: TypeAlias = tuple[Loc, str, str]
"""A place, what is wrong there, and what would be right."""


def misfits(found: HypothesisFile, goals: Mapping[str, Goal], settings: Settings) -> Iterator[Misfit]:
    """Every mistake that single values do not show."""
    if len(found.hypothesis) > LONGEST or stated(found.hypothesis) is None:
        problem = "it is not said as a hypothesis" if len(found.hypothesis) <= LONGEST else "it is too long"
        yield ("hypothesis",), problem, 'write one sentence, as in "Build X for Y, and they do Z"'
    goal = goals.get(found.outcome)
    if goal is None:
        known = sorted(goals)
        hint = closest(found.outcome, known) if known else "declare it first: `trackwalker outcomes add FILE`"
        yield ("outcome",), f"there is no outcome named {found.outcome}", hint
        return
    service = goal.signal.partition("/")[0]
    experiments = next((one.experiments for one in settings.services if one.name == service), None)
    if experiments is None:
        hint = f"write services[].experiments for {service} in the configuration"
        yield ("outcome",), f"nothing says how {service} is experimented with", hint
        return
    if goal.signal not in [measure.signal for measure in settings.measures]:
        hint = "write an entry of `measures` for it in the configuration"
        yield ("outcome",), f"nothing says how single users are measured on {goal.signal}", hint
    yield from _prediction(found, goal)
    yield from _measurement(found, goal, settings)
    if list(found.rollout) != sorted(set(found.rollout)) or found.rollout[-1] != 1:
        yield ("rollout",), "it does not climb to everybody", "write the shares upwards, the last one 1, as in [0.5, 1]"
    if found.turn.patch is None:
        yield from _lever(found.turn, goal, experiments)
    else:
        yield from _patch(found.turn, found.turn.patch, goal, settings, experiments)


def sizes(size: float, goal: Goal) -> tuple[str, str] | None:
    """Why a predicted size is none for this goal, and what would be; None where it may be."""
    most = MOST_OF_GAP * abs(goal.target - goal.baseline)
    if size > most:
        return f"{size:g} is more than twice the way from baseline to target", f"write {most:g} at most"
    if size < goal.criteria.lift:
        hint = f"write {goal.criteria.lift:g} or more, or lower the outcome's lift"
        return f"{size:g} is less than the least gain that counts", hint
    return None


def _prediction(found: HypothesisFile, goal: Goal) -> Iterator[Misfit]:
    told = found.prediction
    if told.signal != goal.signal:
        yield ("prediction", "signal"), f"{shown(told.signal)} is not what the outcome moves", f"write {goal.signal}"
    towards = "up" if goal.up else "down"
    if told.direction != towards:
        yield ("prediction", "direction"), "it leads away from the outcome's target", f"write {towards}"
    if wrong := sizes(told.size, goal):
        yield ("prediction", "size"), *wrong


def _measurement(found: HypothesisFile, goal: Goal, settings: Settings) -> Iterator[Misfit]:
    plan = found.measurement
    if plan.least > found.prediction.size:
        hint = f"write {found.prediction.size:g} at most"
        yield ("measurement", "least"), "it is more than what is predicted: that would not be found", hint
    if plan.days > goal.days:
        hint = f"write {goal.days} at most, which is the outcome's duration_days"
        yield ("measurement", "days"), f"{plan.days} days are longer than an experiment for it may run", hint
    named = [f"{watch.service}/{watch.name}" for watch in settings.watch if isinstance(watch, WatchSettings)]
    known = named if len(named) == len(settings.watch) else None  # others are found by labels, or in rules
    for place, signal in enumerate(plan.guardrails):
        loc: Loc = ("measurement", "guardrails", place)
        if signal == goal.signal:
            yield loc, "it is the signal that is to move", "name another one, or leave it out"
        elif known is not None and signal not in known:
            yield loc, f"no watch is named {shown(signal)}", closest(signal, known)


def _lever(turn: TurnSettings, goal: Goal, experiments: ExperimentsSettings) -> Iterator[Misfit]:
    if turn.lever is None:
        hint = "write lever and value, or patch with flag, control and treated"
        yield ("turn",), "nothing is turned", hint
        return
    for key in ("flag", "control", "treated"):
        if getattr(turn, key) is not None:
            yield ("turn", key), "the lever has its own", "leave it out"
    lever = next((one for one in experiments.levers if one.name == turn.lever), None)
    if lever is None:
        names = [one.name for one in experiments.levers]
        hint = closest(turn.lever, names) if names else "list it under services[].experiments.levers, or bring a patch"
        yield ("turn", "lever"), f"there is no lever named {turn.lever}", hint
        return
    name = goal.signal.partition("/")[2]
    if name not in lever.moves:
        hint = "take another lever, or add the watch to its `moves` in the configuration"
        yield ("turn", "lever"), f"it does not move {name}", hint
    yield from _value(turn.value, lever)


def _value(value: JsonValue, lever: LeverSettings) -> Iterator[Misfit]:
    if value is None:
        yield ("turn", "value"), "is missing", "write what the treated users are shown"
    elif kind_of(value) != kind_of(lever.control):
        yield ("turn", "value"), f"{shown(value)} is not of the control's kind", f"write a {_word(lever.control)}"
    elif value == lever.control:
        yield ("turn", "value"), "it is what everybody sees already", "write another one"


def _patch(
    turn: TurnSettings, patch: str, goal: Goal, settings: Settings, experiments: ExperimentsSettings
) -> Iterator[Misfit]:
    for key in ("lever", "value"):
        if getattr(turn, key) is not None:
            yield ("turn", key), "a patch brings a flag of its own", "leave it out, or leave out the patch"
    yield from _variants(turn)
    lever = next((one.name for one in experiments.levers if one.flag == turn.flag), None)
    if lever is not None:
        yield ("turn", "flag"), f"it is the flag of the lever {lever}", "give the patch a flag of its own"
    try:
        read = read_patch(patch)
    except Unusable as refused:
        yield ("turn", "patch"), refused.problem, refused.hint
        return
    for reason in out_of_scope(read.paths, goal, settings.scope, lines=read.lines):
        yield ("turn", "patch"), reason, "keep the patch small, and in files that the outcome names"
    if experiments.flagd is not None and experiments.flagd.file in read.paths:
        hint = "leave it out: the flag is written into it when the experiment is drafted"
        yield ("turn", "patch"), f"{experiments.flagd.file} holds the flags", hint
    if turn.flag is not None and (event := experiments.event.replace("{flag}", turn.flag)) not in read.after:
        hint = f"let the code say {event} where a user sees it"
        yield ("turn", "patch"), "it does not tell who saw the flag: nobody could measure it", hint


def _variants(turn: TurnSettings) -> Iterator[Misfit]:
    missing = [key for key in ("flag", "control", "treated") if getattr(turn, key) is None]
    for key in missing:
        yield ("turn", key), "is missing", "a patch needs flag, control and treated"
    if not missing:
        if kind_of(turn.control) != kind_of(turn.treated):
            yield ("turn", "treated"), "it is not of the control's kind", f"write a {_word(turn.control)}"
        elif turn.control == turn.treated:
            yield ("turn", "treated"), "it is the control: nothing would be tried", "write another value"


def _word(value: JsonValue) -> str:
    return {"str": "text", "bool": "yes or no (true, false)", "dict": "mapping"}.get(kind_of(value), kind_of(value))
