"""Hypotheses without a model: each value on each of the operator's levers that may move the goal's signal."""

from cases.goal import Goal
from cases.hypothesis import Hypothesis, Peril
from config.settings import Settings
from remediation.experiments.built import Pull, built, lacking, shown
from remediation.experiments.levers import Levers, Refused, values_of


def catalogue(goal: Goal, settings: Settings, levers: Levers) -> tuple[tuple[Hypothesis, ...], tuple[Refused, ...]]:
    """All that the levers give, in the order of the file; and what was left out, with the reason."""
    found: list[Hypothesis] = []
    refused: list[Refused] = []
    if levers.experiments is None:
        return (), ()
    for lever in levers.found:
        values = values_of(lever)
        if not values:
            refused.append(Refused(f"the lever {lever.name}", f"no value is proposed for a {lever.kind}"))
        for value in values:
            pull = Pull(lever=lever, value=value, origin=f"catalogue:{lever.kind}", risk=Peril(lever.risk))
            hypothesis = built(pull, goal, levers.experiments, settings)
            if wrong := lacking(hypothesis, goal):
                refused.append(Refused(f"{lever.name} at {shown(value)}", "; ".join(wrong)))
            else:
                found.append(hypothesis)
    return tuple(found), tuple(refused)
