"""What the forge's rules say of the branches that matter here: the watched one, and our own.

Rulesets come from `rules/branches/{branch}`, which every reader may see, whether or not a branch of that name is there;
classic protection from `branches/{branch}/protection`, which only administrators may see.
API: https://docs.github.com/rest/repos/rules, https://docs.github.com/rest/branches/branch-protection
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast
from urllib.parse import quote

from cases.errors import TemporaryError
from remediation.forge.github import GithubApi
from remediation.forge.repository import OWN_BRANCHES, ForgeRepository

UNSEEN = (403, 404)
Row: TypeAlias = tuple[str, bool, str]
"""(rule, whether we can live with it, what it means for us)."""

UNSIGNED = "the commits pushed here are not signed"
_NEEDS = {
    "required_linear_history": "linear history: merge by squash or rebase",
    "merge_queue": "a merge queue: a merge takes its time there",
    "update": "that only some may update it: let somebody who may do the merges",
    "required_deployments": "deployments before a merge",
    "code_scanning": "code scanning before a merge",
}
_PATTERNS = {
    "branch_name_pattern": f"names of branches to match a pattern: see that {OWN_BRANCHES}… does",
    "commit_message_pattern": "messages of commits to match a pattern: see that Trackwalker's do",
    "commit_author_email_pattern": "authors to match a pattern: see that Trackwalker's address does",
    "committer_email_pattern": "committers to match a pattern: see that Trackwalker's address does",
}


def branch_rules(api: GithubApi, repository: ForgeRepository, own_branch: str) -> tuple[Row, ...]:
    """What is asked of pull requests into the watched branch, and of branches like `own_branch`. Writes nothing.

    Raises TemporaryError or PermanentError as every call of the API does.
    """
    rows = [*_of_watched(api, repository), *_of_own(api, repository, own_branch)]
    return tuple(rows) or (("no rule asks for more", True, "none is set, or none that the token may see"),)


def _of_watched(api: GithubApi, repository: ForgeRepository) -> Iterator[Row]:
    branch = repository.branch
    asked = f"{branch} asks for"
    for rule in _ruleset(api, repository, branch):
        kind, parameters = str(rule.get("type")), cast("Mapping[str, Any]", rule.get("parameters") or {})
        if kind == "required_signatures":
            yield _signatures(branch)
        elif kind == "required_status_checks":
            checks = cast("list[Mapping[str, Any]]", parameters.get("required_status_checks") or [])
            yield f"{asked} status checks", True, _listed(str(check.get("context")) for check in checks)
        elif kind == "pull_request":
            yield f"{asked} reviews", True, _reviews(parameters.get("required_approving_review_count"))
        elif kind in _NEEDS | _PATTERNS:
            yield f"{asked} more", True, (_NEEDS | _PATTERNS)[kind]
    yield from _classic(api, repository)


def _of_own(api: GithubApi, repository: ForgeRepository, own_branch: str) -> Iterator[Row]:
    for rule in _ruleset(api, repository, own_branch):
        kind = str(rule.get("type"))
        if kind == "creation":
            yield f"{OWN_BRANCHES}… may be created", False, "a ruleset forbids it: let this token's user bypass it"
        elif kind == "required_signatures":
            advice = f"a ruleset wants signed commits there, and {UNSIGNED}: leave {OWN_BRANCHES}** out of it"
            yield f"{OWN_BRANCHES}… takes our commits", False, advice
        elif kind in _PATTERNS:
            yield f"{OWN_BRANCHES}… asks for more", True, _PATTERNS[kind]


def _ruleset(api: GithubApi, repository: ForgeRepository, branch: str) -> list[Mapping[str, Any]]:
    heard = api.heard(
        f"the rules of {branch} in {repository.full_name}",
        f"/repos/{repository.full_name}/rules/branches/{quote(branch, safe='')}",
        {"per_page": 100},
        accept=UNSEEN,
    )
    content = heard.content
    if content is None:
        return []
    if not isinstance(content, list):
        raise TemporaryError(f"the rules of {branch} in {repository.full_name}: the answer is not GitHub's")
    return [cast("Mapping[str, Any]", rule) for rule in cast("list[object]", content) if isinstance(rule, dict)]


def _classic(api: GithubApi, repository: ForgeRepository) -> Iterator[Row]:
    """Classic branch protection, where there is one and the token may see it."""
    path = f"/repos/{repository.full_name}/branches/{quote(repository.branch, safe='')}/protection"
    heard = api.heard(f"the protection of {repository.branch}", path, {}, accept=UNSEEN)
    if heard.status == UNSEEN[0]:
        said = "this token may not see it: look whether it asks for signed commits"
        yield f"{repository.branch} has classic protection, or none", True, said
    if not isinstance(heard.content, dict):
        return
    protection = cast("Mapping[str, Any]", heard.content)  # pyright: ignore[reportUnknownMemberType] # JSON
    asked = f"{repository.branch} asks for"

    def on(name: str) -> bool:
        return bool(cast("Mapping[str, Any]", protection.get(name) or {}).get("enabled"))

    if on("required_signatures"):
        yield _signatures(repository.branch)
    if on("required_linear_history"):
        yield f"{asked} more", True, _NEEDS["required_linear_history"]
    if on("lock_branch"):
        yield f"{repository.branch} takes merges", False, "it is locked: unlock it, or watch another branch"
    checks = cast("Mapping[str, Any]", protection.get("required_status_checks") or {})
    if checks.get("contexts"):
        yield f"{asked} status checks", True, _listed(map(str, cast("list[object]", checks["contexts"])))
    reviews = cast("Mapping[str, Any]", protection.get("required_pull_request_reviews") or {})
    if reviews:
        yield f"{asked} reviews", True, _reviews(reviews.get("required_approving_review_count"))


def _signatures(branch: str) -> Row:
    advice = f"{UNSIGNED}, so a merge is refused: let the rule spare pull requests from {OWN_BRANCHES}**, or lift it"
    return f"{branch} takes unsigned commits", False, advice


def _reviews(count: object) -> str:
    if not isinstance(count, int) or not count:
        return "a pull request"
    return f"a pull request with {count} approving review{'s' if count > 1 else ''}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join("".join(c for c in name if c.isprintable())[:80] for name in names) or "none by name"
