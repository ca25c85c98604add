"""What a server of the messages API sent, read from its raw bytes: a message, the events of one, or rubbish."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from remediation.model.meter import Usage

EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One raw answer.

    text   all its text, joined; "" when there is none
    stop   why it ended, in the API's words; "" when it does not say
    usage  what it cost; None when it does not say, or did not come to its end
    error  the kind of error that it broke off with, in the API's words; "" for none
    """

    text: str = ""
    stop: str = ""
    usage: Usage | None = None
    error: str = ""


def reply_of(body: bytes, content_type: str) -> Reply:
    """Read an answer. Never raises: what is no message is an empty reply."""
    if content_type.partition(";")[0].strip().lower() == EVENTS:
        return _of_events(_events(body))
    return _of_message(parsed(body.decode(errors="replace")))


def parsed(text: str) -> object:
    """The JSON value that a text is, or None when it is none. NaN and infinities are none either."""
    try:
        value: object = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value


def _refuse(word: str) -> object:
    raise ValueError(word)


def _of_message(value: object) -> Reply:
    message = mapping(value)
    blocks = message.get("content")
    texts = [string(mapping(block).get("text")) for block in cast("list[object]", blocks)] if listed(blocks) else []
    return Reply(
        text="".join(texts), stop=string(message.get("stop_reason")), usage=_usage(mapping(message.get("usage")))
    )


def _of_events(events: Iterator[Mapping[str, object]]) -> Reply:
    """Put the events of a streamed message together. Without its last event it did not come to its end."""
    texts: list[str] = []
    usage: dict[str, object] = {}
    stop, error, ended = "", "", False
    for event in events:
        match event.get("type"):
            case "message_start":
                usage.update(mapping(mapping(event.get("message")).get("usage")))
            case "content_block_delta":
                texts.append(string(mapping(event.get("delta")).get("text")))
            case "message_delta":
                stop = string(mapping(event.get("delta")).get("stop_reason"))
                usage.update({k: v for k, v in mapping(event.get("usage")).items() if v is not None})
            case "message_stop":
                ended = True
            case "error":
                error = string(mapping(event.get("error")).get("type")) or "error"
            case _:
                pass  # pings, and kinds that the API may add
    return Reply(text="".join(texts), stop=stop, usage=_usage(usage) if ended else None, error=error)


def _events(body: bytes) -> Iterator[Mapping[str, object]]:
    for line in body.decode(errors="replace").split("\n"):  # splitlines would also break JSON at U+2028
        if line.startswith("data:"):
            yield mapping(parsed(line.removeprefix("data:")))


def _usage(found: Mapping[str, object]) -> Usage | None:
    counts = [count(found.get(name)) for name in ("input_tokens", "output_tokens")]
    caches = [count(found.get(f"cache_{name}_input_tokens", 0) or 0) for name in ("creation", "read")]
    kept = count(mapping(found.get("cache_creation")).get("ephemeral_1h_input_tokens", 0) or 0)
    if None in counts or None in caches or kept is None:
        return None
    written = caches[0] or 0
    return Usage(
        input_tokens=counts[0] or 0,
        output_tokens=counts[1] or 0,
        cache_written=max(0, written - kept),
        cache_kept=min(written, kept),
        cache_read=caches[1] or 0,
        one_region=found.get("inference_geo") == "us",
    )


def count(value: object) -> int | None:
    """A number of tokens, or None for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object, or an empty one for what is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def listed(value: object) -> bool:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def string(value: object) -> str:
    """A JSON string, or "" for what is none."""
    return value if isinstance(value, str) else ""
