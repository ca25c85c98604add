"""Once against a server of the messages API that somebody else wrote: aimock, from npm. Long: npm fetches it first."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.errors import NoAnswer, TemporaryError
from config.models import PriceSettings
from daemon.clock import ManualClock
from remediation.model.anthropic import AnthropicModel
from remediation.model.chat import ChatModel
from remediation.model.pocket import PocketPurse
from tests.parts.nouns import NOW
from tests.parts.prometheus import free_port
from tests.parts.questions import GOOD, a_question, chat_settings, model_settings

pytestmark = pytest.mark.long

USAGE = {"input_tokens": 1200, "output_tokens": 90}
FIXTURES = {
    "fixtures": [
        {"match": {"userMessage": "it is slow"}, "response": {"content": json.dumps(GOOD), "usage": USAGE}},
        {"match": {"userMessage": "say nothing"}, "response": {"content": "no idea", "usage": USAGE}},
        {
            "match": {"userMessage": "be busy"},
            "response": {"error": {"message": "overloaded", "type": "overloaded_error"}, "status": 529},
        },
    ]
}


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("aimock")
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "@copilotkit/aimock@^1.43"]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    (folder / "fixtures.json").write_text(json.dumps(FIXTURES))
    port = free_port()
    command = [str(folder / "node_modules/.bin/llmock"), "-p", str(port), "-f", str(folder / "fixtures.json")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--strict"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            assert process.poll() is None, (folder / "log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            threading.Event().wait(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize("most", [512, 32_000])
def test_it_answers_whole_and_streamed_and_is_paid(aimock: str, tmp_path: Path, most: int) -> None:
    purse = PocketPurse(1)
    model = AnthropicModel(model_settings(aimock, tmp_path, max_output_tokens=most), purse, ManualClock(NOW))
    answer = model.ask(a_question("it is slow"))
    assert (answer.content, answer.input_tokens, answer.output_tokens) == (GOOD, 1200, 90)
    assert purse.spent == pytest.approx(0.0033)


def test_it_says_nothing_that_can_be_used(aimock: str, tmp_path: Path) -> None:
    purse = PocketPurse(1)
    with pytest.raises(NoAnswer, match="not one JSON object"):
        AnthropicModel(model_settings(aimock, tmp_path), purse, ManualClock(NOW)).ask(a_question("say nothing"))
    assert purse.spent == pytest.approx(0.0066)


@pytest.mark.parametrize("provider", ["openai", "vllm"])
def test_it_speaks_chat_completions_too(aimock: str, tmp_path: Path, provider: str) -> None:
    purse = PocketPurse(1)
    prices = {"any-model": PriceSettings(input=2, output=10)}
    settings = chat_settings(f"{aimock}/v1", tmp_path, provider, diagnose="any-model", prices=prices)
    model = ChatModel(settings, purse, ManualClock(NOW))
    answer = model.ask(a_question("it is slow"))
    assert (answer.content, answer.input_tokens, answer.output_tokens) == (GOOD, 1200, 90)
    with pytest.raises(NoAnswer, match="not one JSON object"):
        model.ask(a_question("say nothing"))
    with pytest.raises(TemporaryError, match="529"):
        model.ask(a_question("be busy"))
    assert purse.spent == pytest.approx(0.0033 * 3)


def test_it_is_busy(aimock: str, tmp_path: Path) -> None:
    purse = PocketPurse(1)
    with pytest.raises(TemporaryError, match="529"):
        AnthropicModel(model_settings(aimock, tmp_path), purse, ManualClock(NOW)).ask(a_question("be busy"))
    assert purse.spent == 0
