"""The systemd unit: systemd accepts it, it gives away little, and it agrees with the program that it starts."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from config.duration import parse
from daemon.main import COMMANDS

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "trackwalker.service").read_text()
PROGRAM = "/opt/trackwalker/bin/trackwalker"
MOST_EXPOSED = 20  # tenths of systemd's own scale from 0 (safe) to 10


def settings() -> dict[str, list[str]]:
    """Every setting of the unit, with its values in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in UNIT.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a program that this machine has."""
    assert UNIT.count(PROGRAM) == 1
    unit = tmp_path / "trackwalker.service"
    unit.write_text(UNIT.replace(PROGRAM, sys.executable))
    return unit


def test_systemd_accepts_it_without_a_warning(installed: Path) -> None:
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed)], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_systemd_notices_what_is_wrong_with_it(installed: Path) -> None:
    installed.write_text(installed.read_text().replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed)], capture_output=True, text=True, check=False
    )
    assert "NoNewPrivilege" in said.stderr


def test_it_is_exposed_to_little(installed: Path) -> None:
    judged = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}"]
    said = subprocess.run([*judged, str(installed)], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("UMask", "0077"),
        ("StateDirectory", "trackwalker"),
        ("StateDirectoryMode", "0700"),
        ("WorkingDirectory", "%S/trackwalker"),  # where `store: sqlite:///trackwalker.db` ends up
        ("User", "trackwalker"),
        ("Restart", "on-failure"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("EnvironmentFile", "-/etc/trackwalker/environment"),
    ],
)
def test_it_promises(name: str, value: str) -> None:
    assert settings()[name] == [value]


def test_it_starts_a_command_that_there_is_and_gives_it_time_to_end() -> None:
    (line,) = settings()["ExecStart"]
    program, command, *options = line.split()
    assert program == PROGRAM
    assert command in COMMANDS
    assert options == ["--config", "/etc/trackwalker/trackwalker.yaml"]
    (patience,) = settings()["TimeoutStopSec"]
    assert parse(patience) >= parse("10s")


def test_a_refused_config_is_not_tried_again() -> None:
    from daemon.exits import BAD_USE

    assert settings()["RestartPreventExitStatus"] == [str(BAD_USE)]


def test_its_user_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    command = ["systemd-sysusers", f"--root={tmp_path}", "-"]
    made = (DEPLOY / "trackwalker.sysusers").read_text()
    subprocess.run(command, input=made, check=True, capture_output=True, text=True)
    (line,) = (tmp_path / "etc/passwd").read_text().splitlines()
    name, *_, home, shell = line.split(":")
    assert [name] == settings()["User"]
    assert home == "/var/lib/trackwalker"
    assert shell.endswith("nologin")


def test_no_secret_stands_in_it() -> None:
    names = {word.partition("=")[0] for line in settings()["Environment"] for word in line.split()}
    assert names == {"MPLCONFIGDIR", "PYTHONUNBUFFERED"}
