"""`GET /api/v1/openapi.json`: the API described for programs, as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0)."""

from typing import Any

_TEXT, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
_MOMENT = {"type": "string", "format": "date-time"}
_ANY = {"type": "object"}
_SECURITY = [{"token": list[str]()}]


def _object(required: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - schemas
    return {"type": "object", "required": list(required), "properties": {**required, **more}}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_CASE = _object(
    {
        "id": _TEXT, "service": _TEXT, "fingerprint": _TEXT, "phase": _TEXT,
        "hold": {"enum": ["none", "frozen", "gate"]}, "improvement": {"type": "boolean"},
        "opened": _MOMENT, "entered": _MOMENT, "anomaly": _ANY, "reasons": _list(_TEXT), "echoes": _list(_ANY),
        "escalation": _TEXT, "suspects": _list(_ANY), "hypotheses": _list(_ANY), "changes": _list(_ANY),
        "pull_requests": _list(_ANY),
    },
    judgement=_ANY,
    outcome=_object({"ending": _TEXT, "because": _TEXT, "at": _MOMENT}),
)  # fmt: skip
_ENTRY = _object({"at": _MOMENT, "actor": _TEXT, "what": _TEXT, "why": _TEXT})
_ESCALATION = _object(
    {
        "id": _TEXT, "case": _TEXT, "service": _TEXT, "asks": {"enum": ["yes", "help", "mend", "look"]},
        "urgency": {"enum": ["hour", "day", "week"]}, "impact": _NUMBER, "reason": _TEXT, "asked": _MOMENT,
        "age": _WHOLE, "deadline": _MOMENT, "left": _WHOLE, "owners": _list(_TEXT), "backup": _list(_TEXT),
        "default": _TEXT, "seen_by": {"type": ["string", "null"]},
    }
)  # fmt: skip
_OVERSIGHT = _object(
    {
        "at": _MOMENT, "open": _list(_CASE), "phases": _ANY, "escalations": _list(_ESCALATION), "authority": _ANY,
        "spend": _object({"last_24_hours": _ANY, "in_all": _ANY, "budget": _ANY}), "figures": _ANY, "endings": _ANY,
        "ended": _list(_CASE),
    }
)  # fmt: skip
_DECISION = {
    "type": "object",
    "required": ["decision", "gate"],
    "additionalProperties": False,
    "properties": {
        "decision": {"enum": ["approve", "reject", "acknowledge"]},
        "gate": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$", "maxLength": 100},
        "reason": {"type": "string", "maxLength": 1000},
    },
}
_DECIDED = _object(
    {"taken": {"type": "boolean"}, "gate": _TEXT, "case": _TEXT, "repeated": {"type": "boolean"}, "said": _TEXT}
)
_REFUSED = {
    "description": "Refused; `error` says why.",
    "content": {"application/json": {"schema": _object({"error": _TEXT})}},
}


def _told(summary: str, schema: dict[str, Any], *refusals: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an operation
    answers: dict[str, Any] = {"200": {"description": summary, "content": {"application/json": {"schema": schema}}}}
    answers |= {str(status): _REFUSED for status in (401, 403, *refusals, 503)}
    return {"summary": summary, "security": _SECURITY, "responses": answers, **more}


def document(version: str) -> dict[str, Any]:
    """The description, of that version of the product."""
    case = {"name": "case", "in": "path", "required": True, "schema": _TEXT}
    body = {"required": True, "content": {"application/json": {"schema": _DECISION}}}
    whole = {**_CASE, "required": [*_CASE["required"], "history"]}
    whole = {**whole, "properties": {**_CASE["properties"], "history": _list(_ENTRY)}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trackwalker",
            "version": version,
            "description": "Without a token, where api.token is not set, programs on the same machine may ask.",
        },
        "paths": {
            "/api/v1/escalations": {
                "get": _told("What waits for a human.", _object({"escalations": _list(_ESCALATION)}))
            },
            "/api/v1/decisions": {
                "post": _told("Take a decision.", _DECIDED, 409, 413, 415, 422, requestBody=body),
            },
            "/api/v1/cases": {"get": _told("The newest cases.", _list(_CASE))},
            "/api/v1/cases/{case}": {"get": _told("A case with its history.", whole, 404, parameters=[case])},
            "/api/v1/oversight": {"get": _told("What is open, allowed, spent and ended.", _OVERSIGHT)},
        },
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "api.token, or a decider's token"}
            }
        },
    }
