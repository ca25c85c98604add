"""The code that comes with an experiment: a person's patch, or what a model writes where nothing asks the flag yet."""

from cases.case import Case
from cases.change import FileEdit, Patch
from cases.flags import FlagPlace
from cases.pull_request_events import Merged
from config.experiments import LeverSettings
from config.patch_paths import out_of_scope
from remediation.drafting import CannotDraft
from remediation.edit.code import is_test
from remediation.experiments.exposure import told_in
from remediation.experiments.idea import event_of, idea_of, place_of, wanted_of
from remediation.experiments.patched import applied
from remediation.experiments.written import Brought, carried, written
from remediation.neutral import neutral
from remediation.ports import Ports


def code_of(case: Case, ports: Ports, before: Patch | None = None) -> Brought | CannotDraft:
    """The code that the experiment needs. Raises TemporaryError as the ports do.

    before  the change as it was drafted on what the branch held earlier: what was written for it is carried over
    """
    _, idea = idea_of(case)
    if idea.turn.patch:
        return _patched(case, ports)
    lever = _lever(case, ports)
    repository = ports.settings.service(case.service).repository
    event = event_of(case, ports.settings)
    if lever is None or told_in(ports.forge.tree(repository, ports.forge.head(repository), ()), event):
        return Brought()
    if before is not None and before.tests:
        edits = carried(before, ports, place_of(case, ports.settings).file)
        if not isinstance(edits, CannotDraft):
            told = before.summary.partition("\n\n")[2]
            return Brought(edits=edits, tests=before.tests, told=told, cost=before.cost)
    return written(case, ports, lever, event)


def came_with_code(case: Case, ports: Ports) -> bool:
    """Whether the experiment that ran had code of its own beside its flag."""
    began, flags = began_with(case), place_of(case, ports.settings).file
    return began is not None and any(path != flags for path in began.lead.paths)


def began_with(case: Case) -> Patch | None:
    """The change that began the experiment: the one that was merged, or else the newest; None before there is one."""
    begun = [change for change in case.changes if change.experiment is not None and change.experiment.measured]
    merged = {merge.change for merge in case.merges}
    return next((one for one in reversed(begun) if one.number in merged), begun[-1] if begun else None)


def tests_of(began: Patch) -> tuple[str, ...]:
    """The files of tests that came with an experiment."""
    return tuple(path for path in began.lead.paths if is_test(path))


def undone(case: Case, ports: Ports, place: FlagPlace, head: str) -> tuple[FileEdit, ...] | CannotDraft:
    """What takes the code out that came with the experiment; () where none came, or none is in."""
    merge = _merged(case)
    if merge is None or not came_with_code(case, ports):
        return ()
    reverted = ports.forge.revert(merge.repository, head, merge.sha)
    others = [path for path in reverted.conflicts if path != place.file]  # the flag's own file is edited apart
    if others:
        named = ", ".join(neutral(path, 80) for path in others[:3])
        return CannotDraft(reason=f"{named} changed since: a human takes the experiment's code out")
    return tuple(edit for edit in reverted.edits if edit.path != place.file)


def _merged(case: Case) -> Merged | None:
    began = began_with(case)
    return next((merge for merge in case.merges if began is not None and merge.change == began.number), None)


def _lever(case: Case, ports: Ports) -> LeverSettings | None:
    """The lever of the idea, where the configuration says in which file a model may guard it."""
    _, idea = idea_of(case)
    levers = wanted_of(case, ports.settings).levers
    return next((lever for lever in levers if lever.name == idea.turn.lever and lever.file is not None), None)


def _patched(case: Case, ports: Ports) -> Brought | CannotDraft:
    goal, idea = idea_of(case)
    repository = ports.settings.service(case.service).repository
    edits = applied(idea.turn.patch, repository, ports.forge)
    if isinstance(edits, CannotDraft):
        return edits
    # It was asked when the idea was brought: what may be touched may be less by now.
    paths = tuple(edit.path for edit in edits)
    reasons = out_of_scope(paths, goal, ports.settings.scope, lines=idea.turn.patch.count("\n"))
    return CannotDraft(reason="; ".join(reasons)) if reasons else Brought(edits=edits)
