"""The image that flaskr's trials run in: the sandbox's base image with the packages that flaskr runs on."""

import io
import secrets
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker

from tests.parts.dockerd import base_image

LABEL = "trackwalker-test"
PLACE = "opt/flaskr-packages"


@contextmanager
def flaskr_image(packages: Path) -> Generator[str]:
    """Make the image on the engine, and yield its name; it is gone afterwards."""
    name, tag = "trackwalker-test-flaskr", secrets.token_hex(6)
    client: Any = docker.from_env()  # Any: its stubs leave much unknown
    try:
        container = client.containers.create(base_image(), labels={LABEL: "flaskr"})
        try:
            container.put_archive("/", _tar(packages))
            changes = f"ENV PYTHONPATH=/{PLACE}\nLABEL {LABEL}=flaskr"
            container.commit(repository=name, tag=tag, changes=changes)
        finally:
            container.remove(force=True)
        try:
            yield f"{name}:{tag}"
        finally:
            client.images.remove(f"{name}:{tag}")
    finally:
        client.close()


def left_of(image: str) -> list[str]:
    """The containers of the image that are still there, by name."""
    client: Any = docker.from_env()
    try:
        return [container.name for container in client.containers.list(all=True, filters={"ancestor": image})]
    finally:
        client.close()


def _tar(packages: Path) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(packages, PLACE, filter=_nobodys)
    return held.getvalue()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode |= 0o444 | (0o111 if member.isdir() else 0)
    member.mtime = int(member.mtime)  # whole: byte code is valid for just this second
    return member
