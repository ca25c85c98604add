"""Handlers: the asker, repositories, branches, references, commits and contents."""

import base64
import fnmatch
import json

from werkzeug import Response

from remediation.forge.local.bare import Item
from remediation.forge.local.call import Call, Refusal, reply
from remediation.forge.local.views import Json

LIMIT = {"limit": 5000, "remaining": 5000, "reset": 0, "used": 0}
MOST_COMMITS = 250  # what GitHub's own comparison lists at most
ZERO_OR_MORE = "--max-count=1000"


def user(call: Call) -> Response:
    """GET /user."""
    return reply(call.code.profile(call.person.login))


def own_repositories(call: Call) -> Response:
    """GET /user/repos: everything that is served here, by name."""
    return call.paged(call.every(), lambda bare: call.code.repository(bare, may_write=call.person.may_write))


def rate_limit(_: Call) -> Response:
    """GET /rate_limit. There is none."""
    return reply({"resources": {"core": LIMIT, "search": LIMIT}, "rate": LIMIT})


def repository(call: Call) -> Response:
    """GET /repos/{owner}/{repo}."""
    return reply(call.code.repository(call.bare, may_write=call.person.may_write))


def branches(call: Call) -> Response:
    """GET …/branches."""
    found = sorted(call.bare.branches().items())
    return call.paged(found, lambda pair: call.code.branch(call.repository, *pair))


def branch(call: Call) -> Response:
    """GET …/branches/{branch}."""
    name = call.word("branch")
    tip = call.bare.tip(name)
    if tip is None:
        raise Refusal(404, "Branch not found")
    return reply(call.code.whole_branch(call.repository, name, call.bare.facts(tip)))


def rules(call: Call) -> Response:
    """GET …/rules/branches/{branch}. The branch need not be there."""
    return call.paged(_ruled(call, "rules"), lambda rule: rule)


def protection(call: Call) -> Response:
    """GET …/branches/{branch}/protection."""
    found = _ruled(call, "protection")
    if not found:
        raise Refusal(404, "Branch not protected")
    return reply(found[0])


def _ruled(call: Call, kind: str) -> list[Json]:
    """What the file `rules.json` in the bare repository says: {"rules": {pattern of branches: [rule, …]}, …}."""
    file = call.bare.folder / "rules.json"
    if not file.exists():
        return []
    written: dict[str, dict[str, list[Json]]] = json.loads(file.read_text())
    named = call.word("branch")
    return [one for form, ruled in written.get(kind, {}).items() if fnmatch.fnmatchcase(named, form) for one in ruled]


def ref(call: Call) -> Response:
    """GET …/git/ref/{ref}."""
    name, sha = _ref(call)
    return reply(call.code.ref(call.repository, name, sha))


def create_ref(call: Call) -> Response:
    """POST …/git/refs."""
    body = call.body()
    name = str(body.get("ref", ""))
    if not name.startswith("refs/heads/") and not name.startswith("refs/tags/"):
        raise Refusal(422, "Reference name must start with 'refs/heads/' or 'refs/tags/'")
    sha = call.bare.resolve(str(body.get("sha", "")))
    if sha is None:
        raise Refusal(422, "Object does not exist")
    if not call.bare.update(name.removeprefix("refs/"), sha, None):
        raise Refusal(422, "Reference already exists")
    return reply(call.code.ref(call.repository, name.removeprefix("refs/"), sha), 201)


def update_ref(call: Call) -> Response:
    """PATCH …/git/refs/{ref}."""
    body = call.body()
    name, old = _ref(call)
    new = call.bare.resolve(str(body.get("sha", "")))
    if new is None:
        raise Refusal(422, "Object does not exist")
    if not body.get("force") and not call.bare.is_ancestor(old, new):
        raise Refusal(422, "Update is not a fast forward")
    if not call.bare.update(name, new, old):
        raise Refusal(409, "Reference was updated by somebody else")
    return reply(call.code.ref(call.repository, name, new))


