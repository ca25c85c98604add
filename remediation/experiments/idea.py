"""What an experiment's case is about: its goal and idea, how its service is experimented with, where its flag lies."""

import json

from cases.case import Case
from cases.errors import PermanentError
from cases.flags import FlagPlace
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from config.settings import ExperimentsSettings, Settings
from remediation.neutral import neutral


def idea_of(case: Case) -> tuple[Goal, Hypothesis]:
    """The goal and the hypothesis of an experiment's case. PermanentError for any other case."""
    if case.goal is None or case.hypothesis is None:
        raise PermanentError(f"case {case.id} is no experiment")
    return case.goal, case.hypothesis


def wanted_of(case: Case, settings: Settings) -> ExperimentsSettings:
    """How the case's service is experimented with. PermanentError where it is not any more."""
    wanted = settings.service(case.service).experiments
    if wanted is None:
        raise PermanentError(f"{case.service} has no `experiments` in the configuration any more")
    return wanted


def place_of(case: Case, settings: Settings) -> FlagPlace:
    """Where the flag of the case lives."""
    _, idea = idea_of(case)
    service, wanted = settings.service(case.service), wanted_of(case, settings)
    if wanted.flagd is None:
        return FlagPlace(service=case.service, key=idea.turn.flag)
    repository = wanted.flagd.repository or service.repository
    return FlagPlace(service=case.service, key=idea.turn.flag, repository=repository, file=wanted.flagd.file)


def event_of(case: Case, settings: Settings) -> str:
    """What the code has where it tells that a user saw the case's flag."""
    _, idea = idea_of(case)
    return wanted_of(case, settings).event.replace("{flag}", idea.turn.flag)


def shown(text: str) -> str:
    """A flag's value as a reader has it."""
    value = json.loads(text)
    return f"“{neutral(value, 60)}”" if isinstance(value, str) else neutral(text, 60)
