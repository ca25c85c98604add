"""Incidents made up from a seed, as bundles on disk with their truth: what a ranking of suspects is measured by.

    python benchmarks/detection/bundles.py OUT [--seed 1] [--each 8] [--large]

Every kind of fault has its own culprit (a commit, a flag, or nobody) and decoys around it: deploys of the same hour
elsewhere, a big harmless refactor, what came after the onset, what came hours before in the same service, commits that
rode along with the culprit, lines of the log that name an innocent file. What is told is what a real system tells:
traces are missing from a third of the incidents, stacks from the half, an alert comes from a caller as often as not.
"""

import argparse
import json
from pathlib import Path

from incident import Incident, Making, iso
from topology import THINGS, VERBS

CODE = ("exception", "exception without spans", "slow query", "silent error", "leak", "new log line", "upstream")
CONFIG = ("pool size", "timeout", "wrong host")
FLAGS = ("flag fails", "flag slows")
OPERATIONAL = ("surge", "certificate", "dns", "provider", "node", "bad data")
UNEXPLAINED = ("noisy neighbour",)  # nothing tells what it was, and somebody nearly always deployed there just before
KINDS = (*CODE, *CONFIG, *FLAGS, *OPERATIONAL, *UNEXPLAINED)


class Maker(Making):
    """The faults, a method each."""

    def __init__(self, seed: int, kind: str, *, large: bool) -> None:
        super().__init__(seed, kind, KINDS.index(kind), large=large)
        self.crowded = 0.9 if kind in UNEXPLAINED else 0.35

    def make(self) -> Incident:
        """All of it."""
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
        path, diff = self.code(
            self.service, function, module, line, ("    for item in found.items:", "        store.get(item)")
        )
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
            self.service,
            function,
            module,
            line,
            (f'    raise Refused(f"the {thing} of order {{request.id}} cannot be taken twice")',),
        )
        self.guilty(f"Refuse a second {thing}", path, diff)
        self.errors(f"the {thing} of order {{n}} cannot be taken twice")

    def _setting(self, key: str, old: float, new: float, message: str) -> None:
        path = f"services/{self.service}/config/production.yaml"
        lines = f"   workers: 8\n-  {key}: {old:g}\n+  {key}: {new:g}\n   region: eu\n"
        diff = f"--- a/{path}\n+++ b/{path}\n@@ -10,4 +10,4 @@ server:\n{lines}"
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
        lines = f"   port: 5432\n-  host: main-db.internal\n+  host: {host}\n   name: live\n"
        diff = f"--- a/{path}\n+++ b/{path}\n@@ -4,4 +4,4 @@ database:\n{lines}"
        self.guilty("Move the database", path, diff)
        self.errors(f"cannot connect: lookup {host}: no such host", "ConnectionError", often=60)

    def _flip(self) -> None:
        function, _, _ = self._where()
        flag = (
            f"{function.replace('_', '-')}-{self.pick(('v2', 'beta', 'fast'))}"
            if self.chance(0.6)
            else f"{self.pick(VERBS)}-rollout"
        )
        self.culprit = flag
        self.flags.append(
            {
                "at": iso(self.before(5, 200)),
                "service": self.service,
                "flag": flag,
                "change": self.pick(("off -> on", "0% -> 100%")),
            }
        )

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
            self.errors(
                "lookup internal-{n}.svc: Temporary failure in name resolution",
                "ConnectionError",
                often=30,
                service=str(name),
            )
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
        lost = [
            str(n)
            for n in self.rng.choice(
                self.system.services[3 if self.large else 1 :], size=4 if self.large else 3, replace=False
            )
        ]
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
        self.errors(
            "cannot parse record {n} of the partner's file: unexpected field 'amount_v2'", "SchemaError", often=60
        )
        if self.chance(0.5):
            self.extra[self.service, "records_rejected"] = (0.2, 60.0)

    def _noisy_neighbour(self) -> None:
        self.effects.slower[self.service] = float(self.rng.uniform(100, 600))
        if self.chance(0.4):
            self.effects.failing[self.service] = float(self.rng.uniform(0.05, 0.2))
            self.errors("request {n} failed", often=30)


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
