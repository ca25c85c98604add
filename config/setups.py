"""What is wrong with a setup: secrets for one that is not there, and a network that is none of its own."""

from collections.abc import Iterator

from config.document import Loc
from config.settings import Settings
from config.wording import Said

HOST = "host"


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Each of them: where it is written, what is wrong, what would be right."""
    for place, repository in enumerate(settings.repositories):
        loc: Loc = ("repositories", place)
        without = "has no use: the repository has no setup"
        if repository.setup is None and repository.locks:
            yield (*loc, "locks"), (without, "add setup: and the command that reads them, or remove it")
        if repository.setup is None and repository.sandbox.setup.secrets:
            yield (*loc, "sandbox", "setup", "secrets"), (without, "add setup: and a command, or remove it")
        if repository.sandbox.setup.network == HOST:
            said = ("would let a setup reach this machine's own services", "write bridge, or a network of your own")
            yield (*loc, "sandbox", "setup", "network"), said
