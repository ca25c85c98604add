"""An experiment as tests try one: a goal, ideas for it, and a shop that asks a flag."""

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from cases.errors import TemporaryError
from cases.flags import FlagNow, FlagPlace
from cases.goal import Constraint, Criteria, Goal, State, Step
from cases.hypothesis import Effort, Hypothesis, Peril, Plan, Prediction, Turn
from cases.moments import EPOCH
from cases.steps import Receipt
from cases.trying import Command, CommandReport
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.portfolios import LedgerPortfolios
from remediation.experiments import flagd
from remediation.forge.flag_file import GitFlags
from tests.parts.crowd import Crowd
from tests.parts.playhouse import NORMAL, QUERY, House, Readings, house

FLAGS = "config/flags.json"
EMPTY = b'{\n  "$schema": "https://flagd.dev/schema/v0/flags.json",\n  "flags": {}\n}\n'
CODE = b'def button(flags, user):\n    exposure("button", user)\n    return flags.get("button", "Pay")\n'
PRIMARY, RAIL = "shop/errors", "shop/slow"
EXPERIMENTS: dict[str, Any] = {
    "flagd": {"file": FLAGS},
    "exposures": {"source": "books", "query": "select unit, variant, time from seen where flag = :flag"},
    "levers": [
        {"name": "button", "kind": "copy", "flag": "button", "control": "Pay", "values": ["Pay now"],
         "moves": ["errors"], "because": "Who knows what a button does presses it."},
    ],
    "settle": "1h",
}  # fmt: skip
ASKED: dict[str, Any] = {
    "signals": {
        "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
        "sql": [{"name": "books", "url": "sqlite:////nowhere/books.db", "query": "select 1 as value"}],
    },
    "watch": [
        {"name": "errors", "service": "shop", "query": QUERY, "harm": "up", "severity": "page", "source": "main"},
        {"name": "slow", "service": "shop", "query": QUERY, "harm": "up", "severity": "note", "source": "main"},
    ],
    "measures": [
        {"signal": signal, "source": "books", "kind": "share", "query": "select unit, time from events"}
        for signal in (PRIMARY, RAIL)
    ],
    "services": [{"name": "shop", "repository": "shop", "experiments": EXPERIMENTS}],
    "deploys": [{"prometheus": "build_info", "source": "main"}],
}


def goal() -> Goal:
    return Goal(
        name="fewer-errors",
        why="Errors lose customers.",
        signal=PRIMARY,
        baseline=0.01,
        target=0.005,
        horizon=date(2099, 1, 1),
        constraints=(Constraint(signal=RAIL, at_most=0.02),),
        repository="shop",
        paths=("**",),
        forbidden=(),
        segment={},
        budget_usd=5.0,
        days=28,
        criteria=Criteria(lift=0.002),
        owner="checkout",
        backup="sre",
    )


def idea(name: str = "Pay now", shares: tuple[float, ...] = (0.5, 1.0)) -> Hypothesis:
    return Hypothesis(
        id=hashlib.sha256(name.encode()).hexdigest()[:8],
        goal="fewer-errors",
        statement=f"Show {name} in place of Pay, and errors go down by 0.004",
        mechanism="Who knows what a button does presses it.",
        prediction=Prediction(signal=PRIMARY, up=False, size=0.004),
        plan=Plan(guardrails=(RAIL,), users=20_000, least=0.002, days=28),
        turn=Turn(lever="button", flag="button", control='"Pay"', treated=json.dumps(name)),
        shares=shares,
        effort=Effort.SMALL,
        risk=Peril.LOW,
        blast_radius="whoever comes to the last step",
        origin="catalogue:copy",
    )


class Kept:
    """Real flags in the repository, turned off by real commits; it remembers why."""

    def __init__(self, it: House) -> None:
        self.it = it
        self.offs: list[str] = []
        self.lost = 0
        forge = it.world.adapter(it.token, **it.repository)
        self._real = GitFlags(forge.mirror, it.clock)

    def now(self, place: FlagPlace) -> FlagNow | None:
        return self._real.now(place)

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        self.offs.append(because)
        receipt = self._real.off(place, key, because)
        if self.lost:
            self.lost -= 1
            raise TemporaryError("the answer was lost")
        return receipt

    @property
    def shares(self) -> dict[str, float] | None:
        """Who is shown what at the tip of the branch; None where there is no such flag."""
        hub = self.it.world.hub
        now = flagd.read(hub.show(f"{hub.tip()}:{FLAGS}"), "button")
        return now.shares if now is not None else None


@contextmanager
def trying(
    folder: Path,
    *ideas: Hypothesis,
    by: str | None = None,
    code: Mapping[str | bytes, bytes | None] | None = None,
    file: str | None = None,
    furnish: Callable[[House], None] = lambda _: None,
    made: bool = False,
    cents: float | None = None,
) -> Generator[tuple[House, Crowd, Kept]]:
    """A shop without trouble, an active goal, and ideas for it.

    by       what effects are shown by
    code     what the shop has; None: code that asks the flag
    file     where a model may write what asks it
    made     whether the daemon makes the ideas itself
    cents    what an error is worth, as if it were a revenue; None: nothing
    furnish  what else is set before the daemon lives
    """
    query = "select unit, variant, time, country from seen where flag = :flag"
    told: dict[str, Any] = {"by": by, "exposures": {"source": "books", "query": query}} if by is not None else {}
    if file is not None:
        told["levers"] = [lever | {"file": file} for lever in EXPERIMENTS["levers"]]
    services = [{"name": "shop", "repository": "shop", "experiments": EXPERIMENTS | told}]
    cards = [
        {"name": "germans", "profile": "Buyers in Germany.", "users": {"country": "de"}, "benchmarks": {PRIMARY: 0.004}}
    ]
    measures = ASKED["measures"]
    if cents is not None:
        query = "select unit, time, value from events"
        measures = [{**measures[0], "kind": "revenue", "query": query, "cents": cents}, *measures[1:]]
    with house(folder, **ASKED | {"services": services, "segments": cards, "measures": measures}) as it:
        it.readings = Readings([(EPOCH, NORMAL)])
        it.commit("Ask the flag", {**(code or {"shop/button.py": CODE}), FLAGS: EMPTY}, minutes_ago=3)
        it.trial = lambda _, command: _report(command)
        crowd, flags = Crowd(rates={PRIMARY: {}, RAIL: {}}), Kept(it)
        it.measures, it.flags = crowd, flags
        furnish(it)
        with it.alive() as app:
            goals, portfolios = LedgerGoals(app.ledger.database), LedgerPortfolios(app.ledger.database)
            wanted = goal()
            goals.add(wanted, "digest", Step(to=State.DRAFT, at=it.now, by="human:owner"))
            if not made:
                portfolios.offer(wanted.name, ideas or (idea(),), (), 0.0, "daemon", it.now)
            goals.step(wanted.name, Step(to=State.ACTIVE, at=it.now, by="human:owner"))
            yield it, crowd, flags


def _report(command: Command) -> CommandReport:
    tests = (("tests.test_shop::test_nothing", "passed"),) if command.name == "test" else ()
    return CommandReport(name=command.name, exit_code=0, ended="exited", output="", seconds=0.1, tests=tests)
