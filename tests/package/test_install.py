"""Nothing in docs/install.md that is not there: commands, files, build arguments."""

import re
from pathlib import Path

from daemon.main import COMMANDS

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "install.md").read_text()
CODE = "\n".join(re.findall(r"```sh\n.*?```|`[^`]+`", PAGE, re.DOTALL))
MADE_BY_THE_READER = {"deploy/secrets/github_token", "deploy/secrets/trackwalker_token", "deploy/secrets/*_token"}


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"\bdeploy/[\w./*-]*\w", PAGE)) - MADE_BY_THE_READER
    assert len(named) >= 6
    assert [path for path in named if not (TOP / path).exists()] == []


def test_every_command_that_it_names_exists() -> None:
    named = set(re.findall(r"(?<![\w/-])(?:trackwalker )+([a-z]+)", CODE))
    assert {"init", "image", "check", "cases"} <= named
    assert named <= set(COMMANDS)


def test_every_build_argument_that_it_names_is_one() -> None:
    named = set(re.findall(r"--build-arg (\w+)=", CODE))
    known = set(re.findall(r"^ARG (\w+)", (TOP / "Dockerfile").read_text(), re.MULTILINE))
    assert named == {"PYTHON_IMAGE", "PIP_INDEX_URL", "PIP_NO_INDEX"}
    assert named <= known
