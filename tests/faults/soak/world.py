"""All that a daemon has around it for days: repositories on a forge, telemetry, logs, receivers, a model, people."""

import json
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cases.moments import EPOCH, milliseconds
from daemon.clock import SystemClock
from demo.loki.standin import LokiStandIn
from remediation.forge.local.server import serve
from tests.faults.soak.pace import PacedClock
from tests.faults.soak.people import FINE, People
from tests.faults.soak.production import GOOD, THRESHOLD, Production
from tests.faults.soak.swollen import swollen
from tests.faults.soak.telemetry import Telemetry, serving
from tests.parts.dockerd import base_image
from tests.parts.hub import TOKEN, UNHURRIED, Hub
from tests.parts.loki import put
from tests.parts.messages_api import MODEL, messages_api
from tests.parts.model_server import KEY
from tests.parts.slack import TOKEN as SLACK_TOKEN
from tests.parts.slack import a_slack

SERVICES, REPOSITORIES = 10, 4
LATENT = "s01"  # it goes bad by itself
LOUD = "s09"  # every tenth service: its tests write a gigabyte
A_GIGABYTE = "yes 0123456789abcdef0123456789abcde | head -c 1000000000; "
AGE = timedelta(days=40)
CHATTER, FLOOD = 1.0, 30.0  # seconds between two handfuls of log lines, and two floods of them
SELDOM = 5  # rounds between two errors of a service that is well
FLOODED, LONG, LINE = 20_000, 20, 100_000

