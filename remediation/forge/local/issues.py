"""Handlers: issues, comments and labels. A pull request is an issue too."""

from dataclasses import replace
from typing import Any, cast

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.pulls import fresh
from remediation.forge.local.records import Comment, Label, Thread
from remediation.forge.local.views import Json

USUAL_COLOR = "ededed"


def issue(call: Call) -> Response:
    """GET …/issues/{number}."""
    return reply(_shown(call, _thread(call)))


def create(call: Call) -> Response:
    """POST …/issues."""
    body = call.body()
    if not body.get("title"):
        raise Refusal.invalid("missing_field", "Issue", field="title")
    number = call.records.next_number(call.repository)
    made = call.records.add(
        Thread,
        call.repository,
        lambda new_id, now: Thread(
            id=new_id,
            repository=call.repository,
            number=number,
            title=str(body["title"]),
            body=str(body.get("body") or ""),
            author=call.person.login,
            created=now,
            updated=now,
            labels=_names(body.get("labels") or []),
        ),
    )
    return reply(_shown(call, made), 201)


def update(call: Call) -> Response:
    """PATCH …/issues/{number}: title, body, state, labels."""
    body, thread, now = call.body(), _thread(call), call.records.now()
    changes: Json = {name: str(body[name] or "") for name in ("title", "body") if name in body}
    if "labels" in body:
        changes["labels"] = _names(body["labels"])
        _know(call, changes["labels"])
    if body.get("state") == "closed" and thread.state == "open":
        changes |= {"state": "closed", "closed": now, "closed_by": call.person.login}
    elif body.get("state") == "open" and thread.state == "closed" and not thread.merged:
        changes |= {"state": "open", "closed": "", "closed_by": ""}
    return reply(_shown(call, call.records.save(replace(thread, **changes, updated=now))))


def comments(call: Call) -> Response:
    """GET …/issues/{number}/comments, oldest first."""
    return call.conditional(call.paged(_comments(call, call.thread().number), call.threads.comment))


def create_comment(call: Call) -> Response:
    """POST …/issues/{number}/comments."""
    number, text = call.thread().number, str(call.body().get("body") or "")
    if not text:
        raise Refusal.invalid("missing_field", "IssueComment", field="body")
    made = call.records.add(
        Comment,
        call.repository,
        lambda new_id, now: Comment(
            id=new_id,
            repository=call.repository,
            number=number,
            author=call.person.login,
            body=text,
            created=now,
        ),
    )
    return reply(call.threads.comment(made), 201)


def update_comment(call: Call) -> Response:
    """PATCH …/issues/comments/{number}: the text. Whoever may write may do it, as on GitHub."""
    text, found = str(call.body().get("body") or ""), call.comment()
    if not text:
        raise Refusal.invalid("missing_field", "IssueComment", field="body")
    changed = replace(found, body=text, updated=call.records.later(found.created))
    return reply(call.threads.comment(call.records.save(changed)))


def delete_comment(call: Call) -> Response:
    """DELETE …/issues/comments/{number}."""
    call.records.remove(call.comment())
    return Response(status=204)


def labels(call: Call) -> Response:
    """GET …/labels."""
    return call.paged(call.records.all(Label, call.repository), lambda known: _label(call, known))


def create_label(call: Call) -> Response:
    """POST …/labels."""
    body = call.body()
    name = str(body.get("name", ""))
    if not name or name in {known.name for known in call.records.all(Label, call.repository)}:
        raise Refusal.invalid("already_exists", "Label", field="name")
    color, description = str(body.get("color") or USUAL_COLOR), str(body.get("description") or "")
    return reply(_label(call, _add_label(call, name, color, description)), 201)


def thread_labels(call: Call) -> Response:
    """GET …/issues/{number}/labels."""
    return call.paged(call.thread().labels, lambda name: call.threads.label(call.repository, name))


def add_labels(call: Call) -> Response:
    """POST …/issues/{number}/labels: `{"labels": […]}`, or the bare list that clients send. Unknown ones are made."""
    thread, sent = call.thread(), call.sent()
    wanted = cast("Json", sent).get("labels", []) if isinstance(sent, dict) else sent
    every = tuple(dict.fromkeys((*thread.labels, *_names(wanted))))
    _know(call, every)
    call.records.save(replace(thread, labels=every, updated=call.records.now()))
    return reply([call.threads.label(call.repository, name) for name in every])


def _thread(call: Call) -> Thread:
    thread = call.thread()
    return fresh(call, thread) if thread.head else thread


def _shown(call: Call, thread: Thread) -> Json:
    return call.threads.issue(thread, len(_comments(call, thread.number)))


def _comments(call: Call, number: int) -> list[Comment]:
    return [c for c in call.records.all(Comment, call.repository) if c.number == number]


def _names(labels: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON of any kind
    """Names of labels, which come as strings or as objects."""
    if not isinstance(labels, list):
        raise Refusal.invalid("invalid", "Label", field="name")
    listed = cast("list[object]", labels)
    return tuple(str(cast("Json", one).get("name")) if isinstance(one, dict) else str(one) for one in listed)


def _know(call: Call, names: tuple[str, ...]) -> None:
    known = {label.name for label in call.records.all(Label, call.repository)}
    for name in names:
        if name not in known:
            _add_label(call, name, USUAL_COLOR, "")


def _add_label(call: Call, name: str, color: str, description: str) -> Label:
    def make(new_id: int, now: str) -> Label:
        where = call.repository
        return Label(id=new_id, repository=where, name=name, color=color, description=description, created=now)

    return call.records.add(Label, call.repository, make)


def _label(call: Call, known: Label) -> Json:
    return call.threads.label(call.repository, known.name, known)
