"""The transport that answers from a recorded session: nothing leaves the machine."""

import httpx2

from remediation.model.session import Recording

_FAILURES: dict[str, type[httpx2.TransportError]] = {
    kind.__name__: kind
    for kind in (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ReadError,
        httpx2.ReadTimeout,
        httpx2.RemoteProtocolError,
        httpx2.WriteError,
        httpx2.WriteTimeout,
    )
}


class PlayedTransport(httpx2.BaseTransport):
    """The words of one provider of a recording, by its place in the chain."""

    def __init__(self, recording: Recording, provider: int) -> None:
        self._recording = recording
        self._provider = provider

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer, or the failure of then. PermanentError for a request that was not recorded."""
        exchange = self._recording.answer(self._provider, request.url.path, request.read())
        if exchange.failed:
            kind = _FAILURES.get(exchange.failed, httpx2.ReadError)
            raise kind(f"as it was recorded: {exchange.failed}", request=request)
        headers = {**exchange.headers, "content-type": exchange.type}
        return httpx2.Response(exchange.status, headers=headers, content=exchange.answer, request=request)
