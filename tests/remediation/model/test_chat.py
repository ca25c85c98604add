"""ChatModel against servers that misbehave in every way that the API's documents and its users tell of."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cases.errors import NoAnswer, PermanentError, TemporaryError
from config.models import ModelSettings, PriceSettings
from daemon.clock import ManualClock, SystemClock
from remediation.edit.asking import ChangeAnswer, FunctionsAnswer, schema_of
from remediation.model.chat import ChatModel, strict
from remediation.model.pocket import PocketPurse
from remediation.opinion import DiagnosisAnswer
from tests.parts.chat_api import LOCAL, MODEL, ChatApi, chat_api, refusal
from tests.parts.model_server import KEY, drops, says
from tests.parts.nouns import NOW
from tests.parts.questions import BAD, GOOD, SCHEMA, a_question, chat_settings

FREE = {LOCAL: PriceSettings(input=0, output=0)}
COST = (1200 * 1.25 + 90 * 10) / 1e6


@pytest.fixture
def server() -> Iterator[ChatApi]:
    with chat_api() as server:
        yield server


@pytest.fixture
def purse() -> PocketPurse:
    return PocketPurse(10)


def a_model(server: ChatApi, folder: Path, purse: PocketPurse, **more: Any) -> ChatModel:  # noqa: ANN401 - settings
    return ChatModel(chat_settings(server.url, folder, server.kind, **more), purse, ManualClock(NOW))


def test_the_purpose_chooses_the_model(server: ChatApi, tmp_path: Path, purse: PocketPurse) -> None:
    models = {"draft": "gpt-6.1-sol", "review": "gpt-5.4", "triage": "gpt-5-nano"}
    model = a_model(server, tmp_path, purse, **models)
    server.otherwise = server.answers(GOOD)
    for purpose in ("diagnose", "edit", "improvement", "review", "triage"):
        model.ask(a_question(purpose=purpose))
    assert [body["model"] for body in server.asked] == [MODEL, "gpt-6.1-sol", "gpt-6.1-sol", "gpt-5.4", "gpt-5-nano"]
    assert model.describe("edit") == f"gpt-6.1-sol at {server.url.split('/')[2]}"


@pytest.mark.parametrize("schema", [SCHEMA, *map(schema_of, (ChangeAnswer, DiagnosisAnswer, FunctionsAnswer))])
def test_a_schema_is_asked_for_strictly_and_kept_in_full_here(
    server: ChatApi, tmp_path: Path, purse: PocketPurse, schema: dict[str, Any]
) -> None:
    Draft202012Validator.check_schema(strict(schema))
    server.will(*[server.answers({"surprise": 1})] * 2)  # the server complains of what strict mode does not take
    with pytest.raises(NoAnswer, match=r"schema's (required|additionalProperties)"):
        a_model(server, tmp_path, purse).ask(a_question(schema=schema, name="an edit!"))
    assert server.asked[0]["response_format"]["json_schema"]["name"] == "an_edit_"
    assert json.dumps(schema, separators=(",", ":")) in server.text(0)


def test_a_server_that_takes_no_schema_is_asked_for_any_object_from_then_on(
    server: ChatApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.schemas = False
    server.otherwise = server.answers(GOOD)
    model = a_model(server, tmp_path, purse)
    for _ in range(2):
        assert model.ask(a_question("it is slow")).content == GOOD
    assert [body["response_format"] for body in server.asked] == [{"type": "json_object"}] * 2
    assert [call.usd for call in purse.calls.values()] == pytest.approx([0, COST, COST])


def test_what_an_object_lacks_is_found_here(server: ChatApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.schemas = False
    server.will(server.answers({"cause": "x"}), server.answers({**GOOD, "confidence": 7}))
    with pytest.raises(NoAnswer, match="schema's maximum"):
        a_model(server, tmp_path, purse).ask(a_question())


@pytest.mark.parametrize("kind", ["ollama", "vllm"])
def test_a_server_of_ones_own_needs_no_key_and_may_cost_nothing(tmp_path: Path, purse: PocketPurse, kind: str) -> None:
    with chat_api(kind) as server:
        server.will(server.answers(GOOD))
        model = a_model(server, tmp_path, purse, diagnose=LOCAL, api_key=None, prices=FREE)
        answer = model.ask(a_question())
        assert (answer.usd, answer.input_tokens, answer.output_tokens) == (0, 1200, 90)
        assert LOCAL in model.probe()
        assert "has tiny" in a_model(server, tmp_path, purse, diagnose="tiny", prices={"tiny": FREE[LOCAL]}).probe()


def test_tokens_from_a_cache_are_cheaper_and_none_is_paid_twice(
    server: ChatApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.will(server.answers(GOOD, cached=1000))
    answer = a_model(server, tmp_path, purse).ask(a_question())
    assert answer.input_tokens == 1200
    assert answer.usd == pytest.approx((200 * 1.25 + 1000 * 0.125 + 90 * 10) / 1e6)
    server.will(server.answers(GOOD, cached=1000))
    answer = a_model(server, tmp_path, purse, diagnose="gpt-6-sol").ask(a_question())
    assert answer.usd == pytest.approx((1.25 * 200 * 2 + 1000 * 0.2 + 90 * 10) / 1e6)


@pytest.mark.parametrize(
    ("usage", "settled"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 5}, True),
        ({"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": None}, True),
        ({"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -1}}, False),
        ({"prompt_tokens": -5, "completion_tokens": 5}, False),
        ({"prompt_tokens": True, "completion_tokens": 5}, False),
        ({"completion_tokens": 5}, False),
        ({}, False),
        (None, False),
        ("free", False),
    ],
)
def test_without_a_usage_that_can_be_read_the_worst_case_counts(
    server: ChatApi, tmp_path: Path, purse: PocketPurse, usage: object, *, settled: bool
) -> None:
    server.will(server.answers(GOOD, usage=usage))
    answer = a_model(server, tmp_path, purse).ask(a_question())
    [call] = purse.calls.values()
    assert (call.usd is not None) is settled
    assert settled or answer.usd == call.reserved == purse.spent


def test_an_answer_that_was_cut_off_is_asked_again(server: ChatApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.will(server.answers('{"cause": "th', finish_reason="length"), server.answers(GOOD))
    assert a_model(server, tmp_path, purse).ask(a_question()).content == GOOD
    assert "cut off at 4096 tokens" in server.text()


@pytest.mark.parametrize("how", [{"refusal": "no"}, {"finish_reason": "content_filter"}])
def test_a_refusal_is_for_a_human(server: ChatApi, tmp_path: Path, purse: PocketPurse, how: dict[str, Any]) -> None:
    server.will(server.answers("", **how))
    with pytest.raises(NoAnswer, match="refused the question"):
        a_model(server, tmp_path, purse).ask(a_question())
    assert purse.spent == pytest.approx(COST)


@pytest.mark.parametrize(
    "body", ["<html>proxy</html>", "{}", "", "null", '{"choices": [7], "usage": []}', "[[[" * 9999]
)
def test_a_200_that_is_no_completion_is_asked_again_and_counts_in_full(
    server: ChatApi, tmp_path: Path, purse: PocketPurse, body: str
) -> None:
    server.will(says(200, body, "text/html"), server.answers(GOOD))
    answer = a_model(server, tmp_path, purse).ask(a_question())
    first, second = purse.calls.values()
    assert (first.usd, second.usd) == (None, pytest.approx(COST))
    assert answer.usd == pytest.approx(first.reserved + COST)


@pytest.mark.parametrize(
    ("status", "code", "error", "says_so"),
    [
        (429, "rate_limit_exceeded", TemporaryError, "busy or ill"),
        (429, "insufficient_quota", PermanentError, "wants to be paid"),
        (500, "server_error", TemporaryError, "busy or ill"),
        (503, None, TemporaryError, "busy or ill"),
        (529, None, TemporaryError, "busy or ill"),
        (401, "invalid_api_key", PermanentError, "refuses the key"),
        (403, "unsupported_country_region_territory", PermanentError, "refuses the key"),
        (404, "model_not_found", PermanentError, f"knows no model '{MODEL}'"),
        (400, "context_length_exceeded", NoAnswer, "longer than the model reads"),
        (400, "invalid_value", PermanentError, "refuses the question"),
        (413, None, PermanentError, "refuses the question"),
        (302, None, PermanentError, "sends us elsewhere"),
    ],
)
def test_refusals_cost_nothing_and_mean_what_they_mean(
    server: ChatApi,
    tmp_path: Path,
    purse: PocketPurse,
    status: int,
    code: str | None,
    error: type[Exception],
    says_so: str,
) -> None:
    server.will(refusal(status, f"your key {KEY} @all", code, location=server.url), server.answers(GOOD))
    with pytest.raises(error, match=says_so) as failure:
        a_model(server, tmp_path, purse).ask(a_question())
    assert KEY not in str(failure.value)
    assert (purse.spent, len(server.asked)) == (0, 1), "no redirect is followed, nothing is tried again"


def test_how_servers_of_ones_own_put_their_errors(server: ChatApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.will(says(404, '{"error": "model not found, try pulling it"}'), says(400, '{"message": "too hot"}'))
    model = a_model(server, tmp_path, purse)
    with pytest.raises(PermanentError, match="try pulling it"):
        model.ask(a_question())
    with pytest.raises(PermanentError, match="too hot"):
        model.ask(a_question())


def test_it_says_when_to_come_back(server: ChatApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.will(refusal(429, "slow down", retry_after="7"))
    with pytest.raises(TemporaryError) as failure:
        a_model(server, tmp_path, purse).ask(a_question())
    assert failure.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("how", ["stall", "drip", "drop"])
def test_an_answer_that_never_comes_whole_is_for_later_and_counts_in_full(
    server: ChatApi, tmp_path: Path, purse: PocketPurse, how: str
) -> None:
    server.will({"stall": server.stalls(), "drip": server.drips(), "drop": drops}[how])
    settings = chat_settings(server.url, tmp_path, timeout=timedelta(seconds=0.3))
    with pytest.raises(TemporaryError, match=r"did not answer in time|cannot be reached"):
        ChatModel(settings, purse, SystemClock()).ask(a_question())
    [call] = purse.calls.values()
    assert (call.usd, purse.spent) == (None, call.reserved)


def test_a_flood_is_not_read_to_its_end_nor_a_bomb_unpacked(
    server: ChatApi, tmp_path: Path, purse: PocketPurse
) -> None:
    bomb = gzip.compress(b" " * (16 * 2**20))
    assert len(bomb) < 2**17
    server.will(says(200, b" " * (9 * 2**20)), says(200, bomb, content_encoding="gzip"))
    for _ in range(2):
        with pytest.raises(TemporaryError, match="TooMuch"):
            a_model(server, tmp_path, purse).ask(a_question())
    assert all(call.usd is None for call in purse.calls.values())


def test_a_server_that_is_not_there_costs_nothing(tmp_path: Path, purse: PocketPurse) -> None:
    with chat_api() as gone:
        pass
    with pytest.raises(TemporaryError, match="cannot be reached"):
        a_model(gone, tmp_path, purse).ask(a_question())
    assert purse.spent == 0


def test_an_answer_that_costs_more_than_it_can_is_paid_and_not_used(
    server: ChatApi, tmp_path: Path, purse: PocketPurse
) -> None:
    """Nothing can keep a server from billing too much: but it is counted, told, and not gone on with."""
    server.will(server.answers(BAD, read=10_000_000), server.answers(GOOD))
    with pytest.raises(NoAnswer, match=r"cost \$12\.\d+ more than it can"):
        a_model(server, tmp_path, purse).ask(a_question())
    assert purse.spent == pytest.approx(12.5, rel=0.01)
    assert len(server.asked) == 1


def test_the_probe_spends_nothing_and_says_what_is_missing(server: ChatApi, tmp_path: Path, purse: PocketPurse) -> None:
    assert a_model(server, tmp_path, purse).probe().endswith(f"has {MODEL}")
    with pytest.raises(PermanentError, match=r"has no model 'gpt-5\.4'; .* \(it has gpt-5-mini, gpt-5\.1\)"):
        a_model(server, tmp_path, purse, draft="gpt-5.4").probe()
    model = a_model(server, tmp_path, purse)
    (tmp_path / "key").write_text("another")
    with pytest.raises(PermanentError, match="refuses the key"):
        model.probe()
    server.lists_models = False
    (tmp_path / "key").write_text(KEY)
    assert "does not list its models" in model.probe()
    assert (purse.spent, server.asked) == (0, [])


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"provider": "openai"}, "model.diagnose is missing"),
        ({"provider": "openai", "diagnose": MODEL}, "model.api_key is missing: .* env:OPENAI_API_KEY"),
        ({"provider": "ollama", "diagnose": LOCAL}, "no price is known .* 0 and 0 where it runs on a machine"),
        ({"provider": "openai", "diagnose": "claude-sonnet-5-5", "base_url": "http://x"}, "no price is known .*gpt-5"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(purse: PocketPurse, settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(PermanentError, match=fault):
        ChatModel(ModelSettings.model_validate(settings), purse, ManualClock(NOW))


def test_no_sdk_is_loaded_for_it() -> None:
    program = (
        "import sys\n"
        "from config.models import ModelSettings\n"
        "from daemon.clock import SystemClock\n"
        "from remediation.model import model_of\n"
        "from remediation.model.pocket import PocketPurse\n"
        f"settings = ModelSettings(provider='openai', diagnose={MODEL!r}, base_url='http://127.0.0.1:9/v1')\n"
        "assert model_of(settings, PocketPurse(1), SystemClock()).describe('edit')\n"
        "print(sorted({'anthropic', 'openai', 'httpx2', 'jsonschema'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
