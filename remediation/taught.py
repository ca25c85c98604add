"""What an experiment taught, whatever became of it: the idea itself, what users did with it, and what it was about.

It reads well when the raw numbers are gone: the sentence has the effect, its interval and how many users it rests on.
"""

import hashlib
from dataclasses import replace

from cases.case import Case
from cases.change import ChangeClass
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.outcome import Lesson, Outcome, Refusal
from remediation.neutral import neutral
from remediation.turned import grounds_of_case


def taught(case: Case, goal: Goal, idea: Hypothesis, outcome: Outcome, lesson: Lesson, url: str) -> Lesson:
    """The lesson of an experiment's case. `lesson` has what lessons of any case have."""
    statement = neutral(idea.statement, 300)
    first = case.changes[0] if case.changes else None
    measured = next((one for one in case.judgements if one.effect is not None), None)
    because = neutral(outcome.because, 500)
    return replace(
        lesson,
        id=hashlib.sha256(f"{case.id}-experiment".encode()).hexdigest()[:8],
        strategy=idea.origin,
        subject=statement,
        paths=first.lead.paths if first is not None else (),
        text=f"for outcome {goal.name}: {statement}; it ended: {outcome.ending} ({because})",
        pull_request=url,
        action=ChangeClass.EXPERIMENT.value,
        lines=first.lead.added + first.lead.removed if first is not None else 0,
        grounds=grounds_of_case(idea, goal.segment),
        refusal=Refusal.of(outcome.because),
        merged=bool(case.merges),
        effect=measured.effect if measured is not None else None,
    )
