"""Two made-up systems, of 10 and of 40 services, and what they emit on an ordinary hour: metrics, spans, log lines."""

from dataclasses import dataclass, field

import numpy as np

SMALL = ("frontend", "checkout", "cart", "catalog", "pricing", "payment", "shipping", "email", "ads", "currency")
_AREAS = ("order", "user", "train", "route", "seat", "ticket", "price", "food", "station", "notify")
_ROLES = ("api", "query", "store", "worker")
LARGE = tuple(f"{area}-{role}" for area in _AREAS for role in _ROLES)
VERBS = ("load", "merge", "apply", "reserve", "refund", "resolve", "score", "render", "attach", "convert", "settle")
THINGS = ("coupon", "basket", "invoice", "voucher", "tariff", "quota", "ledger", "banner", "parcel", "passport", "menu")
MINUTES, STEP = 60, 30
"""An hour of readings, every 30 s."""


@dataclass(frozen=True, slots=True)
class System:
    """Services with whom they call, and the operation that each exposes: (span name, function, module)."""

    services: tuple[str, ...]
    callees: dict[str, tuple[str, ...]]
    operations: dict[str, tuple[tuple[str, str, str], ...]]

    def callers(self, service: str) -> list[str]:
        """Who calls it."""
        return [name for name, below in self.callees.items() if service in below]

    def above(self, service: str) -> dict[str, int]:
        """Everybody whose calls end there, with the distance."""
        found, ahead = {service: 0}, [service]
        while ahead:
            name = ahead.pop(0)
            for caller in self.callers(name):
                if caller not in found:
                    found[caller] = found[name] + 1
                    ahead.append(caller)
        return found


def system(rng: np.random.Generator, *, large: bool) -> System:
    """A layered system: two entries, everything else is called by somebody."""
    services = list(LARGE if large else SMALL)
    entries = 3 if large else 1
    order = services[:entries] + [str(name) for name in rng.permutation(services[entries:])]
    callees: dict[str, list[str]] = {name: [] for name in order}
    for place, name in enumerate(order[entries:], start=entries):
        nearby = order[max(0, place - (9 if large else 4)) : place]
        for caller in rng.choice(nearby, size=min(len(nearby), 1 + int(rng.random() < 0.3)), replace=False):
            callees[str(caller)].append(name)
    operations: dict[str, tuple[tuple[str, str, str], ...]] = {}
    for name in order:
        made: list[tuple[str, str, str]] = []
        for _ in range(3):
            verb, thing = str(rng.choice(VERBS)), str(rng.choice(THINGS))
            route = f"POST /{thing}/{verb}" if rng.random() < 0.5 else f"{name.title()}.{verb.title()}{thing.title()}"
            made.append((route, f"{verb}_{thing}", f"{thing}s"))
        operations[name] = tuple(made)
    return System(services=tuple(order), callees={k: tuple(v) for k, v in callees.items()}, operations=operations)


@dataclass(slots=True)
class Effects:
    """What an incident does from its onset on. Factors and shares by service, and by the fault's own operation."""

    slower: dict[str, float] = field(default_factory=dict[str, float])
    failing: dict[str, float] = field(default_factory=dict[str, float])
    traffic: dict[str, float] = field(default_factory=dict[str, float])
    gone: set[str] = field(default_factory=set[str])
    operation: dict[str, int] = field(default_factory=dict[str, int])  # which of a service's operations is affected


