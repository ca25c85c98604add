"""The thin layer between HTTP and the shop."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shop.app import Shop

LARGEST_BODY = 64 * 1024


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the shop and writes down its reply."""

    protocol_version = "HTTP/1.1"
    server: "ShopServer"

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer("GET", b"")

    def do_POST(self) -> None:
        """Answer a POST, reading no more than the largest body."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.send_error(413)
            return
        self._answer("POST", self.rfile.read(length))

    def _answer(self, method: str, body: bytes) -> None:
        reply = self.server.shop.handle(method, self.path, body)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the shop writes its own log."""


class ShopServer(ThreadingHTTPServer):
    """One thread a connection."""

    def __init__(self, address: tuple[str, int], shop: Shop) -> None:
        super().__init__(address, Handler)
        self.shop = shop
