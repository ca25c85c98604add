"""What people read of an experiment: the question whether to build it, and what came of it."""

from cases.case import Case
from cases.events import Looked
from cases.measure import Segments
from cases.outcome import Judgement, Ruling
from inference.words import figure, signed
from remediation.claims import first_line
from remediation.experiments.idea import idea_of
from remediation.neutral import neutral
from remediation.worth import Worth

_CAME = {
    Ruling.WORKED: "Worked",
    Ruling.HARMFUL: "Harmful",
    Ruling.UNCHANGED: "Unchanged",
    Ruling.INCONCLUSIVE: "Inconclusive",
}


def portfolio_question(case: Case) -> str:
    """All that speaks for an idea, for whoever says yes or no to it."""
    goal, idea = idea_of(case)
    plan, predicted = idea.plan, idea.prediction
    rails = ", ".join(neutral(name, 60) for name in plan.guardrails) or "no guardrail"
    first, *more = idea.shares
    then = f", then {', '.join(f'{share:.0%}' for share in more)}" if more else ""
    way = "up" if predicted.up else "down"
    wanted = f"{figure(case.anomaly.value)} now, {figure(goal.target)} wanted by {goal.horizon}"
    rests = f"; rests on lessons {', '.join(idea.cited)}" if idea.cited else ""
    lines = (
        neutral(idea.statement, 300),
        f"Why: {neutral(idea.mechanism, 300)}",
        f"Predicted: {predicted.signal} {way} by {figure(predicted.size)} (outcome {goal.name}: {wanted}).",
        f"Measured on {plan.users:,} users, to find {figure(plan.least)}; {plan.days} days at the longest.",
        f"Watched meanwhile: {rails}.",
        f"Shown to {first:.0%} of users{then}. Effort {idea.effort}, risk {idea.risk}.",
        f"It reaches {neutral(idea.blast_radius, 260)}.",
        f"Idea of {neutral(idea.origin, 60)}{rests}.",
        f"Asked of {goal.owner}, then of {goal.backup}. Without a yes nothing is built.",
    )
    return "\n".join(lines)


def launch_question(case: Case) -> str:
    """What a yes to the launch lets go live once it is merged, and what it grants."""
    goal, idea = idea_of(case)
    experiment = case.change.experiment
    share = experiment.share if experiment else 0.0
    return (
        f"launch: {neutral(case.change.title, 120)}. Once it is merged and deployed, {share:.0%} of users are shown "
        f"it; {goal.signal} is compared for {goal.days} days at the longest. A yes also lets Trackwalker "
        f"show everybody the control again, by itself and at once, where a guardrail is broken or it ends "
        f"({idea.turn.flag}). Without a yes nothing goes live"
    )


def why(case: Case) -> list[str]:
    """What speaks for the idea, as lines of a list: what is expected, and how it is found out."""
    goal, idea = idea_of(case)
    plan, predicted = idea.plan, idea.prediction
    rails = ", ".join(neutral(name, 60) for name in plan.guardrails) or "none"
    cited = ", ".join(f"`{name}`" for name in idea.cited)
    found_out = (
        f"the least that counts: {figure(goal.criteria.lift)}; found out on {plan.users:,} users, at "
        f"{goal.criteria.confidence:.0%}, however often one looks"
    )
    written = first_line(case.change.summary.partition("\n\n")[2]) if case.change.cost else ""
    return [
        f"- hypothesis `{idea.id}` of {neutral(idea.origin, 60)}: {neutral(idea.statement, 200)}",
        f"- expected: {predicted.signal} {'up' if predicted.up else 'down'} by {figure(predicted.size)}; {found_out}",
        f"- it ends after {plan.days} days at the longest, or twice the planned users; guardrails: {rails}",
        *([f"- lessons: {cited}"] if cited else []),
        *([f"- {written}"] if written else []),
    ]


def kill_rule(case: Case) -> str:
    """Who is shown what, and what ends it, as one line of a list."""
    goal, idea = idea_of(case)
    share = case.change.experiment.share if case.change.experiment else 0.0
    return (
        f"- **shown to** {share:.0%} of users by flag {neutral(idea.turn.flag, 60)}, for outcome {goal.name}; a broken "
        "guardrail, or its end, shows everybody the control at once, which the yes to the launch granted"
    )


def comment(case: Case, judgement: Judgement, look: Looked, worth: Worth | None = None) -> str:
    """What came of it, on its pull request. `look` is the one that decided; `worth`, of one that worked, its gain."""
    _, idea = idea_of(case)
    word = _CAME[judgement.ruling]
    if judgement.ruling is Ruling.WORKED:
        follows = "What follows is asked at its gate, and never done unasked."
    else:
        follows = "Everybody is shown the control from now on; what it left behind follows as a pull request."
    lines = [f"**{word}.** {judgement.because[0].upper()}{judgement.because[1:]}.", "", follows]
    if look.safety:
        rails = ", ".join(f"{neutral(name, 60)} {_rail(look, name)}{known}" for name, known in look.safety.items())
        lines += ["", f"Guardrails: {rails}."]
    if look.segments is not None:
        lines += ["", segments_said(look.segments)]
    if worth is not None and judgement.ruling is Ruling.WORKED:
        lines += ["", f"{worth.sentence}."]
    lines += ["", f"Hypothesis `{idea.id}`: {neutral(idea.statement, 200)}"]
    return "\n".join(lines)


def segments_said(segments: Segments) -> str:
    """The effects by segment, as a sentence or a few: which differ, and that the others were not shown to."""
    by = neutral(segments.by, 60)
    if segments.because or not segments.effects:
        return f"By {by}: nothing is said ({segments.because or 'no user had a value of it'})."
    told = [
        f"{neutral(one.segment, 60)} {one.word}: gain {signed(one.lift)} ({signed(one.low)} to {signed(one.high)})"
        for one in segments.effects
        if one.word in {"better", "worse"} and one.lift is not None and one.low is not None and one.high is not None
    ]
    for word in ("no difference shown", "not known"):
        names = [neutral(one.segment, 60) for one in segments.effects if one.word == word]
        told += [f"{word}: {', '.join(names)}"] if names else []
    return f"By {by}, intervals for {segments.most} at once: {'; '.join(told)}."


def _rail(look: Looked, name: str) -> str:
    levels = look.rails.get(name)
    return f"{figure(levels[0])} → {figure(levels[1])}, " if levels is not None else ""
