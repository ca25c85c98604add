"""What a command wrote: its last bytes, however much there was, and the frames that an engine wraps it in."""

from collections import deque

KEPT_BYTES = 64 * 1024
HEADER_BYTES = 8  # one byte of stream number, three of nothing, four of length


class Tail:
    """The last `limit` bytes of a stream, and how many there were in all. Memory stays near `limit` for any flood."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit = limit
        self.seen = 0
        self._chunks: deque[bytes] = deque()
        self._held = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.seen += len(chunk)
        chunk = chunk[-self.limit :]
        self._chunks.append(chunk)
        self._held += len(chunk)
        while self._held - len(self._chunks[0]) >= self.limit:
            self._held -= len(self._chunks.popleft())

    def content(self) -> bytes:
        """The last bytes."""
        return b"".join(self._chunks)[-self.limit :]

    def text(self) -> str:
        """The last bytes as text that a database and a terminal can hold, saying what was left out before them."""
        text = self.content().decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        left_out = self.seen - self.limit
        return f"[{left_out} bytes before this were left out]\n{text}" if left_out > 0 else text


class Frames:
    """Unwraps the frames in which a Docker engine sends standard output and standard error through one stream."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._header = bytearray()
        self._left = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream; they may begin and end anywhere."""
        at = 0
        while at < len(chunk):
            if self._left:
                piece = chunk[at : at + self._left]
                self._tail.add(piece)
                self._left -= len(piece)
            else:
                piece = chunk[at : at + HEADER_BYTES - len(self._header)]
                self._header += piece
                if len(self._header) == HEADER_BYTES:
                    self._left = int.from_bytes(self._header[4:], "big")
                    self._header.clear()
            at += len(piece)
