"""Engines of other kinds: rootless, with another runtime, without a wall, or elsewhere behind TLS."""

import os
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from cases.errors import PermanentError
from cases.moments import EPOCH
from sandbox.containers import Containers
from sandbox.docker import DockerSandbox
from sandbox.engine import Engine, Traits
from tests.parts.dockerd import base_image, containers
from tests.sandbox.orders import an_order, tree_of

OWNER = f"engines-{os.getpid()}"
SOCKET = "/var/run/docker.sock"


@dataclass
class Told:
    """An engine that says this of itself."""

    rootless: bool = False
    lacking: tuple[str, ...] = ()
    runtimes: tuple[tuple[str, tuple[str, ...]], ...] = (("runc", ()),)
    address: str = "unix:///an/engine.sock"

    def traits(self) -> Traits:
        return Traits(now=EPOCH, rootless=self.rootless, lacking=self.lacking, runtimes=dict(self.runtimes))


def looked(told: Told, runtime: str | None = None) -> Containers:
    held = Containers(owner=OWNER, url=None, patience_s=1, runtime=runtime, removal_s=1, sweep_s=1)
    held.look(cast("Engine", told))
    return held


def test_a_rootless_engine_is_recognised() -> None:
    assert looked(Told(rootless=True)).rootless
    assert not looked(Told()).rootless


def test_an_engine_that_would_leave_a_wall_out_runs_nothing() -> None:
    """A rootless one without delegated control groups starts a container without limits, and warns at most."""
    with pytest.raises(PermanentError, match=r"cannot limit memory, the number of processes, .*cgroup version 2"):
        looked(Told(rootless=True, lacking=("memory", "the number of processes")))


def test_runsc_is_taken_where_it_is_asked_for_and_never_on_kvm() -> None:
    looked(Told(runtimes=(("runsc", ("--platform=ptrace",)),)), "runsc")
    with pytest.raises(PermanentError, match=r"has no runtime 'runsc' \(it has runc\)"):
        looked(Told(), "runsc")
    for words in (("--platform=kvm",), ("--platform", "kvm")):
        with pytest.raises(PermanentError, match="platform kvm"):
            looked(Told(runtimes=(("runsc", words),)), "runsc")


def test_the_engine_here_has_every_wall() -> None:
    base_image()
    with Engine() as engine:
        traits = engine.traits()
    assert (traits.lacking, "runc" in traits.runtimes) == ((), True)


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What DOCKER_CERT_PATH holds: ca.pem, cert.pem and key.pem; the server has the same."""
    folder = tmp_path_factory.mktemp("certificates")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", "-x509", *curve, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2",
            "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    openssl(folder, "req", *curve, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=localhost")
    (folder / "more").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nkeyUsage=digitalSignature\n")
    openssl(folder, "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
            "-out", "cert.pem", "-days", "2", "-extfile", "more")  # fmt: skip
    return folder


@contextmanager
def elsewhere(certificates: Path) -> Generator[str]:
    """The engine behind TLS on a port, for those who show the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=_serve, args=(listener, context, threads))
        serving.start()
        try:
            yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in (serving, *threads):
                thread.join(5)


def _serve(listener: socket.socket, context: ssl.SSLContext, threads: list[threading.Thread]) -> None:
    with suppress(OSError):  # the test is over
        while True:
            bare, _ = listener.accept()
            threads.append(threading.Thread(target=_pass_on, args=(bare, context)))
            threads[-1].start()


def _pass_on(bare: socket.socket, context: ssl.SSLContext) -> None:
    """Carry bytes both ways, on one thread: a TLS socket is not to be shared by two."""
    with (
        suppress(OSError),
        context.wrap_socket(bare, server_side=True) as inside,
        socket.socket(socket.AF_UNIX) as real,
    ):
        real.connect(SOCKET)
        while True:
            ready = [inside] if inside.pending() else select.select([inside, real], [], [])[0]
            for source in ready:
                chunk = source.recv(65_536)
                if not chunk:
                    return
                (real if source is inside else inside).sendall(chunk)


@pytest.fixture
def far(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    base_image()
    with elsewhere(certificates) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
        yield
    monkeypatch.undo()
    assert containers(f"trackwalker.owner={OWNER}") == set()


def test_an_engine_elsewhere_behind_tls_runs_whole_orders(far: None) -> None:  # noqa: ARG001 - the environment
    big: Any = os.urandom(3_000_000)
    order = an_order("md5sum < big; head -c 300000 /dev/zero | tr '\\0' x; echo; echo last", image=base_image(),
                     tree=tree_of({"big": big}))  # fmt: skip
    (ran,) = DockerSandbox(owner=OWNER).run(order).commands
    assert (ran.exit_code, ran.ended) == (0, "exited")
    assert ran.output.endswith("x\nlast\n")