def metrics(rng: np.random.Generator, made: System, effects: Effects, onset_s: float, end_s: float):  # noqa: ANN201
    """(service, metric) → (seconds, values), with what callers feel of their callees."""
    times = np.arange(0, end_s, STEP)
    felt_slow, felt_fail = _felt(made, effects)
    found: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
    for service in made.services:
        lag = float(rng.uniform(0, 20)) * (service not in effects.slower and service not in effects.failing)
        on = (times >= onset_s + lag).astype(float)
        ramp = np.clip((times - onset_s - lag) / float(rng.uniform(20, 90)), 0, 1) * on
        noise = lambda size: np.exp(rng.normal(0, size, len(times)))  # noqa: E731 - a name for what is drawn anew
        load = float(rng.lognormal(4, 0.6)) * (1 + 0.1 * np.sin(times / 1500 + rng.uniform(0, 6)))
        load = load * (1 + (effects.traffic.get(service, 1.0) - 1) * ramp)
        slow = felt_slow.get(service, 0.0)
        latency = float(rng.lognormal(4, 0.5)) * noise(0.08)
        found[service, "request_rate"] = times, load * noise(0.06)
        found[service, "latency_p95_ms"] = times, latency + slow * ramp * noise(0.1)
        errors = np.abs(rng.normal(0.002, 0.0015, len(times)))
        found[service, "error_ratio"] = times, np.clip(errors + felt_fail.get(service, 0.0) * ramp * noise(0.1), 0, 1)
        found[service, "cpu"] = times, float(rng.uniform(0.1, 0.5)) * noise(0.07) * np.sqrt(load / load[0])
        found[service, "memory_mb"] = times, float(rng.lognormal(5.5, 0.4)) * noise(0.01)
        if rng.random() < 0.08:  # some metric of somebody is restless by itself
            key = service, str(rng.choice(["cpu", "latency_p95_ms"]))
            bump = int(rng.integers(10, len(times) - 8))
            found[key][1][bump : bump + 5] *= float(rng.uniform(1.3, 2.2))
    for service in effects.gone:
        for key in [key for key in found if key[0] == service]:
            keep = times < onset_s + STEP
            found[key] = times[keep], found[key][1][keep]
    return found


def _felt(made: System, effects: Effects) -> tuple[dict[str, float], dict[str, float]]:
    """Delays in ms and shares of errors, as they run up the calls, weaker with each."""
    slow: dict[str, float] = {}
    fail: dict[str, float] = {}
    for source, extra in effects.slower.items():
        for name, far in made.above(source).items():
            slow[name] = slow.get(name, 0.0) + extra * 0.75**far
    for source, share in effects.failing.items():
        for name, far in made.above(source).items():
            fail[name] = min(1.0, fail.get(name, 0.0) + share * 0.7**far)
    return slow, fail


def spans(rng: np.random.Generator, made: System, effects: Effects, onset_s: float, end_s: float, traces: int):  # noqa: ANN201
    """Spans as rows (trace, id, parent, service, name, second, ms, failed) of traces that begin at the entries."""
    rows: list[tuple[str, str, str, str, str, float, float, bool]] = []
    roots = [name for name in made.services if not made.callers(name)]
    density = max((effects.traffic.get(root, 1.0) for root in roots), default=1.0)
    calm = round(traces * onset_s / end_s)
    begins = np.concatenate(
        [rng.uniform(0, onset_s, calm), rng.uniform(onset_s, end_s, round((traces - calm) * density))]
    )
    for number, begin in enumerate(sorted(begins)):
        root = roots[int(rng.integers(len(roots)))]
        _span(rng, made, effects, (f"t{number}", "", root, float(begin)), onset_s, rows, 0)
    return rows


def _span(rng, made: System, effects: Effects, at, onset_s: float, rows, depth: int) -> tuple[float, bool]:  # noqa: ANN001
    trace, parent, service, begin = at
    if service in effects.gone and begin >= onset_s:
        return 5.0, True  # nobody answers: the caller waits, and has no span of it
    number = int(rng.integers(3))
    name = made.operations[service][number][0] if service in made.operations else f"call {service}"
    identity = f"{trace}-{len(rows)}"
    place = len(rows)
    rows.append((trace, identity, parent, service, name, begin, 0.0, False))
    affected = begin >= onset_s and effects.operation.get(service, number) == number
    share = 3 if service in effects.operation else 1
    mine = float(rng.lognormal(1.5, 0.5)) + (effects.slower.get(service, 0.0) if affected else 0.0)
    failed = affected and rng.random() < min(1.0, effects.failing.get(service, 0.0) * share)
    total = mine
    if not failed and depth < 6:
        for callee in made.callees.get(service, ()):
            if rng.random() < 0.75:
                took, broke = _span(
                    rng, made, effects, (trace, identity, callee, begin + mine / 2000), onset_s, rows, depth + 1
                )
                total += took
                failed = failed or (broke and rng.random() < 0.9)
    rows[place] = (trace, identity, parent, service, name, begin, total, bool(failed))
    return total, bool(failed)
