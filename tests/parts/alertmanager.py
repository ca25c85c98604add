"""A real Alertmanager of the test's own: on a free port, without a cluster, gone afterwards."""

import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cases.moments import iso
from tests.parts.prometheus import free_port

ROUTE = (
    "{receiver: pager, group_by: [alertname, service], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1h}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAlertmanager:
    """One Alertmanager process, and what a rule's owner and a human do to it."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it; a second time does nothing."""
        self.process.terminate()
        self.process.wait(timeout=20)

    def fires(
        self,
        labels: Mapping[str, str],
        annotations: Mapping[str, str],
        *,
        since: datetime,
        until: datetime,
        generator: str = "http://prometheus/graph",
    ) -> None:
        """The owner says that the alert fires, as Prometheus does: with an end some minutes ahead. Past: resolved."""
        alert = {
            "labels": dict(labels),
            "annotations": dict(annotations),
            "startsAt": iso(since),
            "endsAt": iso(until),
            "generatorURL": generator,
        }
        self._ask("/api/v2/alerts", [alert])

    def silence(
        self, name: str, value: str, now: datetime, *, regex: bool = False, equal: bool = True, comment: str = "known"
    ) -> str:
        """A human silences the alerts with that label for an hour; the silence's id."""
        matchers = [{"name": name, "value": value, "isRegex": regex, "isEqual": equal}]
        if not equal:  # Alertmanager takes none that everything meets
            matchers.append({"name": "service", "value": "shop", "isRegex": False, "isEqual": True})
        hour = {"startsAt": iso(now - timedelta(seconds=5)), "endsAt": iso(now + timedelta(hours=1))}
        made = self._ask("/api/v2/silences", {"matchers": matchers, **hour, "createdBy": "sre", "comment": comment})
        silence: str = made["silenceID"]
        return silence

    def lift(self, silence: str) -> None:
        """The human takes it back."""
        self._ask(f"/api/v2/silence/{silence}", method="DELETE")

    def listed(self) -> list[dict[str, Any]]:
        """Every alert, as the API has it."""
        found: list[dict[str, Any]] = self._ask("/api/v2/alerts")
        return found

    def _ask(self, path: str, body: object = None, method: str | None = None) -> Any:  # noqa: ANN401 - whatever JSON it answers
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            return json.loads(answer.read() or b"null")


@contextmanager
def running_alertmanager(
    folder: Path, pager: str = "http://127.0.0.1:9/", *, hooks: Sequence[str] = (), config: str = ""
) -> Generator[RunningAlertmanager]:
    """Start it in an empty folder; it pages the webhook at `pager`, and the other `hooks`; `config` is added."""
    hooks = ", ".join([f"{{url: '{pager}', send_resolved: true}}", *hooks])
    (folder / "alertmanager.yml").write_text(
        f"route: {ROUTE}\nreceivers: [{{name: pager, webhook_configs: [{hooks}]}}]\n{config}"
    )
    port = free_port()
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = RunningAlertmanager(url=f"http://127.0.0.1:{port}", process=process)
    try:
        _wait_until_ready(running, folder / "alertmanager.log")
        yield running
    finally:
        running.stop()


def _wait_until_ready(running: RunningAlertmanager, log: Path) -> None:
    pause = threading.Event()
    for _ in range(200):
        # asked first, so that somebody else's server on that port is never taken for ours
        assert running.process.poll() is None, f"Alertmanager ended: {log.read_text()}"
        try:
            with urllib.request.urlopen(f"{running.url}/-/ready", timeout=1):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, ConnectionError):
            pause.wait(0.05)
    raise AssertionError(f"Alertmanager was not ready after 10 s: {log.read_text()}")
