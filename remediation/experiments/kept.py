"""What follows once everybody is shown what was shown to work: the code goes without its flag, and then the flag goes.

Only where the experiment brought the code: a flag that people's code asks is theirs, and keeps the new value. In this
order, one pull request each, as the code that runs may ask for the flag until the other runs. Where people took it out
of the code themselves, only the second is left to do.
"""

import json

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.errors import PermanentError
from remediation.drafting import CannotDraft, Drafting
from remediation.experiments import flagd
from remediation.experiments.brought import began_with, came_with_code, tests_of
from remediation.experiments.clean_up import Told, clean_up
from remediation.experiments.idea import event_of, idea_of, place_of, shown
from remediation.experiments.settled import Settled, settled_tree
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.values.refused import NotEditable

CODE, FLAG = "clean-up: the flag out of the code", "clean-up: the flag out of its file"
"""The origins of the two changes."""


def kept(case: Case, ports: Ports) -> Drafting | None:
    """The next of the two changes; None where nothing is left to do. The change in hand is the one that ran last."""
    code = again(case, ports, CODE) if case.change.origin != CODE else None
    return again(case, ports, FLAG) if code is None else code


def again(case: Case, ports: Ports, origin: str) -> Drafting | None:
    """One of the two, on top of what the branch holds now; None where it would change nothing."""
    began, place = began_with(case), place_of(case, ports.settings)
    if began is None or not place.file or not came_with_code(case, ports):
        return None
    head = ports.forge.head(place.repository)
    edits = _code(case, ports, began, head) if origin == CODE else _flag(case, ports, head)
    if isinstance(edits, CannotDraft):
        return edits
    return _change(case, ports, began, head, edits, origin) if edits else None


def _code(case: Case, ports: Ports, began: Patch, head: str) -> tuple[FileEdit, ...] | CannotDraft:
    """The code with the value in the place of each question, and without the tests of what is shown no more."""
    repository = began.lead.repository
    try:
        found = _settled(case, ports, repository, head)
    except NotEditable as refused:
        return CannotDraft(reason=str(refused))
    if not found.edits:
        return ()
    tests: list[FileEdit] = []
    for path in tests_of(began):
        merged = next(edit.content for edit in began.lead.edits if edit.path == path)
        now = ports.forge.read(repository, head, path)
        if now is None:
            continue
        if now != merged:
            return CannotDraft(reason=f"{neutral(path, 80)} came with the experiment, and was changed since")
        tests.append(FileEdit(path=path, content=ports.forge.read(repository, began.lead.base, path)))
    return (*found.edits, *tests)


def _flag(case: Case, ports: Ports, head: str) -> tuple[FileEdit, ...] | CannotDraft:
    """The flag's file without it, once neither the branch nor what runs asks it: an asker would get its own default."""
    place = place_of(case, ports.settings)
    now = ports.forge.read(place.repository, head, place.file)
    try:
        if now is None or flagd.read(now, place.key) is None:
            return ()
        edit = FileEdit(path=place.file, content=flagd.without(now, place.key))
    except NotEditable as refused:
        return CannotDraft(reason=f"{place}: {refused}")
    for commit in dict.fromkeys((head, *ports.changes.running(case.service, ports.now))):
        try:
            asked = bool(_settled(case, ports, place.repository, commit).edits)
        except NotEditable:
            asked = True
        except PermanentError as unknown:
            return CannotDraft(reason=f"whether what runs asks it is not known: {unknown}")
        if asked:
            return CannotDraft(reason=f"{commit[:10]} {'is the branch' if commit == head else 'runs'}, and asks it")
    return (edit,)


def _settled(case: Case, ports: Ports, repository: str, commit: str) -> Settled:
    """What takes the flag out of the code of a commit. Raises NotEditable, and PermanentError for an unknown commit."""
    _, idea = idea_of(case)
    return settled_tree(
        ports.forge.tree(repository, commit, ()),
        flag=idea.turn.flag,
        value=json.loads(idea.turn.treated),
        event=event_of(case, ports.settings),
    )


def _change(case: Case, ports: Ports, began: Patch, head: str, edits: tuple[FileEdit, ...], origin: str) -> Patch:
    _, idea = idea_of(case)
    flag, value = neutral(idea.turn.flag, 40), shown(idea.turn.treated)
    title, then = (
        (f"Keep {value} without the flag {flag}", f"The code has {value} itself now, and asks the flag no more")
        if origin == CODE
        else (f"Take the flag {flag} out of its file", "No code asks it any more")
    )
    told = Told(
        kind=ChangeClass.EXPERIMENT,  # it rewrites code: whoever lets flags be turned off has not let it do that
        origin=origin,
        title=title,
        summary=f"Everybody is shown {value} already. {then}.",
        because=f"{flag} came with the experiment, which is over: {neutral(case.judgements[-1].because, 300)}",
    )
    return clean_up(case, ports, head, edits, told, tests_of(began))
