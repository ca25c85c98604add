"""Setting a stage: broken code in a few repositories, good readings, what the model will answer, and the settings."""

import json
import os
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases.moments import milliseconds
from daemon.clock import SystemClock
from tests.faults.kills.stage import GOOD, MENDED, SPEED, THRESHOLD, Stage
from tests.parts.hub import GIT, TOKEN, UNHURRIED, Hub
from tests.parts.postgres import OWNERS_PASSWORD
from tests.parts.stores import Place

REPOSITORIES = 4  # a merge moves the ground of every case beside it
AGE = timedelta(days=40)  # of the code, so that no deploy explains anything

BROKEN = """\
from decimal import Decimal


def amount(text):
    \"\"\"The amount that a customer typed.\"\"\"
    return Decimal(float(text))
"""
LINE = "return Decimal(float(text))"
REGRESSION = """\
from {service}.pricing import amount


def test_a_comma_is_a_decimal_point():
    assert amount("1,50") == 1.5
"""


def set_up(folder: Path, services: int, api_url: str, place: Place) -> Stage:
    """Write it all down: broken code that is weeks old, in a few repositories, and good readings."""
    machine = SystemClock()
    stage = Stage(
        folder=folder,
        services=services,
        store=place.url,
        api_url=api_url,
        origin=machine.now().replace(microsecond=0),
        zero=machine.monotonic(),
    )
    stage.save()
    started = milliseconds(stage.origin - AGE)
    stage.write("readings.json", {service: [(started, GOOD)] for service in stage.names})
    commits = {number: _repository(stage, number) for number in range(REPOSITORIES)}
    first = {service: [(started, commits[_home(service)])] for service in stage.names}
    stage.write("deploys.json", first)
    (folder / "script.json").write_text(json.dumps(script(stage.names)))
    stage.settings.write_text(
        json.dumps(_document(stage) | ({"store_password": "env:KILLS_PASSWORD"} if place.password else {}))
    )
    return stage


def _home(service: str) -> int:
    return int(service[1:]) % REPOSITORIES


def _repository(stage: Stage, number: int) -> str:
    hub = Hub(stage.folder / "forge", full_name=f"acme/r{number}").create()
    files: dict[str | bytes, Any] = {"README.md": b"Shops\n"}
    for service in stage.names:
        if _home(service) == number:
            files |= {f"{service}/__init__.py": b"", f"{service}/pricing.py": BROKEN.encode()}
    return hub.commit("Open the shops", files, at=int((stage.origin - AGE).timestamp()))


def script(services: Sequence[str]) -> list[dict[str, Any]]:
    """What the scripted model answers: where the bug is, and the edit that mends it. Each answer costs a cent."""
    entries: list[dict[str, Any]] = []
    for service in services:
        path = f"{service}/pricing.py"
        hypothesis = {
            "statement": "amount() takes no decimal comma", "evidence": ["E1"], "path": path,
            "function": "amount", "confidence": 0.9,
        }  # fmt: skip
        edit = {
            "edits": [{"path": path, "search": LINE, "replace": MENDED}],
            "test": {"path": f"tests/test_{service}.py", "content": REGRESSION.format(service=service)},
            "claim": "amount() fails on a decimal comma",
            "risk": "none seen",
        }
        price = {
            "usd": 0.01,
            "input_tokens": 1000,
            "output_tokens": 100,
            "repeat": True,
            "when": f"{path}\nthe repository\n",
        }
        said = {"verdict": "hypotheses", "hypotheses": [hypothesis]}
        entries += [{"purpose": "diagnose", "answer": said, **price}, {"purpose": "edit", "answer": edit, **price}]
        entries += [{"purpose": "reproduce", "answer": {"test": edit["test"]}, **price}]
    return entries


def _document(stage: Stage) -> dict[str, Any]:
    base = stage.api_url.removesuffix("/api/v3")
    return {
        "store": stage.store,
        "home": str(stage.folder),
        "cycle": "15s",
        "signals": {"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}]},
        "watch": [
            {
                "name": "errors", "service": service, "query": service, "harm": "up", "severity": "page",
                "threshold": THRESHOLD,
            }
            for service in stage.names
        ],
        "services": [{"name": service, "repository": f"r{_home(service)}"} for service in stage.names],
        "repositories": [
            {"name": f"r{number}", "url": f"{base}/acme/r{number}.git", "full_name": f"acme/r{number}"}
            for number in range(REPOSITORIES)
        ],
        "deploys": [{"prometheus": "build_info"}],
        "forge": {"api_url": stage.api_url, "token": "env:KILLS_TOKEN", **UNHURRIED},
        "model": {"provider": "scripted", "script": str(stage.folder / "script.json")},
        # one edit and no second look: as many places to be killed at as a case needs, and no more
        "edits": {"candidates": 1, "review": False},
        "authority": {"default": "pull_request"},
        "budget": {"usd_per_day": 1000, "usd_per_case": 10, "prs_per_hour": 60, "prs_open": 100},
        # a second: PostgreSQL's leases go by the server's clock, SQLite's by the daemons'
        "runtime": {"lease": "1s" if stage.store.startswith("postgres") else f"{SPEED}s"},
        "api": {"listen": "127.0.0.1:0"},
        "backup": {"keep": 0},
        "detection": {
            "history": "20m", "warm_up": "1m", "step": "1s", "recent": "5m", "confirm": 2, "stale_after": "20s",
        },
        "judgement": {
            "history": "2m", "warm_up": "1s", "window": "10s", "act_within": "10s", "look_every": "5s", "step": "1s",
            "min_samples": 3, "deploy_wait": "7d",
        },
    }  # fmt: skip


def environment() -> dict[str, str]:
    """Of the processes that are started: one thread a library, so that they can be forked."""
    return {
        **os.environ,
        "KILLS_TOKEN": TOKEN,
        "KILLS_PASSWORD": OWNERS_PASSWORD,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def history_of(stage: Stage, number: int) -> list[tuple[str, str]]:
    """(sha, message) of every commit in a repository that any branch reaches."""
    folder = stage.folder / "forge" / f"acme/r{number}.git"
    out = subprocess.run(
        [GIT, "-C", str(folder), "log", "--all", "--format=%H%x00%B%x01"], check=True, capture_output=True, text=True
    ).stdout
    rows = [row.strip().partition("\0") for row in out.split("\1")]
    return [(sha, message) for sha, _, message in rows if sha]
