"""What stands beside a pull request: our trial as a report on its commit, and the people who are asked to look.

Owners of what it touches are always asked. The author of the culprit is asked only where the claim is proved: nobody is
accused on a correlation.
"""

from collections.abc import Iterator

from cases.case import Case
from cases.change import Part, Patch
from cases.errors import PermanentError
from cases.steps import Effect, ReportProof, RequestReviewers
from cases.verdict import Claim, Trial
from remediation.codeowners import PLACES, owners_of
from remediation.ports import Ports


def beside(case: Case, ports: Ports, change: Patch, trial: Trial, matrix: str) -> tuple[Effect, ...]:
    """The report and the request, for the pull request of the leading part. `matrix` is the proof, as markdown."""
    return tuple(_beside(case, ports, change, trial, matrix))


def _beside(case: Case, ports: Ports, change: Patch, trial: Trial, matrix: str) -> Iterator[Effect]:
    lead, branch = change.lead, change.branch(case.id)
    key = f"{case.id}-{change.number}"
    yield reported(case, change, trial, matrix)
    owners, culprit = _owners(ports, lead), _culprit(case, change, trial)
    if owners or culprit:
        yield RequestReviewers(
            key=f"{key}-reviewers", repository=lead.repository, branch=branch, owners=owners, culprit=culprit
        )


def reported(case: Case, change: Patch, trial: Trial, matrix: str, count: int = 0) -> ReportProof:
    """The report of a trial beside its commit: the first, or that of the further commit number `count`."""
    lead = change.lead
    key = f"{case.id}-{change.number}-proof"
    return ReportProof(
        key=f"{key}-{count}" if count else key,
        repository=lead.repository,
        branch=change.branch(case.id),
        base=lead.base,
        title=str(trial.claim).capitalize(),
        text=matrix,
        proved=trial.claim is Claim.PROVED,
    )


def _owners(ports: Ports, part: Part) -> tuple[str, ...]:
    """Who owns the paths of the part, as the base has it."""
    for place in PLACES:
        content = _read(ports, part, place)
        if content is not None:
            return owners_of(content, part.paths)
    return ()


def _read(ports: Ports, part: Part, place: str) -> bytes | None:
    try:
        return ports.forge.read(part.repository, part.base, place)
    except PermanentError:  # the base is gone: the push will say so
        return None


def _culprit(case: Case, change: Patch, trial: Trial) -> tuple[str, ...]:
    """Where and which commit is undone, where that is proved; a rollback undoes our own."""
    blamed = change.inverse_of or change.blames
    if trial.claim is not Claim.PROVED or blamed is None or change.rolls_back is not None:
        return ()
    suspects = case.diagnosis.suspects if case.diagnosis else ()
    where = next((suspect.repository for suspect in suspects if suspect.commit.sha == blamed), None)
    return (where, blamed) if where is not None else ()
