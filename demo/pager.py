"""Whoever is on call: a Slack-shaped webhook on 127.0.0.1 that keeps what it is sent."""

import json
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

LARGEST = 1024 * 1024


class Pager:
    """Serves one webhook until the `with` block ends; `messages` are the texts in the order they came."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._path = f"/services/{secrets.token_hex(12)}"  # as with Slack's, who knows the address may post
        pager = self

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", "0"))
                if self.path != pager._path or size > LARGEST:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                document = json.loads(self.rfile.read(size))
                pager.messages.append(str(document.get("text", "")))
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name for it
                """Say nothing: what came is in `messages`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self._thread = threading.Thread(target=self._server.serve_forever, name="pager")

    @property
    def url(self) -> str:
        """Where notices are posted; the address is the credential."""
        return f"http://127.0.0.1:{self._server.server_port}{self._path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
