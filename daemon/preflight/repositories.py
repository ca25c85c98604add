"""Repositories: can each be read and pushed to, and what do its forge's rules ask."""

from collections.abc import Iterator
from functools import partial

from cases.errors import PermanentError, TemporaryError
from cases.ports import Forge
from config.settings import Settings
from daemon.exits import UNREACHABLE
from daemon.preflight.finding import Finding, asked, fine, short
from remediation.forge.forge import GitForge
from remediation.forge.token import TokenRefused


def findings(settings: Settings, forge: Forge) -> Iterator[Finding]:
    """Ask for each repository in turn."""
    for repository in settings.repositories:
        system = f"repository {repository.name}"
        yield asked(system, f"branch {repository.branch} can be fetched", partial(forge.head, repository.name))
        yield from _rows(system, "permissions", partial(forge.permissions, repository.name))
        if isinstance(forge, GitForge):
            yield from _rows(system, "rules", partial(forge.rules, repository.name))


def _rows(system: str, what: str, ask: "partial[tuple[tuple[str, bool, str], ...]]") -> Iterator[Finding]:
    try:
        rows = ask()
    except TokenRefused as error:
        yield short(system, what, str(error))
        return
    except TemporaryError as error:
        yield Finding(system=system, asked=what, status=UNREACHABLE, said=str(error))
        return
    except PermanentError as error:
        yield short(system, what, str(error))
        return
    for name, granted, said in rows:
        yield (fine(system, name, said or "granted") if granted else short(system, name, said))
