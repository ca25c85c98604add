"""Handlers: pull requests, from opening to merge."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from werkzeug import Response

from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.people import NOBODY, may_do
from remediation.forge.local.records import Comment, Review, Thread
from remediation.forge.local.views import Json

REVIEWS: Mapping[str, str] = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def pulls(call: Call) -> Response:
    """GET …/pulls. Filters: state, head (`owner:branch`), base; sort by created or updated."""
    state, owner = call.query("state", "open"), call.repository.partition("/")[0]
    found = [fresh(call, t) for t in call.records.all(Thread, call.repository) if t.head]
    if state != "all":
        found = [t for t in found if t.state == state]
    if call.query("head"):
        found = [t for t in found if f"{owner}:{t.head}" == call.query("head")]
    if call.query("base"):
        found = [t for t in found if t.base == call.query("base")]
    updated = call.query("sort") == "updated"
    found.sort(key=lambda t: (t.updated if updated else t.created, t.id))
    if call.query("direction", "desc") == "desc":
        found.reverse()
    return call.conditional(call.paged(found, lambda t: call.threads.pull(t, call.bare)))


def create(call: Call) -> Response:
    """POST …/pulls."""
    body = call.body()
    owner = call.repository.partition("/")[0]
    head, base = str(body.get("head", "")).removeprefix(f"{owner}:"), str(body.get("base", ""))
    tips = {"head": call.bare.tip(head), "base": call.bare.tip(base)}
    for name, sha in tips.items():
        if sha is None:
            raise Refusal.invalid("invalid", "PullRequest", field=name)
    if not body.get("title"):
        raise Refusal.invalid("missing_field", "PullRequest", field="title")
    head_sha, base_sha = str(tips["head"]), str(tips["base"])
    if call.bare.is_ancestor(head_sha, base_sha):
        raise _invalid(f"No commits between {base} and {head}")
    threads = call.records.all(Thread, call.repository)
    if any(t.state == "open" and (t.head, t.base) == (head, base) for t in threads):
        raise _invalid(f"A pull request already exists for {owner}:{head}.")
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
            head=head,
            base=base,
            head_sha=head_sha,
            base_sha=base_sha,
            draft=bool(body.get("draft")),
        ),
    )
    return reply(_whole(call, fresh(call, made)), 201)


def pull(call: Call) -> Response:
    """GET …/pulls/{number}."""
    return reply(_whole(call, _pull(call)))


def update(call: Call) -> Response:
    """PATCH …/pulls/{number}. `draft: false` marks it ready: GitHub itself has that in its other API only."""
    body, thread = call.body(), _pull(call)
    now = call.records.now()
    changes: Json = {name: str(body[name] or "") for name in ("title", "body") if name in body}
    if "base" in body:
        base_sha = call.bare.tip(str(body["base"]))
        if base_sha is None:
            raise Refusal.invalid("invalid", "PullRequest", field="base")
        changes |= {"base": str(body["base"]), "base_sha": base_sha}
    if body.get("draft") is False:
        changes["draft"] = False
    if body.get("state") == "closed" and thread.state == "open":
        changes |= {"state": "closed", "closed": now, "closed_by": call.person.login}
    elif body.get("state") == "open" and thread.state == "closed":
        if thread.merged or call.bare.tip(thread.head) is None:
            raise _invalid("The pull request cannot be reopened.")
        changes |= {"state": "open", "closed": "", "closed_by": ""}
    return reply(_whole(call, call.records.save(replace(thread, **changes, updated=now))))


def files(call: Call) -> Response:
    """GET …/pulls/{number}/files."""
    thread = _pull(call)
    found = call.bare.files(_start(call, thread), thread.head_sha)
    return call.paged(found, lambda file: call.code.file(call.repository, thread.head_sha, file))


def commits(call: Call) -> Response:
    """GET …/pulls/{number}/commits."""
    thread = _pull(call)
    found = call.bare.log("--max-count=250", f"{_start(call, thread)}..{thread.head_sha}")[::-1]
    return call.paged(found, lambda facts: call.code.commit(call.repository, facts))


def merge(call: Call) -> Response:
    """PUT …/pulls/{number}/merge, by `merge`, `squash` or `rebase`."""
    body, thread = call.body(), _pull(call)
    if body.get("sha") and body["sha"] != thread.head_sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    method = str(body.get("merge_method") or "merge")
    refused = _why_not(call, thread, method)
    if refused:
        raise Refusal(405, refused)
    base = str(call.bare.tip(thread.base))
    sha = _rebased(call, thread, base) if method == "rebase" else _joined(call, thread, base, method)
    if not call.bare.update(f"heads/{thread.base}", sha, base):
        raise Refusal(409, "Base branch was modified. Review and try the merge again.")
    now, login = call.records.now(), call.person.login
    ended: Json = {"state": "closed", "closed": now, "closed_by": login, "merged": now, "merged_by": login}
    call.records.save(replace(thread, **ended, merge_sha=sha, base_sha=base, updated=now))
    return reply({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _joined(call: Call, thread: Thread, base: str, method: str) -> str:
    """The one commit of a merge or a squash."""
    tree = call.bare.merged_tree(base, thread.head_sha)
    if tree is None:
        raise Refusal(405, "Pull Request is not mergeable")
    parents = [base] if method == "squash" else [base, thread.head_sha]
    return call.bare.commit(tree, parents, _message(call.body(), thread, method), call.person.login)


def _rebased(call: Call, thread: Thread, base: str) -> str:
    """The last of the pull request's commits, each made anew on top of the base."""
    tip = base
    for facts in call.bare.log("--max-count=250", f"{_start(call, thread)}..{thread.head_sha}")[::-1]:
        tree = call.bare.picked_tree(facts.sha, tip) if len(facts.parents) == 1 else None
        if tree is None:
            raise Refusal(405, "This branch can't be rebased")
        tip = call.bare.commit(tree, [tip], facts.message, call.person.login)
    return tip


