"""What a Docker engine may do in the middle of a trial: die, hang, keep a container, run out of memory, flood."""

import gc
import io
import os
import random
import signal
import subprocess
import sys
import tarfile
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cases.case import Case, Phase
from cases.errors import TemporaryError
from cases.events import Entry, Guided
from cases.trying import Recipe, SandboxReport, TrialOrder
from cases.verdict import Claim, Verdict
from daemon.clock import SystemClock
from sandbox.docker import DockerSandbox
from sandbox.output import KEPT_BYTES
from sandbox.scripted import ScriptedSandbox
from tests.faults.gate import gate_to
from tests.faults.own_engine import IMAGE, OwnEngine, own_engine, until
from tests.parts.dockerd import base_image
from tests.parts.hub import TOKEN
from tests.parts.playhouse import House, house
from tests.sandbox.orders import an_order

OWNER = f"faults-{os.getpid()}"
MARK = f"/tmp/trackwalker-was-here-{os.getpid()}"  # noqa: S108 - inside the container; on the host it must not be
SHOWS_THE_FAULT = f"touch {MARK}; ! grep -q 'round(sum' shop/pricing.py"


@pytest.fixture(scope="module")
def machine() -> Iterator[OwnEngine]:
    with own_engine() as engine:
        yield engine


@pytest.fixture
def engine(machine: OwnEngine) -> Iterator[OwnEngine]:
    """The engine; whatever a test does, no container may be left on it, and nothing of a trial on the host."""
    yield machine
    assert machine.containers() == set()
    assert not Path(MARK).exists()
    with warnings.catch_warnings():  # an engine that dies while the SDK connects leaves it an open socket
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def tried_in(it: House, sandbox: DockerSandbox, *, test: str = "true", reproduce: str = SHOWS_THE_FAULT) -> None:
    it.extra["repositories"] = [
        {
            "name": "shop", "url": f"{it.world.served.url}/acme/shop.git", "full_name": "acme/shop", "test": test,
            "reproduce": reproduce, "sandbox": {"image": IMAGE, "timeout": "20s", "memory_mib": 64},
        }
    ]  # fmt: skip
    it.wrap_sandbox = lambda _: sandbox


def waits(it: House) -> Case:
    """The case stands where it stood: nothing was tried, nothing proposed, no human asked to take it over."""
    case = it.case()
    assert case is not None
    assert (case.phase, case.trials, case.escalation) == (Phase.DRAFTED, (), "")
    assert it.pull_requests() == []
    return case


def test_an_engine_that_is_killed_in_the_middle_of_a_trial_is_waited_for(engine: OwnEngine, tmp_path: Path) -> None:
    with house(tmp_path) as it:
        tried_in(it, DockerSandbox(owner=OWNER, url=engine.url, sweep_s=0), reproduce=f"sleep 0.3; {SHOWS_THE_FAULT}")
        striker = threading.Thread(target=lambda: (until(engine.containers, 30), engine.kill()))
        with it.alive():
            striker.start()
            it.until(Phase.DRAFTED)
            striker.join()
            it.passes(3)
            waits(it)
            assert it.subjects().count("shop: a case waits") == 1
            assert "no Docker engine answers" in it.notices()[-1]["text"]
            engine.start()
            assert len(engine.containers()) == 1  # what the killed engine could not remove
            case = it.until(Phase.PROPOSED)
            assert case.trial is not None
            assert case.trial.claim is Claim.PROVED
            assert len(it.pull_requests()) == 1


@pytest.mark.long
def test_an_engine_that_hangs_is_waited_for(engine: OwnEngine, tmp_path: Path) -> None:
    with house(tmp_path) as it:
        # Longer than a busy engine takes to start a container, once it goes on.
        tried_in(it, DockerSandbox(owner=OWNER, url=engine.url, patience_s=2))
        with it.alive():
            engine.hang()
            try:
                it.until(Phase.DRAFTED)
                it.passes(2)
                waits(it)
            finally:
                engine.go_on()
            assert it.until(Phase.PROPOSED).trials


