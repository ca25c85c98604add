"""Forty services that only telemetry knows: a Prometheus with an hour of their readings, their rules, their code."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.hub import Hub
from tests.parts.prometheus import RunningPrometheus, exposition, running_prometheus

WORDS = ("cart", "catalogue", "checkout", "mail", "price", "search", "stock", "ship", "tax", "user")
KINDS = ("", "-api", "-worker", "-feed")
SERVICES = tuple(f"{word}{kind}" for word in WORDS for kind in KINDS)
HOMELESS = ("cart-feed", "mail-feed", "price-feed", "ship-feed", "tax-feed")
HOUSED = tuple(service for service in SERVICES if service not in HOMELESS)
STEP_S = 60

Series = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A served Prometheus, and where its files are."""

    prometheus: RunningPrometheus
    now: int  # epoch seconds of the newest sample


@contextmanager
def fleet(folder: Path, now: int, rules: str = "", services: tuple[str, ...] = SERVICES) -> Generator[Fleet]:
    """Start a Prometheus that has seen the services for ninety minutes until `now`, and loads the rules."""
    folder.mkdir(parents=True, exist_ok=True)
    config = "global: {evaluation_interval: 1s}\n"
    if rules:
        (folder / "rules.yml").write_text(rules)
        config += "rule_files: [rules.yml]\n"
    with running_prometheus(folder, readings(services, now), config) as prometheus:
        yield Fleet(prometheus=prometheus, now=now)


def readings(services: tuple[str, ...], now: int) -> str:
    """OpenMetrics of requests, errors, latency and builds, a sample a minute, in good health."""
    times = list(range(now - 5400, now + 1, STEP_S))
    ratio: Series = {}
    latency: Series = {}
    build: Series = {}
    for place, service in enumerate(services):
        labels = (("service", service),)
        ratio[labels] = [(at, 0.01 + place / 10_000) for at in times]
        latency[labels] = [(at, 0.2) for at in times]
        build[*labels, ("revision", f"{place:07x}aaa")] = [(at, 1.0) for at in times]
    blocks = (exposition("error_ratio", ratio), exposition("latency_seconds", latency), exposition("build_info", build))
    return "\n".join(blocks) + "\n# EOF\n"


def rules() -> str:
    """Sixty alert rules: one for all services, one for each of forty, and nineteen of other shapes."""
    lines = ["groups:", "- name: fleet", "  rules:"]
    lines += _rule("ErrorsHigh", "error_ratio > 0.05", "critical", hold="5m")
    for service in SERVICES:
        name = "".join(word.title() for word in service.split("-"))
        lines += _rule(f"{name}Slow", f'max(latency_seconds{{service="{service}"}}) > 2', "warning")
    for service in SERVICES[:10]:
        lines += _rule("Absent", f'absent(error_ratio{{service="{service}"}})', "page", service=service)
    for service in SERVICES[:6]:
        lines += _rule(f"Odd-{service}", f'error_ratio{{service="{service}"}} == 0.5', "ticket")
    lines += _rule("Busy", "error_ratio > 0.02 and on (service) latency_seconds > 1", "ticket")
    lines += _rule("Watchdog", "vector(1)", "none")
    lines += _rule("NobodyKnows", "nothing_has_this > 1", "ticket")
    return "\n".join(lines) + "\n"


def _rule(name: str, expression: str, severity: str, hold: str = "0s", **labels: str) -> list[str]:
    told = ", ".join(f'{key}: "{value}"' for key, value in {"severity": severity, **labels}.items())
    return [f"  - alert: {name}", f"    expr: {expression}", f"    for: {hold}", f"    labels: {{{told}}}"]


def repositories(root: Path) -> tuple[str, ...]:
    """Thirty-five bare repositories: of the housed services' names, some written otherwise. Their full names."""
    names = [service.replace("-", "_") if place % 3 == 0 else service for place, service in enumerate(HOUSED)]
    owners: dict[str | bytes, bytes] = {".github/CODEOWNERS": b"# who is asked\n*  @acme/shop\n/docs/ @acme/writers\n"}
    plain = Hub(root, full_name=f"acme/{names[0]}").create()
    plain.commit("Begin", {"README.md": b"hello\n"})
    for name in names[1:]:
        shutil.copytree(plain.folder, root / f"acme/{name}.git")
    for name in names[:3]:
        Hub(root, full_name=f"acme/{name}").commit("Say who is asked", dict(owners))
    return tuple(f"acme/{name}" for name in names)
