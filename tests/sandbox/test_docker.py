"""What only a Docker engine can do to us, and what only we can do to it."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError

from cases.errors import PermanentError, TemporaryError
from sandbox.docker import DockerSandbox
from sandbox.engine import Engine
from tests.parts.dockerd import base_image, containers, ensure_dockerd
from tests.sandbox.orders import an_order

OWNER = f"docker-{os.getpid()}"
SOCKET = "/var/run/docker.sock"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    base_image()
    yield
    assert containers(f"trackwalker.owner={OWNER}") == set()


def until(true: Callable[[], object], seconds: float = 10) -> None:
    by = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < by, "it did not happen"
        threading.Event().wait(0.02)


def mine() -> set[str]:
    return containers(f"trackwalker.owner={OWNER}")


class Raising(threading.Thread):
    """Runs an order in a thread and keeps what it raised, or the words for how its command ended."""

    def __init__(self, sandbox: DockerSandbox, line: str = "sleep 60") -> None:
        super().__init__()
        self.sandbox, self.line = sandbox, line
        self.raised: BaseException | None = None
        self.ended = ""

    def run(self) -> None:
        try:
            report = self.sandbox.run(an_order(self.line, image=base_image(), seconds=60))
            self.ended = report.commands[0].ended
        except (TemporaryError, PermanentError) as error:
            self.raised = error


def start_a_container(name: str, *, owner: str, deadline: float | str) -> None:
    labels = {"trackwalker": "sandbox", "trackwalker.owner": owner, "trackwalker.deadline": str(deadline)}
    with Engine() as engine:
        host = {"network_mode": "none", "init": True}
        engine.create(name=name, image=base_image(), seconds=600, labels=labels, host=host)


class Door:
    """A socket that leads to the real engine, until it is shut; from then on nobody answers there."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/door"
        self._shut = False
        self._held: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/door")
        self._listener.listen()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def shut(self) -> None:
        self._shut = True
        for end in (self._listener, *self._held):
            with contextlib.suppress(OSError):  # it has been closed from the other side
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for end in (self._listener, *self._held):
            end.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the door was shut
            while not self._shut:
                inside, _ = self._listener.accept()
                outside = socket.socket(socket.AF_UNIX)
                outside.connect(SOCKET)
                self._held += [inside, outside]
                for pair in ((inside, outside), (outside, inside)):
                    self._threads.append(threading.Thread(target=self._carry, args=pair))
                    self._threads[-1].start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the door was shut, or one side left
            while chunk := source.recv(65536):
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)


def test_without_an_engine_the_case_waits() -> None:
    sandbox = DockerSandbox(owner=OWNER, url="unix:///tmp/no-such-engine.sock")
    for call in (lambda: sandbox.run(an_order("true", image="x")), sandbox.reap):
        with pytest.raises(
            TemporaryError, match=r"no Docker engine answers at unix:///tmp/no-such-engine.sock.* start dockerd"
        ):
            call()


def test_an_engine_that_hangs_is_no_engine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        sandbox = DockerSandbox(owner=OWNER, url=f"unix://{tmp_path}/s", patience_s=0.3)
        with pytest.raises(TemporaryError, match="no Docker engine answers"):
            sandbox.run(an_order("true", image="x"))


def test_an_engine_that_dies_on_the_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    door = Door(tmp_path)
    running = Raising(DockerSandbox(owner=OWNER, url=door.url, patience_s=5), "echo began; sleep 60")
    running.start()
    until(mine)
    threading.Event().wait(0.5)
    door.shut()
    running.join(15)
    assert isinstance(running.raised, TemporaryError)
    assert f"no Docker engine answers at {door.url}" in str(running.raised)
    # What could not be removed then is said, and found by its owner's next life.
    assert "was left behind" in caplog.text
    assert DockerSandbox(owner=OWNER).reap() == 1


def test_an_image_that_is_not_there_is_named() -> None:
    with pytest.raises(PermanentError, match=r"no image 'nobody/has-this:1'.*trackwalker image.*docker pull"):
        DockerSandbox(owner=OWNER).run(an_order("true", image="nobody/has-this:1"))


def test_a_container_that_somebody_removes_is_no_verdict() -> None:
    running = Raising(DockerSandbox(owner=OWNER))
    running.start()
    until(mine)
    threading.Event().wait(0.5)
    with Engine() as engine:
        assert all(engine.remove(name) for name in mine())
    running.join(15)
    # The engine kills before it removes: which of the two is seen first is its own affair.
    if running.raised is None:
        assert running.ended == "killed: its container ended before it did"
    else:
        assert isinstance(running.raised, TemporaryError)


def _runs_the_command(client: Any, containers: set[str]) -> bool:  # noqa: ANN401 - docker has no types
    """Whether one of the containers has come as far as the order's own command."""
    with contextlib.suppress(APIError):
        return any(row[-1].endswith("sleep 60") for name in containers for row in client.api.top(name)["Processes"])
    return False


