"""Handlers: statuses and check runs: what tools say of a commit."""

from typing import cast

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.records import CheckRun, Status
from remediation.forge.local.views import Json


def create_status(call: Call) -> Response:
    """POST …/statuses/{sha}."""
    body, sha = call.body(), call.commit(call.word("sha"))
    if body.get("state") not in {"error", "failure", "pending", "success"}:
        raise Refusal.invalid("invalid", "Status", field="state")
    made = call.records.add(
        Status,
        call.repository,
        lambda new_id, now: Status(
            id=new_id,
            repository=call.repository,
            sha=sha,
            state=str(body["state"]),
            context=str(body.get("context") or "default"),
            description=_text(body, "description"),
            target_url=_text(body, "target_url"),
            author=call.person.login,
            created=now,
        ),
    )
    return reply(call.code.status(made), 201)


def combined_status(call: Call) -> Response:
    """GET …/commits/{ref}/status: the newest of each context."""
    sha = call.commit(call.word("ref"))
    newest = {s.context: s for s in call.records.all(Status, call.repository) if s.sha == sha}
    states = {status.state for status in newest.values()}
    combined = "success" if states == {"success"} else "pending"
    url = f"{call.code.repository_url(call.repository)}/commits/{sha}"
    shown = reply(
        {
            "state": "failure" if states & {"failure", "error"} else combined,
            "statuses": [call.code.short_status(status) for status in newest.values()],
            "sha": sha,
            "total_count": len(newest),
            "repository": call.code.repository(call.bare, may_write=call.person.may_write),
            "commit_url": url,
            "url": f"{url}/status",
        }
    )
    return call.conditional(shown)


def create_check_run(call: Call) -> Response:
    """POST …/check-runs. Only an App may."""
    if call.person.grant is None or call.person.grant.app is None:
        raise Refusal(403, "You must authenticate via a GitHub App.")
    body = call.body()
    sha, output = call.commit(str(body.get("head_sha", ""))), cast("Json", body.get("output") or {})
    conclusion = _text(body, "conclusion")
    made = call.records.add(
        CheckRun,
        call.repository,
        lambda new_id, now: CheckRun(
            id=new_id,
            repository=call.repository,
            sha=sha,
            name=str(body.get("name", "")),
            status="completed" if conclusion else str(body.get("status") or "queued"),
            conclusion=conclusion,
            external_id=str(body.get("external_id") or ""),
            details_url=_text(body, "details_url"),
            title=_text(output, "title"),
            summary=_text(output, "summary"),
            text=_text(output, "text"),
            started=str(body.get("started_at") or now),
            completed=_text(body, "completed_at") or (now if conclusion else None),
            created=now,
        ),
    )
    return reply(call.code.check_run(made), 201)


def check_runs(call: Call) -> Response:
    """GET …/commits/{ref}/check-runs. Filter: check_name."""
    sha, wanted = call.commit(call.word("ref")), call.query("check_name")
    found = [r for r in call.records.all(CheckRun, call.repository) if r.sha == sha and wanted in {"", r.name}]
    shown = reply({"total_count": len(found), "check_runs": [call.code.check_run(run) for run in found]})
    return call.conditional(shown)


def _text(body: Json, name: str) -> str | None:
    given = body.get(name)
    return None if given is None else str(given)
