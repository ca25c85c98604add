"""Real receivers on this machine: a webhook and a mailbox, each on a port of its own."""

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "T00000000/B00000000/hush-hush-hush"


@dataclass
class Webhook:
    """What a webhook was sent, and how it answers."""

    url: str = ""
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    got: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    paths: list[str] = field(default_factory=list[str])
    headed: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    bodies: list[bytes] = field(default_factory=list[bytes])
    silent: threading.Event | None = None  # it answers only once this is set


@contextmanager
def a_webhook() -> Generator[Webhook]:
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.paths.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.headed.append({name.lower(): value for name, value in self.headers.items()})
            webhook.bodies.append(body)
            webhook.got.append(json.loads(body))
            if webhook.silent is not None:
                webhook.silent.wait(20)
            self.send_response(webhook.status)
            for name, value in webhook.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(webhook.body)))
            self.end_headers()
            self.wfile.write(webhook.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        webhook.url = f"http://127.0.0.1:{server.server_address[1]}/services/{SECRET}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield webhook
        finally:
            if webhook.silent is not None:
                webhook.silent.set()
            server.shutdown()
            thread.join()


@dataclass
class Mailbox:
    """What a mail server was handed, and how it answers."""

    address: str = ""
    rcpt: str = "250 OK"
    answer: str = "250 OK"
    got: list[EmailMessage] = field(default_factory=list[EmailMessage])
    rcpt_tos: list[list[str]] = field(default_factory=list[list[str]])

    async def handle_RCPT(self, *asked: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd names it so and has no types
        _server, _session, envelope, address, _options = asked
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, *asked: Any) -> str:  # noqa: ANN401, N802 - the same
        _server, _session, envelope = asked
        if self.answer.startswith("250"):
            self.rcpt_tos.append(list(envelope.rcpt_tos))
            mail = message_from_bytes(envelope.content, _class=EmailMessage, policy=MAIL)
            self.got.append(mail)
        return self.answer


@contextmanager
def a_mailbox() -> Generator[Mailbox]:
    from aiosmtpd.controller import Controller

    mailbox = Mailbox()
    port = a_free_port()
    controller: Any = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    mailbox.address = f"127.0.0.1:{port}"
    try:
        yield mailbox
    finally:
        controller.stop()


def a_free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
    return port
