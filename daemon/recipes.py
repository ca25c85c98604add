"""When each repository's own commands are tried, and that its image is ready before a case asks for it.

What a trial is, and what is told of it, is `daemon.nightly_trials`: a daemon that waits does not load it.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from cases.stores import Checkpoints
from config.settings import RepositorySettings
from daemon.keeping.daily import Daily, Errand
from daemon.standings import RecipeStandings
from remediation.ports import Ports
from remediation.recipes import commands, recipe_of

JOB = "recipes"
HOUR = 5  # UTC, after the copy of the store and the look for opportunities
BESIDE = timedelta(minutes=5)  # what a trial takes beside its commands


def recipes_of(ports: Ports, checkpoints: Checkpoints) -> tuple[Daily, ...]:
    """The nightly job."""
    standings = RecipeStandings(checkpoints)

    def work(errand: Errand) -> Mapping[str, str]:
        from daemon.nightly_trials import look

        ended = dict[str, str]()
        for repository in ports.settings.repositories:
            if errand.stopped():
                break
            ended[repository.name] = look(repository, ports, standings)
        return ended

    takes = sum((_longest(repository, ports) for repository in ports.settings.repositories), BESIDE)
    return (Daily(name=JOB, hour=HOUR, work=work, takes=takes),)


def prepared(repository: RepositorySettings, ports: Ports) -> str:
    """The image of the repository's trials, for its lock files as they are at the tip of the watched branch."""
    head = ports.forge.head(repository.name)
    read = partial(ports.forge.read, repository.name, head)
    return ports.sandbox.prepare(recipe_of(repository, ports.settings.sandbox, read))


def _longest(repository: RepositorySettings, ports: Ports) -> timedelta:
    ran = sum((command.timeout for command in commands(repository, ports.settings)), BESIDE)
    return repository.sandbox.setup.timeout + 2 * ran