def of_commit(call: Call) -> Response:
    """GET …/commits/{sha}/pulls: the merged ones that brought the commit to their base."""
    sha = call.commit(call.word("ref"))
    found = [t for t in call.records.all(Thread, call.repository) if t.merge_sha and _brought(call, t, sha)]
    return call.paged(found, lambda thread: call.threads.pull(thread, call.bare))


def _brought(call: Call, thread: Thread, sha: str) -> bool:
    bare = call.bare
    return bare.is_ancestor(sha, thread.merge_sha) and not bare.is_ancestor(sha, thread.base_sha)


def reviews(call: Call) -> Response:
    """GET …/pulls/{number}/reviews."""
    number = _pull(call).number
    found = [r for r in call.records.all(Review, call.repository) if r.number == number]
    return call.paged(found, call.threads.review)


def create_review(call: Call) -> Response:
    """POST …/pulls/{number}/reviews."""
    body, thread = call.body(), _pull(call)
    event = str(body.get("event") or "")
    if event and event not in REVIEWS:
        raise Refusal(422, "Unprocessable Entity")
    if thread.author == call.person.login and event in {"APPROVE", "REQUEST_CHANGES"}:
        raise Refusal(422, "Unprocessable Entity", "Can not approve or request changes on your own pull request")
    made = call.records.add(
        Review,
        call.repository,
        lambda new_id, now: Review(
            id=new_id,
            repository=call.repository,
            number=thread.number,
            author=call.person.login,
            body=str(body.get("body") or ""),
            state=REVIEWS.get(event, "PENDING"),
            sha=str(body.get("commit_id") or thread.head_sha),
            created=now,
        ),
    )
    return reply(call.threads.review(made))


def request_reviewers(call: Call) -> Response:
    """POST …/pulls/{number}/requested_reviewers."""
    thread = _pull(call)
    body, organisation = call.body(), call.repository.partition("/")[0]
    asked: list[Any] = body.get("reviewers") or []
    teams: list[Any] = body.get("team_reviewers") or []
    wanted = [*map(str, asked), *(f"{organisation}/{slug}" for slug in teams)]
    if thread.author in wanted:
        raise _invalid("Review cannot be requested from pull request author.")
    if any(may_do(call, login) == NOBODY for login in map(str, asked)):
        raise Refusal(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not "
            f"a collaborator of the {call.repository} repository.",
        )
    every = tuple(dict.fromkeys((*thread.reviewers, *wanted)))
    saved = call.records.save(replace(thread, reviewers=every, updated=call.records.now()))
    return reply(call.threads.pull(saved, call.bare), 201)


def fresh(call: Call, thread: Thread) -> Thread:
    """The pull request with its ends as git has them now. A branch that is gone closes it, as on GitHub."""
    if thread.state != "open":
        return thread
    head, base = call.bare.tip(thread.head), call.bare.tip(thread.base)
    if head is None:
        now = call.records.now()
        return call.records.save(replace(thread, state="closed", closed=now, closed_by=thread.author, updated=now))
    if call.bare.ref(f"pull/{thread.number}/head") != head:
        call.bare.update(f"pull/{thread.number}/head", head, call.bare.ref(f"pull/{thread.number}/head"))
    if (head, base or thread.base_sha) != (thread.head_sha, thread.base_sha):
        return call.records.save(replace(thread, head_sha=head, base_sha=base or thread.base_sha))
    return thread


def _pull(call: Call) -> Thread:
    thread = call.thread()
    if not thread.head:
        raise Refusal(404, "Not Found")
    return fresh(call, thread)


def _whole(call: Call, thread: Thread) -> Json:
    mergeable = None
    if thread.state == "open":
        mergeable = call.bare.merged_tree(thread.base_sha, thread.head_sha) is not None
    comments = sum(c.number == thread.number for c in call.records.all(Comment, call.repository))
    return call.threads.whole_pull(thread, call.bare, mergeable=mergeable, comments=comments)


def _start(call: Call, thread: Thread) -> str:
    """Where the pull request left its base branch."""
    return call.bare.merge_base(thread.base_sha, thread.head_sha) or thread.base_sha


def _why_not(call: Call, thread: Thread, method: str) -> str:
    """Why it cannot be merged, or ""."""
    if thread.state != "open" or call.bare.tip(thread.base) is None:
        return "Pull Request is not mergeable"
    if thread.draft:
        return "Pull Request is still a draft"
    return "" if method in call.bare.ways else f"{method.capitalize()} merges are not allowed on this repository."


def _message(body: Json, thread: Thread, method: str) -> str:
    owner = thread.repository.partition("/")[0]
    usual = {
        "merge": (f"Merge pull request #{thread.number} from {owner}/{thread.head}", thread.title),
        "squash": (f"{thread.title} (#{thread.number})", thread.body),
    }[method]
    title, text = str(body.get("commit_title") or usual[0]), str(body.get("commit_message") or usual[1])
    return f"{title}\n\n{text}".rstrip() + "\n"


def _invalid(message: str) -> Refusal:
    return Refusal.invalid("custom", "PullRequest", message=message)
