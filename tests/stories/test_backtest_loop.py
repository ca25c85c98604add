"""The whole loop over days that are gone: whom it would have accused, held against what people really took back."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cases.moments import EPOCH
from daemon.clock import SystemClock
from tests.parts.hub import TOKEN, World, git, world
from tests.parts.prometheus import exposition, running_prometheus
from tests.parts.settings import a_document

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHOP: dict[str | bytes, bytes | None] = {
    "shop/pricing.py": b"def total(cart):\n    return sum(cart)\n",
    "shop/checkout.py": b"def checkout(cart):\n    return cart\n",
}
ROUNDED: dict[str | bytes, bytes | None] = {"shop/pricing.py": b"def total(cart):\n    return round(sum(cart))\n"}

Samples = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


@dataclass
class Past:
    """What happened to a shop: commits, what ran, how many errors there were, and which alerts fired."""

    world: World
    now: datetime
    running: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    bad: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])
    alerts: list[tuple[str, str, datetime, datetime]] = field(default_factory=list[tuple[str, str, datetime, datetime]])
    shas: dict[str, str] = field(default_factory=dict[str, str])

    def commit(self, message: str, files: dict[str | bytes, bytes | None], before: timedelta) -> str:
        title = message.splitlines()[0]
        at = round((self.now - before - EPOCH).total_seconds())
        self.shas[title] = self.world.hub.commit(message, files, at=at)
        return self.shas[title]

    def deploy(self, sha: str, before: timedelta) -> None:
        self.running.append((self.now - before, sha))

    def history(self, days: int) -> str:
        errors: list[tuple[float, float]] = []
        build: Samples = {}
        for minute in range(days * 1440):
            at = self.now - days * DAY + minute * MINUTE
            seconds = (at - EPOCH).total_seconds()
            wobble = 1 + 0.4 * ((minute * 2654435761 % 1000) / 1000 - 0.5)
            level = 0.30 if any(since <= at < until for since, until in self.bad) else 0.01
            errors.append((seconds, level * wobble))
            runs = [sha for since, sha in self.running if since <= at]
            if runs:
                build.setdefault((("service", "shop"), ("revision", runs[-1])), []).append((seconds, 1.0))
        told = exposition("error_ratio", {(("service", "shop"), ("route", "/checkout")): errors})
        return f"{told}\n{exposition('build_info', build)}\n{exposition('ALERTS', self.fired())}\n# EOF\n"

    def fired(self) -> Samples:
        fired: Samples = {}
        for name, service, since, until in self.alerts:
            labels = (("alertname", name), ("alertstate", "firing"), ("severity", "page"), ("service", service))
            for minute in range((until - since) // MINUTE):
                fired.setdefault(labels, []).append(((since + minute * MINUTE - EPOCH).total_seconds(), 1.0))
        return fired


def a_past(built: World, now: datetime) -> Past:
    """A culprit that people took back after an hour, and an hour of trouble later on that no commit had made."""
    it = Past(world=built, now=now)
    it.deploy(it.commit("Open the shop (#1)", SHOP, 3 * DAY), 3 * DAY - 10 * MINUTE)
    it.commit("Say hello (#2)", {"README.md": b"hello\n"}, 21 * HOUR)
    it.commit("Round checkout totals (#3)", ROUNDED, 20 * HOUR + 10 * MINUTE)
    it.deploy(it.shas["Round checkout totals (#3)"], 20 * HOUR)
    it.bad.append((now - 20 * HOUR + MINUTE, now - 19 * HOUR))
    it.commit('Revert "Round checkout totals" (#4)\n\nReverts acme/shop#3', SHOP, 19 * HOUR + 10 * MINUTE)
    it.deploy(it.shas['Revert "Round checkout totals" (#4)'], 19 * HOUR)
    it.bad.append((now - 9 * HOUR, now - 8 * HOUR))
    it.alerts += [
        ("ShopErrors", "shop", now - 20 * HOUR + 11 * MINUTE, now - 19 * HOUR),
        ("ShopSlow", "shop", now - 14 * HOUR, now - 14 * HOUR + 30 * MINUTE),
        ("CartErrors", "cart", now - 14 * HOUR, now - 14 * HOUR + 30 * MINUTE),
    ]
    it.commit("Polish the logo (#5)", {"logo.svg": b"<svg/>\n"}, 6 * HOUR)
    it.deploy(it.shas["Polish the logo (#5)"], 6 * HOUR - 10 * MINUTE)
    back = f"Take the logo back (#6)\n\nThis reverts commit {it.shas['Polish the logo (#5)']}."
    it.deploy(it.commit(back, {"logo.svg": None}, 5 * HOUR), 5 * HOUR - 10 * MINUTE)
    return it


@contextmanager
def served(folder: Path) -> Generator[tuple[Past, Path]]:
    now = SystemClock().now().replace(second=0, microsecond=0)
    with world(folder) as built:
        it = a_past(built, now)
        (folder / "prometheus").mkdir()
        with running_prometheus(folder / "prometheus", it.history(days=3)) as prometheus:
            repository = {"name": "shop", "url": f"{built.served.url}/acme/shop.git", "full_name": "acme/shop"}
            document = a_document(
                signals={"prometheus": [{"name": "main", "url": prometheus.url}]},
                watch=[{"name": "errors", "service": "shop", "query": "error_ratio", "harm": "up", "severity": "page"}],
                repositories=[repository],
                deploys=[{"prometheus": "build_info"}],
                forge={"api_url": built.served.api_url, "token": "env:TOKEN"},
                detection={"history": "1d"},
            )
            (folder / "trackwalker.yaml").write_text(json.dumps(document))
            yield it, folder


def backtest(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "backtest", *words]
    environment = {**os.environ, "TOKEN": TOKEN}
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_the_culprit_of_the_past_is_named_and_nothing_leaves_the_machine(tmp_path: Path) -> None:
    with served(tmp_path) as (it, folder):
        before = git(it.world.hub.folder, "for-each-ref")
        ended = backtest("--loop", "--since", "1d", "--json", "--html", "out.html", folder=folder)
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        assert_read_only(it, before)
        first, second = found["cases"]
        assert (first["phase"], first["finding"], first["signal"]) == ("proposed", "suspect", "errors")
        blamed = [one for one in found["accusations"] if one["case"] == second["id"]]
        assert not any(one["reverted"] for one in blamed)  # whoever it is, it was somebody innocent
        (pull,) = [one for one in found["pull_requests"] if one["case"] == first["id"]]
        assert (pull["class"], pull["draft"], pull["repository"]) == ("revert", True, "shop")

        culprit = it.shas["Round checkout totals (#3)"]
        (accused,) = [one for one in found["accusations"] if one["case"] == first["id"]]
        assert (accused["commit"], accused["pull_request"], accused["how"]) == (culprit, 3, "alone")
        assert 0.5 < accused["confidence"] < 1
        assert accused["reverted"]["commit"] == it.shas['Revert "Round checkout totals" (#4)']
        merged = {one["pull_request"]: one for one in found["merged"]}
        assert sorted(merged) == [2, 3, 4, 5, 6]
        assert merged[3]["accused_by"] == [first["id"]]
        assert [number for number, one in merged.items() if one["reverted_at"]] == [3, 5]
        noticed = {one["pull_request"]: (one["noticed"], one["named_alone_by"]) for one in found["reverts"]}
        assert noticed == {3: (True, [first["id"]]), 5: (False, [])}
        scored = found["score"]
        assert (scored["recall"]["hits"], scored["recall"]["of"], scored["recall"]["share"]) == (1, 2, 0.5)
        assert scored["precision"]["hits"] == 1
        assert scored["precision"]["of"] == 1 + len([one for one in blamed if one["how"] == "alone"])
        assert any("too little to say" in said for said in scored["says"])
        assert any("no watched signal moved" in said for said in scored["says"])
        assert (found["cost"]["usd"], found["done"]) == (0, [])
        assert_compared(found["alerts"], second["id"])
        page = (folder / "out.html").read_text()
        assert "Real reverts of the stretch" in page
        assert "reverted 2" in page


def assert_read_only(it: Past, before: bytes) -> None:
    assert git(it.world.hub.folder, "for-each-ref") == before
    requests = it.world.faults.requests
    assert requests
    assert all(method == "GET" or path.endswith("git-upload-pack") for method, path in requests)


def assert_compared(alerts: dict[str, Any], extra: str) -> None:
    seen, missed = alerts["each"]
    assert (seen["alert"], seen["watch"], missed["alert"], missed["seen_at"]) == (
        "ShopErrors", "shop/errors", "ShopSlow", None,
    )  # fmt: skip
    assert 5 * 60 <= seen["lead_s"] <= 10 * 60
    counts = ("fired", "earlier", "later", "missed", "extra", "unwatched")
    assert [alerts[name] for name in counts] == [2, 1, 0, 1, 1, 1]
    assert alerts["extra_cases"] == [extra]
    assert alerts["median_lead_s"] == seen["lead_s"]
    assert alerts["watches"] == [{"watch": "shop/errors", "first_to_see": 1, "extra_anomalies": 1}]
