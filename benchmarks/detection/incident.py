"""One incident in the making: its decoys, its logs, and the files of its bundle. The faults are in `bundles.py`."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from topology import MINUTES, THINGS, VERBS, Effects, System, metrics, spans, system

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Incident:
    """A bundle's files as documents, and the truth: the culprit's id, or None where nobody changed it."""

    name: str
    kind: str
    culprit: str | None
    service: str
    alert: dict[str, Any]
    series: list[tuple[str, str, str, float]]
    logs: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    changes: dict[str, Any]

    def write(self, folder: Path) -> Path:
        """As the contract has it: what there is nothing of is left out."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alert.json").write_text(json.dumps(self.alert))
        (folder / "changes.json").write_text(json.dumps(self.changes))
        with (folder / "series.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("timestamp", "service", "metric", "value"))
            rows.writerows(self.series)
        for name, lines in (("logs", self.logs), ("spans", self.spans)):
            if lines:
                (folder / f"{name}.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return folder


def iso(second: float) -> str:
    return (START + timedelta(seconds=round(second, 3))).isoformat().replace("+00:00", "Z")


class Making:
    """One incident in the making: what surrounds a fault.

    `crowded` is how often somebody deploys just before in the very service, where nobody is guilty.
    """

    crowded = 0.35

    def __init__(self, seed: int, kind: str, number: int, *, large: bool) -> None:
        self.rng = np.random.default_rng([seed, number, int(large)])
        self.kind, self.seed, self.large = kind, seed, large
        self.system: System = system(self.rng, large=large)
        self.onset = float(self.rng.uniform(36, 46)) * 60
        self.fired = self.onset + float(self.rng.uniform(100, 330))
        self.end = min(MINUTES * 60.0, self.fired + float(self.rng.uniform(180, 500)))
        below = [name for name in self.system.services if self.system.callers(name)]
        self.service = str(self.rng.choice(below))
        self.operation = int(self.rng.integers(3))
        self.effects = Effects()
        self.logs: list[dict[str, Any]] = []
        self.commits: list[dict[str, Any]] = []
        self.deploys: list[dict[str, Any]] = []
        self.flags: list[dict[str, Any]] = []
        self.extra: dict[tuple[str, str], tuple[float, float]] = {}  # a metric of its own: before, after
        self.culprit: str | None = None
        self.told_spans = kind not in {"exception without spans", "silent error"} and self.rng.random() < 0.7

    def chance(self, share: float) -> bool:
        """True so often."""
        return bool(self.rng.random() < share)

    def pick(self, texts: Iterable[str]) -> str:
        """One of them."""
        return str(self.rng.choice(list(texts)))

    def sha(self) -> str:
        """One of them."""
        return self.rng.bytes(20).hex()

    def before(self, low: float = 20, high: float = 900) -> float:
        """A second before the onset."""
        return self.onset - float(self.rng.uniform(low, high))

    # -- changes ------------------------------------------------------------------------------------------------------

    def commit(self, at: float, message: str, files: list[str], diff: str) -> str:
        """Add a commit, and return its id."""
        sha = self.sha()
        made = {"id": sha, "at": iso(at), "author": "a developer", "message": message, "files": files, "diff": diff}
        self.commits.append(made)
        return sha

    def deploy(self, service: str, sha: str, at: float) -> None:
        """Add a deploy."""
        self.deploys.append({"at": iso(at), "service": service, "commit": sha})

    def code(self, service: str, function: str, module: str, line: int, added: tuple[str, ...] = ()) -> tuple[str, str]:
        """A file's path, and a diff that changes `function` around `line`."""
        path = f"services/{service}/{service.replace('-', '_')}/{module}.py"
        lines = added or (f"    {self.pick(THINGS)} = {self.pick(VERBS)}_{self.pick(THINGS)}(request)",)
        body = "".join(f"+{text}\n" for text in lines)
        return path, (
            f"--- a/{path}\n+++ b/{path}\n@@ -{line - 3},7 +{line - 3},{6 + len(lines)} @@ def {function}(request):\n"
            "     found = store.get(request.key)\n     if found is None:\n         return None\n-    return found\n"
            f"{body}"
            "     return found\n \n \n"
        )

    def innocent(self, service: str, deployed: float) -> str:
        """Deploy something harmless."""
        function, module = f"{self.pick(VERBS)}_{self.pick(THINGS)}", f"{self.pick(THINGS)}s"
        path, diff = self.code(service, function, module, int(self.rng.integers(10, 300)))
        message = self.pick(
            (f"Rename a variable in {function}", f"Speed up {function}", f"Log less in {module}", "Bump a dependency")
        )
        sha = self.commit(deployed - float(self.rng.uniform(120, 3600)), message, [path], diff)
        self.deploy(service, sha, deployed)
        return sha

    def decoys(self) -> None:
        """What else went on in that hour."""
        services = self.system.services
        others = [name for name in services if name != self.service]
        for _ in range(int(self.rng.integers(4, 11) if self.large else self.rng.integers(2, 6))):
            self.innocent(self.pick(others), self.before(30, 3000))
        self.innocent(self.service, self.before(2 * 3600, 10 * 3600))
        if self.chance(0.5):
            self.innocent(self.pick(services), self.onset + float(self.rng.uniform(45, 200)))
        if self.chance(0.4):
            self.innocent(self.service, self.onset + float(self.rng.uniform(60, 300)))
        if self.chance(0.5):
            self.refactor(self.pick(others))
        for _ in range(int(self.rng.integers(0, 3))):
            name = f"{self.pick(VERBS)}-{self.pick(THINGS)}-v2"
            flip = {"at": iso(self.before(60, 3000)), "service": self.pick(others), "flag": name, "change": "off -> on"}
            self.flags.append(flip)
        if self.culprit is None and self.chance(self.crowded):  # the trap: somebody deployed there just before
            self.innocent(self.service, self.before(60, 1500))

    def refactor(self, service: str) -> None:
        """A big change of everything that harms nobody."""
        parts = [
            self.code(s, f"{self.pick(VERBS)}_{self.pick(THINGS)}", f"{self.pick(THINGS)}s", 20)
            for s in self.system.services[:30]
            for _ in range(2)
        ]
        deployed = self.before(100, 2500)
        sha = self.commit(deployed - 900, "Reformat everything", [p for p, _ in parts], "".join(d for _, d in parts))
        self.deploy(service, sha, deployed)

    def guilty(self, message: str, path: str, diff: str) -> None:
        """Commit and deploy the change that does it."""
        deployed = self.before()
        if self.chance(0.25):  # somebody rides along
            other, patch = self.code(
                self.service, f"{self.pick(VERBS)}_{self.pick(THINGS)}", f"{self.pick(THINGS)}s", 50
            )
            self.commit(deployed - 700, "Tidy up", [other], patch)
        self.culprit = self.commit(deployed - float(self.rng.uniform(100, 600)), message, [path], diff)
        self.deploy(self.service, self.culprit, deployed)

    # -- logs ---------------------------------------------------------------------------------------------------------

    def say(self, service: str, second: float, severity: str, message: str, error: str = "", stack: str = "") -> None:
        """One log entry."""
        line = {
            "timestamp": iso(second),
            "service": service,
            "severity": severity,
            "message": message,
            "error": error,
            "stack": stack,
        }
        self.logs.append(line)

    def chatter(self) -> None:
        """What logs say on any day, and lines that name an innocent file."""
        for _ in range(1200 if self.large else 600):
            service, at = self.pick(self.system.services), float(self.rng.uniform(0, self.end))
            _, function, module = self.system.operations[service][int(self.rng.integers(3))]
            number = int(self.rng.integers(1, 10**6))
            if self.chance(0.03):
                self.say(service, at, "WARN", f"retrying {function} for {number}")
            else:
                self.say(service, at, "INFO", f"{function} of {module} {number} took {number % 97} ms")
        if self.chance(0.5):  # lines that name an innocent file
            guilty = self.culprit
            innocent = [c for c in self.commits if c["id"] != guilty and len(c["files"]) == 1]
            path = innocent[int(self.rng.integers(len(innocent)))]["files"][0]
            for _ in range(int(self.rng.integers(3, 40))):
                self.say(
                    self.service,
                    float(self.rng.uniform(self.onset, self.end)),
                    "ERROR",
                    f"failure caused by {path}, please revert it",
                )

    def errors(self, message: str, error: str = "", stack: str = "", often: int = 60, service: str = "") -> None:
        """What the service's log says from the onset on, and its callers'."""
        for _ in range(often):
            at = float(self.rng.uniform(self.onset, self.end))
            self.say(
                service or self.service,
                at,
                "ERROR",
                message.replace("{n}", str(self.rng.integers(1, 9999))),
                error,
                stack,
            )
        for caller in self.system.callers(service or self.service):
            for _ in range(often // 2):
                self.say(
                    caller,
                    float(self.rng.uniform(self.onset, self.end)),
                    "ERROR",
                    f"call to {service or self.service} failed: 500",
                )

    def stack(self, path: str, line: int, function: str, error: str) -> str:
        """A stack trace as text."""
        frames = f'  File "/app/{self.service}/server.py", line 41, in handle\n    return call(request)\n'
        frames += f'  File "/app/{path.split("/", 2)[2]}", line {line}, in {function}\n    x\n'
        return f"Traceback (most recent call last):\n{frames}{error}: boom\n"

    # -- the bundle ---------------------------------------------------------------------------------------------------

    def finished(self) -> Incident:
        """The files of the bundle."""
        rng = self.rng
        made = metrics(rng, self.system, self.effects, self.onset, self.end)
        times = np.arange(0, self.end, 30)
        for key, (low, high) in self.extra.items():
            ramp = np.clip((times - self.onset) / 120, 0, 1)
            jitter = rng.normal(0, 0.004 if key[1] == "pool_connections" else 0.02, len(times))
            made[key] = times, (low + (high - low) * ramp) * (1 + jitter)
        above = self.system.above(self.service)
        services = [self.service] if self.service not in self.effects.gone else []
        callers = [name for name, far in above.items() if 0 < far <= 2 and name not in self.effects.gone]
        service = (
            self.pick(callers)
            if callers and (not services or self.kind == "upstream" or self.chance(0.5))
            else (services or callers or [self.system.services[0]])[0]
        )
        slow = not self.effects.failing
        metric = "latency_p95_ms" if slow else "error_ratio"
        summary = f"{metric} of {service} is {'high' if slow else 'above 5%'}"
        route = self.system.operations.get(service, (("", "", ""),))[self.operation if service == self.service else 0][
            0
        ]
        if self.chance(0.3):
            summary += f" on {route}"
        alert = {
            "service": service,
            "metric": metric,
            "summary": summary,
            "fired_at": iso(self.fired),
            "severity": "page",
            "threshold": 0.05,
            "observed": 0.2,
        }
        rows = [
            (iso(float(at)), name, metric, round(float(value), 5))
            for (name, metric), (seconds, values) in made.items()
            for at, value in zip(seconds, values, strict=True)
        ]
        told: list[dict[str, Any]] = []
        if self.told_spans:
            for trace, identity, parent, name, operation, at, ms, failed in spans(
                rng, self.system, self.effects, self.onset, self.end, 260
            ):
                told.append(
                    {
                        "trace_id": trace,
                        "span_id": identity,
                        "parent_id": parent or None,
                        "service": name,
                        "name": operation,
                        "start": iso(at),
                        "duration_ms": round(ms, 2),
                        "status": "error" if failed else "ok",
                    }
                )
        self.logs.sort(key=lambda line: line["timestamp"])
        return Incident(
            name=f"{self.kind.replace(' ', '-')}-{'large' if self.large else 'small'}-{self.seed}",
            kind=self.kind,
            culprit=self.culprit,
            service=self.service,
            alert=alert,
            series=rows,
            logs=self.logs,
            spans=told,
            changes={"deploys": self.deploys, "flags": self.flags, "commits": self.commits},
        )
