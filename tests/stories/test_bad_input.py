"""What goes wrong outside: a clear sentence, a case in a right phase, and nothing lost."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from cases.case import Phase
from cases.events import Approved, Entry, Retried
from cases.pull_request_events import TakenOver
from cases.trying import Command, CommandReport, TrialOrder
from tests.parts.hub import READER, TOKEN
from tests.parts.playhouse import house


def test_no_permission_to_push_goes_to_a_human(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        it.token = READER
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert "push" in case.escalation
            assert "token" in case.escalation
            assert it.pull_requests() == []
            it.passes(1)
            assert "shop: a human is needed" in it.subjects()
        it.token = TOKEN  # mended by a human, who asks for another try
        with it.alive() as app:
            app.ledger.cases.add(
                case.id, Entry(at=it.now, actor="human:sre", event=Retried(because="mended")), (), it.now
            )
            again = it.until(Phase.PROPOSED)
            assert (again.id, again.change.inverse_of) == (case.id, case.change.inverse_of)
            assert len(it.pull_requests()) == 1


def test_an_empty_repository_goes_to_a_human(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "forge" / "acme" / "empty.git")], check=True)
        it.repository = {"url": f"{it.world.served.url}/acme/empty.git", "full_name": "acme/empty"}
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert "empty" in case.escalation


def test_a_repository_without_tests_goes_to_a_human(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        scripted = it.trial

        def no_tests(order: TrialOrder, command: Command) -> CommandReport:
            if command.name == "test":
                return CommandReport(name="test", exit_code=5, ended="exited", output="no tests ran", seconds=0.1)
            return scripted(order, command)

        it.trial = no_tests
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert "the repository has no tests" in case.escalation
            assert it.pull_requests() == []


def test_a_humans_commit_on_the_branch_is_left_alone_and_followed(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        branch = case.change.branch(case.id)
        mine = it.world.hub.commit("Mine", {"NOTES": b"a human was here\n"}, branch=branch)
        it.passes(3)
        after = it.case()
        assert after is not None
        assert (after.phase, after.taken_over) == (Phase.PROPOSED, branch)
        assert [entry.event.sha for entry in after.history if isinstance(entry.event, TakenOver)] == [mine]
        assert it.world.hub.tip(branch) == mine


def test_a_branch_that_somebody_else_made_is_never_overwritten(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe"}) as it, it.alive() as app:
        case = it.until(Phase.PROVED)
        theirs = it.world.hub.commit("Theirs", {"NOTES": b"mine\n"}, branch=case.change.branch(case.id), start="main")
        app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:sre", event=Approved(because="go")), (), it.now)
        case = it.until(Phase.ESCALATED)
        assert "somebody else" in case.escalation
        assert it.world.hub.tip(case.change.branch(case.id)) == theirs


@contextmanager
def small_disk(at: Path, size: str) -> Generator[None]:
    """A file system of that size at the folder; needs root, as `make test` does."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def test_a_full_disk_stops_no_poll_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "3m"), house(tmp_path, store=f"sqlite:///{disk}/ledger.db") as it, it.alive() as app:
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:  # ended by the disk being full
            while True:
                file.write(b"\0" * 4096)
        it.passes(10)
        turns = app.cycle.pulse.turns
        it.passes(2)
        assert app.cycle.pulse.turns > turns
        assert it.pull_requests() == []
        ballast.unlink()
        it.until(Phase.PROPOSED)
        assert len(it.pull_requests()) == 1
