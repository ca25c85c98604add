"""What only the demo's process sandbox has to show."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cases.errors import PermanentError
from sandbox.process import PREFIX, ProcessSandbox
from tests.sandbox.orders import an_order, tree_of


def outputs(*lines: str, tree: bytes | None = None) -> list[str]:
    return [each.output for each in ProcessSandbox().run(an_order(*lines, image="none", tree=tree)).commands]


def test_it_says_what_it_is_and_what_it_is_not() -> None:
    words = ProcessSandbox().describe()
    assert words.startswith("a process on this host (no container): only for the demo's own service")
    assert "kernel" in words or "nothing else is isolated" in words


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no root to give up")
def test_root_is_given_up_for_good() -> None:
    (status,) = outputs("id -u; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status")
    assert status.splitlines() == ["65534", "65534", "CapEff:\t0000000000000000", "NoNewPrivs:\t1"]


def test_where_it_is_isolated_it_sees_neither_host_nor_network(tmp_path: Path) -> None:
    sandbox = ProcessSandbox()
    assert "no network" in sandbox.describe(), "this machine gives no namespaces; the demo would say so"
    secret = tmp_path / "secret"
    secret.write_text("made-up-secret-31337")
    secret.chmod(0o644)
    seen = outputs(
        f"cat {secret} ~root/.bashrc; ls /home",
        "tail -n +3 /proc/net/dev | cut -d: -f1; ls -d /proc/[0-9]* | wc -l",
        "ls /run /var/run/docker.sock",
    )
    assert "made-up-secret-31337" not in seen[0]
    assert "No such file" in seen[0]
    interfaces, processes = seen[1].split()
    assert (interfaces, int(processes) < 8) == ("lo", True)
    assert "docker" not in seen[2].replace("/var/run/docker.sock", "")


def test_its_limits_hold() -> None:
    limits = outputs("ulimit -c; ulimit -n; ulimit -f", "head -c 300000000 /dev/zero > large; stat -c %s large")
    assert ["0", "1024", str(256 * 1024 * 2)] == limits[0].split()
    assert int(limits[1].split()[-1]) == 256 * 1024 * 1024


def test_memory_is_limited() -> None:
    report = ProcessSandbox().run(an_order("python -c 'bytearray(3 << 30)'", image="none"))
    assert (report.commands[0].exit_code, "MemoryError" in report.commands[0].output) == (1, True)


def test_a_hostile_tree_stays_inside(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"contains '\.\.'"):
        outputs("true", tree=tree_of({"../../outside": "x"}))
    outputs("echo y > link/through; true", tree=tree_of({f"{tmp_path}/absolute": "x"}, {"link": str(tmp_path)}))
    assert list(tmp_path.iterdir()) == []
    assert not (Path(tempfile.gettempdir()) / "outside").exists()


def test_the_folders_of_a_dead_process_are_reaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others reap this host's folders at the same time
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, alive = (Path(tempfile.mkdtemp(prefix=f"{PREFIX}{pid}-")) for pid in (ended.pid, os.getpid()))
    (left / "work").mkdir()
    assert ProcessSandbox().reap() == 1
    assert (left.exists(), alive.exists()) == (False, True)
