"""Settings of how the image of a repository's trials is prepared."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.fields import Duration, LabelName, Name, SecretRef, Text
from config.section import Section


class RegistrySettings(Section):
    """Who fetches the image from its registry. It is fetched when it is not there, and never for a trial."""

    username: Text
    """The user; a registry that takes a token says which name goes with it."""

    password: SecretRef
    """Its password or token: one that may read is enough."""

    @property
    def login(self) -> Callable[[], tuple[str, str]]:
        """Both, the password revealed when it is asked for."""
        return lambda: (self.username, self.password.reveal())


class SetupSettings(Section):
    """What `setup` is given while it prepares the image. No trial is given any of it."""

    secrets: Mapping[LabelName, SecretRef] = Field(default_factory=dict)
    """Variables of its environment, as in PIP_INDEX_URL. Whatever it installs can read them while it is installed:
    give it tokens that only read. An image in which one is found is not kept."""

    network: Name = "bridge"
    """The network of the Docker engine that it is given; one of your own may lead to a mirror of packages alone."""

    timeout: Duration = timedelta(minutes=15)
    """How long it may run."""

    room_mib: Annotated[int, Field(ge=16, le=16_384)] = 1024
    """What it may install, in MiB. While it runs it takes up to twice as much memory beside that of a trial."""
