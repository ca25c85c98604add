"""A real PostgreSQL of the test's own: in a folder of its own, on a free port, gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.parts.prometheus import free_port

OWNER, OWNERS_PASSWORD = "owner", "0wner-s3cret"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPostgres:
    """One server. Everybody proves themselves with a password."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, user: str = OWNER, base: str = "postgres") -> str:
        """The address as a configuration has it, without the password."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{base}"

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the owner's, who may do everything; each statement is its own transaction."""
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user={OWNER} password={OWNERS_PASSWORD} dbname=postgres", autocommit=True
        )

    def stop(self) -> None:
        """End it without waiting for its clients; a second time does nothing."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)


@contextmanager
def running_postgres() -> Generator[RunningPostgres]:
    """Start one until the end of the block. It refuses root, so that then it runs as the user of Debian's package."""
    bin_folder = _binaries()
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
    try:
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with _started(bin_folder, folder, user) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@contextmanager
def _started(bin_folder: Path, folder: Path, user: str | None) -> Generator[RunningPostgres]:
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
        "max_connections": "12", "autovacuum": "off", "port": str(port),
    }  # fmt: skip
    command = [str(bin_folder / "postgres"), "-D", str(folder / "base")]
    command += [f"-c{key}={value}" for key, value in settings.items()]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log)
    running = RunningPostgres(port=port, process=process)
    try:
        _wait_until_ready(running, folder / "log")
        yield running
    finally:
        if process.poll() is None:
            running.stop()


def _wait_until_ready(running: RunningPostgres, log: Path) -> None:
    pause = threading.Event()
    for _ in range(200):
        assert running.process.poll() is None, f"PostgreSQL ended: {log.read_text()}"
        try:
            running.connect().close()
        except psycopg.OperationalError:
            pause.wait(0.05)
        else:
            return
    raise AssertionError(f"PostgreSQL was not ready after 10 s: {log.read_text()}")


def _binaries() -> Path:
    """Debian keeps them out of PATH, by version; the newest is taken."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    assert found or on_path, "the suite needs PostgreSQL: on Debian, apt-get install postgresql"
    return found[-1].parent if found else Path(str(on_path)).parent
