"""A local LaunchDarkly: `getFeatureFlag` and `patchFeatureFlag` by semantic patch, in the shapes of its API.

What it checks: the kind of content that makes a patch a semantic one, the environment, that each instruction is one of
those that turn a flag on and off. Errors are `{code, message}`.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.parts.web import sent, serving

TOKEN = "api-made-up-launchdarkly-token-5527"
SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"


@dataclass
class LaunchDarkly:
    """The flags of the project `default` in `production`: whether each is on, and what its default rule shows."""

    url: str = ""
    on: dict[str, bool] = field(default_factory=lambda: {"checkout-copy": True, "other": True})
    fallthrough: dict[str, Any] = field(
        default_factory=lambda: {
            "rollout": {"variations": [{"variation": 0, "weight": 25000}, {"variation": 1, "weight": 75000}]}
        }
    )
    rules: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    fails: list[int] = field(default_factory=list[int])
    says: dict[str, Any] | None = None
    requests: list[str] = field(default_factory=list[str])
    comments: list[str] = field(default_factory=list[str])

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        self.requests.append(f"{method} {path}")
        parts = urlsplit(path)
        if self.fails and (status := self.fails.pop(0)):
            return status, {"code": "failed", "message": f"the server answers {status} to {headers['Authorization']}"}
        if headers["Authorization"] != TOKEN:
            return 401, {"code": "unauthorized", "message": "Invalid account ID header"}
        *above, project, key = unquote(parts.path).split("/")
        if above != ["", "api", "v2", "flags"] or project != "default" or key not in self.on:
            return 404, {"code": "not_found", "message": f"Unknown feature flag key: {key}"}
        if method == "PATCH":
            wrong = self._patch(key, headers["Content-Type"], json.loads(body))
            return (400, {"code": "invalid_request", "message": wrong}) if wrong else (200, self._flag(key, None))
        return 200, self.says or self._flag(key, parse_qs(parts.query).get("env"))

    def _patch(self, key: str, kind: str, patch: dict[str, Any]) -> str:
        if kind != SEMANTIC:
            return "a semantic patch would be taken for a JSON patch"
        if patch.get("environmentKey") != "production" or patch.keys() - {"environmentKey", "instructions", "comment"}:
            return "environmentKey must be that of an environment"
        kinds = [one["kind"] for one in patch["instructions"]]
        if not kinds or set(kinds) - {"turnFlagOn", "turnFlagOff"}:
            return f"unknown instructions: {kinds}"
        self.on[key] = kinds[-1] == "turnFlagOn"
        self.comments.append(patch.get("comment", ""))
        return ""

    def _flag(self, key: str, environments: list[str] | None) -> dict[str, Any]:
        held = {
            "on": self.on[key],
            "archived": False,
            "salt": "61eddeadbeef4da1facecafe3a60a397",
            "sel": "810edeadbeef4844facecafe438f2999492",
            "lastModified": 1627071171347,
            "version": 3,
            "targets": [],
            "contextTargets": [],
            "rules": self.rules,
            "fallthrough": self.fallthrough,
            "offVariation": 1,
            "prerequisites": [],
            "_environmentName": "Production",
            "trackEvents": False,
            "trackEventsFallthrough": False,
        }
        shown = {name: held for name in environments or ["production", "test"] if name in {"production", "test"}}
        return {
            "name": key,
            "kind": "multivariate",
            "key": key,
            "_version": 3,
            "creationDate": 1627071171347,
            "variations": [
                {"_id": "e432f62b", "value": "Buy", "name": "short"},
                {"_id": "a00bf58d", "value": "Buy now", "name": "control"},
            ],
            "temporary": True,
            "tags": [],
            "archived": False,
            "defaults": {"onVariation": 0, "offVariation": 1},
            "environments": shown,
        }


@contextmanager
def a_launchdarkly() -> Generator[LaunchDarkly]:
    launchdarkly = LaunchDarkly()

    def answer(request: BaseHTTPRequestHandler) -> None:
        headers = {name: request.headers.get(name, "") for name in ("Authorization", "Content-Type")}
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        status, document = launchdarkly.answer(request.command, request.path, headers, body)
        sent(request, status, json.dumps(document).encode(), headers={"Retry-After": "7"} if status == 429 else {})

    with serving(answer) as url:
        launchdarkly.url = url
        yield launchdarkly
