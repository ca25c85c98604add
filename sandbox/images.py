"""A Docker engine, as far as preparing an image needs one: fetch, set up, keep, tidy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from cases.errors import PermanentError
from sandbox.engine import Engine
from sandbox.limits import KEEPER, WORK

IN_USE = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that is on the engine. `created` is in epoch seconds."""

    id: str
    tags: tuple[str, ...]
    created: int
    labels: Mapping[str, str]


class ImageEngine(Engine):
    """One connection to one engine, with what preparing asks of it beside. Every method raises as the engine's do."""

    def environment(self, image: str) -> dict[str, str]:
        """The variables that the image sets."""
        with self._asking(f"for the image {image}"):
            configured: dict[str, Any] = self._api.inspect_image(image)["Config"] or {}
        lines: list[str] = configured.get("Env") or []
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def pull(self, image: str, username: str, password: str) -> None:
        """Fetch an image from its registry. Raises PermanentError when that will not give it."""
        name, tag = _split(image)
        login = {"username": username, "password": password}
        with self._asking(f"to fetch {image}"):
            answer: Iterator[dict[str, Any]] = self._api.pull(name, tag, stream=True, decode=True, auth_config=login)
            errors = [str(line["error"]) for line in answer if "error" in line]
        if errors:
            raise PermanentError(f"the image {image} cannot be fetched: {errors[-1].replace(password, '***')[:300]}")

    def start(
        self, *, name: str, image: str, seconds: int, labels: Mapping[str, str], environment: Mapping[str, str],
        host: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Create and start a container with a network, which idles for `seconds` and then ends by itself."""
        with self._asking(f"to start a container of {image}"):
            self._api.create_container(
                image,
                name=name,
                hostname="setup",
                entrypoint=["sleep"],
                command=[str(seconds)],
                user=KEEPER,
                environment=dict(environment),
                labels=dict(labels),
                working_dir=WORK,
                healthcheck={"test": ["NONE"]},
                host_config=self._api.create_host_config(**host),
                use_config_proxy=False,
            )
            self._api.start(name)

    def stage(self, *, name: str, image: str, labels: Mapping[str, str], layer: IO[bytes]) -> None:
        """Create a container that is never started, and unpack a tar into it."""
        with self._asking(f"to add to {image}"):
            self._api.create_container(image, name=name, labels=dict(labels), network_disabled=True)
            self._api.put_archive(name, "/", layer)

    def commit(self, name: str, repository: str, tag: str, changes: Sequence[str]) -> None:
        """Keep a container as an image."""
        with self._asking(f"to keep {repository}:{tag}"):
            self._api.commit(name, repository=repository, tag=tag, changes=list(changes))

    def images(self, label: str) -> tuple[Image, ...]:
        """Every image with that label, newest first."""
        with self._asking("which images there are"):
            found: list[dict[str, Any]] = self._api.images(filters={"label": label})
        images = (
            Image(id=each["Id"], tags=tuple(each["RepoTags"] or ()), created=each["Created"], labels=each["Labels"])
            for each in found
        )
        return tuple(sorted(images, key=lambda image: image.created, reverse=True))

    def remove_image(self, image: Image) -> bool:
        """Remove it with all its names; False when a container still uses it."""
        import docker.errors

        with self._asking("to remove an image"):
            try:
                for name in image.tags or (image.id,):
                    self._api.remove_image(name)
            except docker.errors.APIError as error:
                if error.status_code == IN_USE:
                    return False
                raise
        return True


def _split(image: str) -> tuple[str, str]:
    """Name and tag; a port may stand in the name."""
    if "@" in image:
        name, _, digest = image.partition("@")
        return name, digest
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")
