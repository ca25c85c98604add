"""What a real `trackwalker run` needs around it: a folder with a configuration, a real Prometheus, and the forge."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.case import Case
from daemon.home import at_home
from daemon.ledger.ledger import open_ledger
from remediation.forge.local.server import serve
from tests.parts.daemons import TOKEN, Daemon, until
from tests.parts.dockerd import base_image, containers
from tests.parts.hub import Hub
from tests.parts.prometheus import running_prometheus
from tests.parts.settings import a_document


@dataclass
class Place:
    """A folder with a configuration, the watches of which are in a file of their own."""

    folder: Path
    document: dict[str, Any]
    hub: Hub
    owner: str

    def write(self, **changes: Any) -> None:  # noqa: ANN401 - keys of a configuration
        whole = {**self.document, "include": "conf.d/*.yaml", **changes}
        (self.folder / "trackwalker.yaml").write_text(json.dumps(whole))

    def watch(self, more: str) -> None:
        (self.folder / "conf.d").mkdir(exist_ok=True)
        text = f"watch:\n  - {{name: errors, service: shop, query: vector(0.2), harm: up, {more}}}\n"
        (self.folder / "conf.d" / "watch.yaml").write_text(text)

    def case(self) -> Case | None:
        with open_ledger(f"sqlite:///{self.folder}/trackwalker.db") as ledger:
            return next(iter(ledger.cases.listed(1)), None)

    def containers(self) -> set[str]:
        return containers(f"trackwalker.owner={self.owner}")

    def tries(self, it: Daemon) -> None:
        """Wait until a trial runs."""
        until(self.containers, f"a trial runs; what was said:\n{it.text}")


@contextmanager
def a_place(tmp_path: Path) -> Generator[Place]:
    """A Prometheus, a forge with an empty repository, and a configuration that watches one number."""
    base_image()
    hub = Hub(tmp_path / "forge").create()
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "work").mkdir()
    with (
        running_prometheus(tmp_path / "prometheus") as prometheus,
        serve(tmp_path / "forge", "127.0.0.1:0", TOKEN) as served,
    ):
        document = a_document(
            "observe",
            signals={"prometheus": [{"name": "main", "url": prometheus.url}]},
            repositories=[{"name": "shop", "url": f"{served.url}/acme/shop.git", "full_name": "acme/shop"}],
            sandbox={"pool": 0},  # so that every container is a trial's
            forge={"api_url": served.api_url, "token": "env:TOKEN"},
            api={"listen": "127.0.0.1:0"},
            cycle="200ms",
        )
        del document["watch"]
        with at_home(tmp_path / "work") as home:  # the daemon finds the same slot free
            owner = home.name
        it = Place(folder=tmp_path / "work", document=document, hub=hub, owner=owner)
        it.write()
        it.watch("threshold: 0.5")
        yield it
