"""A real Prometheus of the test's own: on a free port, with a history, gone afterwards."""

import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPrometheus:
    """One Prometheus process."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it; a second time does nothing."""
        self.process.terminate()
        self.process.wait(timeout=20)


@contextmanager
def running_prometheus(
    folder: Path, openmetrics: str = "", config: str = "global: {}\n", blocks: str = "2h"
) -> Generator[RunningPrometheus]:
    """Start Prometheus in an empty folder, backfilled with the samples of an OpenMetrics text (see `exposition`).

    `blocks` of two hours are slow to make for a history of weeks.
    """
    storage = folder / "storage"
    storage.mkdir()
    if openmetrics:
        history = folder / "history.om"
        history.write_text(openmetrics)
        command = ["promtool", "tsdb", "create-blocks-from", f"--max-block-duration={blocks}", "openmetrics"]
        command += ["--quiet", str(history), str(storage)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    (folder / "prometheus.yml").write_text(config)
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={storage}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = RunningPrometheus(url=f"http://127.0.0.1:{port}", process=process)
    try:
        _wait_until_ready(running, folder / "log")
        yield running
    finally:
        running.stop()


def exposition(metric: str, series: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]) -> str:
    """OpenMetrics text of a gauge: labels → [(epoch seconds, value)]."""
    lines = [f"# TYPE {metric} gauge"]
    for labels, samples in series.items():
        matchers = ",".join(f'{name}="{value}"' for name, value in labels)
        lines += [f"{metric}{{{matchers}}} {value!r} {at:.3f}" for at, value in samples]
    return "\n".join(lines).replace(" inf ", " +Inf ").replace(" nan ", " NaN ")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(running: RunningPrometheus, log: Path) -> None:
    pause = threading.Event()
    for _ in range(200):
        # asked first, so that somebody else's server on that port is never taken for ours
        assert running.process.poll() is None, f"Prometheus ended: {log.read_text()}"
        try:
            with urllib.request.urlopen(f"{running.url}/-/ready", timeout=1):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, ConnectionError):
            pause.wait(0.05)
    raise AssertionError(f"Prometheus was not ready after 10 s: {log.read_text()}")
