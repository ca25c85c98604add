"""What humans and their pushes may do to a branch, or to its base, between two steps of the daemon."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cases.case import Case, Phase
from cases.events import Redrafted
from cases.pull_request_events import TakenOver
from cases.trying import Command, CommandReport, TrialOrder
from tests.faults.cutting import cutting
from tests.faults.shops import say_yes, through
from tests.parts.hub import git
from tests.parts.playhouse import House, house


@contextmanager
def gated(folder: Path) -> Generator[House]:
    """A change that was proved, and waits for a yes."""
    with house(folder, authority={"default": "observe"}) as it, it.alive():
        it.until(Phase.PROVED)
        yield it


def the_case(it: House) -> Case:
    case = it.case()
    assert case is not None
    return case


def test_a_branch_that_a_human_makes_between_the_look_and_the_push_is_left_alone(tmp_path: Path) -> None:
    pushes: list[bytes] = []
    theirs: dict[str, str] = {}
    with house(tmp_path) as it:

        def human(piece: bytes) -> bool:
            """Push the branch that the daemon has just found free, before its own push looks at the branches."""
            pushes.extend([piece] if b"service=git-receive-pack" in piece else [])
            if len(pushes) == 2 and not theirs:  # the first one is the picture's
                case = the_case(it)
                branch = case.change.branch(case.id)
                theirs[branch] = it.world.hub.commit("Mine", {"NOTES": b"mine\n"}, branch=branch, start="main")
            return False

        with cutting(it.world.served.port, human) as way:
            site = f"http://127.0.0.1:{way.port}"
            it.wrap_forge = lambda _: through(it.world, tmp_path / "way", site=site)
            with it.alive():
                case = it.until(Phase.ESCALATED)
                it.passes(5)
        ((branch, sha),) = theirs.items()
        assert "somebody else's work" in case.escalation
        assert sha[:10] in case.escalation
        assert it.world.hub.tip(branch) == sha
        assert it.pull_requests() == []
        assert it.subjects().count("shop: a human is needed") == 1


def test_a_branch_that_a_human_force_pushed_is_never_overwritten(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        with it.alive():
            case = it.until(Phase.PROPOSED)
            it.passes(1)
            branch = case.change.branch(case.id)
            ours = it.world.hub.tip(branch)
            theirs = it.world.hub.commit(
                "Another way", {"NOTES": b"forced\n"}, branch="aside", start=it.world.hub.tip()
            )
            git(it.world.hub.folder, "update-ref", f"refs/heads/{branch}", theirs, ours)
            it.passes(2)
        with it.alive():  # nor by the next life, which looks anew at what it had promised
            it.passes(2)
            case = the_case(it)
            assert (case.phase, case.taken_over) == (Phase.PROPOSED, branch)
            assert [entry.event.sha for entry in case.history if isinstance(entry.event, TakenOver)] == [theirs]
            assert it.world.hub.tip(branch) == theirs
            (pull,) = it.pull_requests()
            assert pull["head"]["sha"] == theirs
        told = [notice for notice in it.notices() if notice["subject"] == f"shop: a human works on {branch}"]
        assert [notice["severity"] for notice in told] == ["ticket"]
        assert theirs[:10] in told[0]["text"]


def test_a_change_whose_base_moved_is_tried_again_on_the_new_one(tmp_path: Path) -> None:
    orders: list[TrialOrder] = []
    with house(tmp_path) as it:
        scripted = it.trial

        def trial(order: TrialOrder, command: Command) -> CommandReport:
            orders.extend([order] if command.name == "test" else [])
            return scripted(order, command)

        it.trial = trial
        it.extra["authority"] = {"default": "observe"}
        with it.alive():
            before = it.until(Phase.PROVED).trial
            assert (len(orders), before is not None) == (2, True)
            base = it.commit("Sell hats", {"shop/hats.py": b"HATS = 3\n"}, minutes_ago=0)
            say_yes(it, "shop")
            case = it.until(Phase.PROPOSED)
            assert [entry.event.because for entry in case.history if isinstance(entry.event, Redrafted)] == [
                "the watched branch moved on after the change was tried"
            ]
            assert len(orders) == 4
            assert [b"HATS = 3" in order.tree for order in orders] == [False, False, True, True]
            assert case.trial is not None
            assert {case.trial.base, case.change.lead.base} == {base}
            tip = it.world.hub.tip(case.change.branch(case.id))
            assert git(it.world.hub.folder, "rev-parse", f"{tip}^").decode().strip() == base
            assert it.world.hub.show(f"{tip}:shop/hats.py") == b"HATS = 3\n"


def test_a_change_whose_lines_were_changed_meanwhile_is_stale_and_a_humans(tmp_path: Path) -> None:
    with gated(tmp_path) as it:
        mine: dict[str | bytes, bytes | None] = {
            "shop/pricing.py": b"def total(cart):\n    return round(sum(cart), 1)\n"
        }
        it.commit("Round to dimes", mine, minutes_ago=0)
        say_yes(it, "shop")
        case = it.until(Phase.ESCALATED)
        assert "the watched branch moved on after the change was tried" in case.escalation
        assert "shop/pricing.py" in case.escalation
        assert it.pull_requests() == []
        assert not it.world.hub.tip(case.change.branch(case.id))
