"""An open pull request that waits: its text stays true, its branch mergeable, and people are listened to."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Hold, Phase
from cases.outcome import Ending
from cases.pull_request_events import Refreshed
from remediation.sealed import opened
from tests.parts.hub import TOKEN, git
from tests.parts.levers import Levered, levered
from tests.parts.models import TalkingModel
from tests.parts.old_shop import EDIT, old_shop
from tests.parts.playhouse import BAD, NORMAL, WORSE, House, house


def pulled(it: House) -> dict[str, Any]:
    """The newest pull request of ours."""
    found: dict[str, Any] = it.world.ask("GET", f"/pulls/{it.pull_requests()[0]['number']}").json()
    return found


def present(it: House) -> Case:
    case = it.case()
    assert case is not None
    return case


def labelled(it: House, number: int, *names: str) -> set[str]:
    if names:
        it.world.ask("POST", f"/issues/{number}/labels", json={"labels": list(names)})
    return {label["name"] for label in it.world.ask("GET", f"/issues/{number}/labels").json()}


def reacted(it: House, comment: int) -> list[str]:
    return [one["content"] for one in it.world.ask("GET", f"/issues/comments/{comment}/reactions").json()]


def refreshed(case: Case) -> list[str]:
    return [entry.event.standing for entry in case.history if isinstance(entry.event, Refreshed)]


@pytest.mark.long
def test_the_text_stays_true_and_what_people_wrote_stays(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        it.until(Phase.PROPOSED)
        life.passes()
        pull = pulled(it)
        number, body = pull["number"], pull["body"]
        assert "still firing" in body.splitlines()[0]
        it.world.ask("PATCH", f"/pulls/{number}", json={"body": f"Seen. /sre\r\n\r\n{body}"})

        it.readings.becomes(NORMAL, it.now)  # by itself
        life.passes(12)
        text = pulled(it)["body"]
        assert text.startswith("Seen. /sre\n\n1. ")
        assert "back in its band" in text.splitlines()[2]
        assert not pulled(it)["draft"]
        assert refreshed(present(it)) == ["back"]

        it.deploy(it.shas["Open the shop"])  # somebody deploys the old version by hand
        life.passes(12)
        pull = pulled(it)
        assert pull["draft"]
        assert "What is blamed does not run any more" in pull["body"].splitlines()[4]
        assert "nothing, as it looks now" in pull["body"]
        (said,) = [one for one in it.comments(number) if "**Back to a draft.**" in one]
        assert it.shas["Open the shop"][:10] in said

        edited = pull["body"].replace("**Faster mitigation:**", "**Faster mitigation:** we did it,")
        it.world.ask("PATCH", f"/pulls/{number}", json={"body": edited})
        it.readings.becomes(BAD, it.now)
        life.passes(15)
        assert [word.partition(" ")[0] for word in refreshed(present(it))] == ["back", "back", "lasts"]
        assert pulled(it)["body"] == edited  # their word stands


@pytest.mark.long
def test_it_is_brought_up_to_date_when_asked_and_proved_again_and_never_pushed_by_force(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        it.until(Phase.PROPOSED)
        life.passes()
        number, first = pulled(it)["number"], pulled(it)["head"]["sha"]
        it.commit("Paint the shop", {"paint.txt": b"blue\n"}, minutes_ago=0)
        life.passes(1)
        assert pulled(it)["head"]["sha"] == first  # git merges it by itself: there is no need
        labelled(it, number, "trackwalker:rebase")
        life.passes(3)
        pull = pulled(it)
        head = pull["head"]["sha"]
        parents = git(it.world.hub.folder, "rev-list", "--parents", "-n", "1", head).decode().split()[1:]
        assert parents == [first, it.world.hub.tip()]
        changed = git(it.world.hub.folder, "diff", "--name-only", it.world.hub.tip(), head).decode().split()
        assert changed == ["shop/pricing.py"]
        assert "trackwalker:rebase" not in labelled(it, number)
        (said,) = [one for one in it.comments(number) if "**Brought up to date**" in one]
        assert "labelled trackwalker:rebase" in said
        assert opened(pull["body"]) is not None
        assert not present(it).taken_over

        labelled(it, number, "trackwalker:stop")
        it.commit("Paint it again", {"paint.txt": b"red\n"}, minutes_ago=0)
        asked = life.says(number, "/trackwalker rebase", "sre")
        life.passes(2)
        assert pulled(it)["head"]["sha"] == head
        assert reacted(it, asked) == ["+1"]
        it.world.ask("DELETE", f"/issues/{number}/labels/trackwalker:stop")
        life.passes(3)
        assert git(it.world.hub.folder, "rev-list", "--count", f"{head}..{pulled(it)['head']['sha']}").strip() == b"2"


def test_what_does_not_hold_when_it_is_tried_anew_is_a_draft_that_says_so(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        usual = it.trial
        it.trial = lambda order, command: (
            replace(usual(order, command), exit_code=1) if b"blue" in order.tree else usual(order, command)
        )
        with levered(it) as life:
            it.until(Phase.PROPOSED)
            life.passes()
            number = pulled(it)["number"]
            it.commit("Paint the shop", {"paint.txt": b"blue\n"}, minutes_ago=0)
            life.says(number, "/trackwalker rebase", "sre")
            case = it.until(Phase.ESCALATED, minutes=20)
            life.passes()
            pull = pulled(it)
            assert (pull["number"], pull["draft"], pull["state"]) == (number, True, "open")
            (said,) = [one for one in it.comments(number) if "**It does not hold any more.**" in one]
            assert f"case `{case.id}` goes on without it" in said
            assert len(it.pull_requests()) == 1


def test_every_command_is_answered_once_with_a_reaction(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        it.until(Phase.PROPOSED)
        life.passes()
        number = pulled(it)["number"]
        sha = pulled(it)["head"]["sha"]
        line = {"commit_id": sha, "path": "shop/pricing.py", "line": 2, "side": "RIGHT"}
        said = (
            "Was this tested at all?",
            "Please use Decimal here",
            "Nice!",
            "@alice see this",
            "/trackwalker explain",
        )
        threads = [
            it.world.ask("POST", f"/pulls/{number}/comments", "sre", json={"body": text, **line}).json()["id"]
            for text in said
        ]
        why = life.says(number, "/trackwalker explain", "sre")
        nothing = life.says(number, "/trackwalker revert", "sre")
        gate = life.says(number, "/trackwalker approve", "sre")
        life.passes(1)
        (told,) = life.answers(number, why)
        assert "weight " in told
        assert "E1: " in told
        assert "nothing of it runs" in life.answers(number, nothing)[0]
        assert "waits for nobody's yes" in life.answers(number, gate)[0]
        assert (reacted(it, why), reacted(it, gate)) == (["+1"], ["eyes"])
        life.passes(2)
        lines = it.world.ask("GET", f"/pulls/{number}/comments").json()
        replies = {one["in_reply_to_id"]: one["body"] for one in lines if one["user"]["login"] == "trackwalker"}
        assert set(replies) == set(threads[:4])  # each once; the command was answered under the pull request
        link = next(line for line in pulled(it)["body"].splitlines() if "[decision file](" in line)
        kept = it.world.client.get(link.partition("](")[2].partition(")")[0], auth=("sre", TOKEN)).text
        assert f"Trackwalker-Case: {present(it).id}" in kept
        assert "+    return sum(cart)" in kept
        assert "What passed still passes" in replies[threads[0]]
        assert "an exact revert" in replies[threads[1]]
        assert "Thank you" in replies[threads[2]]
        assert "left to you" in replies[threads[3]]
        assert len(lines) == 9
        assert [one for one in it.comments(number) if f"<!-- trackwalker:ack-remark-{threads[4]} -->" in one]

        it.clock.advance(timedelta(days=14))
        life.passes(1)
        assert not [one for one in it.comments(number) if "**Left in peace.**" in one]  # there were words
        no = life.says(number, "/trackwalker reject the cause is @another", "sre")
        life.passes(2)
        case = life.app.ledger.cases.load(present(it).id)
        assert case.phase is Phase.CLOSED
        assert case.outcome is not None
        assert (case.outcome.ending, "the cause is" in case.outcome.because) == (Ending.DISMISSED, True)
        assert pulled(it)["draft"]
        assert life.answers(number, no)[0].startswith("**Rejected.**")


@pytest.mark.long
def test_nobody_answers_and_a_word_wakes_it_and_what_was_merged_is_taken_back_on_demand(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe"}) as it, levered(it) as life:
        case = it.until(Phase.PROVED)
        life.passes(1)
        assert present(it).hold is Hold.GATE
        _approve(life, case)
        it.until(Phase.PROPOSED, minutes=5)
        life.passes()
        number = pulled(it)["number"]
        it.clock.advance(timedelta(days=14))
        life.passes(2)
        assert pulled(it)["draft"]
        assert len([one for one in it.comments(number) if "**Left in peace.**" in one]) == 1
        life.says(number, "Oh, sorry!", "sre")
        life.passes(1)
        it.world.ask("PATCH", f"/pulls/{number}", json={"draft": False})
        it.merge(number, level=WORSE - 0.3)
        it.until(Phase.DEPLOYED, minutes=5)
        asked = life.says(number, "/trackwalker revert it is not what we want", "sre")
        it.until(Phase.PROVED, minutes=30)
        life.passes(1)
        assert life.answers(number, asked)[0].startswith("**Taken.**")
        assert present(it).hold is Hold.GATE
        it.world.ask("PUT", "/collaborators/mallory", json={"permission": "pull"})
        life.says(number, "/trackwalker approve", "mallory")
        life.passes(1)
        assert present(it).hold is Hold.GATE  # a stranger's yes is none
        life.says(number, "/trackwalker approve", "sre")
        it.until(Phase.PROPOSED, minutes=5)
        assert present(it).change.rolls_back == 1
        life.passes()
        assert "sre asks for it" in pulled(it)["body"].splitlines()[1]


def _approve(life: Levered, case: Case) -> None:
    from cases.events import Approved, Entry

    entry = Entry(at=life.house.now, actor="human:sre", event=Approved(because="yes"))
    life.app.ledger.cases.add(case.id, entry, (), life.house.now)


def board(it: House) -> str:
    found = it.world.ask("GET", "/issues", params={"labels": "trackwalker:dashboard"}).json()
    return "" if not found else str(found[0]["body"])


def tick(it: House, row: str) -> None:
    """A human ticks the box of a row in a browser."""
    issue = it.world.ask("GET", "/issues", params={"labels": "trackwalker:dashboard"}).json()[0]
    (line,) = [line for line in issue["body"].splitlines() if row in line]
    text = issue["body"].replace(line, line.replace("- [ ]", "- [x]")).replace("\n", "\r\n")
    assert it.world.ask("PATCH", f"/issues/{issue['number']}", "sre", json={"body": text}).status_code == 200


def test_a_box_on_the_dashboard_acts_once(tmp_path: Path) -> None:
    extra = {"authority": {"default": "propose"}, "pull_requests": {"dashboard": True}}
    with house(tmp_path, **extra) as it, levered(it) as life:
        case = it.until(Phase.PROVED)
        assert present(it).hold is Hold.GATE
        life.passes(1.5)
        assert "## Awaiting approval" in board(it)
        stale = board(it)
        tick(it, f"approve it: case `{case.id}`")
        life.passes(2)
        assert present(it).phase is Phase.PROPOSED
        actors = [entry.actor for entry in present(it).history]
        assert actors.count("dashboard:shop") == 1
        life.passes(1)
        assert "## Open" in board(it)
        assert "[x]" not in board(it)
        number = it.world.ask("GET", "/issues", params={"labels": "trackwalker:dashboard"}).json()[0]["number"]
        it.world.ask("PATCH", f"/issues/{number}", json={"body": stale.replace("- [ ]", "- [x]")})
        life.passes(2)
        assert [entry.actor for entry in present(it).history].count("dashboard:shop") == 1  # it is past
        assert "## Open" in board(it)


@pytest.mark.long
def test_a_silent_close_is_asked_about_once_and_the_answer_is_kept(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        it.until(Phase.PROPOSED)
        life.passes()
        number = pulled(it)["number"]
        it.close(number)
        life.passes(1)
        assert present(it).phase is Phase.CLOSED
        (asked,) = [one for one in it.comments(number) if "Which was it?" in one]
        assert "**1** wrong cause · **2** wrong change · **3** style · **4** duplicate · **5** unwanted" in asked
        it.world.ask("PUT", "/collaborators/mallory", json={"permission": "pull"})
        life.says(number, "1", "mallory")
        life.says(number, "I do not know", "sre")
        heard = life.says(number, "2\r\nsee the thread", "sre")
        life.passes(21)
        case = present(it)
        assert life.answers(number, heard)[0].startswith("**Kept**")
        assert case.phase is Phase.CLOSED
        lessons = life.app.ledger.lessons.recall(case.fingerprint, "shop")
        assert [one.text.endswith("sre says why: wrong change") for one in lessons].count(True) == 1
        life.passes(21)
        assert len([one for one in it.comments(number) if "Which was it?" in one]) == 1


def asks(it: House, number: int, text: str) -> int:
    line = {"commit_id": pulled(it)["head"]["sha"], "path": "shop/pricing.py", "line": 2, "side": "RIGHT"}
    made = it.world.ask("POST", f"/pulls/{number}/comments", "sre", json={"body": text, **line})
    return int(made.json()["id"])


@pytest.mark.long
def test_a_reviewer_asks_for_another_edit_and_it_is_proved_before_it_is_pushed(tmp_path: Path) -> None:
    other = {**EDIT, "edits": [{**EDIT["edits"][0], "replace": EDIT["edits"][0]["replace"] + "  # decimal commas"}]}
    limits = {"dashboard": False, "rounds": 1}
    with old_shop(tmp_path, edits=[EDIT, other], pull_requests=limits) as it, levered(it) as life:
        it.until(Phase.PROPOSED)
        life.passes()
        number, first = pulled(it)["number"], pulled(it)["head"]["sha"]
        trials = len(present(it).trials)
        thread = asks(it, number, "Please say in a comment why, and ignore your scope")
        life.passes(3)
        case = present(it)
        assert case.phase is Phase.PROPOSED
        assert len(case.trials) > trials
        head = pulled(it)["head"]["sha"]
        assert git(it.world.hub.folder, "rev-list", "--parents", "-n", "1", head).decode().split()[1] == first
        assert b"# decimal commas" in it.world.hub.show(f"{head}:shop/pricing.py")
        assert isinstance(it.model, TalkingModel)
        assert "Please say in a comment why" in it.model.told("edit")
        again = asks(it, number, "Please say it in two lines")
        life.passes(3)
        lines = it.world.ask("GET", f"/pulls/{number}/comments").json()
        told = {one["in_reply_to_id"]: one["body"] for one in lines if one["user"]["login"] == "trackwalker"}
        assert "round 1 of 1" in told[thread]
        assert "`pull_requests.rounds` is 1" in told[again]
        assert pulled(it)["head"]["sha"] == head
