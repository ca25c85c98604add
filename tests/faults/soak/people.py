"""The people around a daemon: a developer who breaks a service now and then, and a reviewer who merges what is opened.

One thread does both: a push straight into a bare repository and a merge through the forge must not cross.
"""

import itertools
import json
import re
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from cases.moments import EPOCH
from daemon.clock import SystemClock
from tests.faults.soak.production import BAD, GOOD, Production
from tests.parts.hub import TOKEN, Hub

FINE = b"def total(cart):\n    return sum(cart)\n"
BROKEN = b"def total(cart):\n    return round(sum(cart))\n"
LOOK = 0.5  # seconds between two looks at the forge
SERVICE = re.compile(r"\b(s\d\d)\b")


@dataclass(kw_only=True)
class People:
    """They live in real seconds: `every` so many a service breaks; one that nobody mended for `patience` they mend."""

    hubs: dict[str, Hub]  # by service
    api_url: str
    production: Production
    every: float
    patience: float
    latent: str = ""
    did: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list[str])
    _machine: SystemClock = field(default_factory=SystemClock)
    _broke: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Until the block ends."""
        end = threading.Event()
        worker = threading.Thread(target=self._work, args=(end,), name="people")
        worker.start()
        try:
            yield
        finally:
            end.set()
            worker.join()

    def _work(self, end: threading.Event) -> None:
        turns = itertools.cycle(self.hubs)
        due = self._machine.monotonic() + 5
        with httpx.Client(auth=("reviewer", TOKEN), trust_env=False, timeout=30) as client:
            while not end.wait(LOOK):
                try:
                    self._review(client)
                    self._mend(client)
                    if self._machine.monotonic() >= due:
                        due += self.every
                        self._break(next(turns))
                except (httpx.HTTPError, ValueError) as error:  # the forge has faults of its own
                    self.failed.append(repr(error)[:200])

    def _break(self, service: str) -> None:
        if self.production.bad(service):
            self.did["still broken"] += 1
            return
        if service == self.latent:  # it goes bad without any deploy: there is no suspect, and the model is asked
            self.production.goes(service, BAD)
            self._broke[service] = self._machine.monotonic()
            self.did["broken by nobody"] += 1
            return
        self._commit(service, "Reword the README", {"README.md": f"{self.did['broken']}\n".encode()})
        sha = self._commit(service, f"Round totals of {service}", {f"{service}/pricing.py": BROKEN})
        self.production.runs(service, sha, BAD)
        self._broke[service] = self._machine.monotonic()
        self.did["broken"] += 1

    def _review(self, client: httpx.Client) -> None:
        for name in {hub.full_name for hub in self.hubs.values()}:
            pulls = f"{self.api_url}/repos/{name}/pulls"
            for pull in client.get(pulls, params={"state": "open"}).json():
                found = SERVICE.search(pull["title"])
                answer = client.put(f"{pulls}/{pull['number']}/merge", json={"merge_method": "merge"})
                if answer.is_error or found is None:
                    self.did["closed"] += 1
                    client.patch(f"{pulls}/{pull['number']}", json={"state": "closed"})
                    self.failed.append(f"{pull['title']}: {json.dumps(answer.json())[:160]}")
                    continue
                self.did["merged"] += 1
                self._good(found[1], answer.json()["sha"])

    def _mend(self, client: httpx.Client) -> None:
        """Mend by hand what waited for too long."""
        del client
        now = self._machine.monotonic()
        for service, since in list(self._broke.items()):
            if now - since > self.patience:
                self._good(service, self._commit(service, f"Mend {service}", {f"{service}/pricing.py": FINE}))
                self.did["mended by hand"] += 1

    def _good(self, service: str, sha: str) -> None:
        self.production.runs(service, sha, GOOD)
        self._broke.pop(service, None)

    def _commit(self, service: str, title: str, files: Any) -> str:  # noqa: ANN401 - path → content
        at = int((self.production.clock.now() - EPOCH).total_seconds())
        return self.hubs[service].commit(title, files, at=at)
