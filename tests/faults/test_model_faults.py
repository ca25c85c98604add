"""What a language model's server may do to a daemon at work, with the real adapter, the real ledger and real money."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Phase
from cases.change import ChangeClass
from cases.diagnosis import Finding
from tests.parts.chat_api import LOCAL, ChatApi, chat_api
from tests.parts.messages_api import MODEL, MessagesApi, messages_api, refusal
from tests.parts.model_server import KEY, Behaviour, drops, says
from tests.parts.old_shop import DIAGNOSIS, EDIT, PRICING, SHOWN, old_shop, plainly, run_tests
from tests.parts.playhouse import BAD, NORMAL, House

COST = 0.0033  # 1,200 tokens read at $2 a million, 90 written at $10 a million
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "hypotheses": DIAGNOSIS,
    "objections": {"verdict": "pass", "objections": []},
    "edits": EDIT,
    "test": {**SHOWN, "cannot": ""},
}
"""By a word that only the shape of that answer has, looked for in this order."""
LATER = {"drop": drops, "page": says(502, "<html>bad gateway</html>", "text/html")}


@contextmanager
def asking(folder: Path, **extra: Any) -> Generator[tuple[House, MessagesApi]]:  # noqa: ANN401 - keys of a configuration
    """The shop with a bug in old code, and a daemon that asks a server of the messages API about it."""
    key = folder / "model-key"
    key.write_text(KEY)
    with messages_api() as server:
        model = {
            "provider": "anthropic", "base_url": server.url, "api_key": f"file:{key}", "diagnose": MODEL,
            "timeout": "300ms", "max_output_tokens": 4096,
        }  # fmt: skip
        with old_shop(folder, model=False, **extra) as it:
            it.extra["model"] = model
            yield it, server


def _said(shape: object) -> Mapping[str, Any]:
    """What is answered to a question for that shape."""
    text = json.dumps(shape)
    return next(answer for word, answer in ANSWERS.items() if f'"{word}"' in text)


def answering(server: MessagesApi, *first: Behaviour) -> None:
    """Do these first, and then answer each question as it should be answered."""
    server.will(*first)

    def answer(request: Any, body: dict[str, Any]) -> None:  # noqa: ANN401 - the handler
        server.answers(_said(body["output_config"]))(request, body)

    server.otherwise = answer


@contextmanager
def chatting(folder: Path, **more: Any) -> Generator[tuple[House, ChatApi]]:  # noqa: ANN401 - keys of `model`
    """The same shop, and a server of the chat completions API, as an own machine has one."""
    with chat_api("vllm") as server, old_shop(folder, model=False) as it:
        prices = {LOCAL: {"input": 0, "output": 0}}
        it.extra["model"] = {
            "provider": "vllm", "base_url": server.url, "diagnose": LOCAL, "prices": prices, "timeout": "2s", **more,
        }  # fmt: skip

        def answer(request: Any, body: dict[str, Any]) -> None:  # noqa: ANN401 - the handler
            server.answers(_said(body["response_format"]))(request, body)

        server.otherwise = answer
        yield it, server


def spent(it: House) -> float:
    assert it.app is not None
    return it.app.ledger.spend.total().usd


def test_a_busy_server_is_waited_for_as_long_as_it_asks_and_costs_nothing(tmp_path: Path) -> None:
    with asking(tmp_path) as (it, server):
        answering(server, refusal(429, "rate_limit_error", retry_after="100"), refusal(529, "overloaded_error"))
        with it.alive():
            while not server.asked:
                it.passes()
            began = it.now
            while len(server.asked) < 2:
                it.passes()
            assert timedelta(seconds=90) <= it.now - began <= timedelta(seconds=150)
            assert spent(it) == 0
            case = it.until(Phase.PROPOSED)
            assert case.change.kind is ChangeClass.EDIT
            assert len(server.asked) == 6
            assert spent(it) == pytest.approx(4 * COST)


def test_an_answer_that_never_comes_is_for_later_and_counts_in_full(tmp_path: Path) -> None:
    """Nobody knows whether it was paid for: so its reservation stands, and the cap holds over it."""
    with asking(tmp_path) as (it, server):
        answering(server, server.stalls(), LATER["drop"], LATER["page"])
        with it.alive() as app:
            case = it.until(Phase.PROPOSED)
            assert case.escalation == ""
            calls = app.ledger.spend.calls(case.id)
            assert [call.settled for call in calls] == [False, False, True, True, True, True, True]
            assert [call.usd for call in calls[2:]] == pytest.approx([0, COST, COST, COST, COST])
            assert all(call.usd > COST for call in calls[:2])
            assert "shop: a case waits" in it.subjects()


GARBAGE: Mapping[str, Any] = {"it is not JSON": "I am sorry, but", "another shape": {"oops": 1}, "no object": "[1, 2"}


def test_a_model_that_only_answers_rubbish_is_given_up(tmp_path: Path) -> None:
    with asking(tmp_path) as (it, server):
        server.will(*(server.answers(rubbish) for rubbish in GARBAGE.values()))
        server.otherwise = server.answers("still no JSON")
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert "that can be used, 2 times" in case.escalation
            assert "ValueError is raised in shop/pricing.py:6 amount()" in case.escalation  # what is known without it
            asked = len(server.asked)
            assert 2 <= asked <= 4
            assert spent(it) == pytest.approx(asked * COST)
            it.passes(20)
            assert len(server.asked) == asked
            assert it.pull_requests() == []


def test_an_edit_that_is_rubbish_three_times_is_given_up(tmp_path: Path) -> None:
    misses = {**EDIT, "edits": [{"path": "shop/pricing.py", "search": "nothing like it", "replace": "y"}]}
    nowhere = {"functions": [{"path": "shop/pricing.py", "function": "refund", "code": "x"}], "test": EDIT["test"]}
    with asking(tmp_path) as (it, server):
        filled = {"claim": "", "risk": "", "cannot": ""}
        server.will(*(server.answers(said) for said in (DIAGNOSIS, SHOWN, misses, misses, {**filled, **nowhere})))
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert "went in, in 3 answers" in case.escalation
            assert len(server.asked) == 5
            assert it.pull_requests() == []


def test_with_the_money_spent_drafts_stop_and_detection_and_playbooks_go_on(tmp_path: Path) -> None:
    with asking(tmp_path, budget={"usd_per_day": 0.001, "usd_per_case": 0.001}) as (it, server):
        it.trial = run_tests
        it.logs = plainly(it)
        with it.alive() as app:
            case = it.until(Phase.ESCALATED)
            assert "of budget.usd_per_day $0.0010 is spent" in case.escalation
            assert "ValueError is raised in shop/pricing.py:6 amount()" in case.escalation
            it.readings.becomes(NORMAL, it.now)
            it.until(Phase.CLOSED, every=1)
            bad: dict[str | bytes, bytes | None] = {"shop/pricing.py": PRICING.replace("sum(", "0 + sum(").encode()}
            it.passes(10)
            it.deploy(it.commit("Begin at nothing", bad, minutes_ago=5), minutes_ago=4)
            it.readings.becomes(BAD, it.now)
            again = it.until(Phase.PROPOSED, Phase.PROVED)
            assert again.id != case.id
            assert again.change.kind is ChangeClass.REVERT
            assert again.diagnosis is not None
            assert again.diagnosis.finding is Finding.SUSPECT
            assert server.asked == []
            assert app.ledger.spend.total().usd == 0


@pytest.mark.long
def test_a_server_of_ones_own_mends_it_for_nothing(tmp_path: Path) -> None:
    with chatting(tmp_path) as (it, server), it.alive() as app:
        case = it.until(Phase.PROPOSED)
        assert case.change.kind is ChangeClass.EDIT
        calls = app.ledger.spend.calls(case.id)
        assert [(call.model, call.usd, call.settled) for call in calls] == [(LOCAL, 0, True)] * 4
        assert [body["model"] for body in server.asked] == [LOCAL] * 4
        assert [total.of for total in app.ledger.spend.by_signal()] == [case.anomaly.signal.key]


def test_while_the_first_provider_is_away_the_next_one_mends_it(tmp_path: Path) -> None:
    """Each step is one provider's: nobody goes on with what another began, and nothing is paid for a refusal."""
    with asking(tmp_path) as (it, first), chat_api("vllm") as second:
        first.otherwise = refusal(529, "overloaded_error")

        def answer(request: Any, body: dict[str, Any]) -> None:  # noqa: ANN401 - the handler
            second.answers(_said(body["response_format"]))(request, body)

        second.otherwise = answer
        it.extra["model"]["failover"] = [
            {
                "provider": "vllm",
                "base_url": second.url,
                "diagnose": LOCAL,
                "prices": {LOCAL: {"input": 0, "output": 0}},
            }
        ]
        with it.alive() as app:
            case = it.until(Phase.PROPOSED)
            assert case.change.kind is ChangeClass.EDIT
            paid = [call for call in app.ledger.spend.calls(case.id) if call.input_tokens]
            assert {(call.purpose, call.model) for call in paid} == {
                (purpose, LOCAL) for purpose in ("diagnose", "reproduce", "edit", "review")
            }
            assert spent(it) == 0
            assert len(first.asked) >= 1
            assert case.escalation == ""


