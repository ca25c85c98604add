"""Handlers: an App that asks for itself, with a JSON web token that it has signed; and the tokens that it gets."""

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.grants import LEVELS, App, level_of
from remediation.forge.local.views import LONG_AGO, Json


def app(call: Call) -> Response:
    """GET /app."""
    asker = _asker(call)
    return reply(
        {
            "id": asker.id,
            "slug": asker.slug,
            "client_id": f"Iv23{asker.id}",
            "node_id": f"A_{asker.id}",
            "owner": call.threads.user(asker.account),
            "name": asker.slug,
            "description": "",
            "external_url": call.site,
            "html_url": f"{call.site}/apps/{asker.slug}",
            "created_at": LONG_AGO,
            "updated_at": LONG_AGO,
            "permissions": dict(asker.permissions),
            "events": [],
            "installations_count": 1,
        }
    )


def installation(call: Call) -> Response:
    """GET /app/installations/{id}."""
    return reply(_shown(call, _installed(call)))


def of_repository(call: Call) -> Response:
    """GET /repos/{owner}/{repo}/installation."""
    asker = _asker(call)
    owner, _, name = call.repository.partition("/")
    if owner != asker.account or (asker.repositories is not None and name not in asker.repositories):
        raise Refusal(404, "Not Found")
    return reply(_shown(call, asker))


def mint(call: Call) -> Response:
    """POST /app/installations/{id}/access_tokens."""
    asker = _installed(call)
    if asker.suspended:
        raise Refusal(403, "This installation has been suspended")
    body, now = call.body(), datetime.fromisoformat(call.records.now()).astimezone(UTC)
    names = cast("list[str] | None", body.get("repositories"))
    served = {bare.full_name for bare in call.every()}
    own = None if asker.repositories is None else {f"{asker.account}/{name}" for name in asker.repositories}
    for name in names or []:
        full_name = f"{asker.account}/{name}"
        if full_name not in served or (own is not None and full_name not in own):
            raise Refusal(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            )
    wanted = cast("Mapping[str, str]", body.get("permissions") or asker.permissions)
    if any(level_of(asker.permissions, name) < LEVELS.index(level) for name, level in wanted.items()):
        raise Refusal(422, "The permissions requested are not granted to this installation.")
    minted = call.grants.mint(asker, names, wanted, now)
    return reply(
        {
            "token": minted.token,
            "expires_at": minted.ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": dict(wanted),
            "repository_selection": "all" if names is None and asker.repositories is None else "selected",
        },
        201,
    )


def _asker(call: Call) -> App:
    if call.person.app is None:
        raise Refusal(401, "A JSON web token could not be decoded")
    return call.person.app


def _installed(call: Call) -> App:
    asker = _asker(call)
    if int(call.words["number"]) != asker.installation:
        raise Refusal(404, "Not Found")
    return asker


def _shown(call: Call, asker: App) -> Json:
    url = f"{call.threads.api}/app/installations/{asker.installation}"
    return {
        "id": asker.installation,
        "account": call.threads.user(asker.account),
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{call.threads.api}/installation/repositories",
        "html_url": f"{call.site}/organizations/{asker.account}/settings/installations/{asker.installation}",
        "app_id": asker.id,
        "client_id": f"Iv23{asker.id}",
        "target_id": zlib.crc32(asker.account.encode()),
        "target_type": "Organization",
        "permissions": dict(asker.permissions),
        "events": [],
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "app_slug": asker.slug,
        "suspended_at": asker.suspended or None,
        "suspended_by": None,
        "repository_selection": "all" if asker.repositories is None else "selected",
    }


def written(held: App) -> str:
    """The file's text for an App, for those who set a forge up."""
    shown: dict[str, Any] = {name: getattr(held, name) for name in held.__slots__ if name != "slug"}
    return json.dumps(shown)
