"""The daemon on a given clock with telemetry and receivers of the test's own, and a forge that never answers."""

import json
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from cases.ports import Clock, Notifier
from config.load import load
from config.settings import Settings
from daemon.alerts.file import FileNotifier
from daemon.app import App, running
from daemon.build import Outside, sources_of
from daemon.clock import ManualClock
from daemon.home import Home
from remediation.forge.forge import GitForge
from remediation.forge.repository import ForgeRepository
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedMarkers
from tests.parts.settings import a_document

NOBODY = "http://127.0.0.1:9"


@dataclass
class Standing:
    """One store, one configuration, and what the daemon meets; `app` is its present life."""

    folder: Path
    clock: ManualClock
    document: dict[str, Any]
    notifiers: dict[str, Notifier] = field(default_factory=dict[str, Notifier])
    app: App | None = field(default=None, init=False)

    @contextmanager
    def alive(self) -> Generator[App]:
        """One life of the daemon."""
        path = self.folder / "trackwalker.yaml"
        path.write_text(json.dumps(self.document))
        with running(load(path), clock=self.clock, build=self._outside) as app:
            self.app = app
            yield app

    def passes(self, minutes: float = 0.5) -> None:
        """Let time go by, half a minute at a time; the daemon turns at each."""
        assert self.app is not None
        for _ in range(max(1, round(minutes * 2))):
            self.clock.advance(timedelta(seconds=30))
            self.app.cycle.turn()
            self.app.cycle.turn()  # what the poll found is claimed and told in the next turn

    def told(self, name: str = "oncall") -> list[dict[str, Any]]:
        """The notices that a file's receiver got."""
        path = self.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def subjects(self, name: str = "oncall") -> list[str]:
        return [notice["subject"] for notice in self.told(name)]

    def get(self, path: str) -> tuple[int, Any]:
        """Status and document of the daemon's own HTTP."""
        assert self.app is not None
        try:
            with urllib.request.urlopen(self.app.url + path, timeout=5) as answer:  # noqa: S310 - the daemon's own address
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def counted(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """A metric's value now; 0 where it was never counted."""
        assert self.app is not None
        return self.app.metrics.registry.get_sample_value(name, dict(labels or {})) or 0.0

    def _outside(self, settings: Settings, home: Home, clock: Clock) -> Outside:
        forge = GitForge(
            tuple(
                ForgeRepository(name=r.name, url=r.url, branch=r.branch, full_name=r.full_name)
                for r in settings.repositories
            ),
            api_url=NOBODY, token=lambda: "nobody", cache=home.mirrors, write_spacing=timedelta(0),
        )  # fmt: skip
        return Outside(
            sources=sources_of(settings, clock),
            changes=RecordedMarkers(recorded=[]),
            forge=forge,
            sandbox=ScriptedSandbox({}),
            notifiers={"oncall": FileNotifier("oncall", self.folder / "oncall", clock), **self.notifiers},
        )


def standing(folder: Path, clock: ManualClock, url: str, **more: Any) -> Standing:  # noqa: ANN401 - keys of a configuration
    """An observer of `shop/errors` at the Prometheus of that address, unless `more` says otherwise."""
    document = a_document(
        "observe",
        **{
            "store": f"sqlite:///{folder}/ledger.db",
            "signals": {"prometheus": [{"name": "main", "url": url}]},
            "api": {"listen": "127.0.0.1:0"},
            "runtime": {"executor": "inline"},
            "detection": {"history": "3h", "recent": "10m"},
            **more,
        },
    )
    return Standing(folder=folder, clock=clock, document=document)
