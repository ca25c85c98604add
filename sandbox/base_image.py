"""The image `trackwalker-base`, made of this machine's own files: no registry, no network, no Dockerfile.

It holds one CPython with its standard library, the shared libraries that it needs, the small tools that test suites
call, pytest, and pip for a repository's `setup`. It is a tar that is never written to disk: the engine is sent its
pieces.
"""

import hashlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cases.errors import PermanentError
from sandbox.engine import Engine

REPOSITORY = "trackwalker-base"
RECIPE = 1  # raise it when the same files would make another image
DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pip")  # pure Python, all of them

# What the sandbox itself calls, and what every suite may take for granted.
NEEDED = ("sh", "tar", "head", "cat", "sleep", "env")
WANTED = (
    *("bash", "dash", "ls", "cp", "mv", "rm", "ln", "mkdir", "rmdir", "touch", "chmod", "chown", "mkfifo", "mktemp"),
    *("tail", "sort", "uniq", "wc", "cut", "tr", "tee", "sed", "grep", "find", "xargs", "awk", "mawk", "yes", "seq"),
    *("gzip", "date", "id", "whoami", "true", "false", "test", "[", "echo", "printf", "pwd", "dirname", "basename"),
    *(
        "readlink",
        "realpath",
        "which",
        "timeout",
        "nproc",
        "uname",
        "stat",
        "dd",
        "df",
        "du",
        "od",
        "cmp",
        "diff",
        "patch",
    ),
    *("install", "sha256sum", "md5sum", "expr", "ps", "kill", "setsid", "nohup", "git", "make"),
)
TREES = ("/usr/share/zoneinfo", "/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8")
LEFT_OUT = frozenset(
    {"test", "tests", "idlelib", "ensurepip", "lib2to3", "tkinter", "turtledemo", "site-packages", "dist-packages"}
)
LEFT_OUT_NAMES = re.compile(r"config-\d.*|.*\.a|.*\.opt-[12]\.pyc|(_test|_tkinter|_xx|xx).*\.so")

ETC = {
    "etc/passwd": "root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/gitconfig": "[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n",
}
FOLDERS = ("dev", "proc", "sys", "tmp", "work", "run", "root", "var/tmp", "usr/share/git-core/templates")
MERGED = ("bin", "sbin", "lib", "lib64")  # the image has one /usr, as today's distributions do

