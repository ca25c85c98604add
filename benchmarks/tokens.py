"""Input tokens of one case beside mini-swe-agent's on the same one, counted by one server that answers by script.

    python -P -m benchmarks.tokens [--python PYTHON] [--json]

The case is a small repository with one bug in old code: a stack trace of production names it, no deploy explains it.
Trackwalker sees it as a daemon does and goes as far as its pull request: it asks for a diagnosis, for a test that
fails, for an edit, and for a second look at it.
mini-swe-agent gets the same alert and trace as its task, in a checkout, and goes the way that its own instructions
recommend: look, read, reproduce, edit, run again, submit. What both are answered is written down here; no model is
measured, only what is sent. A token is three bytes of messages, tools and schema; the ratio hangs little on that.

PYTHON is of a virtual environment with mini-swe-agent; without one it is made in a temporary folder by uv, from PyPI.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cases.case import Phase
from remediation.packing import tokens
from tests.parts.messages_api import MODEL
from tests.parts.model_server import KEY
from tests.parts.old_shop import DIAGNOSIS, EDIT, LINE, MENDED, NEW_TEST, PRICING, SHOWN, TESTS, old_shop, run_tests

RIVAL = ("mini-swe-agent==2.4.6", "mcp")  # its client asks for the second one without naming it
GOAL = 1 / 3
COUNTED = ("system", "messages", "tools", "output_config")
TASK = """\
errors of shop reads 0.31 where 0.01 was expected, since 19 minutes ago; 34 errors in the log since then, none before:
Traceback (most recent call last):
  File "/usr/lib/python3.11/wsgiref/handlers.py", line 137, in run
  File "/app/shop/pricing.py", line 10, in total
  File "/app/shop/pricing.py", line 6, in amount
ValueError: could not convert string to float: '12,50'
Mend it, and add a regression test that fails without the change."""
STEPS = (
    "ls -R . && git log --oneline | head",
    "cat shop/pricing.py tests/test_pricing.py",
    "python -c \"from shop.pricing import total; print(total(['1,50']))\"",
    f"sed -i {shlex.quote(f's/{LINE}/return {MENDED}/')} shop/pricing.py && git diff",
    f"cat > tests/test_decimal_comma.py <<'END'\n{NEW_TEST}END",
    "python -c \"from shop.pricing import total; print(total(['1,50']), total(['1', '2']))\"",
    "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT",
)
DRIVER = """\
import sys
from pathlib import Path
import yaml
from minisweagent import package_dir
from minisweagent.agents.default import AgentConfig, DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel

url, folder, task = sys.argv[1:]
document = yaml.safe_load((package_dir / "config" / "mini.yaml").read_text())
server = {"api_base": url, "api_key": "none", **document["model"].pop("model_kwargs", {})}
more = {"cost_tracking": "ignore_errors", **document["model"]}
model = LitellmModel(model_name="openai/scripted", model_kwargs=server, **more)
known = {name: value for name, value in document["agent"].items() if name in AgentConfig.model_fields}
ended = DefaultAgent(model, LocalEnvironment(cwd=folder, **document["environment"]), **known).run(task)
sys.exit(ended["exit_status"] != "Submitted")
"""


@dataclass(slots=True, kw_only=True)
class Counter:
    """What was asked, in tokens of each question; the answers to come, by path."""

    url: str = ""
    asked: list[int] = field(default_factory=list[int])
    steps: list[str] = field(default_factory=lambda: [*STEPS])

    def answer(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Count the question, and answer it in its protocol."""
        sent = json.dumps({name: body[name] for name in COUNTED if name in body}, ensure_ascii=False)
        self.asked.append(tokens(len(sent.encode())))
        if path.endswith("/chat/completions"):
            return _called(self.steps.pop(0))
        said = _said(set(body["output_config"]["format"]["schema"]["properties"]))
        return {
            "id": "msg_01", "type": "message", "role": "assistant", "model": MODEL, "stop_sequence": None,
            "content": [{"type": "text", "text": json.dumps(said)}], "stop_reason": "end_turn",
            "usage": {"input_tokens": self.asked[-1], "output_tokens": 90},
        }  # fmt: skip


