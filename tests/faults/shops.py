"""A house with more services, each in a repository of its own, that all went bad at the same time as the first."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases.case import Case, Phase
from cases.events import Approved, Entry
from cases.telemetry import Deploy
from remediation.forge.forge import GitForge
from remediation.forge.repository import ForgeRepository
from tests.parts.hub import TOKEN, World
from tests.parts.playhouse import QUERY, House, house

GOOD: Mapping[str | bytes, bytes | None] = {
    "app/checkout.py": b"def checkout(cart):\n    return cart\n",
    "tests/test_app.py": b"def test_nothing():\n    pass\n",
}
BAD: Mapping[str | bytes, bytes | None] = {"app/checkout.py": b"def checkout(cart):\n    return sorted(cart)\n"}


def watched(service: str) -> dict[str, Any]:
    return {"name": "errors", "service": service, "query": QUERY, "harm": "up", "severity": "page"}


@contextmanager
def shops(folder: Path, *others: str, **extra: Any) -> Generator[House]:  # noqa: ANN401 - keys of a configuration
    """The shop, and these others."""
    watch, budget = [watched(service) for service in ("shop", *others)], {"prs_per_hour": 9, "prs_open": 9}
    with house(folder, watch=watch, budget=budget, **extra) as it:
        for service in others:
            it.world.another(service)
            it.commit_to(service, "Open the checkout", GOOD, minutes_ago=3000)
            bad = it.commit_to(service, "Sort the checkout", BAD, minutes_ago=30)
            started = it.now - timedelta(minutes=20)
            it.deploys.append(Deploy(service=service, commit=bad, started=started, source="build_info on main"))
        yield it


def case_of(it: House, service: str) -> Case:
    """The newest case of a service."""
    assert it.app is not None
    return next(case for case in it.app.ledger.cases.listed() if case.service == service)


def until_all(it: House, minutes: float = 10, **phases: Phase) -> dict[str, Case]:
    """Let time go by until each service's case is in its phase."""
    assert it.app is not None
    for _ in range(round(minutes * 2)):
        it.passes()
        cases = {case.service: case for case in it.app.ledger.cases.listed()}
        if phases == {service: case.phase for service, case in cases.items()}:
            return cases
    raise AssertionError({case.service: (case.phase, case.escalation) for case in it.app.ledger.cases.listed()})


def say_yes(it: House, service: str) -> None:
    """A human lets the change in hand go on."""
    assert it.app is not None
    entry = Entry(at=it.now, actor="human:sre", event=Approved(because="go"))
    it.app.ledger.cases.add(case_of(it, service).id, entry, (), it.now)


def through(
    there: World, cache: Path, *, site: str = "", api: str = "", token: Callable[[], str] = lambda: TOKEN
) -> GitForge:
    """An adapter for the shop whose git or API is reached another way, or whose token changes."""
    url = f"{site or there.served.url}/acme/shop.git"
    known = ForgeRepository(name="shop", url=url, branch="main", full_name="acme/shop")
    there.made.append(GitForge([known], api or there.served.api_url, token, cache, timedelta(0)))
    return there.made[-1]
