"""The platform under flaskr: the demo's own, with another command to start a release."""

import os
import sys
from pathlib import Path

from demo.deployment import READY, Deployer
from demo.processes import Child
from tests.parts.flaskr import runner


class FlaskrDeployer(Deployer):
    """Runs one flaskr at a time, over one database that outlives its releases. `packages` is what it runs on."""

    def __init__(self, folder: Path, *, url: str, token: str, packages: Path) -> None:
        super().__init__(folder, url=url, token=token)
        self.log = folder / "flaskr.log"
        self._database = folder / "flaskr.sqlite"
        self._packages = packages

    def _start(self, release: Path, sha: str) -> Child:
        command = [sys.executable, "-P", runner.__file__, "--port", str(self.port), "--revision", sha]
        child = Child(
            f"flaskr at {sha[:10]}",
            [*command, "--database", str(self._database)],
            log=self.log,
            folder=release,
            environment={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": f"{release}{os.pathsep}{self._packages}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        child.start()
        try:
            child.wait_until(lambda: self._answers(child, sha), seconds=READY)
        except BaseException:
            child.stop()
            raise
        return child
