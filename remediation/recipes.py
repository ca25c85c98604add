"""Which image a tree is tried in, what may be fetched to make it, and which commands are run there.

An image is prepared, with a network, only from lock files that somebody merged: as they stand on the watched branch, or
stood before the commit that a change takes back. What a proposed change itself writes into a lock file is fetched by
nobody: such a change is tried where that image happens to be there, or not at all. Only a pin may ask for one: its
version was chosen by a playbook, from those that ran before.
"""

from collections.abc import Callable, Iterator

from cases.case import Case
from cases.change import ChangeClass, FileEdit
from cases.trying import Command, Recipe
from config.settings import RepositorySettings, SandboxSettings, Settings
from remediation.ports import Ports

Read = Callable[[str], bytes | None]


def recipe_of(repository: RepositorySettings, limits: SandboxSettings, read: Read, *, build: bool = True) -> Recipe:
    """The recipe of a repository's trials, with the lock files as `read` gives them, those that are there."""
    own, setup = repository.sandbox, repository.sandbox.setup
    files = ((path, read(path)) for path in (repository.locks if repository.setup else ()))
    return Recipe(
        repository=repository.name,
        image=own.image,
        setup=repository.setup or "",
        files=tuple((path, content) for path, content in files if content is not None),
        timeout=setup.timeout,
        memory_mib=own.memory_mib or limits.memory_mib,
        cpus=limits.cpus,
        pids=limits.pids,
        room_mib=setup.room_mib,
        network=setup.network,
        secrets={name: secret.reveal for name, secret in setup.secrets.items()},
        login=own.registry.login if own.registry else None,
        build=build,
    )


def commands(repository: RepositorySettings, settings: Settings) -> tuple[Command, ...]:
    """The repository's commands and those of its services, each line once; reproduce goes first, as in a real trial."""
    timeout = repository.sandbox.timeout or settings.sandbox.timeout
    own = [service for service in settings.services if service.repository == repository.name]
    reproduces = [repository.reproduce, *(service.reproduce for service in own)]
    tests = [repository.test, *(service.test for service in own)]
    named = (("reproduce", reproduces), ("test", tests), ("lint", [repository.lint]))
    lines = dict.fromkeys((name, line) for name, lines in named for line in lines)
    report = repository.report or ""
    return tuple(
        Command(name=name, line=line, timeout=timeout, report=report if name == "test" else "")
        for name, line in lines
        if line
    )


def image_of(case: Case, ports: Ports, repository: RepositorySettings, commit: str, edits: tuple[FileEdit, ...]) -> str:
    """The image for a commit with edits on top. Raises NotPrepared where it is not there and may not be made."""
    if not repository.setup and repository.sandbox.registry is None:
        return repository.sandbox.image
    changed = {edit.path: edit.content for edit in edits}

    def read(path: str) -> bytes | None:
        return changed[path] if path in changed else ports.forge.read(repository.name, commit, path)

    if changed.keys() & set(repository.locks):
        build = _merged(case, ports, repository, read)
    else:
        build = ports.forge.contains(repository.name, ports.forge.head(repository.name), commit)
    return ports.sandbox.prepare(recipe_of(repository, ports.settings.sandbox, read, build=build))


def _merged(case: Case, ports: Ports, repository: RepositorySettings, read: Read) -> bool:
    """Whether lock files that a change writes may be fetched for."""
    if case.change.kind is ChangeClass.PIN:
        return True
    head = ports.forge.head(repository.name)
    return any(
        all(read(path) == ports.forge.read(repository.name, before, path) for path in repository.locks)
        for before in _before(case)
        if ports.forge.contains(repository.name, head, before)
    )


def _before(case: Case) -> Iterator[str]:
    """The commits that the watched branch was at before what the change takes back."""
    change = case.change
    blamed = change.blames or change.inverse_of
    for suspect in case.diagnosis.suspects if case.diagnosis else ():
        if suspect.commit.sha == blamed:
            yield from suspect.commit.parents[:1]
    yield from (earlier.lead.base for earlier in case.changes if earlier.number == change.rolls_back)
