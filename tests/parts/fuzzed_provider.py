"""A provider in this process that does anything a provider may do, and keeps the account that it would send a bill for.

It bills as a real one: what an answer read and wrote, whether or not the answer arrives; nothing for what it refuses.
Its prices are written down here again, apart from the code under test.
"""

import json
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from tests.parts.questions import BAD, GOOD

MILLION = 1_000_000
RATES = {"messages": (2.0, 10.0, 0.2, 2.5), "chat": (1.25, 10.0, 0.125, 1.25)}  # input, output, cached, written
_CASE = re.compile(rb"of case (c\d+)")


class Killed(BaseException):
    """The process is gone: nothing of it runs on. In a test it ends the thread's present question."""


@dataclass(slots=True)
class Account:
    """What the provider would bill: (when, case, USD), in order. `caps` are held against it after each entry."""

    day: float
    case: float
    now: Callable[[], datetime]
    rows: list[tuple[datetime, str, float]] = field(default_factory=list[tuple[datetime, str, float]])
    calls: int = 0
    overruns: list[str] = field(default_factory=list[str])
    fates: dict[str, int] = field(default_factory=dict[str, int])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def bill(self, case: str, usd: float) -> None:
        """Add an entry, and look whether a cap is passed."""
        with self.lock:
            now = self.now()  # not while others bill: theirs, at later hours, would count for a day that is over
            self.rows.append((now, case, usd))
            day = sum(paid for at, _, paid in reversed(self.rows[-400:]) if at > now - timedelta(days=1))
            of_case = sum(paid for _, name, paid in self.rows if name == case)
        if day > self.day + 1e-9:
            self.overruns.append(f"{day} of {self.day} a day")
        if of_case > self.case + 1e-9:
            self.overruns.append(f"{of_case} of {self.case} for {case}")

    @property
    def total(self) -> float:
        """All of it."""
        return sum(usd for _, _, usd in self.rows)


class FuzzedProvider(httpx2.BaseTransport):
    """The transport of one daemon. `kind` is "messages" or "chat". Safe for threads."""

    def __init__(self, kind: str, account: Account, seed: int) -> None:
        self._kind = kind
        self._account = account
        self._random = random.Random(seed)  # noqa: S311 - a fuzz, no secret
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        asked = json.loads(body)
        most = asked.get("max_tokens") or asked["max_completion_tokens"]
        found = _CASE.search(body)
        case = found.group(1).decode() if found else "c0"
        with self._lock:
            fate = self._random.choices(list(FATES), weights=list(FATES.values()))[0]
            read = int(len(body) * self._random.uniform(0.25, 0.5)) + self._random.randrange(1000)
            written = most if fate in {"truncated", "killed"} else self._random.randrange(1, most + 1)
            cached = self._random.choice([0, 0, read // 3, read])
            stored = self._random.choice([0, read - cached]) if self._kind == "messages" else 0
        with self._account.lock:
            self._account.calls += 1
            self._account.fates[fate] = self._account.fates.get(fate, 0) + 1
        if fate in {"busy", "ill"}:
            return httpx2.Response({"busy": 429, "ill": 529}[fate], json={"error": {"message": "no", "type": "x"}})
        if fate == "unreachable":
            raise httpx2.ConnectError("refused", request=request)
        usd, out, from_cache, into_cache = RATES[self._kind]
        plain = read - cached - stored
        paid = plain * usd + written * out + cached * from_cache + stored * into_cache
        self._account.bill(case, paid / MILLION)
        if fate == "killed":
            raise Killed
        if fate in {"dropped", "late"}:
            raise {"dropped": httpx2.ReadError, "late": httpx2.ReadTimeout}[fate](fate, request=request)
        return self._answer(fate, asked, _Used(read=read, written=written, cached=cached, stored=stored))

    def _answer(self, fate: str, asked: dict[str, Any], used: "_Used") -> httpx2.Response:
        text = {"rubbish": "I am sorry, but", "bad": json.dumps(BAD), "truncated": '{"cause": "th'}.get(
            fate, json.dumps(GOOD)
        )
        if fate == "page":
            return httpx2.Response(200, html="<html>welcome</html>")
        if self._kind == "chat":
            return httpx2.Response(200, json=_completion(fate, text, used))
        message = _message(fate, text, used)
        if not asked.get("stream"):
            return httpx2.Response(200, json=message)
        events = list(_events(message))
        if fate == "cut":
            events = events[: len(events) // 2]
        return httpx2.Response(200, content=b"".join(events), headers={"content-type": "text/event-stream"})


FATES = {
    "good": 10, "bad": 3, "rubbish": 2, "truncated": 3, "refused": 1, "page": 1, "no usage": 2, "cut": 2, "busy": 2,
    "ill": 2, "unreachable": 1, "dropped": 2, "late": 2, "killed": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    read: int
    written: int
    cached: int
    stored: int


def _completion(fate: str, text: str, used: _Used) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": "no" if fate == "refused" else None}
    choice = {"index": 0, "message": message, "finish_reason": "length" if fate == "truncated" else "stop"}
    usage = {
        "prompt_tokens": used.read, "completion_tokens": used.written,
        "prompt_tokens_details": {"cached_tokens": used.cached},
    }  # fmt: skip
    return {"choices": [choice], **({} if fate in {"no usage", "cut"} else {"usage": usage})}


def _message(fate: str, text: str, used: _Used) -> dict[str, Any]:
    stop = {"truncated": "max_tokens", "refused": "refusal"}.get(fate, "end_turn")
    usage = {
        "input_tokens": used.read - used.cached - used.stored, "output_tokens": used.written,
        "cache_read_input_tokens": used.cached, "cache_creation_input_tokens": used.stored,
    }  # fmt: skip
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": stop}
    blocks = [] if fate == "refused" else [{"type": "text", "text": text}]
    return {**whole, "content": blocks, **({} if fate == "no usage" else {"usage": usage})}


def _events(message: dict[str, Any]) -> list[bytes]:
    usage = message.get("usage")
    first = {"usage": {**usage, "output_tokens": 1}} if usage else {}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, **first}},
        *(_delta(block["text"]) for block in message["content"]),
    ]
    last: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"]}}
    if usage:
        last["usage"] = {"output_tokens": usage["output_tokens"]}
    events += [last, {"type": "message_stop"}]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def _delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
