"""The base image, of the running Python and of the distribution's."""

import os
from pathlib import Path
from typing import Any

import docker
import pytest

from cases.errors import PermanentError
from sandbox.base_image import ensure_base_image
from sandbox.docker import DockerSandbox
from sandbox.engine import Engine
from tests.parts.dockerd import base_image, ensure_dockerd
from tests.sandbox.orders import an_order, tree_of

OWNER = f"image-{os.getpid()}"
SUITE = tree_of(
    {"test_a.py": "import ctypes, sqlite3, ssl, zoneinfo\ndef test_a(): zoneinfo.ZoneInfo('Europe/Berlin')\n"}
)


def test_building_it_again_changes_nothing() -> None:
    image = base_image()
    assert image.startswith("trackwalker-base:py3.")
    client: Any = docker.from_env()
    before = client.images.get(image).id
    assert image == ensure_base_image()
    assert before == client.images.get(image).id == client.images.get("trackwalker-base:latest").id
    client.close()


def test_it_runs_suites_git_and_the_usual_tools() -> None:
    report = DockerSandbox(owner=OWNER).run(
        an_order(
            "python -m pytest -q",
            "pytest -q",
            "git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm one && git log --oneline",
            "python -v -c 'import json.decoder' 2>&1 | grep -c 'matches .*json/decoder.py'",
            "ls /root /home /etc",
            image="trackwalker-base",
            tree=SUITE,
        )
    )
    suite, command, git, cached, held = report.commands
    assert [("test_a::test_a", "passed")] == list(suite.tests) == list(command.tests)
    assert (git.exit_code, "one" in git.output) == (0, True)
    assert cached.output == "1\n"  # the standard library's byte code is valid there
    assert not {"shadow", "ssh", ".ssh", "hostname.old"} & set(held.output.split())


@pytest.mark.long
def test_it_can_be_made_of_the_distributions_python() -> None:
    python = Path("/usr/bin/python3")
    repository = f"trackwalker-base-test-{os.getpid()}"
    ensure_dockerd()
    client: Any = docker.from_env()
    try:
        image = ensure_base_image(python=python, repository=repository)
        (suite,) = DockerSandbox(owner=OWNER).run(an_order("python -m pytest -q", image=image, tree=SUITE)).commands
    finally:
        for found in client.images.list(repository):
            client.images.remove(found.id, force=True)
        client.close()
    assert (suite.exit_code, suite.tests) == (0, (("test_a::test_a", "passed"),))
    with Engine() as engine:
        assert not engine.has_image(image)


def test_a_python_that_does_not_run_is_named() -> None:
    with pytest.raises(PermanentError, match="/bin/false does not run"):
        ensure_base_image(python=Path("/bin/false"))
