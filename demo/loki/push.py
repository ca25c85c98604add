"""What is pushed to the log stand-in: JSON in the form of Loki's push API, refused in Loki's own words."""

import json
from collections.abc import Mapping
from typing import cast

Labels = Mapping[str, str]
Lines = list[tuple[int, str, Labels]]

_AROUND, _FAR_AROUND = 10, 50  # bytes that Loki's JSON reader quotes beside a mistake


class RefusedPushError(ValueError):
    """The client's mistake; the message is the body of a 400."""


def pushed(kind: str | None, body: bytes) -> list[tuple[dict[str, str], Lines]]:
    """The streams of one push: labels, and (nanoseconds, text, structured metadata). Raises RefusedPushError."""
    if not kind:
        raise RefusedPushError("mime: no media type")
    if kind.partition(";")[0].strip() != "application/json":
        raise RefusedPushError(f"the log stand-in takes application/json, not {kind}")
    text = body.decode(errors="replace")
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        ends = text.rstrip()
        raise RefusedPushError(
            'loghttp.PushRequest.readFieldHash: expect ", but found \0, ' + _where(ends, len(ends))
        ) from None
    streams = _listed(_fields(document).get("streams"))
    return [_stream(stream, text) for stream in streams]


def _stream(stream: object, text: str) -> tuple[dict[str, str], Lines]:
    fields = _fields(stream)
    labels = {name: str(value) for name, value in _fields(fields.get("stream")).items()}
    return labels, [_line(value, text) for value in _listed(fields.get("values"))]


def _line(value: object, text: str) -> tuple[int, str, Labels]:
    at, line, beside, *_ = [*_listed(value), None, None, None]
    if isinstance(at, str) and isinstance(line, str) and at.isascii() and at.isdecimal():
        return int(at), line, {name: str(found) for name, found in _fields(beside).items()}
    # The reader has gone on to the end of the stream when it finds that a time is no string.
    written = json.dumps(value, separators=(",", ":"))
    end = text.find("}", text.find(written) + len(written)) + 1
    raise RefusedPushError(
        "loghttp.PushRequest.Streams: []loghttp.LogProtoStream: unmarshalerDecoder: Value looks like "
        "Number/Boolean/None, but can't find its end: ',' or '}' symbol, " + _where(text, end)
    )


def _fields(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _where(text: str, head: int) -> str:
    near = text[max(0, head - _AROUND) : head + _AROUND]
    far = text[max(0, head - _FAR_AROUND) : head + _FAR_AROUND]
    return f"error found in #{min(head, _AROUND)} byte of ...|{near}|..., bigger context ...|{far}|..."
