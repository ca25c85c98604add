"""Each daemon has a folder and a name of its own, also beside others and on machines that look alike."""

import socket
from pathlib import Path

import pytest

from cases.errors import PermanentError
from daemon.home import at_home, store_folder


def test_a_restart_has_the_same_name_and_a_second_daemon_another(tmp_path: Path) -> None:
    with at_home(tmp_path) as first, at_home(tmp_path) as second:
        assert first.name != second.name
        assert first.folder == tmp_path / ".trackwalker" / "1"
    with at_home(tmp_path) as again:
        assert again == first
    assert first.name.startswith(f"{socket.gethostname()}-")


def test_the_settings_may_name_the_folder(tmp_path: Path) -> None:
    with at_home(tmp_path, str(tmp_path / "own")) as here:
        assert here.folder == tmp_path / "own" / "1"
    assert not (tmp_path / ".trackwalker").exists()


def test_a_server_has_no_folder_so_that_it_is_the_working_directory(tmp_path: Path) -> None:
    assert store_folder(f"sqlite:///{tmp_path}/x.db") == tmp_path
    assert store_folder("postgresql+psycopg://me@db/x") == Path.cwd()


def test_two_machines_of_one_host_name_and_one_folder_have_two_names(tmp_path: Path) -> None:
    names: set[str] = set()
    for machine in ("one", "two"):
        (tmp_path / machine).write_text(f"{machine}\n")
        for _ in range(2):
            with at_home(tmp_path, machine=tmp_path / machine) as here:
                names.add(here.name)
    assert len(names) == 2


def test_a_machine_without_an_id_is_told_by_what_is_kept_in_the_folder(tmp_path: Path) -> None:
    names: list[str] = []
    for _ in range(2):
        with at_home(tmp_path, machine=tmp_path / "none") as here:
            names.append(here.name)
    assert names[0] == names[1]
    (tmp_path / ".trackwalker" / "1" / "id").unlink()  # as on another machine
    with at_home(tmp_path, machine=tmp_path / "none") as elsewhere:
        assert elsewhere.name != names[0]


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=r"cannot keep a folder at .*Not a directory.*; run where you may write"):
        at_home(tmp_path / "file").__enter__()
