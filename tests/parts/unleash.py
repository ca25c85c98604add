"""A local Unleash: the two operations of its Admin API that are used, in the shapes of its own OpenAPI description.

`getFeatureEnvironment` answers a `featureEnvironmentSchema`; `toggleFeatureEnvironmentOff` a `featureSchema`. Errors
are `{id, name, message}`.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from tests.parts.web import sent, serving

TOKEN = "made-up:unleash.admin-token-9913"


def a_strategy(rollout: str = "25", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A `featureStrategySchema`: a gradual rollout to that percentage of users."""
    return {
        "id": "6b5157cb-343a-41e7-bfa3-7b4ec3044840",
        "name": "flexibleRollout",
        "title": None,
        "disabled": False,
        "constraints": [],
        "segments": [],
        "parameters": {"groupId": "checkout-copy", "rollout": rollout, "stickiness": "userId"},
        "variants": [],
        "sortOrder": 0,
        **more,
    }


@dataclass
class Unleash:
    """The features of the project `default` in `production`: whether each is on, and its strategies."""

    url: str = ""
    enabled: dict[str, bool] = field(default_factory=lambda: {"checkout-copy": True, "other": True})
    strategies: list[dict[str, Any]] = field(default_factory=lambda: [a_strategy()])
    fails: list[int] = field(default_factory=list[int])
    says: dict[str, Any] | None = None
    requests: list[str] = field(default_factory=list[str])

    def answer(self, method: str, path: str, token: str) -> tuple[int, dict[str, Any]]:
        self.requests.append(f"{method} {path}")
        if self.fails and (status := self.fails.pop(0)):
            return status, _error("Failed", f"the server answers {status} to {token}")
        if token != TOKEN:
            return 401, _error("AuthenticationRequired", "You must log in to use Unleash.")
        before, _, rest = path.partition("/features/")
        key, _, environment = unquote(rest).partition("/environments/")
        wanted = {"GET": "production", "POST": "production/off"}.get(method)
        if before != "/api/admin/projects/default" or key not in self.enabled or environment != wanted:
            return 404, _error("NotFoundError", f"Could not find feature {key}")
        if method == "POST":
            self.enabled[key] = False
            return 200, {"name": key, "type": "experiment", "project": "default", "stale": False, "archived": False}
        return 200, self.says or self._environment(key)

    def _environment(self, key: str) -> dict[str, Any]:
        return {
            "name": key,
            "featureName": key,
            "environment": "production",
            "type": "production",
            "enabled": self.enabled[key],
            "sortOrder": 9999,
            "strategies": self.strategies,
            "variants": [],
            "lastSeenAt": None,
            "hasStrategies": bool(self.strategies),
            "hasEnabledStrategies": bool(self.strategies),
        }


def _error(name: str, message: str) -> dict[str, Any]:
    return {"id": "9c40958a-daac-400e-98fb-3bb438567008", "name": name, "message": message}


@contextmanager
def an_unleash() -> Generator[Unleash]:
    unleash = Unleash()

    def answer(request: BaseHTTPRequestHandler) -> None:
        token = request.headers.get("Authorization", "")
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        status, document = unleash.answer(request.command, request.path, token)
        sent(request, status, json.dumps(document).encode(), headers={"Retry-After": "7"} if status == 429 else {})

    with serving(answer) as url:
        unleash.url = url
        yield unleash
