"""What an experiment changes: the flag in its file, the code that comes with it, and each later step.

The flag shows the control to everybody but a share of users. What is built says so, and nothing of it is live before
somebody has said yes to the launch and merged it.
"""

import json
from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.change import ChangeClass, Experiment, FileEdit, Patch, Promise
from cases.goal import Goal
from cases.telemetry import Direction
from remediation.drafting import CannotDraft, Drafting
from remediation.experiments import flagd, kept
from remediation.experiments.brought import began_with, code_of, tests_of, undone
from remediation.experiments.clean_up import Told, clean_up
from remediation.experiments.idea import idea_of, place_of, shown
from remediation.experiments.written import Brought
from remediation.neutral import neutral
from remediation.playbooks.promise import part_of, reach
from remediation.ports import Ports
from remediation.values.refused import NotEditable

CONTROL, TREATED = "control", "treated"
"""The variants of a flag that an experiment writes."""
EVERYBODY = 1.0


def first(case: Case, ports: Ports, before: Patch | None = None) -> Drafting:
    """The change that begins the experiment: the flag shows the treated variant to the first share of users.

    before  the same as it was drafted on what the branch held earlier
    """
    goal, idea = idea_of(case)
    share = idea.shares[0]
    who = f"{shown(idea.turn.treated)} to {share:.0%} of users, {shown(idea.turn.control)} to the others"
    code = code_of(case, ports, before)
    if isinstance(code, CannotDraft):
        return code
    return _shown(
        case, ports, share, measured=True, code=code,
        title=f"Try {neutral(idea.turn.flag, 40)}: {neutral(idea.statement, 60)}",
        summary=f"The flag {neutral(idea.turn.flag, 60)} shows {who}; {_segment(goal)} are compared.",
    )  # fmt: skip


def anew(case: Case, ports: Ports, change: Patch) -> Drafting:
    """The same step of the experiment, on top of what the branch holds now."""
    drafting: Drafting | None
    if change.rolls_back is not None:
        drafting = taken_back(case, ports)
    elif change.origin in {kept.CODE, kept.FLAG}:
        drafting = kept.again(case, ports, change.origin)
    elif change.experiment is None:
        return CannotDraft(reason=f"change {change.number} of case {case.id} is no step of an experiment")
    elif change.experiment.measured:
        drafting = first(case, ports, change)
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
    flag, value = neutral(idea.turn.flag, 40), shown(idea.turn.treated)
    everybody = share >= EVERYBODY
    return _shown(
        case, ports, share, measured=False,
        title=f"Show {flag} to {'everybody' if everybody else f'{share:.0%} of users'}",
        summary=f"It was measured to work: the flag shows {value} to {'everybody' if everybody else f'{share:.0%}'}.",
    )  # fmt: skip


def taken_back(case: Case, ports: Ports) -> Drafting | None:
    """The change that leaves nothing of the experiment behind; None where there is nothing to take out."""
    _, idea = idea_of(case)
    place, began = place_of(case, ports.settings), began_with(case)
    if not place.file or began is None:
        return None
    head = ports.forge.head(place.repository)
    now = ports.forge.read(place.repository, head, place.file)
    before = ports.forge.read(place.repository, began.lead.base, place.file)
    edits: list[FileEdit] = []
    try:
        if now is not None and flagd.read(now, place.key) is not None:
            there = before is not None and flagd.read(before, place.key) is not None
            left = flagd.off(now, place.key) if there else flagd.without(now, place.key)
            if left != now:
                edits.append(FileEdit(path=place.file, content=left))
    except NotEditable as refused:
        return CannotDraft(reason=f"{place}: {refused}")
    code = undone(case, ports, place, head)
    if isinstance(code, CannotDraft):
        return code
    edits += code
    if not edits:
        return None
    told = Told(
        kind=ChangeClass.FLAG,
        origin=f"clean-up of change {began.number}",
        title=f"Take {neutral(idea.turn.flag, 40)} out after its experiment",
        summary=f"Everybody is shown {shown(idea.turn.control)} already; this removes what the experiment left.",
        because=_ended(case),
    )
    return replace(clean_up(case, ports, head, tuple(edits), told, tests_of(began)), rolls_back=began.number)


def treated_for_all(case: Case, ports: Ports) -> tuple[FileEdit, ...]:
    """The edits of the change in hand, with everybody shown the treated variant: what its tests must pass as well."""
    place, part = place_of(case, ports.settings), case.change.lead
    return tuple(
        FileEdit(path=edit.path, content=_turned(case, edit.content, EVERYBODY), executable=edit.executable)
        if edit.path == place.file and edit.content is not None
        else edit
        for edit in part.edits
    )


def _shown(
    case: Case, ports: Ports, share: float, *, measured: bool, title: str, summary: str, code: Brought | None = None
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
    code = code or Brought()
    if code.edits and place.repository != ports.settings.service(case.service).repository:
        return CannotDraft(reason=f"{place} is not where the code is: an experiment changes one repository")
    edits = (FileEdit(path=place.file, content=edited), *code.edits)
    part = part_of(ports.forge, place.repository, head, edits)
    sign = 1.0 if idea.prediction.up else -1.0
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.EXPERIMENT,
        origin=idea.origin,
        title=title,
        summary="\n\n".join(filter(None, (summary, code.told))),
        parts=(part,),
        promise=Promise(
            signal=idea.prediction.signal,
            direction=Direction.UP if idea.prediction.up else Direction.DOWN,
            before=case.anomaly.value,
            after=case.anomaly.value + sign * idea.prediction.size,
            horizon=timedelta(days=goal.days),
        ),
        blast_radius=reach((part,), ports.settings.service(case.service), migrations="none found"),
        tests=code.tests,
        because=neutral(idea.mechanism, 300) if measured else _ended(case),
        cost=code.cost,
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


def _segment(goal: Goal) -> str:
    if not goal.segment:
        return "both"
    named = (f"{neutral(key, 40)}: {', '.join(neutral(v, 40) for v in of)}" for key, of in goal.segment.items())
    return f"users of {'; '.join(named)}"
