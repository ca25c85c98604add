"""Playbooks from elsewhere: found by their entry points, asked like our own, and held to the same contract.

One that cannot be loaded is named and left out; one that breaks while it is asked has drafted nothing. Neither stops
the case, or the daemon.
"""

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.diagnosis import Suspect
from cases.errors import PermanentError, TemporaryError
from cases.playbook import GROUP, OPEN_TO_ALL, Asked, NoRemedy, Playbook, Remedy
from config.installed import installed
from remediation.drafting import CannotDraft, Drafter, Drafting
from remediation.neutral import neutral
from remediation.playbooks.contract import known_evidence
from remediation.playbooks.promise import part_of, promise, reach
from remediation.playbooks.stored import stored
from remediation.ports import Ports

log = logging.getLogger("trackwalker.playbooks")

_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """An entry point: its playbook, or in `broken` why it has none."""

    entry: str  # the entry point's own name and its distribution
    playbook: Playbook | None
    broken: str = ""


@lru_cache(maxsize=1)
def plugged() -> tuple[Plugged, ...]:
    """Every playbook that is installed beside the daemon, by name. Looked for once in a process's life."""
    found = installed(GROUP, "playbook", _wrong, _shown, log)
    return tuple(Plugged(entry=o.entry, playbook=cast("Playbook | None", o.thing), broken=o.broken) for o in found)


def _shown(text: str) -> str:
    return neutral(text, 160)


def drafters() -> tuple[Drafter, ...]:
    """The installed playbooks as the drafting asks them."""
    return tuple(drafter for _, drafter in named())


def named() -> tuple[tuple[str, Drafter], ...]:
    """The same, each with what it is called where its outcomes are counted."""
    return tuple((origin(one.playbook), drafter_of(one.playbook)) for one in plugged() if one.playbook is not None)


def origin(playbook: Playbook) -> str:
    """Who drafted its changes: never what one of our own playbooks is called."""
    return f"plug-in:{playbook.name}"


def drafter_of(playbook: Playbook) -> Drafter:
    """Ask the playbook, and make of its answer what every change is made of."""

    def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
        repository = suspect.repository if suspect else ports.settings.service(case.service).repository
        asked = Asked(
            case=case,
            suspect=suspect,
            repository=repository,
            head=ports.forge.head(repository),
            reads=ports.forge,
            now=ports.now,
        )
        try:
            answer = playbook.remedy(asked)
            if isinstance(answer, NoRemedy):
                return CannotDraft(reason=f"{playbook.name}: {neutral(answer.reason, 300)}" if answer.reason else "")
            return _patch(ports, asked, playbook, answer)
        except TemporaryError:
            raise  # what it read is away: the step is tried again
        except PermanentError as refused:
            return CannotDraft(reason=f"{playbook.name} cannot be followed: {neutral(str(refused), 300)}")
        except Exception as error:
            log.warning("the playbook %s broke over case %s", playbook.name, case.id, exc_info=True)
            return CannotDraft(reason=f"the playbook {playbook.name} broke ({type(error).__name__})")

    return drafter


def _wrong(thing: object) -> str:
    """Why it is no playbook, or ""."""
    name, kind = getattr(thing, "name", None), getattr(thing, "kind", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "its `name` must be small letters, digits and hyphens, at most 41 of them"
    if not isinstance(kind, ChangeClass) or kind not in OPEN_TO_ALL:
        return f"its `kind` must be one of {', '.join(sorted(OPEN_TO_ALL))}"
    return "" if callable(getattr(thing, "remedy", None)) else "it has no method `remedy`"


def _patch(ports: Ports, asked: Asked, playbook: Playbook, remedy: Remedy) -> Drafting:
    case, suspect = asked.case, asked.suspect
    wrong = _unusable(case, remedy)
    if wrong:
        return CannotDraft(reason=f"{playbook.name}: {wrong}")
    edits = [FileEdit(path=edit.path, content=edit.content) for edit in remedy.edits]
    part = part_of(ports.forge, asked.repository, asked.head, edits)
    service = ports.settings.service(case.service)
    ids = f" ({', '.join(dict.fromkeys(remedy.evidence))})" if remedy.evidence else ""
    return Patch(
        number=len(case.changes) + 1,
        kind=playbook.kind,
        origin=origin(playbook),
        title=neutral(remedy.title, 100),
        summary=neutral(remedy.summary, 400),
        parts=(part,),
        promise=promise(case),
        blast_radius=reach((part,), service, migrations=stored(part.paths, part.diff)),
        blames=suspect.commit.sha if suspect else None,
        because=f"{neutral(remedy.because, 300)}{ids}",
    )


def _unusable(case: Case, remedy: Remedy) -> str:
    """Why an answer is no change, or ""."""
    if not remedy.edits:
        return "it answered with a change of nothing"
    if not remedy.title.strip() or not remedy.because.strip():
        return "its answer says not what it does, or not why"
    known = known_evidence(case)
    unknown = sorted(set(remedy.evidence) - known)
    if unknown:
        return f"it cites {neutral(', '.join(unknown), 60)}, and there is no such evidence"
    return "it cites no evidence, and there is some" if known and not remedy.evidence else ""
