"""A local Slack API: `chat.postMessage` alone, with the shapes that Slack documents.

What it checks of a message: the bearer token, the content type, that the channel is known, text or blocks are there and
within Slack's sizes, and that a thread is that of a message which was posted to that channel. Not checked: scopes,
Block Kit's schema beyond that, and how Slack renders any of it.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "xoxb-hush-hush-hush"


@dataclass
class Slack:
    """What was posted, oldest first, each with the `ts` that it got, and how the next calls are answered.

    `fails` are answers (status, headers, body) that come before any message is taken.
    """

    url: str = ""
    channels: dict[str, str] = field(default_factory=lambda: {"#oncall": "C024BE91L", "#quiet": "C024BE92M"})
    posted: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    fails: list[tuple[int, dict[str, str], object]] = field(default_factory=list[tuple[int, dict[str, str], object]])
    asked: int = 0

    def answer(self, authorization: str, kind: str, body: dict[str, Any]) -> tuple[int, dict[str, str], object]:
        self.asked += 1
        if self.fails:
            return self.fails.pop(0)
        error = self._error(authorization, kind, body)
        if error:
            return 200, {}, {"ok": False, "error": error}
        ts = f"1772600000.{len(self.posted) + 1:06d}"
        self.posted.append({**body, "ts": ts})
        message = {"type": "message", "bot_id": "B024BE7LH", "ts": ts, "text": body["text"], "blocks": body["blocks"]}
        return 200, {}, {"ok": True, "channel": self.channels[body["channel"]], "ts": ts, "message": message}

    def _error(self, authorization: str, kind: str, body: dict[str, Any]) -> str:
        thread = body.get("thread_ts")
        roots = [sent["ts"] for sent in self.posted if sent["channel"] == body.get("channel")]
        checks = {
            "not_authed": not authorization,
            "invalid_auth": authorization != f"Bearer {TOKEN}",
            "invalid_post_type": not kind.startswith("application/json"),
            "channel_not_found": body.get("channel") not in self.channels,
            "no_text": not body.get("text") and not body.get("blocks"),
            "msg_too_long": len(str(body.get("text", ""))) > 40_000,
            "invalid_blocks": len(body.get("blocks", [])) > 50,
            "thread_not_found": thread is not None and thread not in roots,
        }
        return next((error for error, wrong in checks.items() if wrong), "")


@contextmanager
def a_slack() -> Generator[Slack]:
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, document = 404, dict[str, str](), object()
            if self.path == "/api/chat.postMessage":
                kind = self.headers.get("Content-Type", "")
                status, headers, document = slack.answer(self.headers.get("Authorization", ""), kind, body)
            said = document if isinstance(document, bytes) else json.dumps(document, default=str).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        slack.url = f"http://127.0.0.1:{server.server_address[1]}/api"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield slack
        finally:
            server.shutdown()
            thread.join()
