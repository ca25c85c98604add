"""The parent of the lives: it loads everything once, so that a life begins within milliseconds of its order.

`python -m tests.faults.kills.nursery`; then each line of its input is JSON, the folder of a stage and a `Way`, for a
life to begin there, and is answered with the life's process id. It has one thread, or forking would not be safe. It
ends with its input.
"""

import importlib
import json
import logging
import os
import pkgutil
import sys
import traceback
from pathlib import Path

import numpy as np

from cases.steps import OpenPullRequest, PostComment, PushBranch, Receipt, SendNotice, StorePlot
from daemon.ledger.codec import EFFECTS, EVENTS, LESSONS, RECEIPTS
from remediation.edit.secrets import secrets_in
from remediation.marks import Mark, MarkKind
from remediation.plot import Band, anomaly_plot
from remediation.warm import warm
from tests.faults.kills.life import Read, Way, live
from tests.faults.kills.stage import Stage, found
from tests.parts.nouns import EXAMPLES, NOW, a_lesson

OURS = ("cases", "config", "daemon", "detectors", "inference", "remediation", "sandbox", "signals")
ASIDE = (
    ".migrations.", ".backtest.", ".commands.", ".discover.", ".preflight.", ".replay.", ".loki.", ".sql.", ".local.",
    "anthropic", "metered_client", "sandbox.docker", "sandbox.engine",
)  # fmt: skip
"""What no life on a stage comes by, in the names of modules."""
THEIRS = (
    "apscheduler.schedulers.background", "apscheduler.triggers.cron", "encodings.ascii", "jsonschema", "pathspec",
    "starlette.applications", "structlog.dev", "structlog.stdlib",
    "uvicorn.lifespan.off", "uvicorn.loops.asyncio", "uvicorn.protocols.http.h11_impl",
)  # fmt: skip


def preload() -> None:
    """Import what a life imports on its way, and build the adapters that it would build one by one."""
    for name in (*THEIRS, *_modules()):
        importlib.import_module(name)
    warm()
    secrets_in("a text")
    for event in EXAMPLES:
        EVENTS.unpack(type(event).__name__, EVENTS.pack(event).payload, "an example")
    LESSONS.pack(a_lesson())
    RECEIPTS.pack(Receipt(key="a", adopted=False))
    for kind in (OpenPullRequest, PostComment, PushBranch, SendNotice, StorePlot):
        EFFECTS._adapter(kind.__name__)  # pyright: ignore[reportPrivateUsage]
    times, values = np.arange(0, 60_000, 1000, dtype=np.int64), np.linspace(0, 1, 60)
    marks = [Mark(at=NOW, label="onset", kind=MarkKind.ONSET)]
    anomaly_plot(times, values, band=Band(low=0.0, high=0.5), marks=marks, title="a series", unit="")


def _modules() -> list[str]:
    """The product's modules, but those that no life on a stage comes by."""
    packages = [importlib.import_module(name) for name in OURS]
    found = (module.name for each in packages for module in pkgutil.walk_packages(each.__path__, f"{each.__name__}."))
    return [name for name in found if not any(part in name for part in ASIDE)]


def begin(stage: Stage, read: Read, way: Way) -> int:
    """Fork a life, in a process group of its own with whatever it starts; its process id."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    code = 1
    try:
        log = os.open(stage.folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, sys.stderr.fileno())
        logging.basicConfig(level=logging.INFO, format="%(process)d %(relativeCreated)d %(name)s %(message)s")
        live(stage, read, way)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it was goes to the log, and the process ends
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Begin lives as ordered."""
    preload()
    known: dict[str, tuple[Stage, Read]] = {}
    _say("ready")
    for line in sys.stdin:
        while _reaped():
            continue
        folder, way = json.loads(line)
        if folder not in known:
            stage = found(Path(folder))
            known[folder] = stage, Read.of(stage)
        _say(str(begin(*known[folder], Way(**way))))


def _reaped() -> bool:
    """Take one life in that has ended."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
