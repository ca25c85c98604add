"""The nightly trial of each repository's own commands: told once when it fails, once when it works again."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.steps import SendNotice
from cases.stores import Outbox
from cases.trying import Command, CommandReport, Recipe, TrialOrder
from daemon.audited import AuditedSandbox
from daemon.keeping.daily import Errand
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.observe.metrics import Metrics
from daemon.quarantine import LedgerQuarantine
from daemon.recipes import prepared, recipes_of
from daemon.standings import RecipeStandings
from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import SHA
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

REPOSITORY = {
    "name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop",
    "setup": "make deps", "locks": ["requirements.lock"], "lint": "make lint",
}  # fmt: skip
FINE = (("t::a", "passed"), ("t::b", "passed"))


@dataclass
class Sandboxed:
    """A sandbox whose tests come to what is set, run by run; the last goes on."""

    turns: list[tuple[tuple[str, str], ...]] = field(default_factory=list[tuple[tuple[str, str], ...]])
    lint: tuple[int, str] = (0, "")

    def answer(self, order: TrialOrder, command: Command) -> CommandReport:
        del order
        if command.name == "lint":
            code, said = self.lint
            return CommandReport(name="lint", exit_code=code, ended="exited", output=said, seconds=0.1)
        tests = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        code = int(any(outcome == "failed" for _, outcome in tests))
        return CommandReport(name="test", exit_code=code, ended="exited", output="", seconds=0.1, tests=tests)


@dataclass
class Night:
    """One daemon's nights on a ledger of its own."""

    ports: Ports
    ledger: Ledger
    script: Sandboxed
    sandbox: ScriptedSandbox

    def pass_by(self, *turns: tuple[tuple[str, str], ...]) -> dict[str, str]:
        self.script.turns = list(turns)
        (job,) = recipes_of(self.ports, self.ledger.checkpoints)
        return dict(job.work(Errand(began=0, stopped=lambda: False)))

    @property
    def told(self) -> list[str]:
        outbox: Outbox = self.ledger.outbox
        effects = [intent.effect for intent in outbox.notices(self.ports.now)]
        return [effect.notice.subject for effect in effects if isinstance(effect, SendNotice)]

    @property
    def shown(self) -> str:
        metrics = Metrics(self.ports.clock)
        metrics.recipes(RecipeStandings(self.ledger.checkpoints).ok(self.ports.settings))
        lines = metrics.render().decode().splitlines()
        return next((line for line in lines if line.startswith("trackwalker_recipe_ok{")), "")


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    script = Sandboxed(turns=[FINE])
    sandbox = ScriptedSandbox(script.answer)
    settings = some_settings(repositories=[REPOSITORY])
    with (
        some_ports(settings=settings, sandbox=sandbox, head=SHA) as ports,
        open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ports.clock) as ledger,
    ):
        quarantine = LedgerQuarantine(ledger.checkpoints, ports.clock)
        own = AuditedSandbox(sandbox, ledger.audit, ports.clock, ledger.levers)
        yield Night(
            replace(ports, outbox=ledger.outbox, quarantine=quarantine, sandbox=own), ledger, script, sandbox
        )  # fmt: skip


BROKEN = (("t::a", "passed"), ("t::b", "failed"))


def test_a_recipe_that_rots_is_told_once_and_so_is_its_recovery(night: Night) -> None:
    assert night.shown == ""
    assert night.pass_by(FINE) == {"shop": "works"}
    assert (night.told, night.shown) == ([], 'trackwalker_recipe_ok{repository="shop"} 1.0')
    for _ in range(2):
        assert night.pass_by(BROKEN) == {"shop": "fails"}
    assert night.told == ["shop: its own commands fail on main, so no change of it can be proved"]
    assert night.shown == 'trackwalker_recipe_ok{repository="shop"} 0.0'
    standing = RecipeStandings(night.ledger.checkpoints).of("shop")
    assert standing is not None
    assert "1 passed, 1 failed, 0 skipped, by its report: t::b" in standing.said
    assert night.pass_by(FINE) == {"shop": "works"}
    assert night.told[1:] == ["shop: its own commands work again"]
    assert night.shown.endswith("1.0")


def test_the_tests_of_each_night_run_in_the_prepared_image_and_belong_to_no_case(night: Night) -> None:
    night.pass_by(FINE)
    assert {order.image.partition(":")[0] for order in night.sandbox.orders} == {"prepared"}
    assert [[command.name for command in order.commands] for order in night.sandbox.orders] == [["test", "lint"]] * 2
    lines = night.ledger.audit.listed()
    assert [line.action for line in lines] == [
        "sandbox.prepare", "sandbox.prepared", "sandbox.run", "sandbox.ended", "sandbox.run", "sandbox.ended",
    ]  # fmt: skip
    assert {line.case for line in lines} == {""}


def test_what_comes_and_goes_by_night_is_known_by_day(night: Night) -> None:
    assert night.pass_by(BROKEN, FINE) == {"shop": "works"}
    assert night.told == []
    assert night.ports.quarantine is not None
    assert night.ports.quarantine.known("shop") == {"t::b"}


def test_linters_that_cannot_run_are_told_and_findings_are_not(night: Night) -> None:
    night.script.lint = (1, "shop/cart.py:1:1: F401 unused\n")
    assert night.pass_by(FINE) == {"shop": "works"}
    night.script.lint = (127, "sh: ruff: not found\n")
    assert night.pass_by(FINE) == {"shop": "fails"}


@pytest.mark.parametrize(
    ("error", "ends"), [(TemporaryError("no engine"), "not reached"), (PermanentError("no"), "fails")]
)
def test_an_engine_that_is_away_says_nothing_of_a_recipe(night: Night, error: Exception, ends: str) -> None:
    def raises(_: Recipe) -> str:
        raise error

    night.sandbox.prepare = raises  # type: ignore[method-assign]
    assert night.pass_by(FINE) == {"shop": ends}
    assert len(night.told) == (ends == "fails")


def test_the_image_is_there_before_any_case_asks_for_it(night: Night) -> None:
    image = prepared(night.ports.settings.repository("shop"), night.ports)
    assert image.startswith("prepared:")
    (recipe, again) = night.sandbox.recipes
    assert (recipe.build, again.build, again.setup) == (False, True, "make deps")
    assert prepared(night.ports.settings.repository("shop"), night.ports) == image
    assert len(night.sandbox.recipes) == 3  # it was there


def test_a_night_may_take_as_long_as_its_commands(night: Night) -> None:
    (job,) = recipes_of(night.ports, night.ledger.checkpoints)
    assert job.takes == timedelta(minutes=5 + 15 + 2 * (5 + 10 + 10))
