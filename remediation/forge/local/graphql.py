"""The two mutations that GitHub has in its GraphQL API only: a pull request back to a draft, and out of it again.

Nothing else of GraphQL is here. The operation is known by the mutation's name, the pull request by its `node_id`, both
as GitHub's clients send them.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from werkzeug import Response

from remediation.forge.local.call import Call, reply
from remediation.forge.local.records import Thread

DRAFTS: Mapping[str, bool] = {"convertPullRequestToDraft": True, "markPullRequestReadyForReview": False}
NODE = re.compile(r"T_([0-9]{1,18})")


def mutate(call: Call) -> Response:
    """POST /api/graphql."""
    body = call.body()
    name = next((name for name in DRAFTS if name in str(body.get("query", ""))), None)
    variables = cast("dict[str, Any]", body.get("variables") or {})
    given: dict[str, Any] = variables.get("input") or {}
    if name is None:
        return _refused(
            "undefinedField", "this forge knows convertPullRequestToDraft and markPullRequestReadyForReview"
        )
    node = NODE.fullmatch(str(given.get("pullRequestId", "")))
    thread = call.records.found(Thread, int(node[1])) if node else None
    if thread is None or not thread.head:
        return _refused(
            "NOT_FOUND", f"Could not resolve to a node with the global id of '{given.get('pullRequestId')}'"
        )
    if thread.state != "open":
        return _refused("UNPROCESSABLE", "The pull request is closed.")
    changed = call.records.save(replace(thread, draft=DRAFTS[name], updated=call.records.now()))
    answer = {"clientMutationId": given.get("clientMutationId"), "pullRequest": {"isDraft": changed.draft}}
    return reply({"data": {name: answer}})


def _refused(kind: str, message: str) -> Response:
    """GraphQL says 200 to what it does not do."""
    return reply({"data": None, "errors": [{"type": kind, "message": message}]})
