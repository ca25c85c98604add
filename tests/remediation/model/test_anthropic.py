"""AnthropicModel against a server that misbehaves in every way the API's documents and its users tell of."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from cases.errors import NoAnswer, PermanentError, TemporaryError
from config.models import ModelSettings, PriceSettings
from daemon.clock import ManualClock, SystemClock
from remediation.model import model_of
from remediation.model.anthropic import AnthropicModel
from remediation.model.pocket import PocketPurse
from tests.parts.messages_api import MODEL, MessagesApi, messages_api, refusal
from tests.parts.model_server import KEY, drops, says
from tests.parts.nouns import NOW
from tests.parts.questions import BAD, GOOD, a_question, model_settings


@pytest.fixture
def server() -> Iterator[MessagesApi]:
    with messages_api() as server:
        yield server


@pytest.fixture
def purse() -> PocketPurse:
    return PocketPurse(10)


def a_model(server: MessagesApi, folder: Path, purse: PocketPurse, **more: Any) -> AnthropicModel:  # noqa: ANN401 - settings
    return AnthropicModel(model_settings(server.url, folder, **more), purse, ManualClock(NOW))


def test_the_purpose_chooses_the_model(server: MessagesApi, tmp_path: Path, purse: PocketPurse) -> None:
    model = a_model(server, tmp_path, purse, draft="claude-haiku-4-5")
    server.will(*[server.answers(GOOD)] * 3)
    for purpose in ("diagnose", "edit", "review"):
        model.ask(a_question(purpose=purpose))
    assert [body["model"] for body in server.asked] == [MODEL, "claude-haiku-4-5", MODEL]
    assert model.describe("edit").startswith("claude-haiku-4-5 at 127.0.0.1")
    assert a_model(server, tmp_path, purse).describe("edit").startswith(MODEL)


def test_the_second_time_the_model_is_told_in_one_line_what_was_wrong(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.will(server.answers(BAD), server.answers(GOOD))
    a_model(server, tmp_path, purse).ask(a_question("it is slow"))
    first, second = server.asked[0]["messages"][0]["content"], server.asked[1]["messages"][0]["content"]
    assert "could not be used" not in first
    assert "An earlier answer to this could not be used: $.cause breaks the schema's minLength: 1." in second


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it was empty"),
        ("I think that the pool is too small.", "not one JSON object"),
        ('```json\n{"cause": "x"}\n```', "not one JSON object"),
        ('["a list"]', "not one JSON object"),
        ('{"cause": "x", "confidence": NaN, "evidence": ["e1"]}', "not one JSON object"),
        ("[" * 100_000, "not one JSON object"),
        ('{"cause": "\\ud800", "confidence": 0.5, "evidence": ["e1"]}', "lone surrogate"),
        ('{"cause": "x", "confidence": 0.5, "evidence": ["e1"], "more": 1}', "additionalProperties"),
    ],
)
def test_rubbish_is_no_answer_after_two_tries(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse, text: str, fault: str
) -> None:
    server.will(server.answers(text), server.answers(text))
    with pytest.raises(NoAnswer, match=fault):
        a_model(server, tmp_path, purse).ask(a_question())
    assert len(server.asked) == 2
    assert purse.spent == pytest.approx(2 * 0.0033)


def test_a_truncated_answer_is_asked_again_and_paid_even_where_it_happens_to_fit(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.will(
        server.answers(GOOD, stop_reason="max_tokens"), server.answers('{"cause": "x', stop_reason="max_tokens")
    )
    with pytest.raises(NoAnswer, match="cut off at 512 tokens"):
        a_model(server, tmp_path, purse, max_output_tokens=512).ask(a_question())
    assert purse.spent == pytest.approx(2 * 0.0033)


def test_a_question_that_is_too_long_is_not_asked_again(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.will(server.answers("", stop_reason="model_context_window_exceeded"))
    with pytest.raises(NoAnswer, match="longer than the model reads"):
        a_model(server, tmp_path, purse).ask(a_question())


@pytest.mark.parametrize("body", ["<html>welcome to the proxy</html>", "{}", "", "null", '{"content": 7, "usage": []}'])
def test_a_200_that_is_no_message_is_asked_again_and_counts_in_full(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse, body: str
) -> None:
    server.will(says(200, body, "text/html"), server.answers(GOOD))
    answer = a_model(server, tmp_path, purse).ask(a_question())
    first, second = purse.calls.values()
    assert (first.usd, second.usd) == (None, pytest.approx(0.0033))
    assert answer.usd == pytest.approx(first.reserved + 0.0033)


def test_a_compressed_answer_is_read(server: MessagesApi, tmp_path: Path, purse: PocketPurse) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"content": [{"type": "text", "text": json.dumps(GOOD)}], "stop_reason": "end_turn", "usage": usage}
    server.will(says(200, gzip.compress(json.dumps(message).encode()), content_encoding="gzip"))
    assert a_model(server, tmp_path, purse).ask(a_question()).content == GOOD


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 30),
        ({"retry_after": "7"}, 7),
        ({"retry_after": "3600"}, 600),
        ({"retry_after": "-5"}, 1),
        ({"retry_after": "inf"}, 600),
        ({"retry_after": "nonsense"}, 30),
        ({"retry_after": format_datetime(NOW + timedelta(minutes=2), usegmt=True)}, 120),
    ],
)
def test_a_rate_limit_says_when_to_come_back_within_reason(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse, headers: dict[str, str], seconds: int
) -> None:
    server.will(refusal(429, "rate_limit_error", "slow down", **headers), server.answers(GOOD))
    with pytest.raises(TemporaryError, match="429: slow down") as failure:
        a_model(server, tmp_path, purse).ask(a_question())
    assert failure.value.retry_after == timedelta(seconds=seconds)
    assert purse.spent == 0
    assert len(server.asked) == 1, "the SDK must not try again by itself"


@pytest.mark.parametrize(
    ("status", "kind", "error", "says_so"),
    [
        (500, "api_error", TemporaryError, "busy or ill"),
        (529, "overloaded_error", TemporaryError, "busy or ill"),
        (504, "timeout_error", TemporaryError, "busy or ill"),
        (401, "authentication_error", PermanentError, "refuses the key"),
        (403, "permission_error", PermanentError, "refuses the key"),
        (404, "not_found_error", PermanentError, f"knows no model '{MODEL}'"),
        (402, "billing_error", PermanentError, "wants to be paid"),
        (400, "invalid_request_error", PermanentError, "refuses the question"),
        (413, "request_too_large", PermanentError, "refuses the question"),
        (302, "moved", PermanentError, "sends us elsewhere"),
    ],
)
def test_refusals_cost_nothing_and_mean_what_they_mean(
    server: MessagesApi,
    tmp_path: Path,
    purse: PocketPurse,
    status: int,
    kind: str,
    error: type[Exception],
    says_so: str,
) -> None:
    server.will(refusal(status, kind, f"your key {KEY} @all", location="http://127.0.0.1:9/"), server.answers(GOOD))
    with pytest.raises(error, match=says_so) as failure:
        a_model(server, tmp_path, purse).ask(a_question())
    assert type(failure.value) is error
    assert KEY not in str(failure.value)
    assert "your key (key)" in str(failure.value)
    assert (purse.spent, len(server.asked)) == (0, 1)


def test_a_slow_answer_is_for_later_and_counts_in_full(server: MessagesApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.will(server.stalls())
    with pytest.raises(TemporaryError, match="did not answer in time"):
        a_model(server, tmp_path, purse, timeout=timedelta(seconds=0.3)).ask(a_question())
    [call] = purse.calls.values()
    assert call.usd is None


def test_a_server_that_drips_is_not_waited_for(server: MessagesApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.will(server.drips())
    settings = model_settings(server.url, tmp_path, timeout=timedelta(seconds=0.5))
    clock = SystemClock()
    began = clock.monotonic()
    with pytest.raises(TemporaryError, match="did not answer in time"):
        AnthropicModel(settings, purse, clock).ask(a_question())
    assert clock.monotonic() - began < 20
    assert purse.spent > 0


def test_a_flood_is_not_read_to_its_end(server: MessagesApi, tmp_path: Path, purse: PocketPurse) -> None:
    server.will(says(200, b" " * (9 * 2**20)))
    with pytest.raises(TemporaryError, match="TooMuch"):
        a_model(server, tmp_path, purse).ask(a_question())


def test_a_dropped_connection_is_for_later_and_counts_in_full(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.will(drops)
    with pytest.raises(TemporaryError, match="cannot be reached"):
        a_model(server, tmp_path, purse).ask(a_question())
    [call] = purse.calls.values()
    assert call.usd is None
    assert purse.spent == call.reserved


def test_a_server_that_is_not_there_costs_nothing(tmp_path: Path, purse: PocketPurse) -> None:
    with messages_api() as gone:
        pass
    with pytest.raises(TemporaryError, match="cannot be reached"):
        a_model(gone, tmp_path, purse).ask(a_question())
    assert purse.spent == 0


LONG = {"max_output_tokens": 32_000}


def test_long_answers_are_streamed_and_paid_by_their_last_event(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    content = {**GOOD, "cause": "line\u2028separator"}
    server.will(server.answers(content, read=1200, written=20_000))
    answer = a_model(server, tmp_path, purse, **LONG).ask(a_question())
    assert server.asked[0]["stream"] is True
    assert answer.content == content
    assert (answer.usd, answer.output_tokens) == (pytest.approx(0.2024), 20_000)


@pytest.mark.parametrize("how", ["error", "silence", "drop"])
def test_a_stream_that_breaks_off_counts_in_full(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse, how: str
) -> None:
    broken = server.breaks_off(error="overloaded_error" if how == "error" else "", drop=how == "drop")
    server.will(broken, broken)
    with pytest.raises((TemporaryError, NoAnswer)):
        a_model(server, tmp_path, purse, **LONG).ask(a_question())
    assert all(call.usd is None for call in purse.calls.values())
    assert len(purse.calls) == (2 if how == "silence" else 1)


def test_cached_and_regional_tokens_are_paid(server: MessagesApi, tmp_path: Path, purse: PocketPurse) -> None:
    usage = {
        "input_tokens": 1000, "output_tokens": 100, "cache_creation_input_tokens": 1000,
        "cache_read_input_tokens": 1000, "inference_geo": "us",
    }  # fmt: skip
    server.will(server.answers(GOOD, usage=usage))
    answer = a_model(server, tmp_path, purse).ask(a_question())
    assert answer.input_tokens == 3000
    assert answer.usd == pytest.approx(1.1 * ((1000 + 1.25 * 1000 + 0.1 * 1000) * 2 + 100 * 10) / 1e6)


def test_the_probe_spends_nothing_and_notices_a_wrong_key_and_a_wrong_model(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    assert MODEL in a_model(server, tmp_path, purse).probe()
    with pytest.raises(PermanentError, match="knows no model 'claude-haiku-4-5'"):
        a_model(server, tmp_path, purse, draft="claude-haiku-4-5").probe()
    model = a_model(server, tmp_path, purse)
    (tmp_path / "key").write_text("another")  # it was rotated: seen with the next question
    with pytest.raises(PermanentError, match="refuses the key"):
        model.probe()
    with pytest.raises(PermanentError, match="refuses the key"):
        model.ask(a_question())
    assert (purse.spent, server.asked) == (0, [])


def test_a_server_that_lists_no_models_is_there_all_the_same(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    server.lists_models = False
    assert "does not list its models" in a_model(server, tmp_path, purse).probe()


def test_the_environment_brings_no_other_key_and_no_other_server(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of-the-shell")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    server.will(server.answers(GOOD))
    assert a_model(server, tmp_path, purse).ask(a_question()).content == GOOD
    with pytest.raises(PermanentError, match="refuses the key"):
        a_model(server, tmp_path, purse, api_key=None).ask(a_question())


def test_a_key_that_is_none_is_refused_without_showing_it(
    server: MessagesApi, tmp_path: Path, purse: PocketPurse
) -> None:
    model = a_model(server, tmp_path, purse)
    (tmp_path / "key").write_text("schlüssel")
    with pytest.raises(PermanentError, match="holds more than plain letters") as failure:
        model.ask(a_question())
    assert "schl" not in str(failure.value)
    assert (purse.spent, server.asked) == (0, [])


class LostPurse(PocketPurse):
    """A purse with a bug, as seen from outside."""

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        super().settle(f"not {reservation}", usd, input_tokens, output_tokens)


def test_a_bug_comes_out_as_it_is(server: MessagesApi, tmp_path: Path) -> None:
    server.will(server.answers(GOOD))
    with pytest.raises(LookupError):
        a_model(server, tmp_path, LostPurse(1)).ask(a_question())


def test_what_cannot_be_asked_is_refused_at_once(purse: PocketPurse) -> None:
    clock = ManualClock(NOW)
    for settings, fault in (
        (ModelSettings(provider="anthropic"), "model.diagnose is missing"),
        (ModelSettings(provider="anthropic", diagnose=MODEL), "model.api_key is missing"),
        (ModelSettings(provider="anthropic", diagnose="gpt", base_url="http://127.0.0.1:9"), "no price is known"),
        (ModelSettings(provider="scripted"), "model.script is missing"),
    ):
        with pytest.raises(PermanentError, match=fault):
            model_of(settings, purse, clock)
    own = {"gpt": PriceSettings(input=1, output=2)}
    priced = ModelSettings(provider="anthropic", diagnose="gpt", base_url="http://127.0.0.1:9", prices=own)
    assert model_of(priced, purse, clock) is not None
    assert model_of(ModelSettings(), purse, clock) is None


def test_the_sdk_is_loaded_by_the_first_question_only() -> None:
    program = (
        "import sys\n"
        "from config.models import ModelSettings\n"
        "from daemon.clock import SystemClock\n"
        "from remediation.model import model_of\n"
        "from remediation.model.pocket import PocketPurse\n"
        f"settings = ModelSettings(provider='anthropic', diagnose={MODEL!r}, base_url='http://127.0.0.1:9')\n"
        "assert model_of(settings, PocketPurse(1), SystemClock()).describe('edit')\n"
        "print(sorted({'anthropic', 'httpx2', 'jsonschema'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
