"""Messages as GitHub's webhooks send them: signed, numbered, in the shapes of its events."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from daemon.api.bodies import Refused
from daemon.api.forge_webhook import ForgeWebhook
from daemon.api.proof import Caller

HOOK_KEY = "made-up-hook-key-7734"


def signed(body: bytes, key: str = HOOK_KEY) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Delivery:
    """One message: what it is about, and its number."""

    event: str
    message: Mapping[str, Any]
    number: str = field(default_factory=lambda: str(uuid4()))

    @property
    def body(self) -> bytes:
        return json.dumps(self.message).encode()

    def headers(self, **changes: str) -> dict[str, str]:
        named = {
            "content-type": "application/json",
            "x-github-event": self.event,
            "x-github-delivery": self.number,
            "x-hub-signature-256": signed(self.body),
        }
        return named | {name.replace("_", "-"): value for name, value in changes.items()}

    def send(self, hook: ForgeWebhook, **changes: str) -> dict[str, object] | int:
        """What the door answers, or the status with which it refuses."""
        try:
            return hook.take(Caller(address="127.0.0.1", headers=self.headers(**changes)), self.body)
        except Refused as refused:
            return refused.status


def of_pull(pull: Mapping[str, Any], action: str) -> Delivery:
    """A `pull_request` event about a pull request as the API shows it."""
    message = {"action": action, "number": pull["number"], "pull_request": pull}
    return Delivery("pull_request", {**message, "repository": pull["base"]["repo"]})


def of_comment(pull: Mapping[str, Any], comment: Mapping[str, Any]) -> Delivery:
    issue = {"number": pull["number"], "pull_request": {"url": pull["url"]}, "updated_at": comment["updated_at"]}
    message = {"action": "created", "issue": issue, "comment": comment, "repository": pull["base"]["repo"]}
    return Delivery("issue_comment", message)


def of_push(pull: Mapping[str, Any], at: int, *, deleted: bool = False) -> Delivery:
    repository = {**pull["base"]["repo"], "pushed_at": at}
    message = {"ref": f"refs/heads/{pull['head']['ref']}", "deleted": deleted, "head_commit": None}
    return Delivery("push", {**message, "repository": repository})
