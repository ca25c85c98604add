"""A real PostgreSQL beside a trial: Debian's programs in an image that begins as the official one does."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from config.companions import CompanionSettings
from sandbox.docker import DockerSandbox
from tests.parts.dockerd import base_image, containers
from tests.sandbox.orders import an_order

OWNER = f"database-{os.getpid()}"
DATA = "/var/lib/postgresql/data"
ENTRYPOINT = f"""\
import os, subprocess
base = max(os.listdir("/usr/lib/postgresql"))
os.chown({DATA!r}, 65534, 65534)  # begun as root, like the official image
os.chmod({DATA!r}, 0o700)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
user, password, database = (os.environ[f"POSTGRES_{{word}}"] for word in ("USER", "PASSWORD", "DB"))
open("/tmp/password", "w").write(password)
run = f"/usr/lib/postgresql/{{base}}/bin/"
subprocess.run([run + "initdb", "-D", {DATA!r}, "-U", user, "--pwfile=/tmp/password", "--auth=scram-sha-256"], check=True)
subprocess.run([run + "postgres", "--single", "-D", {DATA!r}, "postgres"], input=f'create database "{{database}}"'.encode(),
               check=True)
os.execv(run + "postgres", ["postgres", "-D", {DATA!r}, "-c", "listen_addresses=127.0.0.1", "-c",
                            "unix_socket_directories=/tmp"])
"""  # noqa: E501 - a program


def image_files() -> dict[str, Path]:
    """PostgreSQL's programs with the libraries that they load, by their places in the image."""
    (home,) = Path("/usr/lib/postgresql").iterdir()
    programs = {name: home / "bin" / name for name in ("initdb", "postgres", "pg_isready", "psql")}
    found = {str(path): path for path in programs.values()}
    found |= {str(path): path for path in home.joinpath("lib").glob("*.so")}
    found |= {str(path): path for path in Path(f"/usr/share/postgresql/{home.name}").rglob("*") if path.is_file()}
    found |= {f"/usr/bin/{name}": path for name, path in programs.items()}
    listed = subprocess.run(["ldd", *map(str, programs.values())], capture_output=True, text=True, check=True).stdout
    return found | {path: Path(path) for path in re.findall(r"=> (/\S+) \(0x", listed)}


@pytest.fixture
def image() -> Iterator[str]:
    tag = f"trackwalker-postgres-{os.getpid()}"
    recipe = f'FROM {base_image()}\nADD files.tar /\nVOLUME {DATA}\nENTRYPOINT ["python3", "/entrypoint.py"]\n'
    layer, context = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", dereference=True) as tar:
        for place, path in image_files().items():
            # The image has one /usr, with links that lead to it.
            tar.add(path, place.lstrip("/") if place.startswith("/usr/") else f"usr{place}")
        _add(tar, "entrypoint.py", ENTRYPOINT.encode())
    with tarfile.open(fileobj=context, mode="w") as tar:
        _add(tar, "files.tar", layer.getvalue())
        _add(tar, "Dockerfile", recipe.encode())
    context.seek(0)
    client: Any = docker.from_env()
    client.images.build(fileobj=context, custom_context=True, tag=tag, rm=True)
    yield tag
    client.images.remove(tag, force=True)
    client.close()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


@pytest.mark.long
def test_a_suite_finds_its_postgres(image: str) -> None:
    assert shutil.which("ldd") is not None
    settings = CompanionSettings(image=image, name="postgres", port=5432, **known_of_postgres())
    order = an_order(
        "psql -Atc 'select current_user, current_database()' && psql $DATABASE_URL -Atc 'select 40 + 2'",
        "PGPASSWORD=guessed psql -Atc 'select 1'",
        image=image,
    )
    report = DockerSandbox(owner=OWNER).run(replace(order, companions=(settings.companion(),)))
    told, refused = report.commands
    assert (told.exit_code, told.output) == (0, "trackwalker|trackwalker\n42\n")
    assert refused.exit_code == 2
    assert "password authentication failed" in refused.output
    assert containers(f"trackwalker.owner={OWNER}") == set()


def known_of_postgres() -> dict[str, Any]:
    """What is known of any image of that name, for one that has another."""
    known = CompanionSettings(image="postgres:15").companion()
    return {"ready": known.ready, "environment": dict(known.environment), "offers": dict(known.offers)}