def _said(asked_for: set[str]) -> Mapping[str, Any]:
    """The answer to the question whose answer has these fields."""
    if "hypotheses" in asked_for:
        return DIAGNOSIS
    if "objections" in asked_for:
        return {"verdict": "pass"}
    return EDIT if "edits" in asked_for else SHOWN


def _called(command: str) -> Mapping[str, Any]:
    call = {"name": "bash", "arguments": json.dumps({"command": command})}
    message = {
        "role": "assistant", "content": "I go on as recommended.",
        "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
    }  # fmt: skip
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip


@contextmanager
def counting() -> Generator[Counter]:
    """One server on a free port until the end of the block."""
    counter = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = json.dumps(counter.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        counter.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield counter
        finally:
            http.shutdown()
            thread.join()


def ours(folder: Path) -> list[int]:
    """The questions of a daemon that takes the case as far as its pull request, in tokens."""
    key = folder / "key"
    key.write_text(KEY)
    with counting() as counter, old_shop(folder, model=False) as it:
        it.trial = run_tests
        it.extra["model"] = {
            "provider": "anthropic", "base_url": counter.url, "api_key": f"file:{key}", "diagnose": MODEL,
            "timeout": "60s", "max_output_tokens": 4096,
        }  # fmt: skip
        with it.alive():
            it.until(Phase.PROPOSED)
        return counter.asked


def theirs(folder: Path, python: str) -> list[int]:
    """The questions of mini-swe-agent, until it submits a change that mends the bug, in tokens."""
    checkout = folder / "checkout"
    files = {"shop/pricing.py": PRICING, "shop/__init__.py": "\n", "tests/test_pricing.py": TESTS}
    for path, content in files.items():
        place = checkout / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    run = subprocess.run
    run(["git", "init", "-q"], cwd=checkout, check=True)
    run(["git", "add", "."], cwd=checkout, check=True)
    name = ["-c", "user.name=shop", "-c", "user.email=shop@example.com"]
    run(["git", *name, "commit", "-q", "-m", "Open the shop"], cwd=checkout, check=True)
    with counting() as counter:
        run(
            [python, "-c", DRIVER, f"{counter.url}/v1", str(checkout), TASK],
            cwd=folder,
            check=True,
            env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )
        assert MENDED in (checkout / "shop" / "pricing.py").read_text()
        return counter.asked


def installed(folder: Path) -> str:
    """A Python with mini-swe-agent, made by uv."""
    uv = [sys.executable, "-m", "uv", "--system-certs"]
    subprocess.run([*uv, "venv", "-q", str(folder / "venv")], check=True)
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "-q", "--python", python, *RIVAL], check=True)
    return python


def figures(mine: Sequence[int], rival: Sequence[int]) -> dict[str, Any]:
    """What both came to. The last of ours is the second look: a reviewer that the rival does not have."""
    return {
        "ours": {"questions": len(mine), "tokens": sum(mine), "each": list(mine)},
        "mini-swe-agent": {"questions": len(rival), "tokens": sum(rival), "each": list(rival)},
        "ratio": round(sum(mine) / sum(rival), 3),
        "ratio_without_second_look": round(sum(mine[:-1]) / sum(rival), 3),
        "goal": round(GOAL, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="of an environment with mini-swe-agent")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "ours").mkdir()
        (place / "theirs").mkdir()
        found = figures(ours(place / "ours"), theirs(place / "theirs", wanted.python or installed(place)))
    if wanted.json:
        print(json.dumps(found, indent=1))
        return
    for name in ("ours", "mini-swe-agent"):
        print(f"{name}: {found[name]['tokens']} tokens in {found[name]['questions']} questions {found[name]['each']}")
    print(f"ratio {found['ratio']}, {found['ratio_without_second_look']} without the second look, goal {found['goal']}")


if __name__ == "__main__":
    main()
