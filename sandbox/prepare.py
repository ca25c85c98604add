"""Images that are prepared ahead of time: what a repository's `setup` installs, and nothing else of how it got there.

    an image + `setup` + the lock files at the watched branch  →  trackwalker-prepared:<digest of all three>

`setup` runs in the trial's own hardened container, unprivileged, on a read-only system; it alone has a network and the
registry's secrets, and of the repository it sees the lock files only, so nothing of the repository runs there. What it
leaves below /prepared is carried over, file by file, into a layer on the untouched image: owned by root, no setuid bit,
no device, and no file that holds one of the secrets.
"""

import hashlib
import io
import logging
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any

from cases.errors import NotPrepared, PermanentError, TemporaryError
from cases.trying import Recipe
from sandbox.container import Container
from sandbox.images import ImageEngine
from sandbox.layer import PREPARED, layer_of
from sandbox.limits import ENVIRONMENT, TEMPORARY, USER, WORK, host_limits
from sandbox.output import Tail
from sandbox.results import EXITED, end_of
from sandbox.shape import Shape

REPOSITORY = "trackwalker-prepared"
VERSION = 1  # raise it when the same recipe would make another image
LABEL = "trackwalker.prepared"  # the repository that an image is for
STAGED = "trackwalker.staged"  # a container that was never started: only a crash leaves one
KEPT = 3
"""Images of one repository that are kept: the present one, the one before a lock file changed, and one more."""
SETTING_UP = timedelta(minutes=5)  # what carrying over may take on top of the setup itself
CARRYING_SECONDS = 240.0
RUN = f'read -r go; cd {PREPARED} && cp -R {WORK}/. . && exec /bin/sh -c "$1" </dev/null 2>&1'
CARRY = f"read -r go; tar -cf - -C {PREPARED} . 2>/dev/null"
SECRET_LEAST = 4  # characters below which a secret would be found everywhere

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where images are prepared. `enter` and `leave` tell a container's name to whoever reaps."""

    connect: Callable[[], ImageEngine]
    labels: Callable[[str, ImageEngine, timedelta], dict[str, str]]
    enter: Callable[[str], None]
    leave: Callable[[str], None]
    runtime: str | None


def prepare(recipe: Recipe, site: Site) -> str:
    """The image of a recipe: see `cases.ports.Sandbox.prepare`."""
    with site.connect() as engine:
        if not engine.has_image(recipe.image) and recipe.login is not None:
            if not recipe.build:
                raise NotPrepared(f"the image {recipe.image} was not fetched yet")
            engine.pull(recipe.image, *recipe.login())
        there = engine.image(recipe.image)  # raises where there is none
        if not recipe.setup:
            return recipe.image
        tag = tag_of(recipe, there.digest)
        image = f"{REPOSITORY}:{tag}"
        if engine.has_image(image):
            return image
        if not recipe.build:
            raise NotPrepared(f"no image was prepared for what {_named(recipe)} of {recipe.repository} say")
        with tempfile.TemporaryFile(prefix="trackwalker-layer-") as layer:
            _set_up(recipe, site, engine, there.volumes, layer)
            _keep(recipe, engine, tag, layer)
        _tidy(recipe.repository, engine)
    return image


def tag_of(recipe: Recipe, image_id: str) -> str:
    """Twenty-four digits over all that decides what is in it."""
    digest = hashlib.sha256(f"{VERSION}\0{image_id}\0{recipe.setup}\0".encode())
    for path, content in sorted(recipe.files):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:24]


def _named(recipe: Recipe) -> str:
    return ", ".join(path for path, _ in recipe.files) or "the lock files"


def _set_up(recipe: Recipe, site: Site, engine: ImageEngine, volumes: tuple[str, ...], layer: IO[bytes]) -> None:
    """Run the setup, and write the layer that comes of it."""
    revealed = {name: reveal() for name, reveal in recipe.secrets.items()}
    with _container(recipe, site, engine, volumes) as container:
        container.unpack(_tar(recipe.files))
        container.set_up(recipe, revealed)
        with tempfile.TemporaryFile(prefix="trackwalker-setup-") as carried:
            container.carry(recipe, carried)
            carried.seek(0)
            kept = {name: value for name, value in revealed.items() if len(value) >= SECRET_LEAST}
            layer_of(carried, layer, kept, room=recipe.room_mib * 1024 * 1024)
    layer.seek(0)


class SetupContainer(Container):
    """A container that runs one setup. `carry` is the last that is asked of it."""

    def set_up(self, recipe: Recipe, environment: dict[str, str]) -> None:
        """Run the setup to its end. Raises PermanentError when it fails: what it said is in the message."""
        seconds = recipe.timeout.total_seconds()
        argv = ("/bin/sh", "-c", RUN, "sh", recipe.setup)
        ran = self.execute(argv, (b"\n",), seconds, env={**OWN_ENVIRONMENT, **environment})
        said = _last_words(ran.output.text(), environment)
        what = f"setup of {recipe.repository} ({recipe.setup[:80]})"
        if ran.gone:
            raise TemporaryError(f"{what}: its container ended before it did; it is tried again")
        if ran.exit_code is None:
            raise PermanentError(f"{what} did not end within {seconds:.0f} s: {said}")
        end = end_of(ran.exit_code, short_of_memory=self.short_of_memory())
        if end.ended != EXITED or end.exit_code != 0:
            how = f"exit {end.exit_code}" if end.ended == EXITED else end.ended
            raise PermanentError(f"{what} failed ({how}): {said}")

    def short_of_memory(self) -> bool:
        """Whether the kernel killed something in it for memory."""
        count = "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null"
        ran = self.execute(("/bin/sh", "-c", f"read -r go; {count} | grep '^oom_kill '"), (b"\n",), 10.0)
        return any(int(line.split()[1]) > 0 for line in ran.output.text().splitlines() if line.startswith("oom_kill "))

    def carry(self, recipe: Recipe, into: IO[bytes]) -> None:
        """Write a tar of what the setup left."""
        spool = Spool(into, 2 * recipe.room_mib * 1024 * 1024)
        ran = self.execute(("/bin/sh", "-c", CARRY), (b"\n",), CARRYING_SECONDS, spool)
        if ran.exit_code != 0 or spool.seen > spool.limit:
            raise PermanentError(
                f"what the setup of {recipe.repository} left below {PREPARED} cannot be carried over whole "
                f"(exit {ran.exit_code}, {spool.seen / 1024 / 1024:.0f} MiB); everything there must be readable"
            )


