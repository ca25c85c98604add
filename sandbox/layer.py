"""From what a setup left to a layer of an image: only plain things pass, and nothing that holds a secret."""

import base64
import tarfile
from collections.abc import Iterator, Mapping
from typing import IO
from urllib.parse import quote, urlsplit

from cases.errors import PermanentError

PREPARED = "/prepared"
ENTRIES = 300_000
CHUNK = 1024 * 1024


def layer_of(carried: IO[bytes], layer: IO[bytes], secrets: Mapping[str, str], *, room: int) -> None:
    """Write the tar of a layer from the tar of a folder. Both were written, or chosen, by untrusted code.

    Files, folders and links pass: owned by root, readable by all, writable by root alone, without setuid bits. Where
    links lead is no matter: they are only ever followed inside a container. Raises PermanentError for more than `room`
    bytes, and for a file that holds one of the secrets, as it is or encoded. What was packed is not looked into.
    """
    needles = {needle: name for name, value in secrets.items() for needle in forms(value)}
    size = 0
    try:
        with tarfile.open(fileobj=carried, mode="r|") as source, tarfile.open(fileobj=layer, mode="w") as target:
            for count, member in enumerate(source):
                size += member.size
                if count > ENTRIES or size > room:
                    raise PermanentError(
                        f"the setup left more than {ENTRIES} files or {room // 1024 // 1024} MiB below {PREPARED}"
                    )
                _pass(source, target, member, needles)
    except tarfile.TarError as error:
        raise PermanentError(f"what the setup left below {PREPARED} is no tar: {error}") from error


def _pass(source: tarfile.TarFile, target: tarfile.TarFile, member: tarfile.TarInfo, needles: dict[bytes, str]) -> None:
    place = _place(member.name)
    if place is None or not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        return  # a device, a pipe or a socket is nothing that a trial needs
    kept = tarfile.TarInfo(place)
    kept.type, kept.size, kept.mtime = member.type, 0, int(member.mtime)
    kept.mode = 0o755 if member.isdir() or member.mode & 0o111 else 0o644
    if member.issym():
        kept.linkname = member.linkname
    elif member.islnk():
        linked = _place(member.linkname)
        if linked is None:
            return
        kept.linkname = linked
    _look(f"{member.name}\n{member.linkname}".encode("utf-8", "surrogateescape"), needles, member.name)
    if not member.isfile() or member.islnk():
        target.addfile(kept)
        return
    content = source.extractfile(member)
    if content is None:
        raise PermanentError(f"{member.name!r}, left by the setup, cannot be read")
    kept.size = member.size
    target.addfile(kept, _Watched(content, needles, member.name))


def _place(name: str) -> str | None:
    """Where an entry lies in the image; None for one that would lie elsewhere."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        return None
    return "/".join((PREPARED.lstrip("/"), *parts))


class _Watched:
    """A file that is looked at while it is read."""

    def __init__(self, file: IO[bytes], needles: dict[bytes, str], path: str) -> None:
        self._file = file
        self._needles = needles
        self._path = path
        self._longest = max(map(len, needles), default=1)
        self._before = b""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes. Raises PermanentError when a secret is in them, or begins in those before."""
        chunk = self._file.read(size)
        _look(self._before + chunk, self._needles, self._path)
        self._before = (self._before + chunk)[-self._longest :]
        return chunk


def _look(content: bytes, needles: dict[bytes, str], path: str) -> None:
    for needle, name in needles.items():
        if needle in content:
            raise PermanentError(
                f"the setup wrote the secret {name} into {path[:200]!r}, so no image was kept of it; let it use the "
                "variable without storing it"
            )


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it may be written down: as it is, quoted, in base64; of an address, its password too."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    yield base64.b64encode(secret.encode()).rstrip(b"=")
    parts = urlsplit(secret) if "://" in secret else None
    if parts is not None and parts.password:
        yield parts.password.encode()
        yield base64.b64encode(f"{parts.username}:{parts.password}".encode()).rstrip(b"=")
