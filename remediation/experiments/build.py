"""What an experiment changes: the flag in its file, the code that a person brought with the idea, and each later step.

The flag shows the control to everybody but a share of users. What is built says so, and nothing of it is live before
somebody has said yes to the launch and merged it.
"""

import json
from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.change import ChangeClass, Experiment, FileEdit, Patch, Promise
from cases.errors import PermanentError
from cases.flags import FlagPlace
from cases.goal import Goal
from cases.hypothesis import Hypothesis
from cases.telemetry import Direction
from config.patch_paths import out_of_scope
from config.settings import ExperimentsSettings, Settings
from remediation.drafting import CannotDraft, Drafting
from remediation.experiments import flagd
from remediation.neutral import neutral
from remediation.playbooks.promise import part_of, reach
from remediation.ports import Ports
from remediation.values.refused import NotEditable

CONTROL, TREATED = "control", "treated"
"""The variants of a flag that an experiment writes."""
EVERYBODY = 1.0


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


def first(case: Case, ports: Ports) -> Drafting:
    """The change that begins the experiment: the flag shows the treated variant to the first share of users."""
    goal, idea = idea_of(case)
    share = idea.shares[0]
    shown = f"{_value(idea.turn.treated)} to {share:.0%} of users, {_value(idea.turn.control)} to the others"
    edits = code_of(case, ports)
    if isinstance(edits, CannotDraft):
        return edits
    return _shown(
        case, ports, share, measured=True, more=edits,
        title=f"Try {neutral(idea.turn.flag, 40)}: {neutral(idea.statement, 60)}",
        summary=f"The flag {neutral(idea.turn.flag, 60)} shows {shown}; {_segment(goal)} are compared.",
    )  # fmt: skip


def anew(case: Case, ports: Ports, change: Patch) -> Drafting:
    """The same step of the experiment, on top of what the branch holds now."""
    drafting: Drafting | None
    if change.rolls_back is not None:
        drafting = taken_back(case, ports)
    elif change.experiment is None:
        return CannotDraft(reason=f"change {change.number} of case {case.id} is no step of an experiment")
    elif change.experiment.measured:
        drafting = first(case, ports)
    else:
        drafting = scaled(case, ports, change.experiment.share)
    if drafting is None:
        return CannotDraft(reason="nothing of the experiment is left to take out: somebody did")
    return replace(drafting, number=change.number) if isinstance(drafting, Patch) else drafting


def next_share(case: Case) -> float | None:
    """The share of users that is due after the present one; None where everybody is shown it."""
    _, idea = idea_of(case)
    now = case.shows.share if case.shows is not None else 0.0
    return next((share for share in idea.shares[1:] if share > now), None)


def scaled(case: Case, ports: Ports, share: float) -> Drafting:
    """The change that shows the treated variant to more users."""
    _, idea = idea_of(case)
    flag, value = neutral(idea.turn.flag, 40), _value(idea.turn.treated)
    everybody = share >= EVERYBODY
    return _shown(
        case, ports, share, measured=False,
        title=f"Show {flag} to {'everybody' if everybody else f'{share:.0%} of users'}",
        summary=f"It was measured to work: the flag shows {value} to {'everybody' if everybody else f'{share:.0%}'}.",
    )  # fmt: skip


def taken_back(case: Case, ports: Ports) -> Drafting | None:
    """The change that leaves nothing of the experiment behind; None where there is nothing to take out."""
    _, idea = idea_of(case)
    place, began = place_of(case, ports.settings), case.changes[0]
    if not place.file:
        return None
    head = ports.forge.head(place.repository)
    now = ports.forge.read(place.repository, head, place.file)
    before = ports.forge.read(place.repository, began.lead.base, place.file)
    edits: list[FileEdit] = []
    try:
        if now is not None and flagd.read(now, place.key) is not None:
            there = before is not None and flagd.read(before, place.key) is not None
            kept = flagd.off(now, place.key) if there else flagd.without(now, place.key)
            if kept != now:
                edits.append(FileEdit(path=place.file, content=kept))
    except NotEditable as refused:
        return CannotDraft(reason=f"{place}: {refused}")
    brought = _brought(case, ports, place, head)
    if isinstance(brought, CannotDraft):
        return brought
    edits += brought
    if not edits:
        return None
    part = part_of(ports.forge, place.repository, head, edits)
    flag = neutral(idea.turn.flag, 40)
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.FLAG,
        origin=f"clean-up of change {began.number}",
        title=f"Take {flag} out after its experiment",
        summary=f"Everybody is shown {_value(idea.turn.control)} already; this removes what the experiment left.",
        parts=(part,),
        promise=Promise(
            signal=idea.prediction.signal,
            direction=Direction.UP if idea.prediction.up else Direction.DOWN,
            before=case.anomaly.value,
            after=case.anomaly.value,
            horizon=ports.settings.judgement.window,
        ),
        blast_radius=reach((part,), ports.settings.service(case.service), migrations="none found"),
        because=_ended(case),
        rolls_back=began.number,
    )


