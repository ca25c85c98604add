"""The contract of `LanguageModel`: both adapters of servers, a replayed session and the stand-in keep one suite."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cases.asking import Answer
from cases.errors import NoAnswer, OverBudget, PermanentError, TemporaryError
from cases.ports import LanguageModel
from config.models import PriceSettings
from daemon.clock import SystemClock
from remediation.model.anthropic import AnthropicModel
from remediation.model.chat import ChatModel
from remediation.model.failover import FailoverModel
from remediation.model.pocket import PocketPurse
from remediation.model.scripted import Entry, ScriptedModel
from tests.parts.chat_api import LOCAL, MODEL, ChatApi, chat_api
from tests.parts.chat_api import refusal as no
from tests.parts.messages_api import MessagesApi, messages_api, refusal
from tests.parts.model_server import KEY, Behaviour
from tests.parts.questions import BAD, GOOD, a_question, chat_settings, model_settings

COST = 0.0033  # 1,200 tokens read at $2 a million, 90 written at $10 a million
PLENTY = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A model under test: what it will do with the next questions, and the money it has.

    `made(doings, usd)` gives a model that does these one after the other: an object to answer, "refuse", "busy".
    """

    made: Callable[[list[Any], float], tuple[LanguageModel, PocketPurse]]
    asked: Callable[[], int]


@pytest.fixture(params=["anthropic", "openai", "ollama", "failover", "scripted"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    if request.param == "scripted":
        yield scripted()
    elif request.param in {"openai", "ollama"}:
        with chat_api(request.param) as server:
            yield chatting(server, tmp_path)
    else:
        with messages_api() as server:
            yield real(server, tmp_path, alone=request.param == "anthropic")


def real(server: MessagesApi, folder: Path, *, alone: bool) -> Stage:
    def behaviour(doing: Any) -> Behaviour:  # noqa: ANN401 - as Stage says
        if doing == "refuse":
            return server.answers("", stop_reason="refusal", content=[])
        if doing == "busy":
            return refusal(529, "overloaded_error", f"overloaded {KEY}")
        return server.answers(doing)

    def made(doings: list[Any], usd: float) -> tuple[LanguageModel, PocketPurse]:
        server.will(*map(behaviour, doings))
        purse = PocketPurse(usd)
        model = AnthropicModel(model_settings(server.url, folder), purse, SystemClock())
        return model if alone else FailoverModel([model], SystemClock()), purse

    return Stage(made=made, asked=lambda: len(server.asked))


def chatting(server: ChatApi, folder: Path) -> Stage:
    def behaviour(doing: Any) -> Behaviour:  # noqa: ANN401 - as Stage says
        if doing == "refuse":
            return server.answers("", refusal="I cannot help with that")
        if doing == "busy":
            return no(429, f"Rate limit reached for {KEY}", "rate_limit_exceeded")
        return server.answers(doing)

    def made(doings: list[Any], usd: float) -> tuple[LanguageModel, PocketPurse]:
        server.will(*map(behaviour, doings))
        purse = PocketPurse(usd)
        name = MODEL if server.kind == "openai" else LOCAL
        prices = {name: PriceSettings(input=2, output=10)}
        settings = chat_settings(server.url, folder, server.kind, diagnose=name, prices=prices)
        return ChatModel(settings, purse, SystemClock()), purse

    return Stage(made=made, asked=lambda: len(server.asked))


def scripted() -> Stage:
    models: list[ScriptedModel] = []

    def entry(doing: Any) -> Entry:  # noqa: ANN401 - as Stage says
        word = {doing: "a reason"} if isinstance(doing, str) else {"answer": doing}
        cost = {"usd": COST, "input_tokens": 1200, "output_tokens": 90}
        return Entry.model_validate({"purpose": "diagnose", **word, **cost})

    def made(doings: list[Any], usd: float) -> tuple[LanguageModel, PocketPurse]:
        purse = PocketPurse(usd)
        models.append(ScriptedModel([entry(doing) for doing in doings], purse))
        return models[-1], purse

    return Stage(made=made, asked=lambda: len(models[-1].asked) if models else 0)


def test_an_answer_fits_the_schema_and_says_what_it_cost(stage: Stage) -> None:
    model, purse = stage.made([GOOD], PLENTY)
    answer = model.ask(a_question("it is slow"))
    assert answer == Answer(content=GOOD, model=answer.model, usd=COST, input_tokens=1200, output_tokens=90)
    [call] = purse.calls.values()
    assert (call.case, call.purpose, call.usd, call.input_tokens, call.output_tokens) == (
        "c1", "diagnose", pytest.approx(COST), 1200, 90,
    )  # fmt: skip
    assert call.reserved >= COST


def test_an_answer_that_breaks_the_schema_is_asked_again_once_and_both_are_paid(stage: Stage) -> None:
    model, purse = stage.made([BAD, GOOD], PLENTY)
    answer = model.ask(a_question())
    assert answer.content == GOOD
    assert answer.usd == pytest.approx(2 * COST)
    assert purse.spent == pytest.approx(2 * COST)
    assert answer.input_tokens == 2400


def test_two_such_answers_are_no_answer_and_both_are_paid(stage: Stage) -> None:
    model, purse = stage.made([BAD, {}, GOOD], PLENTY)
    with pytest.raises(NoAnswer, match=r"no diagnosis that can be used, 2 times; the last: .* schema's required"):
        model.ask(a_question())
    assert purse.spent == pytest.approx(2 * COST)


def test_a_refusal_is_not_argued_with(stage: Stage) -> None:
    model, purse = stage.made(["refuse", GOOD], PLENTY)
    with pytest.raises(NoAnswer, match="refused the question"):
        model.ask(a_question())
    assert purse.spent == pytest.approx(COST)
    assert len(purse.calls) == 1


def test_a_busy_server_costs_nothing_and_is_for_later(stage: Stage) -> None:
    model, purse = stage.made(["busy", GOOD], PLENTY)
    with pytest.raises(TemporaryError, match="busy"):
        model.ask(a_question())
    assert purse.spent == 0
    assert model.ask(a_question()).content == GOOD


def test_without_the_money_nothing_is_asked(stage: Stage) -> None:
    model, purse = stage.made([GOOD], COST / 2)
    with pytest.raises(OverBudget, match="spent"):
        model.ask(a_question())
    assert purse.spent == 0
    assert purse.calls == {}


def test_it_says_which_model_it_is_and_that_it_is_there(stage: Stage) -> None:
    model, purse = stage.made([GOOD], PLENTY)
    assert model.describe("diagnose")
    assert model.describe("edit")
    assert model.probe()
    assert stage.asked() == 0
    assert purse.calls == {}


@pytest.mark.parametrize("doings", [["busy"], ["refuse"], [BAD, BAD], ["busy", GOOD]])
def test_no_error_log_or_repr_has_the_key(stage: Stage, doings: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    model, _ = stage.made(doings, PLENTY)
    with caplog.at_level(logging.DEBUG), pytest.raises((TemporaryError, PermanentError)) as failure:
        model.ask(replace(a_question(), material=()))
    error: BaseException | None = failure.value
    seen = [caplog.text, repr(model), repr(vars(model))]
    while error is not None:
        seen.append(f"{error!r} {error}")
        error = error.__cause__ or error.__context__
    assert not any(KEY in text for text in seen)
