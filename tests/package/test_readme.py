"""Nothing in the README that is not true: its configuration loads, its commands exist."""

import re
from pathlib import Path

from click.testing import CliRunner

from config.load import load
from daemon.main import COMMANDS, trackwalker

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_its_configuration_is_five_lines_and_loads(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(shown.splitlines()) == 5
    (tmp_path / "trackwalker.yaml").write_text(shown)
    assert load(tmp_path / "trackwalker.yaml").watched()[0].service == "shop"


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"trackwalker ([a-z]+)", README))
    assert named <= set(COMMANDS)
    assert {"init", "check", "run"} <= named
    listed = CliRunner().invoke(trackwalker, ["--help"])
    assert listed.exit_code == 0


def test_its_pictures_and_pages_are_there() -> None:
    top = Path(__file__).parents[2]
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert linked
    assert [path for path in linked if not (top / path).exists()] == []
