"""A local PagerDuty: `POST /v2/enqueue` alone, held to the published shape of an event of version 2.

What it checks: the key's form and that it is known, the actions, the lengths of key and summary, the severities, that a
trigger has a payload, that links are links. It keeps the alerts that events of one key come to, as PagerDuty does.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from jsonschema import Draft202012Validator

from tests.parts.web import sent, serving

ROUTING_KEY = "hush" * 8
_LINK = {"type": "object", "required": ["href"], "properties": {"href": {"pattern": "^https?://"}, "text": {}}}
_PAYLOAD = {
    "type": "object",
    "required": ["summary", "source", "severity"],
    "properties": {
        "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
        "source": {"type": "string", "minLength": 1},
        "severity": {"enum": ["critical", "error", "warning", "info"]},
        "timestamp": {"type": "string"},
        "component": {"type": "string"},
        "group": {"type": "string"},
        "class": {"type": "string"},
        "custom_details": {"type": "object"},
    },
    "additionalProperties": False,
}
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "payload": _PAYLOAD,
        "images": {"type": "array"},
        "links": {"type": "array", "items": _LINK},
        "client": {"type": "string"},
        "client_url": {"type": "string"},
    },
    "additionalProperties": False,
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}


@dataclass
class PagerDuty:
    """What was sent, oldest first; the alerts that it came to; and the statuses of the next answers."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    alerts: dict[str, str] = field(default_factory=dict[str, str])
    fails: list[int] = field(default_factory=list[int])

    def answer(self, body: bytes) -> tuple[int, dict[str, Any]]:
        if self.fails:
            return self.fails.pop(0), {}
        event: dict[str, Any] = json.loads(body)
        validator: Any = Draft202012Validator(EVENT)
        wrong = [str(error.message)[:100] for error in validator.iter_errors(event)]
        if len(body) > 512 * 1024:
            wrong.append("the event is too large")
        if wrong:
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
        if event["routing_key"] != ROUTING_KEY:
            return 400, {"status": "invalid event", "message": "Invalid routing key", "errors": ["no such key"]}
        self.got.append({name: value for name, value in event.items() if name != "routing_key"})
        key = event.get("dedup_key") or f"made-{len(self.got)}"
        action = event["event_action"]
        if action == "trigger" and self.alerts.get(key) in {None, "resolved"}:
            self.alerts[key] = "triggered"
        elif action != "trigger" and self.alerts.get(key) in {"triggered", "acknowledged"}:
            self.alerts[key] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}


@contextmanager
def a_pagerduty() -> Generator[PagerDuty]:
    pagerduty = PagerDuty()

    def answer(request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        status, document = 404, dict[str, Any]()
        if request.path == "/v2/enqueue" and request.headers.get("Content-Type", "").startswith("application/json"):
            status, document = pagerduty.answer(body)
        sent(request, status, json.dumps(document).encode())

    with serving(answer) as url:
        pagerduty.url = url
        yield pagerduty
