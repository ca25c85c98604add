"""A change that changes nothing for any user: it takes out what an experiment left behind."""

from dataclasses import dataclass

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch, Promise
from cases.telemetry import Direction
from remediation.experiments.idea import idea_of
from remediation.playbooks.promise import part_of, reach
from remediation.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What it is, and what is said of it: see `cases.change.Patch`."""

    kind: ChangeClass
    origin: str
    title: str
    summary: str
    because: str


def clean_up(
    case: Case, ports: Ports, head: str, edits: tuple[FileEdit, ...], told: Told, tests: tuple[str, ...]
) -> Patch:
    """The change on top of `head` in the repository of the experiment. Of `tests`, those that it edits are retired."""
    _, idea = idea_of(case)
    part = part_of(ports.forge, case.changes[0].lead.repository, head, edits)
    return Patch(
        number=len(case.changes) + 1,
        kind=told.kind,
        origin=told.origin,
        title=told.title,
        summary=told.summary,
        parts=(part,),
        promise=Promise(
            signal=idea.prediction.signal,
            direction=Direction.UP if idea.prediction.up else Direction.DOWN,
            before=case.anomaly.value,
            after=case.anomaly.value,
            horizon=ports.settings.judgement.window,
        ),
        blast_radius=reach((part,), ports.settings.service(case.service), migrations="none found"),
        retires=tuple(path for path in tests if path in part.paths),
        because=told.because,
    )
