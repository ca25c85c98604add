"""Telemetry for the demo: a real Prometheus when the machine has one, the recorder when it has not."""

import http.client
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from demo.errors import ProcessError, TelemetryError
from demo.history import History
from demo.processes import Child, free_port, get
from demo.recorder import Recorder
from demo.rules import RULES, target_labels

READY = 20.0
"""Seconds Prometheus may take to start; 0.2 on a quiet machine."""
IMPORT = 120.0
"""Seconds promtool may take over two weeks of history; 0.7 on a quiet machine."""
BLOCK = "2000h"
"""One block for all of the history. promtool's own two hours make 168 of them, and take 25 times as long."""


class Telemetry(Protocol):
    """What the story asks for metrics; used as a context manager."""

    @property
    def url(self) -> str:
        """Where clients ask."""
        ...

    def describe(self) -> str:
        """Say which telemetry this is, for people."""
        ...

    def check(self) -> None:
        """Raise OutsideError if it does not run any more."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def found_prometheus() -> bool:
    """Whether the machine has both binaries that a real Prometheus with history needs."""
    return all(shutil.which(binary) for binary in ("prometheus", "promtool"))


def open_telemetry(
    folder: Path, *, target_port: int, history: History, now: Callable[[], datetime], prometheus: bool | None = None
) -> Telemetry:
    """Choose the telemetry: Prometheus where it is found, unless `prometheus` says otherwise. Nothing runs yet."""
    if found_prometheus() if prometheus is None else prometheus:
        return PrometheusServer(folder, target_port=target_port, history=history)
    return Recorder(target_port=target_port, history=history, now=now)


class PrometheusServer:
    """A Prometheus of our own on a free port: history imported, one target scraped and the rules evaluated each second.

    History may reach up to the start: Prometheus 2.42 takes the first live sample right behind it. Rules run at once,
    the first scrape comes about 5 s after the start (Prometheus's own discovery delay).
    """

    def __init__(self, folder: Path, *, target_port: int, history: History) -> None:
        self._folder = folder
        self._target_port = target_port
        self._history = history
        self._port = free_port()
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._import_history()
        child = self._configured()
        child.start()
        try:
            child.wait_until(self._is_ours, seconds=READY)
        except BaseException:
            child.stop()
            raise
        self._child = child
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop()

    @property
    def url(self) -> str:
        """Where clients ask."""
        return f"http://127.0.0.1:{self._port}"

    def describe(self) -> str:
        """Say which telemetry this is, for people."""
        version = _run(["prometheus", "--version"])
        found = re.search(r"version (\d+\.\d+)", version)
        return f"Prometheus {found[1]}" if found else "Prometheus"

    def check(self) -> None:
        """Raise ProcessError if it died."""
        if self._child is None:
            raise ProcessError("Prometheus was never started")
        self._child.check()

    @property
    def _storage(self) -> Path:
        return self._folder.resolve() / "tsdb"

    def _import_history(self) -> None:
        text = self._folder / "history.om"
        self._history.write_openmetrics(text)
        _run(
            [
                "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", f"--max-block-duration={BLOCK}",
                str(text), str(self._storage),
            ]
        )  # fmt: skip
        text.unlink()

    def _configured(self) -> Child:
        rules = [{"record": rule.record, "expr": rule.promql} for rule in RULES]
        groups = {"groups": [{"name": "shop", "interval": "1s", "rules": rules}]}
        target = target_labels()
        scrape = {
            "job_name": target.pop("job"),
            "honor_labels": True,
            "static_configs": [{"targets": [f"127.0.0.1:{self._target_port}"], "labels": target}],
        }
        settings = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.json"],
            "scrape_configs": [scrape],
        }
        (self._folder / "rules.json").write_text(json.dumps(groups))  # JSON is YAML
        (self._folder / "prometheus.json").write_text(json.dumps(settings))
        return Child(
            "Prometheus",
            [
                "prometheus",
                f"--config.file={self._folder.resolve() / 'prometheus.json'}",
                f"--storage.tsdb.path={self._storage}",
                "--storage.tsdb.retention.time=60d",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            log=self._folder / "prometheus.log",
            folder=self._folder,
            environment={"PATH": os.environ.get("PATH", os.defpath)},
        )

    def _is_ours(self) -> bool:
        """Whether the server that answers on the port keeps its data in our folder, and is ready."""
        status, body = get(self._port, "/api/v1/status/flags")
        if status != HTTPStatus.OK:
            return False
        try:
            storage = json.loads(body)["data"]["storage.tsdb.path"]
        except (ValueError, KeyError) as error:
            raise http.client.HTTPException(f"port {self._port} is served by something else") from error
        if Path(storage) != self._storage:
            raise TelemetryError(f"port {self._port} is served by another Prometheus, with its data in {storage}")
        return get(self._port, "/-/ready")[0] == HTTPStatus.OK


def _run(command: list[str]) -> str:
    """Run one of Prometheus's binaries and return all it printed; raises TelemetryError."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=IMPORT)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise TelemetryError(f"{command[0]} could not be run: {error}") from error
    said = done.stdout + done.stderr
    if done.returncode:
        raise TelemetryError(f"`{' '.join(command[:4])}` ended with status {done.returncode}: {said.strip()[-500:]}")
    return said
