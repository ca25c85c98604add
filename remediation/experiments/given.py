"""A human's own hypothesis, from their file: checked like any other, and first among them."""

from cases.errors import PermanentError
from cases.goal import Goal
from cases.hypothesis import Effort, Hypothesis, Peril, Prediction, Turn, as_json, identity
from config.hypothesis_form import HypothesisFile
from config.hypothesis_misfits import LONGEST
from config.settings import Settings
from remediation.experiments.built import lacking
from remediation.experiments.levers import Levers, levers_of
from remediation.experiments.planning import planned
from remediation.neutral import neutral

_LONGEST_WORDS = 600


def given(found: HypothesisFile, goal: Goal, settings: Settings, by: str) -> Hypothesis:
    """The hypothesis of a file that `config.hypothesis_file.read` found right, as `user:<by>`.

    Raises PermanentError for one that the goal or the configuration does not take.
    """
    levers = levers_of(goal, settings)
    if levers.barred:
        raise PermanentError(f"nothing can be tried for outcome {goal.name}: {levers.barred}")
    turn = _turn(found, levers)
    statement = neutral(found.hypothesis.strip().rstrip("."), LONGEST)
    hypothesis = Hypothesis(
        id=identity(goal.name, statement, turn),
        goal=found.outcome,
        statement=statement,
        mechanism=neutral(found.mechanism, _LONGEST_WORDS),
        prediction=Prediction(
            signal=found.prediction.signal, up=found.prediction.direction == "up", size=found.prediction.size
        ),
        plan=planned(
            goal,
            settings,
            least=found.measurement.least,
            days=found.measurement.days,
            deviation=found.measurement.deviation,
            guardrails=found.measurement.guardrails,
        ),
        turn=turn,
        shares=found.rollout,
        effort=Effort(found.effort),
        risk=Peril(found.risk),
        blast_radius=neutral(found.blast_radius, _LONGEST_WORDS),
        origin=f"user:{neutral(by, 60)}",
    )
    if wrong := lacking(hypothesis, goal):
        raise PermanentError(f"the hypothesis “{statement}” is not taken: {'; '.join(wrong)}")
    return hypothesis


def _turn(found: HypothesisFile, levers: Levers) -> Turn:
    turn = found.turn
    if turn.patch is not None:
        control, treated = as_json(turn.control), as_json(turn.treated)
        return Turn(lever="", flag=turn.flag or "", control=control, treated=treated, patch=turn.patch)
    lever = levers.named(turn.lever or "")
    if lever is None:
        why = "; ".join(f"{what}: {because}" for what, because in levers.refused) or "it is not configured any more"
        raise PermanentError(f"the lever {turn.lever} cannot be turned ({why})")
    return Turn(lever=lever.name, flag=lever.flag, control=as_json(lever.control), treated=as_json(turn.value))
