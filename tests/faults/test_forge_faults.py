"""What a forge may do to a daemon at work: slow it down, refuse its token, lose answers, lose a repository."""

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Phase
from cases.errors import TemporaryError
from cases.outcome import Ending
from cases.pull_request_events import ClosedUnmerged
from remediation.forge.forge import GitForge
from remediation.forge.local.server import Fault
from remediation.forge.token import Token, TokenRefused
from tests.faults.cutting import cutting
from tests.faults.shops import case_of, say_yes, shops, through, until_all
from tests.parts.hub import TOKEN, world
from tests.parts.openapi import OpenApi
from tests.parts.playhouse import house

BRANCH = "trackwalker/case1-1"
PULLS = "/repos/acme/shop/pulls"


def test_a_secondary_rate_limit_is_waited_out_and_others_go_on(tmp_path: Path) -> None:
    with shops(tmp_path, "mail") as it:
        it.world.faults.rules.append(("POST", PULLS, Fault(status=403, retry_after=170)))
        with it.alive():
            until_all(it, shop=Phase.PROPOSED, mail=Phase.PROPOSED)
            limited = it.now
            assert (len(it.pull_requests()), len(it.pull_requests(name="mail"))) == (0, 1)
            while it.now + timedelta(seconds=30) < limited + timedelta(seconds=170):
                it.passes()
                assert it.world.faults.count("POST", PULLS) == 1
            it.passes(1)
            assert it.world.faults.count("POST", PULLS) == 2
            assert len(it.pull_requests()) == 1


def test_a_token_that_is_refused_is_waited_for_told_and_not_hammered(tmp_path: Path) -> None:
    tokens = [TOKEN]
    with house(tmp_path) as it:
        it.wrap_forge = lambda _: through(it.world, tmp_path / "rotated", token=lambda: tokens[-1])
        with it.alive():
            case = it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
            tokens.append("expired-token-0815")
            asked = len(it.world.faults.requests)
            it.passes(10)
            # twenty looks were due; the forge was asked once with that token, and never again in this minute
            assert len(it.world.faults.requests) - asked <= 2
            waiting = it.case()
            assert waiting is not None
            assert (waiting.phase, waiting.escalation) == (Phase.PROPOSED, "")
            assert it.subjects().count("shop: a case waits") == 1
            assert "renew what forge.token points to" in it.notices()[-1]["text"]
            it.merge(pull["number"])
            tokens.append(TOKEN)
            assert it.until(Phase.DEPLOYED, minutes=12).id == case.id
            assert not [text for text in map(str, it.notices()) if "0815" in text]


def test_a_refused_token_is_tried_again_now_and_then_and_another_one_at_once() -> None:
    tokens = ["old"]
    token = Token(lambda: tokens[-1], rest=timedelta(seconds=0.05))
    assert token() == "old"
    token.refuse()
    for _ in range(2):  # being turned away here is no refusal by the forge
        with pytest.raises(TokenRefused):
            token()
        token.refuse()
    threading.Event().wait(0.06)
    assert token() == "old"
    token.refuse()
    tokens.append("new")
    assert token() == "new"


@pytest.mark.parametrize("status", [409, 422])
def test_a_pull_request_that_somebody_was_quicker_to_open_is_adopted(tmp_path: Path, status: int) -> None:
    """Both have looked and found none before either one opens it."""
    openapi, looks = OpenApi(), threading.Barrier(2)
    seen: list[int] = []

    def together(inner: Any) -> Any:  # noqa: ANN401 - WSGI's own
        watched = openapi.around(inner)

        def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - the same
            opening = environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].endswith("/pulls")
            if opening and looks.n_waiting + len(seen) < 2:
                seen.append(looks.wait(10))
            return watched(environ, start_response)

        return application

    with world(tmp_path, around=together) as there:
        there.hub.commit("Begin", {"shop/cart.py": b"limit = 10\n"})
        there.hub.commit("Raise it", {"shop/cart.py": b"limit = 20\n"}, branch=BRANCH, start=there.hub.tip())
        opened: list[Any] = []
        forges = [there.forge, there.adapter()]
        threads = [threading.Thread(target=_open_into, args=(opened, forge)) for forge in forges]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(receipt.adopted for receipt in opened) == [False, True]
        assert {receipt.facts["number"] for receipt in opened} == {"1"}
        assert len(there.ask("GET", "/pulls?state=all").json()) == 1
        if status == 409:
            # a conflict that is not about a pull request of that branch passes by itself, or shows at the next look
            there.hub.commit("Again", {"shop/cart.py": b"limit = 30\n"}, branch=f"{BRANCH}0", start=there.hub.tip())
            there.faults.rules.append(("POST", "/pulls", Fault(status=409)))
            with pytest.raises(TemporaryError, match="busy with one"):
                _opened(there.forge, f"{BRANCH}0")
            assert not _opened(there.forge, f"{BRANCH}0").adopted
    assert openapi.failures == []


def _open_into(opened: list[Any], forge: GitForge) -> None:
    opened.append(_opened(forge))