# Asked of the interpreter itself: a Debian Python, a pyenv one and a relocatable one each keep these elsewhere.
WHERE = (
    "import json, sys, sysconfig; at = sysconfig.get_paths(); "
    "print(json.dumps([sys.executable, sys.version_info[:2], at['stdlib'], at['platstdlib'], at['purelib']]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A CPython on this machine: the program, its version, its standard library, and where it looks for packages."""

    program: Path
    version: str
    libraries: tuple[Path, ...]
    packages: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of the image: a file of this machine, a text, or a link."""

    source: Path | None = None
    text: str = ""
    link: str = ""
    mode: int = 0o644


def ensure_base_image(*, url: str | None = None, python: Path | None = None, repository: str = REPOSITORY) -> str:
    """Build the base image unless the engine has just this one, and return its full name. It is `:latest`, too.

    The tag is a digest over the files that go in (name, mode, size, modification time), so an upgrade of this
    machine's Python or libraries makes a new image; older ones stay until somebody removes them.

    `python` is the interpreter to take, by default the one below the running environment.
    Raises PermanentError where the machine lacks a program that the image needs, TemporaryError without an engine.
    """
    interpreter = _interpreter(python or _running())
    with tempfile.TemporaryDirectory(prefix="trackwalker-base-") as folder, Engine(url) as engine:
        members = _members(interpreter)
        packages = _packages()
        tag = f"py{interpreter.version}-{_digest(members, packages)}"
        image = f"{repository}:{tag}"
        if not engine.has_image(image):
            members |= _compiled(interpreter, packages, Path(folder))
            path = f"{interpreter.program.parent}:/usr/local/bin:/usr/bin:/bin"
            engine.import_image(repository, tag, _tar(members), [f"ENV PATH={path}", 'CMD ["python3"]'])
        engine.tag(image, repository, "latest")
    return image


def _running() -> Path:
    """The interpreter below the running virtual environment."""
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _interpreter(python: Path) -> Interpreter:
    told = subprocess.run([str(python), "-I", "-c", WHERE], capture_output=True, text=True, check=False, env={})
    if told.returncode != 0:
        raise PermanentError(f"{python} does not run, so no base image can be made of it: {told.stderr[-300:].strip()}")
    program, version, stdlib, platstdlib, packages = json.loads(told.stdout)
    return Interpreter(
        program=Path(program).resolve(),
        version=".".join(map(str, version)),
        libraries=tuple(sorted({Path(stdlib), Path(platstdlib)})),
        packages=Path(packages),
    )


def _members(interpreter: Interpreter) -> dict[str, Member]:
    """What goes in, by its path in the image, except for the packages. Every file stays where this machine has it."""
    programs = _programs()
    files = [*programs, interpreter.program, *_walk(*interpreter.libraries, *map(Path, TREES))]
    executables = [path for path in files if path in programs or path == interpreter.program or ".so" in path.suffixes]
    members = {_place(path): _file(path) for path in (*files, *_shared_libraries(executables))}
    members |= {_place(Path("/usr/bin") / path.name): _file(path) for path in programs}
    cache = Path("/etc/ld.so.cache")  # for libraries outside the loader's built-in folders
    if cache.is_file():
        members[_place(cache)] = _file(cache)
    members |= {path: Member(text=text) for path, text in ETC.items()}
    members |= {f"usr/local/bin/{name}": Member(link=str(interpreter.program)) for name in _names(interpreter)}
    # -P: unlike `python -m pytest`, the command `pytest` does not put the working folder on the path.
    members["usr/local/bin/pytest"] = Member(text='#!/bin/sh\nexec python3 -P -m pytest "$@"\n', mode=0o755)
    members["usr/local/bin/pip"] = Member(text='#!/bin/sh\nexec python3 -m pip "$@"\n', mode=0o755)
    return members


def _names(interpreter: Interpreter) -> tuple[str, ...]:
    return ("python", "python3", f"python{interpreter.version}")


def _programs() -> tuple[Path, ...]:
    """The tools that this machine has. Raises PermanentError for one that the sandbox cannot do without."""
    found = {name: shutil.which(name, path="/usr/bin:/bin") for name in (*NEEDED, *WANTED)}
    missing = [name for name in NEEDED if found[name] is None]
    if missing:
        raise PermanentError(
            f"no base image can be made on this machine: it lacks {', '.join(missing)} in /usr/bin; install them, or "
            "configure sandbox.image with an image of your own"
        )
    return tuple(Path(path) for path in found.values() if path is not None)


def _walk(*trees: Path) -> Iterator[Path]:
    """The files below, in a fixed order, but for what no suite needs."""
    for tree in trees:
        for folder, folders, names in os.walk(tree):
            folders[:] = sorted(name for name in folders if name not in LEFT_OUT and not LEFT_OUT_NAMES.fullmatch(name))
            yield from (Path(folder, name) for name in sorted(names) if not LEFT_OUT_NAMES.fullmatch(name))


def _shared_libraries(executables: Iterable[Path]) -> tuple[Path, ...]:
    """What the loader would load for them, as `ldd` tells, the loader itself included."""
    ldd = shutil.which("ldd")
    if ldd is None:
        raise PermanentError("no base image can be made on this machine: it lacks ldd (Debian: libc-bin)")
    # Its exit status says nothing: it is 1 as soon as one of them needs no library.
    told = subprocess.run(
        [ldd, *map(str, executables)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    lines = (line.partition("=>")[2] or line for line in told.stdout.splitlines() if line.startswith("\t"))
    found = {line.split("(")[0].strip() for line in lines}
    return tuple(Path(path) for path in sorted(found) if path.startswith("/"))


def _packages() -> dict[PurePosixPath, Path]:
    """Find pytest and what it needs, from the running environment: place below the packages' folder → file."""
    found: dict[PurePosixPath, Path] = {}
    for name in DISTRIBUTIONS:
        for path in importlib.metadata.distribution(name).files or ():
            if ".." not in path.parts and path.suffix != ".pyc":
                found[PurePosixPath(path)] = Path(str(path.locate()))
    return found


def _compiled(interpreter: Interpreter, packages: dict[PurePosixPath, Path], folder: Path) -> dict[str, Member]:
    """The packages with their byte code, which a read-only container could never keep: `import pytest` halves."""
    for place, source in packages.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    argv = [str(interpreter.program), "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # A report needs none of these lexers, and a setup can do without pip's byte code: they are many.
    argv += ["-x", "pygments/(lexers|styles)/(?!__init__|_mapping)|/pip/"]
    argv += ["-s", str(folder), "-p", str(interpreter.packages), str(folder)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False, env={})
    if told.returncode != 0:
        raise PermanentError(f"pytest cannot be compiled for {interpreter.program}: {told.stdout[-300:].strip()}")
    return {
        _place(interpreter.packages / path.relative_to(folder)): _file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _file(path: Path) -> Member:
    return Member(source=path, mode=0o755 if os.access(path, os.X_OK) else 0o644)


def _place(path: Path) -> str:
    """Where a file of this machine lies in the image: there is one /usr in it."""
    place = path.as_posix().lstrip("/")
    return f"usr/{place}" if place.split("/", 1)[0] in MERGED else place


def _digest(members: dict[str, Member], packages: dict[PurePosixPath, Path]) -> str:
    """Twelve digits over what goes in."""
    digest = hashlib.sha256(f"{RECIPE} {DISTRIBUTIONS}".encode())
    entries = [*members.items(), *((str(place), _file(source)) for place, source in packages.items())]
    for place, member in sorted(entries, key=lambda entry: entry[0]):
        seen = member.source.stat() if member.source else None
        stamp = (seen.st_size, int(seen.st_mtime)) if seen else (member.text, member.link)
        digest.update(f"{place}\0{member.mode}\0{stamp}\n".encode())
    return digest.hexdigest()[:12]


class _Pieces(io.RawIOBase):
    """What a tar writer writes to, and what is taken from it between two members."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride] - all that tarfile writes
        self._held.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._held)
        self._held.clear()
        return taken


def _tar(members: dict[str, Member]) -> Generator[bytes]:
    """The image's one layer, member by member: everything owned by root, dated as its source is or not at all."""
    pieces = _Pieces()
    with tarfile.open(fileobj=pieces, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for info in _folders(members):
            tar.addfile(info)
        for place, member in sorted(members.items()):
            _add(tar, place, member)
            if taken := pieces.take():
                yield taken
    yield pieces.take()


def _folders(members: dict[str, Member]) -> Iterator[tarfile.TarInfo]:
    """Every folder of the image and the four links to /usr, parents first."""
    wanted = {PurePosixPath(folder) for folder in FOLDERS} | {PurePosixPath(f"usr/{name}") for name in MERGED}
    wanted |= {parent for place in (*members, *FOLDERS) for parent in PurePosixPath(place).parents}
    for folder in sorted(wanted - {PurePosixPath()}):
        info = tarfile.TarInfo(str(folder))
        info.type = tarfile.DIRTYPE
        info.mode = 0o1777 if folder.name == "tmp" else 0o755
        yield info
    for name in MERGED:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, f"usr/{name}"
        yield info


def _add(tar: tarfile.TarFile, place: str, member: Member) -> None:
    info = tarfile.TarInfo(place)
    info.mode = member.mode
    if member.link:
        info.type, info.linkname = tarfile.SYMTYPE, member.link
        tar.addfile(info)
    elif member.source is None:
        text = member.text.encode()
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    else:
        with member.source.open("rb") as file:
            seen = os.fstat(file.fileno())
            if not stat.S_ISREG(seen.st_mode):
                raise PermanentError(f"{member.source} is no plain file, so no base image can be made of it")
            # Kept whole, for the standard library's own byte code is valid for just this second.
            info.size, info.mtime = seen.st_size, int(seen.st_mtime)
            tar.addfile(info, file)
