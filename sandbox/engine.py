"""A Docker engine, as far as the sandbox needs one: the only place that touches its SDK.

The SDK returns untyped JSON; it becomes our own values here, field by field, and its errors become ours.
"""

import os
import socket
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import IOBase
from types import TracebackType
from typing import Any, Self

from cases.errors import PermanentError, TemporaryError
from sandbox.limits import ENVIRONMENT, KEEPER, WORK

ANSWER_SECONDS = 60.0  # a healthy engine answers in milliseconds, and under load removes a container in seconds
GONE = 404
BUSY = 409
REFUSED = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A container that is on the engine, running or not."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the engine says of a container. `short_of_memory` is only told once it has ended."""

    running: bool
    short_of_memory: bool


class Engine:
    """One connection to one engine. Every method raises TemporaryError when it does not answer.

    Not to be shared between threads: a connection is cheap, and killing a container from the thread that stopped
    reading its output needs another one anyway.
    """

    def __init__(self, url: str | None = None, patience_s: float = ANSWER_SECONDS) -> None:
        """Connect to `url` (unix:// or tcp://), or where DOCKER_HOST says, or to the usual socket."""
        import docker
        import docker.utils

        places: dict[str, Any] = {"base_url": url} if url else {**docker.utils.kwargs_from_env()}
        self.address = str(places.get("base_url") or "unix:///var/run/docker.sock")
        with self._asking("to connect"):
            # Any: the stubs leave half of its parameters and returns unknown.
            client: Any = docker.APIClient
            self._api = client(version="auto", timeout=patience_s, **places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._api.close()

    def now(self) -> datetime:
        """The engine's own clock: the one that all its containers' deadlines are dated by, whoever set them."""
        with self._asking("for its time"):
            return datetime.fromisoformat(self._api.info()["SystemTime"])

    def has_image(self, image: str) -> bool:
        """Whether the image is there."""
        import docker.errors

        with self._asking(f"for the image {image}"):
            try:
                self._api.inspect_image(image)
            except docker.errors.ImageNotFound:
                return False
        return True

    def volumes(self, image: str) -> tuple[str, ...]:
        """The paths that the image declares as volumes. Raises PermanentError when there is no such image."""
        if not self.has_image(image):
            raise PermanentError(
                f"the Docker engine at {self.address} has no image {image!r}, and the sandbox never pulls one. "
                "For `trackwalker-base`, run `trackwalker image`, which builds it from this machine's own "
                f"Python; for another, run `docker pull {image}` or build it"
            )
        with self._asking(f"for the image {image}"):
            configured: dict[str, Any] = self._api.inspect_image(image)["Config"] or {}
        return tuple(sorted(configured.get("Volumes") or {}))

    def import_image(self, repository: str, tag: str, layers: Iterable[bytes], changes: Sequence[str]) -> None:
        """Make an image of one layer from the pieces of an uncompressed tar."""
        with self._asking(f"to import {repository}:{tag}"):
            self._api.import_image_from_data(layers, repository=repository, tag=tag, changes=list(changes))

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image one more name."""
        with self._asking(f"to tag {image}"):
            self._api.tag(image, repository, tag, force=True)

    def create(
        self,
        *,
        name: str,
        image: str,
        seconds: int,
        labels: Mapping[str, str],
        host: Mapping[str, Any],
    ) -> None:
        """Create and start a container that idles for `seconds` and then ends by itself, whoever has died meanwhile."""
        with self._asking(f"to start a container of {image}"):
            self._api.create_container(
                image,
                name=name,
                hostname="sandbox",
                entrypoint=["sleep"],
                command=[str(seconds)],
                user=KEEPER,
                environment=ENVIRONMENT,
                labels=dict(labels),
                working_dir=WORK,
                network_disabled=True,
                healthcheck={"test": ["NONE"]},
                host_config=self._api.create_host_config(**host),
                use_config_proxy=False,  # a proxy in the operator's own Docker configuration may carry a password
            )
            self._api.start(name)

    def state(self, name: str) -> State | None:
        """How the container is, or None when it is gone."""
        import docker.errors

        with self._asking("how a container is"):
            try:
                told: dict[str, Any] = self._api.inspect_container(name)["State"]
            except docker.errors.NotFound:
                return None
        return State(running=bool(told["Running"]), short_of_memory=bool(told["OOMKilled"]))

    def remove(self, name: str) -> bool:
        """Kill and remove the container. False when it was gone, or somebody is removing it already."""
        import docker.errors

        with self._asking("to remove a container"):
            try:
                self._api.remove_container(name, v=True, force=True)
            except docker.errors.APIError as error:
                if error.status_code in {GONE, BUSY}:
                    return False
                raise
        return True

    def labelled(self, label: str) -> tuple[Labelled, ...]:
        """Every container with that label, running or not."""
        with self._asking("which containers there are"):
            found: list[dict[str, Any]] = self._api.containers(all=True, filters={"label": label})
        return tuple(
            Labelled(name=each["Names"][0].lstrip("/"), labels=each["Labels"]) for each in found if each["Names"]
        )

    def execute(self, name: str, argv: Sequence[str], env: Mapping[str, str], user: str) -> str:
        """Prepare a command in the container, under `user`, and return the id to attach to."""
        with self._asking("to run a command"):
            return str(self._api.exec_create(name, list(argv), stdin=True, environment=dict(env), user=user)["Id"])

    @contextmanager
    def attached(self, exec_id: str) -> Generator[socket.socket]:
        """Start the prepared command; its three streams are this socket, framed (see `output.Frames`)."""
        with self._asking("to run a command"):
            raw: Any = self._api.exec_start(exec_id, socket=True)
        if not isinstance(raw, IOBase):
            raise PermanentError(
                f"commands cannot be attached to at {self.address}: give the sandbox a unix:// or tcp:// address "
                "(an engine behind ssh or TLS can be reached through a tunnel)"
            )
        try:
            with socket.socket(fileno=os.dup(raw.fileno())) as stream, self._asking("to go on with a command"):
                yield stream
        finally:
            vars(raw)["_response"].close()  # the SDK keeps the connection there, and has no other way to close it
            raw.close()

    def exit_code(self, exec_id: str) -> int | None:
        """What the command ended with, or None while it runs."""
        with self._asking("how a command ended"):
            told: dict[str, Any] = self._api.exec_inspect(exec_id)
        return None if told["Running"] or told["ExitCode"] is None else int(told["ExitCode"])

    @contextmanager
    def _asking(self, what: str) -> Generator[None]:
        """Turn what the SDK raises into ours. Its errors, and those of the HTTP library below it, are OSErrors."""
        import docker.errors

        try:
            _knock(self.address)
            yield
        except docker.errors.APIError as error:
            said = f"the Docker engine at {self.address}, asked {what}, said: {error.explanation or error}"
            if error.status_code in REFUSED and error.status_code not in {GONE, BUSY}:
                raise PermanentError(said) from error
            raise TemporaryError(said) from error
        except (docker.errors.DockerException, OSError) as error:
            raise TemporaryError(
                f"no Docker engine answers at {self.address}, asked {what}; start dockerd, or set DOCKER_HOST to one "
                f"that runs ({type(error).__name__})"
            ) from error


def _knock(address: str) -> None:
    """Raise OSError when nobody listens at a unix:// address: finding that out, the SDK would leave a socket open."""
    scheme, _, path = address.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(ANSWER_SECONDS)
            door.connect(path)
