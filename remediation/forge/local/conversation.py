"""Handlers: reactions under comments, comments on lines of a pull request, labels taken off, and the list of issues."""

from dataclasses import replace

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.pulls import fresh
from remediation.forge.local.records import Comment, LineComment, Reaction, Thread

REACTIONS = frozenset({"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"})


def listed(call: Call) -> Response:
    """GET …/issues: pull requests are issues too. Filters: state, creator, labels."""
    state, wanted = call.query("state", "open"), {name for name in call.query("labels").split(",") if name}
    creator = call.query("creator")
    threads = (fresh(call, t) if t.head else t for t in call.records.all(Thread, call.repository))
    found = [t for t in threads if state in {"all", t.state} and creator in {"", t.author} and wanted <= set(t.labels)][
        ::-1
    ]
    counts = [c.number for c in call.records.all(Comment, call.repository)]
    return call.paged(found, lambda t: call.threads.issue(t, counts.count(t.number)))


def remove_label(call: Call) -> Response:
    """DELETE …/issues/{number}/labels/{label}."""
    thread, label = call.thread(), call.word("label")
    if label not in thread.labels:
        raise Refusal(404, "Label does not exist")
    kept = tuple(name for name in thread.labels if name != label)
    call.records.save(replace(thread, labels=kept, updated=call.records.now()))
    return reply([call.threads.label(call.repository, name) for name in kept])


def reactions(call: Call) -> Response:
    """GET …/issues/comments/{number}/reactions."""
    wanted = call.comment().id
    found = [r for r in call.records.all(Reaction, call.repository) if r.comment == wanted]
    return call.paged(found, call.threads.reaction)


def react(call: Call) -> Response:
    """POST …/issues/comments/{number}/reactions: one of a kind of each person."""
    return _react(call, call.comment().id)


def react_to_line(call: Call) -> Response:
    """POST …/pulls/comments/{number}/reactions."""
    return _react(call, _line(call, int(call.words["number"])).id)


def line_comments(call: Call) -> Response:
    """GET …/pulls/{number}/comments, oldest first."""
    number = _pull(call).number
    found = [c for c in call.records.all(LineComment, call.repository) if c.number == number]
    return call.conditional(call.paged(found, call.threads.line_comment))


def comment_on_line(call: Call) -> Response:
    """POST …/pulls/{number}/comments."""
    body = call.body()
    return _say(call, path=str(body.get("path") or ""), line=int(body.get("line") or 0), answers=0)


def reply_to_line(call: Call) -> Response:
    """POST …/pulls/{number}/comments/{comment}/replies."""
    above = _line(call, int(call.words["comment"]))
    return _say(call, path=above.path, line=above.line, answers=above.answers or above.id)


def _say(call: Call, *, path: str, line: int, answers: int) -> Response:
    thread, text = _pull(call), str(call.body().get("body") or "")
    if not text:
        raise Refusal.invalid("missing_field", "PullRequestReviewComment", field="body")
    made = call.records.add(
        LineComment,
        call.repository,
        lambda new_id, now: LineComment(
            id=new_id,
            repository=call.repository,
            number=thread.number,
            author=call.person.login,
            body=text,
            path=path,
            line=line,
            sha=thread.head_sha,
            answers=answers,
            created=now,
        ),
    )
    return reply(call.threads.line_comment(made), 201)


def _react(call: Call, comment: int) -> Response:
    content = str(call.body().get("content") or "")
    if content not in REACTIONS:
        raise Refusal.invalid("invalid", "Reaction", field="content")
    had = next(
        (
            r
            for r in call.records.all(Reaction, call.repository)
            if (r.comment, r.author, r.content) == (comment, call.person.login, content)
        ),
        None,
    )
    if had is not None:
        return reply(call.threads.reaction(had))
    made = call.records.add(
        Reaction,
        call.repository,
        lambda new_id, now: Reaction(
            id=new_id,
            repository=call.repository,
            comment=comment,
            author=call.person.login,
            content=content,
            created=now,
        ),
    )
    return reply(call.threads.reaction(made), 201)


def _line(call: Call, number: int) -> LineComment:
    found = next((c for c in call.records.all(LineComment, call.repository) if c.id == number), None)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _pull(call: Call) -> Thread:
    thread = call.thread()
    if not thread.head:
        raise Refusal(404, "Not Found")
    return fresh(call, thread)