ENDINGS: Mapping[str, tuple[Any, str]] = {
    "refuses": ({"refusal": "I will not"}, "refused the question"),
    "is cut off": ({"finish_reason": "length"}, "cut off at 8192 tokens"),
    "bills what it cannot have cost": ({"read": 90_000_000}, "more than it can; look at the account"),
}


@pytest.mark.parametrize(
    "how", [name if name.startswith("bills") else pytest.param(name, marks=pytest.mark.long) for name in ENDINGS]
)
def test_a_model_that_is_of_no_help_leaves_the_case_to_a_human_with_the_reason(tmp_path: Path, how: str) -> None:
    what, said = ENDINGS[how]
    with chatting(tmp_path, prices={LOCAL: {"input": 0.001, "output": 0.001}}) as (it, server):
        server.otherwise = server.answers(DIAGNOSIS, **what)
        with it.alive():
            case = it.until(Phase.ESCALATED)
            assert said in case.escalation
            assert "ValueError is raised in shop/pricing.py:6 amount()" in case.escalation
            asked = len(server.asked)
            it.passes(10)
            assert len(server.asked) == asked <= 4
            assert it.pull_requests() == []


def test_a_question_that_may_cost_more_than_its_cap_is_not_asked(tmp_path: Path) -> None:
    with asking(tmp_path, budget={"usd_per_call": 0.001}) as (it, server), it.alive():
        case = it.until(Phase.ESCALATED)
        assert "budget.usd_per_call $0.0010 is all for one question" in case.escalation
        assert server.asked == []
        assert spent(it) == 0


def test_the_days_money_is_told_once_and_the_case_goes_on_when_there_is_some(tmp_path: Path) -> None:
    """What is spent of another case keeps this one waiting; a day later it is tried again by itself."""
    with asking(tmp_path, budget={"usd_per_day": 0.2}) as (it, server):
        answering(server)
        with it.alive() as app:
            purse = app.ledger.purse(app.settings.budget)
            purse.settle(purse.reserve("another", "diagnose", MODEL, 0.2), 0.2, 1, 1)
            case = it.until(Phase.ESCALATED)
            assert "budget.usd_per_day" in case.escalation
            it.passes(10)
            assert it.subjects().count("the day's money for language models is used up") == 1
            assert server.asked == []
            it.clock.advance(timedelta(hours=24))
            assert it.until(Phase.PROPOSED).id == case.id
            assert it.subjects().count("the day's money for language models is used up") == 1