@pytest.mark.long
def test_a_container_that_cannot_be_removed_holds_nothing_up(
    engine: OwnEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with house(tmp_path) as it, gate_to(engine.url) as gate:
        gate.swallowing = True
        sandbox = DockerSandbox(owner=OWNER, url=gate.url, removal_s=0.3, sweep_s=0)
        tried_in(it, sandbox)
        with it.alive():
            case = it.until(Phase.PROPOSED)
            assert case.trial is not None
            assert case.trial.claim is Claim.PROVED  # what it showed still holds
            assert len(engine.containers()) == 4  # each tree twice: what proves is run again
            assert gate.lost >= 4
            assert caplog.text.count("was left behind") >= 4
            gate.swallowing = False
            # each order removes what it can; a busy machine may need more than one
            until(lambda: sandbox.run(an_order("true", image=IMAGE)) and not engine.containers(), 60)


def test_a_container_whose_command_never_ends_and_that_cannot_be_removed_is_an_error(
    engine: OwnEngine, tmp_path: Path
) -> None:
    with house(tmp_path) as it, gate_to(engine.url) as gate:
        gate.swallowing = True
        tried_in(
            it,
            DockerSandbox(owner=OWNER, url=gate.url, removal_s=0.3),
            test="trap '' TERM; while true; do sleep 1; done",
        )
        it.extra["repositories"][0]["sandbox"]["timeout"] = "1s"
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert case.trial is not None
            assert (case.trial.verdict, case.trial.claim) == (Verdict.ERROR, Claim.GUESS)
            assert "could not be run to their end" in case.escalation
            assert it.pull_requests() == []
        assert len(engine.containers()) == 2
    assert DockerSandbox(owner=OWNER, url=engine.url).reap() == 2


def test_what_runs_out_of_memory_is_no_failed_change(engine: OwnEngine, tmp_path: Path) -> None:
    """It fits on base and not with the change: still no word against the change."""
    greedy = "if grep -q 'round(sum' shop/pricing.py; then true; else x=$(yes | head -c 200000000); fi"
    with house(tmp_path) as it:
        tried_in(it, DockerSandbox(owner=OWNER, url=engine.url), test=greedy)
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert case.trial is not None
            tests = case.trial.checks[-1]
            assert (tests.verdict, tests.base, tests.change) == (Verdict.ERROR, "exit 0", "out of memory")
            assert case.trial.claim is Claim.GUESS
            assert len(case.changes) == 1  # no other suspect was blamed for it
            assert it.pull_requests() == []


class Seeded:
    """The real sandbox, for trees that hold, beside their own files, the number of the run."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self._sandbox = sandbox
        self.runs = 0

    def describe(self) -> str:
        return self._sandbox.describe()

    def ready(self, image: str) -> None:
        self._sandbox.ready(image)

    def prepare(self, recipe: Recipe) -> str:
        return self._sandbox.prepare(recipe)

    def reap(self) -> int:
        return self._sandbox.reap()

    def run(self, order: TrialOrder) -> SandboxReport:
        buffer = io.BytesIO(order.tree)
        with tarfile.open(fileobj=buffer, mode="a") as tar:
            number = str(self.runs).encode()
            info = tarfile.TarInfo("run-number")
            info.size = len(number)
            tar.addfile(info, io.BytesIO(number))
        self.runs += 1
        return self._sandbox.run(
            TrialOrder(key=order.key, image=order.image, tree=buffer.getvalue(), commands=order.commands)
        )


FLAKY = """\
import random
from pathlib import Path
from shop.pricing import total


def test_adds():
    assert total([1, 2]) == 3


def test_that_comes_and_goes():
    assert random.Random(f"{seed}-{{Path('run-number').read_text()}}").random() < 0.5
"""


def outcomes(seed: int) -> list[bool]:
    """Whether the flaky test passes, run by run."""
    return [random.Random(f"{seed}-{number}").random() < 0.5 for number in range(4)]  # noqa: S311 - a test's own dice


def a_seed(wanted: Callable[[list[bool]], bool]) -> int:
    return next(seed for seed in range(1000) if wanted(outcomes(seed)))


@pytest.mark.long
def test_a_flaky_test_is_no_difference(tmp_path: Path) -> None:
    """It passes on base and fails with the change, by chance; run again, one of the two turns out the other way."""
    seed = a_seed(lambda ran: ran[:2] == [True, False] and ran[2:] != [True, False])
    with house(tmp_path) as it:
        it.commit("Try it out", {"tests/test_shop.py": FLAKY.format(seed=seed).encode()}, minutes_ago=3)
        seeded = Seeded(DockerSandbox(owner=OWNER))
        it.wrap_sandbox = lambda _: seeded
        it.extra["repositories"] = [
            {
                "name": "shop", "url": f"{it.world.served.url}/acme/shop.git", "full_name": "acme/shop",
                "sandbox": {"image": base_image(), "timeout": "1m"}, "reproduce": SHOWS_THE_FAULT,
                "test": "python -m pytest -q tests",
            }
        ]  # fmt: skip
        with it.alive():
            case = it.until(Phase.PROPOSED)
        assert seeded.runs == 6  # each tree, each again, and what proves once more
        assert case.trial is not None
        assert case.trial.claim is Claim.PROVED
        assert "flaky, left out: tests.test_shop::test_that_comes_and_goes" in case.trial.checks[-1].detail


def peak_and_now() -> tuple[int, int]:
    """The most memory that this process had since it was asked last, and what it has now, in KiB."""
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    Path("/proc/self/clear_refs").write_text("5")
    return int(lines["VmHWM"].split()[0]), int(lines["VmRSS"].split()[0])


@pytest.mark.long
def test_a_gigabyte_of_output_is_a_bounded_record(engine: OwnEngine) -> None:
    sandbox = DockerSandbox(owner=OWNER, url=engine.url)
    sandbox.run(an_order("true", image=IMAGE))  # everything that is loaded once is loaded
    _, before = peak_and_now()
    (flood,) = sandbox.run(
        an_order("yes 0123456789abcdef0123456789abcde | head -c 1000000000; echo last", image=IMAGE)
    ).commands
    peak, _ = peak_and_now()
    assert (flood.exit_code, flood.ended) == (0, "exited")
    assert flood.output.endswith("last\n")
    assert f"[{1_000_000_000 + 5 - KEPT_BYTES} bytes before this were left out]" in flood.output
    assert len(flood.output) < KEPT_BYTES + 100
    assert flood.seconds < 30
    assert peak - before < 40 * 1024


class Away(ScriptedSandbox):
    """A sandbox whose engine is away whenever something is to be tried."""

    def run(self, order: TrialOrder) -> SandboxReport:
        raise TemporaryError(f"no engine for {order.key}", timedelta(seconds=30))


@pytest.mark.long
def test_what_a_killed_daemon_left_is_gone_within_seconds_of_its_restart(engine: OwnEngine, tmp_path: Path) -> None:
    def daemon() -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "run", "--config"]
        with (tmp_path / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [*words, str(tmp_path / "trackwalker.yaml")],
                env={**os.environ, "DOCKER_HOST": engine.url, "TOKEN": TOKEN},
                stdout=log,
                stderr=log,
                cwd=tmp_path,
            )

    with house(tmp_path) as it:
        tried_in(it, DockerSandbox(owner=OWNER, url=engine.url), test="sleep 60")
        it.wrap_sandbox = lambda _: Away({})
        with it.alive() as app:
            case = it.until(Phase.DRAFTED)
            entry = Entry(at=it.now, actor="human:sre", event=Guided(text="now"))
            app.ledger.cases.add(case.id, entry, (), SystemClock().now() - timedelta(minutes=1))
        first = daemon()
        try:
            first_trial = until(lambda: len(engine.containers()) >= 2, 60)
        finally:
            first.kill()
            first.wait()
        orphans = engine.containers()
        assert len(orphans) >= 2  # the trial's, and what waited or was being started
        second = daemon()
        try:
            took = until(lambda: not orphans & engine.containers(), 60)
            assert took < max(10, 2 * first_trial)  # a machine with much else to do starts it slowly
            until(lambda: second.poll() is not None or engine.containers(), 60)  # it is tried again
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0, (tmp_path / "daemon.log").read_text()
        finally:
            second.kill()
            second.wait()
    assert engine.containers() == set()
