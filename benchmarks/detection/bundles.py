"""Incidents made up from a seed, as bundles on disk with their truth: what a ranking of suspects is measured by.

    python benchmarks/detection/bundles.py OUT [--seed 1] [--each 8] [--large]

Every kind of fault has its own culprit (a commit, a flag, or nobody) and decoys around it: deploys of the same hour
elsewhere, a big harmless refactor, what came after the onset, what came hours before in the same service, commits that
rode along with the culprit, lines of the log that name an innocent file. What is told is what a real system tells:
traces are missing from a third of the incidents, stacks from the half, an alert comes from a caller as often as not.
"""

import argparse
import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from topology import MINUTES, THINGS, VERBS, Effects, System, metrics, spans, system

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CODE = ("exception", "exception without spans", "slow query", "silent error", "leak", "new log line", "upstream")
CONFIG = ("pool size", "timeout", "wrong host")
FLAGS = ("flag fails", "flag slows")
OPERATIONAL = ("surge", "certificate", "dns", "provider", "node", "bad data")
KINDS = (*CODE, *CONFIG, *FLAGS, *OPERATIONAL)


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


class Maker:
    """One incident in the making."""

    def __init__(self, seed: int, kind: str, *, large: bool) -> None:
        self.rng = np.random.default_rng([seed, KINDS.index(kind), int(large)])
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
        return bool(self.rng.random() < share)

    def pick(self, texts: Any) -> str:  # noqa: ANN401 - any sequence of texts
        return str(self.rng.choice(list(texts)))

    def sha(self) -> str:
        return self.rng.bytes(20).hex()

    def before(self, low: float = 20, high: float = 900) -> float:
        return self.onset - float(self.rng.uniform(low, high))

    # -- changes ------------------------------------------------------------------------------------------------------

    def commit(self, service: str, at: float, message: str, files: list[str], diff: str) -> str:
        sha = self.sha()
        made = {"id": sha, "at": iso(at), "author": "a developer", "message": message, "files": files, "diff": diff}
        self.commits.append(made)
        del service
        return sha

    def deploy(self, service: str, sha: str, at: float) -> None:
        self.deploys.append({"at": iso(at), "service": service, "commit": sha})

    def code(self, service: str, function: str, module: str, line: int, added: tuple[str, ...] = ()) -> tuple[str, str]:
        """A file's path, and a diff that changes `function` around `line`."""
        path = f"services/{service}/{service.replace('-', '_')}/{module}.py"
        lines = added or (f"    {self.pick(THINGS)} = {self.pick(VERBS)}_{self.pick(THINGS)}(request)",)
        body = "".join(f"+{text}\n" for text in lines)
        return path, (
            f"--- a/{path}\n+++ b/{path}\n@@ -{line - 3},7 +{line - 3},{6 + len(lines)} @@ def {function}(request):\n"
            f"     found = store.get(request.key)\n     if found is None:\n         return None\n-    return found\n{body}"
            "     return found\n \n \n"
        )

    def innocent(self, service: str, deployed: float) -> str:
        function, module = f"{self.pick(VERBS)}_{self.pick(THINGS)}", f"{self.pick(THINGS)}s"
        path, diff = self.code(service, function, module, int(self.rng.integers(10, 300)))
        message = self.pick((f"Rename a variable in {function}", f"Speed up {function}", f"Log less in {module}", "Bump a dependency"))
        sha = self.commit(service, deployed - float(self.rng.uniform(120, 3600)), message, [path], diff)
        self.deploy(service, sha, deployed)
        return sha

    def decoys(self) -> None:
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
        if self.culprit is None and self.chance(0.35):  # the trap: somebody deployed there just before
            self.innocent(self.service, self.before(60, 1500))

    def refactor(self, service: str) -> None:
        parts = [self.code(s, f"{self.pick(VERBS)}_{self.pick(THINGS)}", f"{self.pick(THINGS)}s", 20) for s in self.system.services[:30] for _ in range(2)]
        deployed = self.before(100, 2500)
        sha = self.commit(service, deployed - 900, "Reformat everything", [p for p, _ in parts], "".join(d for _, d in parts))
        self.deploy(service, sha, deployed)

    def guilty(self, message: str, path: str, diff: str) -> None:
        deployed = self.before()
        if self.chance(0.25):  # somebody rides along
            other, patch = self.code(self.service, f"{self.pick(VERBS)}_{self.pick(THINGS)}", f"{self.pick(THINGS)}s", 50)
            self.commit(self.service, deployed - 700, "Tidy up", [other], patch)
        self.culprit = self.commit(self.service, deployed - float(self.rng.uniform(100, 600)), message, [path], diff)
        self.deploy(self.service, self.culprit, deployed)

    # -- logs ---------------------------------------------------------------------------------------------------------

    def say(self, service: str, second: float, severity: str, message: str, error: str = "", stack: str = "") -> None:
        line = {"timestamp": iso(second), "service": service, "severity": severity, "message": message, "error": error, "stack": stack}
        self.logs.append(line)

    def chatter(self) -> None:
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
                self.say(self.service, float(self.rng.uniform(self.onset, self.end)), "ERROR", f"failure caused by {path}, please revert it")

    def errors(self, message: str, error: str = "", stack: str = "", often: int = 60, service: str = "") -> None:
        for _ in range(often):
            at = float(self.rng.uniform(self.onset, self.end))
            self.say(service or self.service, at, "ERROR", message.replace("{n}", str(self.rng.integers(1, 9999))), error, stack)
        for caller in self.system.callers(service or self.service):
            for _ in range(often // 2):
                self.say(caller, float(self.rng.uniform(self.onset, self.end)), "ERROR", f"call to {service or self.service} failed: 500")

    def stack(self, path: str, line: int, function: str, error: str) -> str:
        frames = f'  File "/app/{self.service}/server.py", line 41, in handle\n    return call(request)\n'
        return f'Traceback (most recent call last):\n{frames}  File "/app/{path.split("/", 2)[2]}", line {line}, in {function}\n    x\n{error}: boom\n'

    # -- the faults ---------------------------------------------------------------------------------------------------

    def make(self) -> Incident:
        getattr(self, "_" + self.kind.replace(" ", "_"))()
        self.decoys()
        self.chatter()
        return self.finished()

    def _where(self) -> tuple[str, str, int]:
        _, function, module = self.system.operations[self.service][self.operation]
        self.effects.operation[self.service] = self.operation
        return function, module, int(self.rng.integers(20, 200))

    def _exception(self) -> None:
        function, module, line = self._where()
        self.effects.failing[self.service] = float(self.rng.uniform(0.08, 0.3))
        path, diff = self.code(self.service, function, module, line)
        self.guilty(self.pick((f"Simplify {function}", "Take the new client", f"Handle missing {module}")), path, diff)
        error = self.pick(("KeyError", "TypeError", "AttributeError", "ZeroDivisionError"))
        self.errors(f"unhandled error in request {{n}}: {error}", error, self.stack(path, line, function, error))

    _exception_without_spans = _exception
    _upstream = _exception

    def _slow_query(self) -> None:
        function, module, line = self._where()
        self.effects.slower[self.service] = float(self.rng.uniform(150, 900))
        path, diff = self.code(self.service, function, module, line, ("    for item in found.items:", "        store.get(item)"))
        self.guilty(f"Load each item in {function}", path, diff)
        for caller in self.system.callers(self.service):
            self.errors("deadline exceeded after {n} ms", often=15, service=caller)

    def _silent_error(self) -> None:
        function, module, line = self._where()
        self.effects.failing[self.service] = float(self.rng.uniform(0.08, 0.3))
        path, diff = self.code(self.service, function, module, line)
        self.guilty(f"Validate {module} more strictly in {function}", path, diff)

    def _leak(self) -> None:
        function, module, line = self._where()
        self.effects.slower[self.service] = float(self.rng.uniform(100, 400))
        self.extra[self.service, "memory_mb"] = (250.0, 900.0)
        path, diff = self.code(self.service, function, module, line, ("    _CACHE[request] = found",))
        self.guilty(f"Cache what {function} finds", path, diff)

    def _new_log_line(self) -> None:
        function, module, line = self._where()
        self.effects.failing[self.service] = float(self.rng.uniform(0.08, 0.3))
        thing = self.pick(THINGS)
        path, diff = self.code(
            self.service, function, module, line, (f'    raise Refused(f"the {thing} of order {{request.id}} cannot be taken twice")',)
        )
        self.guilty(f"Refuse a second {thing}", path, diff)
        self.errors(f"the {thing} of order {{n}} cannot be taken twice")

    def _setting(self, key: str, old: float, new: float, message: str) -> None:
        path = f"services/{self.service}/config/production.yaml"
        diff = f"--- a/{path}\n+++ b/{path}\n@@ -10,4 +10,4 @@ server:\n   workers: 8\n-  {key}: {old:g}\n+  {key}: {new:g}\n   region: eu\n"
        self.guilty(message, path, diff)

    def _pool_size(self) -> None:
        new = float(self.rng.integers(3, 9))
        self.effects.slower[self.service] = float(self.rng.uniform(200, 900))
        self.extra[self.service, "pool_connections"] = (float(self.rng.uniform(14, 30)), new)
        self._setting("pool_max_connections", 50, new, "Use fewer connections")
        self.errors("timed out waiting for a connection from the pool after {n} ms", "PoolTimeout", often=40)

    def _timeout(self) -> None:
        self.effects.failing[self.service] = float(self.rng.uniform(0.1, 0.3))
        self._setting("upstream_timeout_ms", 3000, float(self.rng.integers(20, 90)), "Fail faster")
        self.errors("upstream timed out after {n} ms", "TimeoutError", often=50)

    def _wrong_host(self) -> None:
        self.effects.failing[self.service] = float(self.rng.uniform(0.2, 0.6))
        host = f"{self.pick(THINGS)}-db.internal"
        path = f"services/{self.service}/config/production.yaml"
        diff = f"--- a/{path}\n+++ b/{path}\n@@ -4,4 +4,4 @@ database:\n   port: 5432\n-  host: main-db.internal\n+  host: {host}\n   name: live\n"
        self.guilty("Move the database", path, diff)
        self.errors(f"cannot connect: lookup {host}: no such host", "ConnectionError", often=60)

    def _flip(self) -> None:
        function, _, _ = self._where()
        flag = f"{function.replace('_', '-')}-{self.pick(('v2', 'beta', 'fast'))}" if self.chance(0.6) else f"{self.pick(VERBS)}-rollout"
        self.culprit = flag
        self.flags.append({"at": iso(self.before(5, 200)), "service": self.service, "flag": flag, "change": self.pick(("off -> on", "0% -> 100%"))})

    def _flag_fails(self) -> None:
        self._flip()
        self.effects.failing[self.service] = float(self.rng.uniform(0.1, 0.4))
        self.errors("unhandled error in request {n}: ValueError", "ValueError", often=50)

    def _flag_slows(self) -> None:
        self._flip()
        self.effects.slower[self.service] = float(self.rng.uniform(150, 700))

    def _surge(self) -> None:
        for name in self.system.services:
            self.effects.traffic[name] = float(self.rng.uniform(2.0, 3.5))
        self.effects.slower[self.service] = float(self.rng.uniform(100, 400))
        self.effects.failing[self.service] = 0.06

    def _certificate(self) -> None:
        self.effects.failing[self.service] = float(self.rng.uniform(0.3, 0.9))
        self.errors("handshake failed: x509: certificate has expired or is not yet valid: {n}", "SSLError", often=60)
        if self.chance(0.5):
            self.extra[self.service, "tls_certificate_expires_in_hours"] = (0.5, -0.1)

    def _dns(self) -> None:
        for name in self.rng.choice(self.system.services, size=3, replace=False):
            self.effects.failing[str(name)] = float(self.rng.uniform(0.2, 0.6))
            self.errors("lookup internal-{n}.svc: Temporary failure in name resolution", "ConnectionError", often=30, service=str(name))
        self.service = next(iter(self.effects.failing))
        if self.chance(0.5):
            self.extra["coredns", "dns_servfail_rate"] = (0.1, 40.0)

    def _provider(self) -> None:
        provider = self.pick(("cardpay-gateway", "maps-provider", "sms-provider"))
        self.effects.failing[self.service] = float(self.rng.uniform(0.2, 0.7))
        self.effects.slower[self.service] = 50.0
        if self.told_spans and self.chance(0.7):
            share = self.effects.failing.pop(self.service)
            self.system.callees[self.service] += (provider,)
            self.system.callees[provider] = ()
            self.effects.failing[provider] = share
            self.effects.slower = {provider: 80.0}
        self.errors(f"https://api.{provider}.example/v1: 503 Service Unavailable", "ProviderError", often=60)

    def _node(self) -> None:
        lost = [str(n) for n in self.rng.choice(self.system.services[1:], size=4 if self.large else 3, replace=False)]
        self.service = lost[0]
        if self.chance(0.5):
            self.effects.gone = set(lost)
            for name in lost:
                for caller in self.system.callers(name):
                    self.effects.failing[caller] = 0.4
        else:
            for name in lost:
                self.effects.failing[name] = float(self.rng.uniform(0.2, 0.5))
                self.errors("write /var/lib: no space left on device", "OSError", often=25, service=name)
            self.extra["node-7", "node_disk_used_ratio"] = (0.8, 0.999)

    def _bad_data(self) -> None:
        self.effects.failing[self.service] = float(self.rng.uniform(0.1, 0.5))
        self.errors("cannot parse record {n} of the partner's file: unexpected field 'amount_v2'", "SchemaError", often=60)
        if self.chance(0.5):
            self.extra[self.service, "records_rejected"] = (0.2, 60.0)

    # -- the bundle ---------------------------------------------------------------------------------------------------

    def finished(self) -> Incident:
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
        service = self.pick(callers) if callers and (not services or self.kind == "upstream" or self.chance(0.5)) else (services or callers)[0]
        slow = not self.effects.failing
        metric = "latency_p95_ms" if slow else "error_ratio"
        summary = f"{metric} of {service} is {'high' if slow else 'above 5%'}"
        route = self.system.operations.get(service, (("", "", ""),))[self.operation if service == self.service else 0][0]
        if self.chance(0.3):
            summary += f" on {route}"
        alert = {"service": service, "metric": metric, "summary": summary, "fired_at": iso(self.fired), "severity": "page", "threshold": 0.05, "observed": 0.2}
        rows = [
            (iso(float(at)), name, metric, round(float(value), 5))
            for (name, metric), (seconds, values) in made.items()
            for at, value in zip(seconds, values, strict=True)
        ]
        told: list[dict[str, Any]] = []
        if self.told_spans:
            for trace, identity, parent, name, operation, at, ms, failed in spans(rng, self.system, self.effects, self.onset, self.end, 260):
                told.append({"trace_id": trace, "span_id": identity, "parent_id": parent or None, "service": name, "name": operation, "start": iso(at), "duration_ms": round(ms, 2), "status": "error" if failed else "ok"})
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


def incident(seed: int, kind: str, *, large: bool) -> Incident:
    """One incident: the same seed, the same incident."""
    return Maker(seed, kind, large=large).make()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=8, help="incidents of each kind")
    parser.add_argument("--large", action="store_true", help="40 services instead of 10")
    wanted = parser.parse_args()
    truth: dict[str, dict[str, str | None]] = {}
    for kind in KINDS:
        for number in range(wanted.each):
            made = incident(wanted.seed * 1000 + number, kind, large=wanted.large)
            made.write(wanted.out / made.name)
            truth[made.name] = {"kind": made.kind, "culprit": made.culprit, "service": made.service}
    (wanted.out / "truth.json").write_text(json.dumps(truth, indent=1))
    print(f"{len(truth)} incidents in {wanted.out}")


if __name__ == "__main__":
    main()
