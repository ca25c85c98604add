"""A real PostgreSQL of the test's own: in a folder of its own, on a free port, gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.parts.prometheus import free_port

OWNER, OWNERS_PASSWORD = "owner", "0wner-s3cret"


@dataclass(slots=True, kw_only=True)
class RunningPostgres:
    """One server. Everybody proves themselves with a password."""

    port: int
    command: tuple[str, ...]
    folder: Path
    user: str | None  # of the operating system
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, also again after `stop`, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, user=self.user, cwd=self.folder, stdout=log, stderr=log)
        pause = threading.Event()
        for _ in range(200):
            assert self.process.poll() is None, f"PostgreSQL ended: {(self.folder / 'log').read_text()}"
            try:
                self.connect().close()
            except psycopg.OperationalError:
                pause.wait(0.05)
            else:
                return
        raise AssertionError(f"PostgreSQL was not ready after 10 s: {(self.folder / 'log').read_text()}")

    def url(self, user: str = OWNER, base: str = "postgres") -> str:
        """The address as a configuration has it, without the password."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{base}"

    def connect(self, base: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the owner's, who may do everything; each statement is its own transaction."""
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user={OWNER} password={OWNERS_PASSWORD} dbname={base}", autocommit=True
        )

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it without waiting for its clients; SIGQUIT: at once, as if it crashed. A second time does nothing."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=20)


@contextmanager
def running_postgres(bin_folder: Path | None = None, **settings: str) -> Generator[RunningPostgres]:
    """Start one until the end of the block, with these settings of the server's besides: the machine's, or another.

    It refuses root, so that then it runs as the user of Debian's package.
    """
    bin_folder = bin_folder or _binaries()
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
    try:
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with _started(bin_folder, folder, user, settings) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@contextmanager
def _started(bin_folder: Path, folder: Path, user: str | None, wished: Mapping[str, str]) -> Generator[RunningPostgres]:
    secret, port = folder / "password", free_port()
    secret.write_text(OWNERS_PASSWORD)
    secret.chmod(0o644)
    made = subprocess.run(
        [
            str(bin_folder / "initdb"), "--no-sync", "--auth=scram-sha-256", f"--username={OWNER}",
            f"--pwfile={secret}", "--encoding=UTF8", "--locale=C", "-D", str(folder / "base"),
        ],
        user=user, cwd=folder, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert made.returncode == 0, f"initdb failed: {made.stderr}"
    settings = {
        "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "shared_buffers": "8MB",
        "max_connections": "40", "autovacuum": "off", "port": str(port), **wished,
    }  # fmt: skip
    command = (str(bin_folder / "postgres"), "-D", str(folder / "base"))
    given = tuple(f"-c{key}={value}" for key, value in settings.items())
    running = RunningPostgres(port=port, command=(*command, *given), folder=folder, user=user)
    try:
        running.start()
        yield running
    finally:
        running.stop(signal.SIGQUIT)  # its folder goes: nothing needs to be saved


def _binaries() -> Path:
    """Debian keeps them out of PATH, by version; the newest is taken."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    assert found or on_path, "the suite needs PostgreSQL: on Debian, apt-get install postgresql"
    return found[-1].parent if found else Path(str(on_path)).parent


def with_pgvector() -> Path | None:
    """The programs of a server that has the extension, as the package `pgserver` brings them; None where it cannot be.

    Only its files are used: it would add a user to the system and keep its servers running.
    """
    found = find_spec("pgserver")
    return Path(str(found.origin)).parent / "pginstall" / "bin" if found else None
