"""A place for real daemons that things are done to: a configuration, a store, a forge; and an address that hangs."""

import json
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remediation.forge.local.server import serve
from tests.parts.daemons import TOKEN, Daemon, daemon
from tests.parts.hub import UNHURRIED, Hub
from tests.parts.settings import a_document


@dataclass
class Place:
    """A folder with a configuration and a store."""

    folder: Path
    document: dict[str, Any]
    hub: Hub

    @property
    def store(self) -> str:
        """The address of the store that all its daemons share."""
        return f"sqlite:///{self.folder}/trackwalker.db"

    @contextmanager
    def daemon(self, **changes: Any) -> Generator[Daemon]:  # noqa: ANN401 - keys of a configuration
        """Start one, with settings of its own; it is killed at the end of the block."""
        number = len(list(self.folder.glob("*.yaml")))
        config = self.folder / f"daemon-{number}.yaml"
        config.write_text(json.dumps({**self.document, **changes}))
        with daemon(self.folder, config.name) as started:
            yield started


@contextmanager
def a_place(folder: Path, prometheus: str, **more: Any) -> Generator[Place]:  # noqa: ANN401 - keys of a configuration
    """A shop whose errors are out of range as soon as anybody looks; the daemons turn quickly."""
    hub = Hub(folder / "forge").create()
    (folder / "work").mkdir()
    with serve(folder / "forge", "127.0.0.1:0", TOKEN) as served:
        document = a_document(
            "pull_request",
            **{
                "store": f"sqlite:///{folder}/work/trackwalker.db",
                "signals": {"prometheus": [{"name": "main", "url": prometheus}]},
                "repositories": [{"name": "shop", "url": f"{served.url}/acme/shop.git", "full_name": "acme/shop"}],
                "sandbox": {"pool": 0},  # so that every container is a trial's
                "forge": {"api_url": served.api_url, "token": "env:TOKEN", **UNHURRIED},
                "watch": [
                    {"name": "errors", "service": "shop", "query": "vector(0.2)", "harm": "up", "threshold": 0.1}
                ],
                "deploys": [{"merge": {"delay": "1s"}}],
                "detection": {"step": "1s", "recent": "30s"},
                "api": {"listen": "127.0.0.1:0"},
                "cycle": "200ms",
                "runtime": {"lease": "1s"},
                **more,
            },
        )
        yield Place(folder=folder / "work", document=document, hub=hub)


@contextmanager
def a_hole() -> Generator[tuple[str, Callable[[], int]]]:
    """An address where connections are taken and nothing is ever answered, and how many were made there."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def take() -> None:
            while not over.is_set():
                try:
                    held.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", lambda: len(held)
        finally:
            over.set()
            thread.join()
            for one in held:
                one.close()
