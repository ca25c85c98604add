"""The stages of the way, as metrics, logs and traces name them: which one a step belongs to, and how it ended."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from cases.case import Case, Phase
from cases.errors import Fenced, PermanentError, TemporaryError

LEARN = "learn"
EFFECT = "effect"
STAGES = (
    "detect", "tail", "diagnose", "draft", "prove", "propose", "follow", "watch", LEARN, EFFECT, "deliver", "backup",
)  # fmt: skip
STAGE_OF: Mapping[Phase, str] = {
    Phase.OPEN: "diagnose",
    Phase.DIAGNOSED: "draft",
    Phase.DRAFTED: "prove",
    Phase.PROVED: "propose",
    Phase.PROPOSED: "follow",
    Phase.MERGED: "follow",
    Phase.DEPLOYED: "watch",
    Phase.REVERTING: "draft",
    Phase.ESCALATED: "follow",
    Phase.CLOSED: EFFECT,  # it comes back only for what it owes the forge
}

DONE, WAITING, LATER, ESCALATED, FENCED, BUG = "done", "waiting", "later", "escalated", "fenced", "bug"
ENDINGS = (DONE, WAITING, LATER, ESCALATED, FENCED, BUG)


def stage_of(case: Case) -> str:
    """The stage of the case's next step. Loads remediation, as that step is about to."""
    from remediation.learn import learn
    from remediation.way import recovered, step_of

    return LEARN if case.active and step_of(case) in {learn, recovered} else STAGE_OF[case.phase]


def ending_of(error: BaseException | None) -> str:
    """What an error that leaves a stage says of it: the same as follows from it."""
    match error:
        case None:
            return DONE
        case Fenced():
            return FENCED
        case TemporaryError():
            return LATER
        case PermanentError():
            return ESCALATED
        case _:
            return BUG


@dataclass(slots=True)
class Stage:
    """One time through a stage. Whoever is in it may say how it ends; else the error that leaves it does.

    after   where it led: the phase that a case came to, or "adopted"
    """

    name: str
    ending: str = DONE
    after: str = ""


@contextmanager
def going_through(name: str, tell: Callable[[Stage], object]) -> Generator[Stage]:
    """Within the block the stage is under way; `tell` hears of its end, whatever ended it."""
    stage = Stage(name)
    try:
        yield stage
    except BaseException as error:
        stage.ending = ending_of(error)
        raise
    finally:
        tell(stage)
