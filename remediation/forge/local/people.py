"""Handlers: what people may do in a repository. Whoever holds a token may write, unless somebody said otherwise."""

from dataclasses import replace

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.records import Collaborator

USUAL, NOBODY = "write", "none"
GRANTED = {"pull": "read", "triage": "read", "push": "write", "maintain": "write", "admin": "admin"}


def add(call: Call) -> Response:
    """PUT …/collaborators/{login}: what they may do from now on. Nobody has to accept an invitation here."""
    wanted = str(call.body().get("permission") or "push")
    if wanted not in GRANTED:
        raise Refusal.invalid("invalid", "Collaborator", field="permission")
    login = call.word("login")
    known = _known(call, login)
    if known is not None:
        call.records.save(replace(known, permission=GRANTED[wanted]))
        return Response(status=204)
    call.records.add(
        Collaborator,
        call.repository,
        lambda new_id, now: Collaborator(
            id=new_id, repository=call.repository, login=login, permission=GRANTED[wanted], created=now
        ),
    )
    return Response(status=204)


def remove(call: Call) -> Response:
    """DELETE …/collaborators/{login}: they are a stranger from now on."""
    login = call.word("login")
    known = _known(call, login)
    if known is not None:
        call.records.save(replace(known, permission=NOBODY))
        return Response(status=204)
    call.records.add(
        Collaborator,
        call.repository,
        lambda new_id, now: Collaborator(
            id=new_id, repository=call.repository, login=login, permission=NOBODY, created=now
        ),
    )
    return Response(status=204)


def permission(call: Call) -> Response:
    """GET …/collaborators/{login}/permission."""
    login = call.word("login")
    granted = may_do(call, login)
    allowed = {
        "pull": granted != NOBODY,
        "triage": granted in {"write", "admin"},
        "push": granted in {"write", "admin"},
        "maintain": granted == "admin",
        "admin": granted == "admin",
    }
    person = {**call.threads.user(login), "permissions": allowed, "role_name": granted}
    return reply({"permission": granted, "role_name": granted, "user": person})


def may_do(call: Call, login: str) -> str:
    """admin, write, read or none."""
    known = _known(call, login)
    return known.permission if known else USUAL


def _known(call: Call, login: str) -> Collaborator | None:
    people = call.records.all(Collaborator, call.repository)
    return next((one for one in people if one.login.casefold() == login.casefold()), None)
