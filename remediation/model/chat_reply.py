"""What a server of the chat completions API sent, read from its raw bytes: a completion, a refusal, or rubbish."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from remediation.model.meter import Usage
from remediation.model.reply import Reply, count, listed, mapping, parsed, string

_STOPS = {"length": "max_tokens", "content_filter": "refusal", "refusal": "refusal"}
"""The API's reasons to end, in the words of `Reply`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What an error's body says. `code` is the API's own word for it; "" where it has none."""

    message: str
    code: str


def chat_reply_of(body: bytes, content_type: str) -> Reply:
    """Read an answer. Never raises: what is no completion is an empty reply."""
    del content_type  # servers of one's own call JSON anything
    whole = mapping(parsed(body.decode(errors="replace")))
    choices = whole.get("choices")
    listing = cast("list[object]", choices) if listed(choices) else []
    first = mapping(listing[0] if listing else None)
    message = mapping(first.get("message"))
    stop = string(first.get("finish_reason"))
    if string(message.get("refusal")):
        stop = "refusal"
    return Reply(
        text=_text(message.get("content")), stop=_STOPS.get(stop, stop), usage=_usage(mapping(whole.get("usage")))
    )


def refused(body: bytes) -> Refused:
    """Read an error: `{"error": {"message", "code"}}`, `{"error": "…"}`, or `{"message": …}`, by server."""
    whole = mapping(parsed(body.decode(errors="replace")))
    error = whole.get("error", whole)
    if isinstance(error, str):
        return Refused(message=error, code="")
    said = mapping(error)
    code = string(said.get("code")) or string(said.get("type"))
    return Refused(message=string(said.get("message")), code=code)


def _text(content: object) -> str:
    """The answer's text: most servers send one string, some a list of parts."""
    if not listed(content):
        return string(content)
    return "".join(string(mapping(part).get("text")) for part in cast("list[object]", content))


def _usage(found: Mapping[str, Any]) -> Usage | None:
    read, written = count(found.get("prompt_tokens")), count(found.get("completion_tokens"))
    if read is None or written is None:
        return None
    details = mapping(found.get("prompt_tokens_details"))
    cached = count(details.get("cached_tokens", 0) or 0)
    if cached is None:
        return None
    cached = min(cached, read)
    return Usage(input_tokens=read - cached, output_tokens=written, cache_read=cached)
