"""An image that stands in for `python:3.12-slim` where no registry can be asked.

It is the sandbox's base image (this machine's own Python and tools) with what the real one has beyond it: pip and
certificates, and libraries; and git's own programs for http, which the real one gets by apt-get.
"""

import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import certifi

from tests.parts.dockerd import base_image

NAME = "trackwalker-test-slim"
GIT_PROGRAMS = ("git-remote-http", "git-remote-https")
# What every Linux has by the wheels' own convention (manylinux): glibc's libraries, and two of the compiler's.
TAKEN_FOR_GRANTED = ("libpthread.", "libdl.", "librt.", "libutil.", "libm.", "libresolv.", "libstdc++.", "libgcc_s.")


def slim_image() -> str:
    """Build it on the engine, and return its name. With the engine's cache it takes a second."""
    base = base_image()
    name = f"{NAME}:{base.partition(':')[2]}"
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(Path(folder) / "more.tar", "w") as tar:
            for source, place in (*_pip(), *_programs(), (Path(certifi.where()), "etc/ssl/certs/ca-certificates.crt")):
                tar.add(source.resolve(), place, filter=_nobodys)
        (Path(folder) / "Dockerfile").write_text(f"FROM {base}\nADD more.tar /\n")
        command = ["docker", "build", "--quiet", "--tag", name, folder]
        subprocess.run(command, check=True, capture_output=True, env=builder(), timeout=120)
    return name


def builder() -> dict[str, str]:
    """The environment of a build by the engine's own builder: it takes a local image, and needs no plug-in."""
    return {**os.environ, "DOCKER_BUILDKIT": "0"}


def _pip() -> list[tuple[Path, str]]:
    """Pip, as files of the interpreter below the running environment."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = PurePosixPath(sys.base_prefix.lstrip("/"), "lib", version, "site-packages")
    listed = importlib.metadata.distribution("pip").files or ()
    return [(Path(str(one.locate())), str(packages / one)) for one in listed if ".." not in one.parts]


def _programs() -> list[tuple[Path, str]]:
    """Git over http and libraries: those that it loads, those that wheels rely on; and ldd, which `image` asks."""
    told = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True)
    programs = [Path(told.stdout.strip()) / name for name in GIT_PROGRAMS]
    loaded = _loaded(programs[0])
    (glibc,) = {path.parent for path in loaded if path.name == "libc.so.6"}
    granted = [path for name in TAKEN_FOR_GRANTED for path in glibc.glob(f"{name}so.*")]
    files = (*programs, *loaded, *granted, Path("/usr/bin/ldd"))
    return [(path, str(path.parent.resolve() / path.name).lstrip("/")) for path in files]


def _loaded(program: Path) -> list[Path]:
    told = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout.splitlines()
    found = [line.partition("=>")[2].split("(")[0].strip() for line in told]
    return [Path(path) for path in found if path.startswith("/")]


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
