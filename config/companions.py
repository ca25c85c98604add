"""Settings of companions: servers that a trial needs beside it, such as a database."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from cases.trying import Companion
from config.fields import REFUSED, ContainerPath, HostName, Text, VariableName
from config.section import Section

WORDS = ("host", "port", "user", "password", "database")
"""What may stand in braces."""
_BRACES = re.compile(r"\{([A-Za-z_]+)\}")
_HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

KNOWN: Mapping[str, Companion] = {
    "postgres": Companion(
        name="postgres",
        image="postgres",
        port=5432,
        ready="pg_isready -q -h 127.0.0.1 -U {user} -d {database}",  # while it sets itself up it has no address yet
        environment=(
            ("POSTGRES_USER", "{user}"),
            ("POSTGRES_PASSWORD", "{password}"),
            ("POSTGRES_DB", "{database}"),
        ),
        offers=(
            ("PGHOST", "{host}"),
            ("PGPORT", "{port}"),
            ("PGUSER", "{user}"),
            ("PGPASSWORD", "{password}"),
            ("PGDATABASE", "{database}"),
            ("DATABASE_URL", "postgresql://{user}:{password}@{host}:{port}/{database}"),
        ),
    )
}
"""Images whose settings need not be written, by the last part of their name."""


def _refused(problem: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError(REFUSED, "{problem}; {hint}", {"problem": problem, "hint": hint})


def _placeholders(text: str) -> str:
    unknown = [word for word in _BRACES.findall(text) if word not in WORDS]
    if unknown:
        raise _refused(f"{{{unknown[0]}}} stands for nothing", f"write {', '.join(f'{{{word}}}' for word in WORDS)}")
    return text


Mebibytes = Annotated[int, Field(ge=64, le=65536)]
Port = Annotated[int, Field(ge=1, le=65535)]
Said = Annotated[Text, AfterValidator(_placeholders)]


class CompanionSettings(Section):
    """A server beside the commands of a trial, in a container of its own: only that trial reaches it, on 127.0.0.1.

    The commands find TRACKWALKER_<NAME>_HOST, _PORT, _USER, _PASSWORD and _DATABASE in their environment; the password
    is random, another one each trial.
    """

    image: Text
    """The image. It must be there: the sandbox never pulls one. Of `postgres` everything else is known: its commands
    find PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and DATABASE_URL, too."""

    name: HostName | None = None
    """What the commands call it: a host name that leads to it. None: the last part of the image's name."""

    port: Port | None = None
    """Where it listens. Without `ready` it counts as ready once something does."""

    ready: Said | None = None
    """A command that exits 0 in it once it is ready, run by its `sh -c`. All companions have a minute."""

    environment: Mapping[VariableName, Said] = Field(default_factory=dict)
    """Variables of its own. {host}, {port}, {user}, {password} and {database} are replaced, here and below."""

    offers: Mapping[VariableName, Said] = Field(default_factory=dict)
    """Variables that the trial's commands get, beside those above."""

    memory_mib: Mebibytes = 256
    """Its memory, in MiB, beside that of the trial; what it writes counts towards it, since no disk is used."""

    writable: tuple[ContainerPath, ...] = ()
    """Paths in it that must be writable, beside its image's volumes, /tmp, /var/tmp and /run: empty at its start."""

    @property
    def short_name(self) -> str:
        """The name, as written or from the image."""
        return self.name or _last_part(self.image)

    @model_validator(mode="after")
    def _told_when_ready(self) -> "CompanionSettings":
        if self.name is None and not _HOST_NAME.fullmatch(self.short_name):
            raise _refused(f'"{self.short_name}" is no name of a host', "give it one with name:, as in orders-db")
        if self.port is None and self.ready is None and _last_part(self.image) not in KNOWN:
            raise _refused(f'nothing says when "{self.image}" is ready', "write its port, or a command in ready")
        return self

    def companion(self) -> Companion:
        """What a trial is ordered to start; what is not written is as known of the image."""
        known = KNOWN.get(_last_part(self.image), Companion(name="", image=""))
        return Companion(
            name=self.short_name,
            image=self.image,
            port=self.port or known.port,
            ready=self.ready or (known.ready if self.port is None else None),
            environment=tuple((dict(known.environment) | dict(self.environment)).items()),
            offers=tuple((dict(known.offers) | dict(self.offers)).items()),
            memory_mib=self.memory_mib,
            writable=self.writable,
        )


def _last_part(image: str) -> str:
    """`registry:5000/team/postgres:16@sha256:…` → postgres."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
