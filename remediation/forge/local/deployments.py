"""Handlers: deployments and what became of them. Lists are newest first, and answered 304 where nothing changed."""

import json
from typing import cast

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.records import Deployment, DeploymentStatus
from remediation.forge.local.views import Json

STATES = frozenset({"error", "failure", "inactive", "in_progress", "queued", "pending", "success"})
FILTERS = ("sha", "ref", "task", "environment")


def deployments(call: Call) -> Response:
    """GET …/deployments. Filters: sha, ref, task, environment."""
    wanted = {name: call.query(name) for name in FILTERS if call.query(name) not in {"", "none"}}
    found = [
        deployment
        for deployment in reversed(call.records.all(Deployment, call.repository))
        if all(getattr(deployment, name) == value for name, value in wanted.items())
    ]
    return call.conditional(call.paged(found, lambda one: call.code.deployment(one, json.loads(one.payload))))


def create(call: Call) -> Response:
    """POST …/deployments."""
    body = call.body()
    ref = str(body.get("ref", ""))
    sha, payload = call.commit(ref), cast("Json | str", body.get("payload") or {})
    made = call.records.add(
        Deployment,
        call.repository,
        lambda new_id, now: Deployment(
            id=new_id,
            repository=call.repository,
            sha=sha,
            ref=ref,
            task=str(body.get("task") or "deploy"),
            environment=str(body.get("environment") or "production"),
            description=_text(body, "description"),
            payload=json.dumps(payload),
            author=call.person.login,
            created=now,
        ),
    )
    return reply(call.code.deployment(made, payload), 201)


def statuses(call: Call) -> Response:
    """GET …/deployments/{id}/statuses."""
    number = _deployment(call).id
    found = [s for s in reversed(call.records.all(DeploymentStatus, call.repository)) if s.deployment == number]
    return call.conditional(call.paged(found, call.code.deployment_status))


def create_status(call: Call) -> Response:
    """POST …/deployments/{id}/statuses."""
    body, deployment = call.body(), _deployment(call)
    if body.get("state") not in STATES:
        raise Refusal.invalid("invalid", "DeploymentStatus", field="state")
    made = call.records.add(
        DeploymentStatus,
        call.repository,
        lambda new_id, now: DeploymentStatus(
            id=new_id,
            repository=call.repository,
            deployment=deployment.id,
            state=str(body["state"]),
            description=str(body.get("description") or ""),
            environment=str(body.get("environment") or deployment.environment),
            author=call.person.login,
            created=now,
        ),
    )
    return reply(call.code.deployment_status(made), 201)


def _deployment(call: Call) -> Deployment:
    number = int(call.words["number"])
    found = next((d for d in call.records.all(Deployment, call.repository) if d.id == number), None)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _text(body: Json, name: str) -> str | None:
    given = body.get(name)
    return None if given is None else str(given)