class Spool(Tail):
    """Keeps a stream in a file, up to its limit; what comes after is only counted."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        super().__init__(limit)
        self.seen: int = 0
        self._file = file

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self.seen + len(chunk) <= self.limit:
            self._file.write(chunk)
        self.seen += len(chunk)


OWN_ENVIRONMENT = {
    "PYTHONUSERBASE": PREPARED,
    "PIP_NO_CACHE_DIR": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_USER": "1",
    "PIP_BREAK_SYSTEM_PACKAGES": "1",  # of a read-only image, and into a folder of its own
    "npm_config_cache": f"{TEMPORARY}/npm",
}


@contextmanager
def _container(recipe: Recipe, site: Site, engine: ImageEngine, volumes: tuple[str, ...]) -> Generator[SetupContainer]:
    """A started container of the recipe, removed at the end of the block, however it ends."""
    name = f"trackwalker-setup-{secrets.token_hex(8)}"
    life = recipe.timeout + SETTING_UP
    site.enter(name)
    try:
        engine.start(
            name=name,
            image=recipe.image,
            seconds=round(life.total_seconds()),
            labels=site.labels(f"setup-{recipe.repository}", engine, life),
            environment=ENVIRONMENT,
            host=_host(recipe, volumes, site.runtime),
        )
        yield SetupContainer(engine, name)
    finally:
        site.leave(name)


def _host(recipe: Recipe, volumes: tuple[str, ...], runtime: str | None) -> dict[str, Any]:
    """The hardened set of a trial, but for a network, room below /prepared, and files as large as that."""
    shape = Shape(image=recipe.image, memory_mib=recipe.memory_mib, cpus=recipe.cpus, pids=recipe.pids)
    host = host_limits(shape, volumes, runtime)
    uid, gid = USER.split(":")
    room = f"rw,exec,nosuid,nodev,size={recipe.room_mib}m,nr_inodes=400k,mode=0755,uid={uid},gid={gid}"
    memory = f"{recipe.memory_mib + 2 * recipe.room_mib}m"  # which a file in a tmpfs counts towards
    bytes_ = recipe.room_mib * 1024 * 1024
    del host["dns"], host["dns_search"]
    return host | {
        "network_mode": recipe.network,
        "tmpfs": host["tmpfs"] | {PREPARED: room, TEMPORARY: room.replace("mode=0755", "mode=1777")},
        "mem_limit": memory,
        "memswap_limit": memory,
        "ulimits": [
            each if each["Name"] != "fsize" else {"Name": "fsize", "Soft": bytes_, "Hard": bytes_}
            for each in host["ulimits"]
        ],
    }


def _keep(recipe: Recipe, engine: ImageEngine, tag: str, layer: IO[bytes]) -> None:
    """Make the image: a container that never runs, with the layer in it."""
    for left in engine.labelled(f"{STAGED}={recipe.repository}"):
        engine.remove(left.name)
    path = engine.environment(recipe.image).get("PATH", "/usr/local/bin:/usr/bin:/bin")
    changes = (
        f"ENV PATH={PREPARED}/bin:{PREPARED}/node_modules/.bin:{path}",
        f"ENV PYTHONUSERBASE={PREPARED}",
        f"ENV NODE_PATH={PREPARED}/node_modules",
        f"LABEL {LABEL}={recipe.repository}",
    )
    name = f"trackwalker-staged-{secrets.token_hex(8)}"
    try:
        engine.stage(name=name, image=recipe.image, labels={STAGED: recipe.repository}, layer=layer)
        engine.commit(name, REPOSITORY, tag, changes)
    finally:
        engine.remove(name)


def _tidy(repository: str, engine: ImageEngine) -> None:
    """Remove what newer images of the repository replaced. One that a trial still uses stays for the next time."""
    for image in engine.images(f"{LABEL}={repository}")[KEPT:]:
        if not engine.remove_image(image):
            log.info("the prepared image %s is still used, and stays for now", image.id[:19])


def _tar(files: tuple[tuple[str, bytes], ...]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files:
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _last_words(output: str, environment: dict[str, str]) -> str:
    """The last lines of what was said, printable and without the secrets that a tool may have repeated."""
    for value in sorted(environment.values(), key=len, reverse=True):
        output = output.replace(value, "***") if len(value) >= SECRET_LEAST else output
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = " | ".join(lines[-3:])
    return "".join(c if c.isprintable() else " " for c in said)[-400:] or "it said nothing"