def delete_ref(call: Call) -> Response:
    """DELETE …/git/refs/{ref}."""
    name, old = _ref(call)
    if name == f"heads/{call.bare.default_branch()}":
        raise Refusal(422, "Cannot delete the default branch")
    if not call.bare.delete(name, old):
        raise Refusal(409, "Reference was updated by somebody else")
    return Response(status=204)


def git_commit(call: Call) -> Response:
    """GET …/git/commits/{sha}."""
    sha = call.bare.resolve(call.word("sha"))
    if sha is None:
        raise Refusal(404, "Not Found")
    return reply(call.code.git_commit(call.repository, call.bare.facts(sha)))


def commit(call: Call) -> Response:
    """GET …/commits/{ref}."""
    facts = call.bare.facts(call.commit(call.word("ref")))
    files = call.bare.files(facts.parents[0] if facts.parents else None, facts.sha)
    return reply(call.code.whole_commit(call.repository, facts, files))


def commits(call: Call) -> Response:
    """GET …/commits."""
    if not call.bare.branches():
        raise Refusal(409, "Git Repository is empty.")
    named = call.query("sha") or call.bare.default_branch()
    start = call.bare.resolve(named)
    if start is None:
        raise Refusal(404, "Not Found")
    window = [f"--{name}={call.query(name)}" for name in ("since", "until") if call.query(name)]
    found = call.bare.log(ZERO_OR_MORE, *window, start, path=call.query("path"))
    return call.paged(found, lambda facts: call.code.commit(call.repository, facts))


def contents(call: Call) -> Response:
    """GET …/contents/{path}."""
    path = str(call.words.get("path", "")).strip("/")
    ref_name = call.query("ref") or call.bare.default_branch()
    sha = call.bare.resolve(ref_name)
    if sha is None:
        raise Refusal(404, f"No commit found for the ref {ref_name}")
    found = call.bare.item(sha, path) if path else None
    if path and found is None:
        raise Refusal(404, "Not Found")
    if found is None or found.kind == "tree":
        return reply([call.code.item(call.repository, ref_name, item) for item in call.bare.listing(sha, path)])
    return _file(call, ref_name, found)


def compare(call: Call) -> Response:
    """GET …/compare/{base}...{head}."""
    left, dots, right = call.word("basehead").partition("...")
    if not dots:
        raise Refusal(404, "Not Found")
    base, head = call.bare.resolve(left), call.bare.resolve(right)
    start = call.bare.merge_base(base, head) if base and head else None
    if base is None or head is None or start is None:
        raise Refusal(404, "Not Found")
    behind, ahead = call.bare.count(base, head)
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind", (True, True): "diverged"}
    between = call.bare.log(f"--max-count={MOST_COMMITS}", f"{base}..{head}")[::-1]
    url = f"{call.code.repository_url(call.repository)}/compare/{left}...{right}"
    page = f"{call.site}/{call.repository}/compare/{left}...{right}"
    return reply(
        {
            "url": url,
            "html_url": page,
            "permalink_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": call.code.commit(call.repository, call.bare.facts(base)),
            "merge_base_commit": call.code.commit(call.repository, call.bare.facts(start)),
            "status": status[ahead > 0, behind > 0],
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [call.code.commit(call.repository, facts) for facts in between],
            "files": [call.code.file(call.repository, head, file) for file in call.bare.files(start, head)],
        }
    )


def _ref(call: Call) -> tuple[str, str]:
    name = call.word("ref").removeprefix("refs/")
    sha = call.bare.ref(name) if name.startswith(("heads/", "tags/")) else None
    if sha is None:
        raise Refusal(404, "Not Found")
    return name, sha


def _file(call: Call, ref_name: str, item: Item) -> Response:
    shown = call.code.item(call.repository, ref_name, item)
    if shown["type"] == "submodule":
        return reply({**shown, "submodule_git_url": None})
    content = call.bare.blob(item.sha)
    if shown["type"] == "symlink":
        return reply({**shown, "target": content.decode("utf-8", "replace")})
    return reply({**shown, "encoding": "base64", "content": base64.encodebytes(content).decode("ascii")})
