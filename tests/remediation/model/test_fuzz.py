"""No cap is ever passed: not by retries, truncation, streams, threads, several daemons, or a kill on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import OverBudget, TrackwalkerError
from config.models import BudgetSettings, ModelSettings
from config.secret import Secret
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from remediation.model import provider_of
from remediation.model.pocket import PocketPurse
from remediation.model.wire import Wire
from tests.parts.fuzzed_provider import FATES, Account, FuzzedProvider, Killed
from tests.parts.nouns import NOW
from tests.parts.questions import a_question

DAY, CASE, CLASS = 0.08, 0.05, 0.03
BUDGET = BudgetSettings.model_validate(
    {"usd_per_day": DAY, "usd_per_case": CASE, "usd_per_call": 0.03, "usd_per_class": {"edit": CLASS}}
)
ROOT = Path(__file__).parents[3]
STREAMED = 21_400


def settings_of(kind: str, key: Path, most: int) -> ModelSettings:
    provider, model = {"messages": ("anthropic", "claude-sonnet-5-5"), "chat": ("openai", "gpt-5.1")}[kind]
    key.write_text("a-made-up-key")
    return ModelSettings.model_validate(
        {"provider": provider, "diagnose": model, "api_key": Secret("file", str(key)), "max_output_tokens": most}
    )


class Fuzz:
    """Some daemons on one store, each with threads that ask until the provider was called so often."""

    def __init__(self, folder: Path, kinds: tuple[tuple[str, int], ...], calls: int, seed: int) -> None:
        self.folder, self.kinds, self.calls, self.seed = folder, kinds, calls, seed
        self.clock = ManualClock(NOW)
        self.account = Account(DAY, CASE, self.clock.now)
        self.asked = self.refused = 0
        self.bugs: list[BaseException] = []

    def run(self, threads: int) -> Ledger:
        """Until it is over; the first daemon's ledger, closed."""
        with ExitStack() as stack:
            url = f"sqlite:///{self.folder}/ledger.db"
            ledgers = [
                stack.enter_context(open_ledger(url, clock=self.clock, busy=timedelta(seconds=60))) for _ in self.kinds
            ]
            work = [
                threading.Thread(target=self._work, args=(ledger, kind, most, self.seed + 100 * place + number))
                for place, (ledger, (kind, most)) in enumerate(zip(ledgers, self.kinds, strict=True))
                for number in range(threads)
            ]
            try:
                for thread in work:
                    thread.start()
                for thread in work:
                    thread.join()
            finally:
                self.calls = 0  # a test that is ended from outside leaves no thread that goes on
                for thread in work:
                    thread.join()
            assert self.bugs == []
            assert self.account.overruns == []
            assert ledgers[0].spend.total().usd >= self.account.total - 1e-9
            counted = {total.of: total.usd for total in ledgers[0].spend.by_case()}
            billed: dict[str, float] = {}
            for _, case, usd in self.account.rows:
                billed[case] = billed.get(case, 0) + usd
            assert all(counted[case] >= usd - 1e-9 for case, usd in billed.items())
            edits = {total.of: total.usd for total in ledgers[0].spend.by_purpose(self.clock.now() - timedelta(days=1))}
            assert edits.get("edit", 0) <= CLASS + 1e-9
            return ledgers[0]

    def _work(self, ledger: Ledger, kind: str, most: int, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - a fuzz, no secret
        wire = Wire(transport=FuzzedProvider(kind, self.account, seed))
        settings = settings_of(kind, self.folder / f"key-{seed}", most)
        model = provider_of(settings, ledger.purse(BUDGET), self.clock, wire)
        try:
            while self.account.calls < self.calls:
                self.asked += 1
                case = (
                    f"c{self.asked // 12 + chance.randrange(4)}"  # new ones come, as the caps of old ones are reached
                )
                text = f"of case {case}: " + "it is slow " * chance.randrange(200)
                purpose = chance.choice(["diagnose", "edit"])
                try:
                    model.ask(a_question(text, case=case, purpose=purpose))
                except OverBudget:
                    self.refused += 1
                    with self.account.lock:
                        self.clock.advance(timedelta(minutes=chance.randrange(900)))
                except (TrackwalkerError, Killed):
                    pass
        except BaseException as error:  # noqa: BLE001 - a thread's error would be lost
            self.bugs.append(error)


def test_no_overrun_in_some_hundred_calls_by_two_daemons(tmp_path: Path) -> None:
    fuzz = Fuzz(tmp_path, (("chat", 256), ("chat", 400)), 260, seed=1)
    fuzz.run(threads=2)
    assert fuzz.refused > 20, "the caps were never tried"
    assert set(fuzz.account.fates) == set(FATES)
    assert fuzz.account.total > DAY


def test_no_overrun_in_streams(tmp_path: Path) -> None:
    generous = BudgetSettings(usd_per_day=1.0, usd_per_case=0.6)
    clock = ManualClock(NOW)
    account = Account(1.0, 0.6, clock.now)
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as ledger:
        settings = settings_of("messages", tmp_path / "key", STREAMED)
        wire = Wire(transport=FuzzedProvider("messages", account, 3))
        model = provider_of(settings, ledger.purse(generous), clock, wire)
        for number in range(36):
            try:
                model.ask(a_question(f"of case c{number % 4}: slow", case=f"c{number % 4}"))
            except (TrackwalkerError, Killed):
                clock.advance(timedelta(hours=2))
        assert ledger.spend.total().usd >= account.total
    assert account.overruns == []
    assert account.calls > 8


@pytest.mark.long
def test_no_overrun_in_ten_thousand_calls_without_a_ledger(tmp_path: Path) -> None:
    """Both adapters in turn, a purse of its own for every few dozen calls, each emptied to its last cent."""
    clock, calls, seed = ManualClock(NOW), 0, 0
    while calls < 10_000:
        seed += 1
        kind = "chat" if seed % 4 else "messages"
        purse, account = PocketPurse(0.2), Account(0.2, 0.2, clock.now)
        settings = settings_of(kind, tmp_path / "key", 256)
        model = provider_of(settings, purse, clock, Wire(transport=FuzzedProvider(kind, account, seed)))
        refused = 0
        while refused < 3:
            try:
                model.ask(a_question("of case c1: it is slow"))
            except OverBudget:
                refused += 1
            except (TrackwalkerError, Killed):
                pass
            assert account.total <= purse.spent + 1e-9 <= 0.2 + 2e-9
        assert account.overruns == []
        assert account.total > 0.02
        calls += account.calls


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_overrun_in_ten_thousand_calls_by_four_daemons(tmp_path: Path) -> None:
    fuzz = Fuzz(tmp_path, (("chat", 256), ("messages", 256), ("chat", 900), ("chat", 500)), 10_000, seed=7)
    fuzz.run(threads=2)
    assert fuzz.account.calls >= 10_000
    assert fuzz.refused > 300
    assert set(fuzz.account.fates) == set(FATES)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_daemons_that_are_killed_anywhere_never_pass_the_cap(tmp_path: Path) -> None:
    """Real processes and kill -9: each writes what it is billed to a file before it hears the answer."""
    bill = tmp_path / "bill"
    bill.touch()
    chance = random.Random(5)  # noqa: S311 - a fuzz, no secret
    command = [sys.executable, "-P", "-m", "tests.parts.spending", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for life in range(12):
        children = [subprocess.Popen([*command, str(life * 3 + n)], env=environment) for n in range(3)]
        try:
            grown = bill.stat().st_size + chance.randrange(200, 4000)
            for _ in range(3000):
                if bill.stat().st_size > grown:
                    break
                assert all(child.poll() is None for child in children)
                threading.Event().wait(0.01)
        finally:
            for child in children:
                child.send_signal(signal.SIGKILL)
                child.wait()
    rows = [json.loads(line) for line in bill.read_text().splitlines()]
    assert len(rows) > 50
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        assert sum(usd for _, usd in rows) <= ledger.spend.total().usd + 1e-9
        assert ledger.spend.total().usd <= 0.5 + 1e-9
