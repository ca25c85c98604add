"""An edit that a model wrote, as the change that is proposed."""

from collections.abc import Iterable, Sequence

from cases.asking import Answer
from cases.case import Case
from cases.change import BlastRadius, ChangeClass, Part, Patch, Promise
from remediation.drafting import HORIZON
from remediation.edit.brief import Brief
from remediation.edit.conversation import Written
from remediation.neutral import neutral
from remediation.ports import Ports


def patch_of(
    case: Case, ports: Ports, brief: Brief, written: Written, part: Part, answers: Sequence[Answer], *, first: bool
) -> Patch:
    """The change. `first`: its test was written, and seen to fail, before any edit was asked for."""
    service, pointed = ports.settings.service(case.service), brief.pointed[0]
    cost = sum(answer.usd for answer in answers)
    asked = f"{len(answers)} answer{'s' if len(answers) > 1 else ''}"
    when = ", which was written first," if first else ""
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.EDIT,
        origin=f"model:{neutral(answers[-1].model, 60)}",
        title=f"Mend {brief.exception} in {neutral(pointed.path, 60)} {neutral(pointed.function, 40)}()",
        summary=(
            f"edits {_listed(path for path in part.paths if path not in written.tests)} and adds the test "
            f"{_listed(written.tests)}{when}; the model says: “{neutral(written.claim, 200) or 'nothing'}”\n\n"
            f"Its own view of the risk: {neutral(written.risk, 300) or 'not said'}"
        ),
        parts=(part,),
        promise=promised(case),
        blast_radius=BlastRadius(
            files=len(part.edits),
            lines=part.added + part.removed,
            services=(service.name, *service.depends),
            owners=tuple(service.owners),
            migrations="none found",
        ),
        tests=written.tests,
        because=f"{', '.join(pointed.evidence)}: {pointed.statement}{_no_other(case)}",
        cost=f"${cost:.4f}, {asked} of {neutral(answers[-1].model, 60)}, which drafted it; it judged nothing",
    )


def promised(case: Case) -> Promise:
    """The signal of the case comes back to what was expected of it."""
    anomaly = case.anomaly
    return Promise(
        signal=anomaly.signal.key,
        direction=anomaly.direction.opposite,
        before=anomaly.value,
        after=anomaly.expected,
        horizon=HORIZON,
    )


def _listed(paths: Iterable[str]) -> str:
    return ", ".join(neutral(path, 80) for path in paths)


def _no_other(case: Case) -> str:
    """Why it is not a revert."""
    suspected = any(suspect.before_onset for suspect in (case.diagnosis.suspects if case.diagnosis else ()))
    return (
        "; undoing a suspect did not mend it, or none is linked to it"
        if suspected
        else "; no recent change explains it"
    )