TEST = """\
from {service}.pricing import total


def test_adds():
    assert total([1, 2]) == 3
"""
TRACE = """\
ERROR request failed
Traceback (most recent call last):
  File "/app/{service}/pricing.py", line 2, in total
    return round(sum(cart))
ValueError: total {number} is not what was paid\
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """Where everything is. `environment` holds the secrets that the configuration points to."""

    folder: Path
    clock: PacedClock
    origin: datetime
    zero: float
    speed: float
    telemetry: Telemetry
    people: People
    environment: dict[str, str]
    asked: list[dict[str, Any]]  # questions to the model

    @property
    def config(self) -> Path:
        return self.folder / "trackwalker.yaml"


@contextmanager
def a_world(folder: Path, *, speed: float, every: float, store: str = "", model: bool = True) -> Generator[World]:
    """Build it; `every` so many real seconds a service breaks. It goes on until the block ends."""
    machine = SystemClock()
    origin, zero = machine.now().replace(microsecond=0), machine.monotonic()
    clock = PacedClock(origin, zero, speed)
    production = Production(clock=clock)
    names = [f"s{number:02}" for number in range(SERVICES)]
    hubs = _repositories(folder / "forge", names, production, origin - AGE)
    with ExitStack() as stack:
        telemetry = stack.enter_context(serving(production))
        served = stack.enter_context(serve(folder / "forge", "127.0.0.1:0", TOKEN, around=swollen(telemetry.did)))
        logs = stack.enter_context(LokiStandIn(now=clock.now))
        slack = stack.enter_context(a_slack())
        api = stack.enter_context(messages_api())
        api.otherwise = api.answers({"verdict": "none", "hypotheses": [], "missing": "nothing"})
        people = People(
            hubs=hubs,
            api_url=served.api_url,
            production=production,
            every=every,
            patience=max(100.0, 6000 / speed),
            latent=LATENT,
        )
        document = _document(folder, names, served.url, telemetry.url, logs.url)
        document["alerts"]["receivers"][1]["api_url"] = slack.url
        if store:
            document["store"] = store
        if model:
            document["model"] = {
                "provider": "anthropic", "base_url": api.url, "api_key": "env:SOAK_KEY", "diagnose": MODEL,
            }  # fmt: skip
        world = World(
            folder=folder,
            clock=clock,
            origin=origin,
            zero=zero,
            speed=speed,
            telemetry=telemetry,
            people=people,
            environment={
                "SOAK_TOKEN": TOKEN, "SOAK_HOOK": f"{telemetry.url}/hook", "SOAK_SLACK": SLACK_TOKEN, "SOAK_KEY": KEY,
            },
            asked=api.asked,
        )  # fmt: skip
        world.config.write_text(json.dumps(document))
        stack.enter_context(_chatter(logs, names, production))
        stack.enter_context(people.at_work())
        yield world


def _repositories(root: Path, names: list[str], production: Production, at: datetime) -> dict[str, Hub]:
    hubs: dict[str, Hub] = {}
    for number in range(REPOSITORIES):
        hub = Hub(root, full_name=f"acme/r{number}").create()
        files: dict[str | bytes, Any] = {"README.md": b"Shops\n"}
        here = [name for name in names if int(name[1:]) % REPOSITORIES == number]
        for name in here:
            files |= {
                f"{name}/__init__.py": b"",
                f"{name}/pricing.py": FINE,
                f"tests/test_{name}.py": TEST.format(service=name).encode(),
            }
        sha = hub.commit("Open the shops", files, at=int((at - EPOCH).total_seconds()))
        for name in here:
            production.runs(name, sha, GOOD, at)
            hubs[name] = hub
    return {name: hubs[name] for name in names}


@contextmanager
def _chatter(logs: LokiStandIn, names: list[str], production: Production) -> Generator[None]:
    """What services write: a trace now and then from those that are broken, and now and then a flood."""
    end = threading.Event()

    def talk() -> None:
        rounds = 0
        while not end.wait(CHATTER):
            now = milliseconds(production.clock.now()) * 1_000_000
            for name in names:
                count = 20 if production.bad(name) else int(rounds % SELDOM == 0)
                put(logs, {"app": name}, [(now + n, TRACE.format(service=name, number=n)) for n in range(count)])
            rounds += 1
            if rounds % round(FLOOD / CHATTER) == 0:
                flood = [(now + n, f"ERROR {rounds} {n} it goes wrong") for n in range(FLOODED)]
                flood += [(now + n, f"ERROR {n} " + "x" * LINE) for n in range(LONG)]
                put(logs, {"app": names[rounds % len(names)]}, flood)

    talker = threading.Thread(target=talk, name="chatter")
    talker.start()
    try:
        yield
    finally:
        end.set()
        talker.join()


def _document(folder: Path, names: list[str], forge: str, prometheus: str, loki: str) -> dict[str, Any]:
    image = base_image()
    test = dict.fromkeys(names, "python -m pytest -q tests")
    test[LOUD] = A_GIGABYTE + test[LOUD]
    return {
        "store": f"sqlite:///{folder}/trackwalker.db",
        "home": str(folder / "home"),
        "cycle": "1m",
        "signals": {
            "prometheus": [{"name": "main", "url": prometheus}],
            "loki": [{"name": "logs", "url": loki}],
        },
        "watch": [
            {
                "name": "errors", "service": name, "query": f'error_ratio{{service="{name}"}}', "harm": "up",
                "severity": "page", "threshold": THRESHOLD,
            }
            for name in names
        ],
        "services": [
            {
                "name": name, "repository": f"r{int(name[1:]) % REPOSITORIES}", "paths": [f"{name}/**"],
                "test": test[name], "reproduce": f"! grep -q 'round(sum' {name}/pricing.py",
            }
            for name in names
        ],
        "repositories": [
            {
                "name": f"r{number}", "url": f"{forge}/acme/r{number}.git", "full_name": f"acme/r{number}",
                "sandbox": {"image": image, "timeout": "2m"},
            }
            for number in range(REPOSITORIES)
        ],
        "deploys": [{"prometheus": "build_info"}],
        "forge": {"api_url": f"{forge}/api/v3", "token": "env:SOAK_TOKEN", **UNHURRIED},
        "authority": {"default": "pull_request"},
        "budget": {"usd_per_day": 1000, "usd_per_case": 10, "prs_per_hour": 60, "prs_open": 100},
        "alerts": {
            "receivers": [
                {"name": "hook", "slack": "env:SOAK_HOOK"},
                {"name": "thread", "slack_token": "env:SOAK_SLACK", "channel": "#oncall"},
            ]
        },
        "runtime": {"lease": "30m"},
        "api": {"listen": "127.0.0.1:0"},
        "detection": {"recent": "15m"},
        "judgement": {
            "history": "1d", "warm_up": "2m", "window": "1h", "act_within": "1h", "look_every": "5m",
            "deploy_wait": "30d",
        },
    }  # fmt: skip
