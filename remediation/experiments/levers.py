"""The levers that a goal may turn, and the values worth trying on each."""

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import JsonValue

from cases.goal import Goal
from config.experiments import ExperimentsSettings, LeverSettings
from config.scope import in_scope, matches
from config.settings import Settings

_FACTORS = {"timeout": (0.5, 2.0), "cache": (2.0, 4.0)}
"""What is proposed where the operator named no values."""


class Refused(NamedTuple):
    """What was not taken up, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Levers:
    """The levers of a goal's service that may move its signal, in the order of the file; and why there are no others.

    experiments  how the service is experimented with; None where nothing says so: then there are no levers
    barred       why nothing at all can be tried for the goal; "" where something can
    """

    found: tuple[LeverSettings, ...] = ()
    experiments: ExperimentsSettings | None = None
    refused: tuple[Refused, ...] = ()
    barred: str = ""

    def named(self, name: str) -> LeverSettings | None:
        """The lever of that name."""
        return next((lever for lever in self.found if lever.name == name), None)


def levers_of(goal: Goal, settings: Settings) -> Levers:
    """What may be turned for a goal. A flag file where no change may go bars all of its levers."""
    service, _, name = goal.signal.partition("/")
    experiments = next((one.experiments for one in settings.services if one.name == service), None)
    barred = _barred(service, goal, experiments, settings)
    if experiments is None or barred:
        why = (Refused(f"outcome {goal.name}", barred),)
        return Levers(experiments=experiments, refused=why, barred=barred)
    found = tuple(lever for lever in experiments.levers if name in lever.moves)
    refused = () if found else (Refused(f"the levers of {service}", f"none of them moves {name}"),)
    return Levers(found=found, experiments=experiments, refused=refused)


def values_of(lever: LeverSettings) -> tuple[JsonValue, ...]:
    """What is tried: the operator's values, or those that are proposed for its kind. Never the control."""
    if lever.values:
        return lever.values
    control = lever.control
    if lever.kind not in _FACTORS or isinstance(control, bool) or not isinstance(control, int | float):
        return ()
    proposed = [control * factor for factor in _FACTORS[lever.kind]]
    if isinstance(control, int):  # code that reads a whole number goes on to read one
        proposed = [max(1, round(value)) for value in proposed]
    return tuple(value for value in proposed if value != control)


def _barred(service: str, goal: Goal, experiments: ExperimentsSettings | None, settings: Settings) -> str:
    """Why nothing can be tried; "". The file of the flags is named by the operator: the goal's `paths` need not."""
    if experiments is None:
        return f"services[].experiments of {service} does not say how it is experimented with"
    if goal.signal not in [measure.signal for measure in settings.measures]:
        return f"`measures` has no entry for {goal.signal}: nobody could tell what single users do"
    if (flagd := experiments.flagd) is None:
        return ""
    held_in = flagd.repository or settings.service(service).repository
    if held_in == goal.repository and matches(flagd.file, goal.forbidden):
        return f"outcome {goal.name} forbids {flagd.file}, which holds the flags"
    return next(iter(in_scope((flagd.file,), settings.scope, lines=1)), "")
