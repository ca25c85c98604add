"""An index of git's for one tree alone, in the copy's own folder: trees that are built at the same time are apart."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from remediation.forge.git_command import GitCommand

OWN_INDEX = "trackwalker-index-"
"""How the folder of one is called; what a killed life left is swept with the copy's locks."""


@contextmanager
def own_index(git: GitCommand) -> Generator[dict[str, str]]:
    """The environment in which git uses it. It goes with the block."""
    with TemporaryDirectory(prefix=OWN_INDEX, dir=git.folder) as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder) / "index")}