def _opened(forge: GitForge, branch: str = BRANCH) -> Any:  # noqa: ANN401 - a receipt
    return forge.open_pull_request("shop", branch, "Raise the limit", "Why.", ("trackwalker",), draft=False)


@pytest.mark.long
def test_answers_that_get_lost_on_the_way_are_never_asked_for_twice(tmp_path: Path) -> None:
    """A story with every write's answer lost: by a server's error after it was done, or by a cut connection."""
    with house(tmp_path) as it:
        for end, fault in (
            ("git-receive-pack", Fault(status=502, after=True)),
            ("git-receive-pack", Fault(status=502, after=True)),
            ("/labels", Fault(status=503, after=True)),
            ("/comments", Fault(status=500, after=True)),
            ("/comments", Fault(status=0, after=True)),
        ):
            it.world.faults.rules.append(("POST", end, fault))
        with cutting(it.world.served.port, lambda line: line.startswith(b"POST") and b"/pulls " in line) as cut:
            api = f"http://127.0.0.1:{cut.port}/api/v3"
            it.wrap_forge = lambda _: through(it.world, tmp_path / "cut", api=api)
            with it.alive():
                it.until(Phase.PROPOSED)
                it.passes(3)
                assert cut.cuts == 1
                (pull,) = it.pull_requests()
                it.merge(pull["number"])
                case = it.until(Phase.CLOSED, every=1)
                it.passes(2)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED
        assert it.world.faults.rules == []  # all of them struck
        assert it.world.faults.count("POST", "/pulls") == 1
        stages = [body.split("**")[1].split()[0].strip(".:") for body in it.comments(pull["number"])]
        assert stages == ["Merged", "Deployed", "Worked"]


def test_a_pull_request_that_is_closed_before_its_answer_came_is_a_no(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        it.world.faults.rules.append(("POST", "/pulls", Fault(status=502, after=True)))
        with it.alive() as app:
            for _ in range(40):
                it.passes()
                if it.pull_requests():
                    break
            (pull,) = it.pull_requests()
            it.close(pull["number"])  # before the daemon knows that it is there
            case = it.until(Phase.CLOSED, every=1)
            assert case.outcome is not None
            assert case.outcome.ending is Ending.CLOSED_UNMERGED
            assert [entry.event.by for entry in case.history if isinstance(entry.event, ClosedUnmerged)] == ["reviewer"]
            (lesson,) = app.ledger.lessons.recall(case.fingerprint, case.service)
            assert lesson.ending is Ending.CLOSED_UNMERGED
            it.passes(5)
            assert len(it.pull_requests()) == 1
            assert it.world.faults.count("POST", "/pulls") == 1


LOST: dict[str, tuple[Callable[[Path], object], str]] = {
    "shop": (lambda repository: (repository / "archived").touch(), "it is archived: unarchive it"),
    "mail": (lambda repository: repository.rename(repository.with_name("post.git")), "no such repository"),
    "bank": (shutil.rmtree, "no such repository"),
}


def test_a_repository_that_is_archived_renamed_or_deleted_parks_its_case_and_no_other(tmp_path: Path) -> None:
    with shops(tmp_path, "mail", "bank", "desk", authority={"default": "observe"}) as it, it.alive() as app:
        until_all(it, shop=Phase.PROVED, mail=Phase.PROVED, bank=Phase.PROVED, desk=Phase.PROVED)
        for service, (lose, _) in LOST.items():
            lose(it.world.hub.folder.with_name(f"{service}.git"))
            say_yes(it, service)
        say_yes(it, "desk")
        cases = until_all(
            it, shop=Phase.ESCALATED, mail=Phase.ESCALATED, bank=Phase.ESCALATED, desk=Phase.PROPOSED
        )  # fmt: skip
        asked = len(it.world.faults.requests)
        it.passes(6)
        later = it.world.faults.requests[asked:]
        for service, (_, said) in LOST.items():
            assert said in cases[service].escalation
            assert cases[service] == app.ledger.cases.load(cases[service].id)
            assert it.subjects().count(f"{service}: a human is needed") == 1
            # it is not tried for ever; at most its pull request is looked at for what people say there
            its = [(method, path) for method, path in later if f"/acme/{service}" in path]
            assert [request for request in its if request[0] != "GET" or ".git/" in request[1]] == []
        assert [path for _, path in later if "/acme/desk" in path]
        assert len(it.pull_requests(name="desk")) == 1
        assert case_of(it, "desk").phase is Phase.PROPOSED


def test_a_merge_is_seen_within_one_cycle_without_any_webhook(tmp_path: Path) -> None:
    with house(tmp_path) as it, it.alive():
        it.until(Phase.PROPOSED)
        it.passes(3)
        (pull,) = it.pull_requests()
        merged = it.world.ask("PUT", f"/pulls/{pull['number']}/merge", json={"merge_method": "merge"})
        assert merged.status_code == 200
        it.passes(0.5)  # one cycle
        case = it.case()
        assert case is not None
        assert case.phase is Phase.MERGED
