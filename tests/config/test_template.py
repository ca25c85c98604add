"""What `trackwalker init` writes is usable as it is, and never replaces anything."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load
from config.template import TEMPLATE, write


def test_the_template_loads(tmp_path: Path) -> None:
    settings = load(write(tmp_path))
    assert [signal.name for signal in settings.watched()] == ["errors"]
    assert str(settings.forge.token) == "env:GITHUB_TOKEN"
    assert len(settings.deploys) == 1


def test_it_sets_only_what_matters() -> None:
    keys = [line.partition(":")[0] for line in TEMPLATE.splitlines() if line[:1].isalpha()]
    assert keys == ["signals", "watch", "repositories", "deploys", "forge", "authority"]


def test_it_makes_the_folder(tmp_path: Path) -> None:
    assert write(tmp_path / "new" / "folder").read_text() == TEMPLATE


def test_it_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already and was left as it is; edit it"):
        write(tmp_path)
    assert path.read_text() == "mine"
    assert [path] == list(tmp_path.iterdir())


def test_a_dangling_link_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "trackwalker.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is there already"):
        write(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written \(Not a directory\); name a folder"):
        write(tmp_path / "file" / "folder")