def test_a_container_that_is_killed_under_its_command() -> None:
    running = Raising(DockerSandbox(owner=OWNER))
    running.start()
    until(mine)
    client: Any = docker.from_env()
    until(lambda: _runs_the_command(client, mine()))  # a container that ends before is asked for again
    client.api.kill(mine().pop())
    client.close()
    running.join(15)
    assert running.ended == "killed: its container ended before it did"


def test_closing_ends_what_runs_within_seconds() -> None:
    sandbox = DockerSandbox(owner=OWNER)
    running = Raising(sandbox)
    running.start()
    until(mine)
    began = time.monotonic()
    sandbox.close()
    running.join(15)
    assert time.monotonic() - began < 5
    assert isinstance(running.raised, TemporaryError)
    assert "was closed" in str(running.raised)
    with pytest.raises(TemporaryError, match="the daemon is ending"):
        sandbox.run(an_order("true", image=base_image()))


def a_daemon_at_work() -> "subprocess.Popen[bytes]":
    """Another process that runs an order, once its container is there."""
    program = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from sandbox.docker import DockerSandbox\n"
        "from tests.sandbox.orders import an_order\n"
        f"DockerSandbox(owner={OWNER!r}).run(an_order('sleep 60', image={base_image()!r}, seconds=60))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, cwd=Path(__file__).parents[2])
    until(mine)
    return child


def test_an_interrupt_leaves_no_container() -> None:
    daemon = a_daemon_at_work()
    daemon.send_signal(signal.SIGINT)
    _, errors = daemon.communicate(timeout=15)
    assert b"KeyboardInterrupt" in errors


def test_the_next_life_reaps_what_a_killed_daemon_left() -> None:
    daemon = a_daemon_at_work()
    daemon.kill()
    daemon.communicate()
    with Engine() as engine:
        (left,) = [found for found in engine.labelled("trackwalker=sandbox") if found.name in mine()]
    assert left.labels["trackwalker.key"] == "case-1"
    assert 0 < int(left.labels["trackwalker.deadline"]) - time.clock_gettime(time.CLOCK_REALTIME) < 240
    assert DockerSandbox(owner=OWNER).reap() == 1


def test_only_what_is_overdue_of_others_is_reaped() -> None:
    with Engine() as engine:
        now = round(engine.now().timestamp())
    stranger = f"{OWNER}-stranger"
    names = {kind: f"trackwalker-{kind}-{os.getpid()}" for kind in ("due", "late", "unreadable")}
    sandbox = DockerSandbox(owner=OWNER)
    running = Raising(sandbox, "sleep 1.5; true")
    try:
        for kind, deadline in (("due", now - 5), ("late", now - 70), ("unreadable", "soon")):
            start_a_container(names[kind], owner=stranger, deadline=deadline)
        running.start()
        until(mine)
        assert sandbox.reap() == 2
        assert {names["due"]} == containers(f"trackwalker.owner={stranger}")
    finally:
        with Engine() as engine:
            for name in names.values():
                engine.remove(name)
    running.join(15)
    assert (running.ended, running.raised) == ("exited", None)


def test_an_images_volumes_are_no_way_to_the_hosts_disk() -> None:
    tag = f"trackwalker-volume-{os.getpid()}"
    client: Any = docker.from_env()
    recipe = io.BytesIO(f'FROM {base_image()}\nVOLUME /tmp/held\nENTRYPOINT ["false"]\n'.encode())
    client.images.build(fileobj=recipe, tag=tag, rm=True)
    try:
        (held,) = DockerSandbox(owner=OWNER).run(an_order("grep held /proc/mounts", image=tag)).commands
    finally:
        client.images.remove(tag, force=True)
        client.close()
    assert held.output.startswith("tmpfs /tmp/held tmpfs rw,nosuid,nodev,noexec")


def test_an_engine_behind_ssh_or_tls_is_refused_in_words() -> None:
    ensure_dockerd()
    with pytest.raises((PermanentError, TemporaryError), match=r"ssh://nobody@127\.0\.0\.1"):
        DockerSandbox(owner=OWNER, url="ssh://nobody@127.0.0.1:1").run(an_order("true", image="x"))


def test_it_describes_itself_in_words() -> None:
    assert "no network" in DockerSandbox(owner=OWNER).describe()
    assert "runtime runsc" in DockerSandbox(owner=OWNER, runtime="runsc").describe()


def test_a_runtime_that_the_engine_lacks_is_named() -> None:
    with pytest.raises((PermanentError, TemporaryError), match="no-such-runtime"):
        DockerSandbox(owner=OWNER, runtime="no-such-runtime").run(an_order("true", image=base_image()))
