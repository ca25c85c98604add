"""A Docker engine, as far as the sandbox needs one: the only place that touches its SDK.

The SDK returns untyped JSON; it becomes our own values here, field by field, and its errors become ours.
"""

import socket
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Any, Self

from cases.errors import PermanentError, TemporaryError
from sandbox.limits import ENVIRONMENT, KEEPER, WORK
from sandbox.stream import Stream

ANSWER_SECONDS = 60.0  # a healthy engine answers in milliseconds, and under load removes a container in seconds
GONE = 404
BUSY = 409
BUSY_SECONDS, BUSY_PAUSE_SECONDS = 5.0, 0.1
REFUSED = range(400, 500)
LIMITS = {"MemoryLimit": "memory", "CpuCfsQuota": "processor time", "PidsLimit": "the number of processes"}
LOGGED_LINES = 10
ANY_VERSION = "1.40"  # to ask which one the engine speaks


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What an engine is.

    now       its own clock: the one that all its containers' deadlines are dated by, whoever set them
    rootless  whether it runs as an ordinary user, so that even a way out of a container leads to no root
    lacking   walls that it would leave out: an engine says so in a warning at most, and starts the container without
    runtimes  the runtimes it has, each with the arguments it is given
    """

    now: datetime
    rootless: bool
    lacking: tuple[str, ...]
    runtimes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image: its digest, the paths it declares as volumes, and the user it begins as ("" is root)."""

    digest: str
    volumes: tuple[str, ...]
    user: str


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
            if places.get("tls"):
                # Where the environment names a bundle of authorities, the HTTP library takes that for the engine's own.
                with client(version=ANY_VERSION, timeout=patience_s, **places) as first:
                    first.trust_env = False
                    spoken = first.version(api_version=False)["ApiVersion"]
                self._api = client(version=spoken, timeout=patience_s, **places)
                self._api.trust_env = False
            else:
                self._api = client(version="auto", timeout=patience_s, **places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Containers stay."""
        self._api.close()

    def traits(self) -> Traits:
        """What the engine is, and what time it is there."""
        with self._asking("what it is"):
            told: dict[str, Any] = self._api.info()
            options: list[str] = told.get("SecurityOptions") or []
            runtimes: dict[str, dict[str, Any]] = told.get("Runtimes") or {}
            lacking = [limit for key, limit in LIMITS.items() if not told.get(key)]
            if not any(option.startswith("name=seccomp") for option in options):
                lacking.append("the system calls (seccomp)")
            return Traits(
                now=datetime.fromisoformat(told["SystemTime"]),
                rootless="name=rootless" in options,
                lacking=tuple(lacking),
                runtimes={name: tuple(map(str, each.get("runtimeArgs") or ())) for name, each in runtimes.items()},
            )

    def now(self) -> datetime:
        """The engine's own clock."""
        return self.traits().now

    def has_image(self, image: str) -> bool:
        """Whether the image is there."""
        import docker.errors

        with self._asking(f"for the image {image}"):
            try:
                self._api.inspect_image(image)
            except docker.errors.ImageNotFound:
                return False
        return True

    def image(self, image: str) -> Image:
        """An image that is there. Raises PermanentError when there is none of that name."""
        import docker.errors

        with self._asking(f"for the image {image}"):
            try:
                told: dict[str, Any] = self._api.inspect_image(image)
            except docker.errors.ImageNotFound as error:
                raise PermanentError(
                    f"the Docker engine at {self.address} has no image {image!r}, and the sandbox never pulls one. "
                    "For `trackwalker-base`, run `trackwalker image`, which builds it from this machine's own "
                    f"Python; for another, run `docker pull {image}` or build it"
                ) from error
        configured: dict[str, Any] = told["Config"] or {}
        return Image(
            digest=str(told["Id"]),
            volumes=tuple(sorted(configured.get("Volumes") or {})),
            user=str(configured.get("User") or ""),
        )

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
                healthcheck={"test": ["NONE"]},
                host_config=self._api.create_host_config(**host),
                use_config_proxy=False,  # a proxy in the operator's own Docker configuration may carry a password
            )
            self._api.start(name)

    def create_companion(
        self,
        *,
        name: str,
        image: str,
        environment: Mapping[str, str],
        labels: Mapping[str, str],
        host: Mapping[str, Any],
    ) -> None:
        """Create and start a container that runs what its image is for, under the image's own user."""
        with self._asking(f"to start a container of {image}"):
            self._api.create_container(
                image,
                name=name,
                environment=dict(environment),
                labels=dict(labels),
                healthcheck={"test": ["NONE"]},
                host_config=self._api.create_host_config(**host),
                use_config_proxy=False,
            )
            self._api.start(name)

    def last_lines(self, name: str) -> str:
        """The last that a companion wrote, on one line."""
        with self._asking("what a container wrote"):
            told: bytes = self._api.logs(name, tail=LOGGED_LINES)
        return " / ".join(told.decode("utf-8", "replace").split("\n")).strip(" /")

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
        """Kill and remove the container. False when it was gone, or somebody is removing it already.

        An engine calls itself busy as well while it still starts the container, and then it must be asked again.
        """
        import docker.errors

        by = time.monotonic() + BUSY_SECONDS
        with self._asking("to remove a container"):
            while True:
                try:
                    self._api.remove_container(name, v=True, force=True)
                except docker.errors.APIError as error:
                    if error.status_code == GONE:
                        return False
                    if error.status_code != BUSY:
                        raise
                    if time.monotonic() > by:
                        return False
                    Event().wait(BUSY_PAUSE_SECONDS)
                else:
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

    def attach(self, exec_id: str) -> Stream:
        """Start the prepared command; its three streams are this one, framed (see `output.Frames`)."""
        with self._asking("to run a command"):
            return Stream(self._api.exec_start(exec_id, socket=True), self.address)

    @contextmanager
    def talking(self) -> Generator[None]:
        """Within the block, what goes wrong with a stream is told as what goes wrong with the engine."""
        with self._asking("to go on with a command"):
            yield

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