def _brought(case: Case, ports: Ports, place: FlagPlace, head: str) -> tuple[FileEdit, ...] | CannotDraft:
    """What undoes the code that a person brought with the idea; () where none was brought, or none is in."""
    _, idea = idea_of(case)
    merge = next((merge for merge in case.merges if merge.change == case.changes[0].number), None)
    if not idea.turn.patch or merge is None:
        return ()
    undone = ports.forge.revert(merge.repository, head, merge.sha)
    others = [path for path in undone.conflicts if path != place.file]  # the flag's own file is edited apart
    if others:
        named = ", ".join(neutral(path, 80) for path in others[:3])
        return CannotDraft(reason=f"{named} changed since: a human takes the experiment's code out")
    return tuple(edit for edit in undone.edits if edit.path != place.file)


def treated_for_all(case: Case, ports: Ports) -> tuple[FileEdit, ...]:
    """The edits of the change in hand, with everybody shown the treated variant: what its tests must pass as well."""
    place, part = place_of(case, ports.settings), case.change.lead
    return tuple(
        FileEdit(path=edit.path, content=_turned(case, edit.content, EVERYBODY), executable=edit.executable)
        if edit.path == place.file and edit.content is not None
        else edit
        for edit in part.edits
    )


def code_of(case: Case, ports: Ports) -> tuple[FileEdit, ...] | CannotDraft:
    """The code that a person brought with the idea, as files at the head of the branch; () where it needs none."""
    _, idea = idea_of(case)
    if not idea.turn.patch:
        return ()
    from remediation.experiments.patched import applied

    goal, _ = idea_of(case)
    repository = ports.settings.service(case.service).repository
    edits = applied(idea.turn.patch, repository, ports.forge)
    if isinstance(edits, CannotDraft):
        return edits
    # It was asked when the idea was brought: what may be touched may be less by now.
    paths = tuple(edit.path for edit in edits)
    reasons = out_of_scope(paths, goal, ports.settings.scope, lines=idea.turn.patch.count("\n"))
    return CannotDraft(reason="; ".join(reasons)) if reasons else edits


def _shown(
    case: Case, ports: Ports, share: float, *, measured: bool, title: str, summary: str, more: tuple[FileEdit, ...] = ()
) -> Drafting:
    goal, idea = idea_of(case)
    place = place_of(case, ports.settings)
    if not place.file:
        return CannotDraft(
            reason=f"{place} is kept by a server, and only ever turned off there: a human turns the experiment on"
        )
    head = ports.forge.head(place.repository)
    content = ports.forge.read(place.repository, head, place.file)
    if content is None:
        return CannotDraft(reason=f"{place.repository} has no file {place.file}: `services[].experiments.flagd.file`")
    try:
        edited = _turned(case, content, share)
    except NotEditable as refused:
        return CannotDraft(reason=f"{place}: {refused}")
    edits = (FileEdit(path=place.file, content=edited), *more)
    part = part_of(ports.forge, place.repository, head, edits)
    sign = 1.0 if idea.prediction.up else -1.0
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.EXPERIMENT,
        origin=idea.origin,
        title=title,
        summary=summary,
        parts=(part,),
        promise=Promise(
            signal=idea.prediction.signal,
            direction=Direction.UP if idea.prediction.up else Direction.DOWN,
            before=case.anomaly.value,
            after=case.anomaly.value + sign * idea.prediction.size,
            horizon=timedelta(days=goal.days),
        ),
        blast_radius=reach((part,), ports.settings.service(case.service), migrations="none found"),
        because=neutral(idea.mechanism, 300) if measured else _ended(case),
        experiment=Experiment(
            hypothesis=idea.id, flag=place, control=CONTROL, treated=TREATED, share=share, measured=measured
        ),
    )


def _turned(case: Case, content: bytes, share: float) -> bytes:
    """The flag file, with the flag showing the treated variant to a share of the goal's segment."""
    goal, idea = idea_of(case)
    return flagd.shown(
        content,
        idea.turn.flag,
        control=(CONTROL, json.loads(idea.turn.control)),
        treated=(TREATED, json.loads(idea.turn.treated)),
        share=share,
        segment=goal.segment,
    )


def _ended(case: Case) -> str:
    judged = case.judgements[-1].because if case.judgements else case.escalation
    return neutral(judged, 400)


def _value(text: str) -> str:
    """A flag's value as a reader has it."""
    value = json.loads(text)
    return f"“{neutral(value, 60)}”" if isinstance(value, str) else neutral(text, 60)


def _segment(goal: Goal) -> str:
    if not goal.segment:
        return "both"
    named = (f"{neutral(key, 40)}: {', '.join(neutral(v, 40) for v in of)}" for key, of in goal.segment.items())
    return f"users of {'; '.join(named)}"
