"""What the forge lets us do in a repository, each permission by itself, without writing anything.

An App is told what was granted to it. A token is told nothing: so each thing is read once, and each write is asked for
in a form that can never be done (a pull request from a branch into itself, an issue without a title, the status of no
commit), which a forge refuses for its form where it would allow it, and for lack of permission where it would not.
Permissions: https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias
from urllib.parse import quote

from remediation.forge.app import NEEDED, WELCOME, Installation
from remediation.forge.github import GithubApi
from remediation.forge.proof_report import OWN_CONTEXT
from remediation.forge.repository import ForgeRepository

Row: TypeAlias = tuple[str, bool, str]
"""(permission, granted, what to do when it is not)."""

ANSWERS = (403, 404, 409, 410, 422)
MISSING = frozenset({403, 404})
GONE = 410
ZERO = "0" * 40
SAID: Mapping[str, str] = {
    "contents": "Contents",
    "pull_requests": "Pull requests",
    "issues": "Issues",
    "metadata": "Metadata",
    "checks": "Checks",
    "statuses": "Commit statuses",
    "deployments": "Deployments",
}
"""Permissions as GitHub's settings call them."""
FOR: Mapping[str, str] = {
    "checks": "the proof is shown as a check run, and other checks of a pull request are read",
    "statuses": "what CI says of a pull request is read",
    "deployments": "only a marker {github_deployments: …} reads them",
}


def rows(api: GithubApi, repository: ForgeRepository) -> Iterator[Row]:
    """Each permission that is needed there; pushing is for git to ask. Raises as every call of the API does."""
    if isinstance(api.installation, Installation):
        yield from _of_app(api.installation)
        yield "the proof is shown as", True, "a check run"
        return
    yield from _reads(api, repository)
    yield from _writes(api, repository)
    yield "the proof is shown as", True, "a commit status: only an App may make check runs"


def _of_app(installation: Installation) -> Iterator[Row]:
    granted = installation.granted()
    for name, level in {**NEEDED, **WELCOME}.items():
        has = granted.get(name, "none")
        good = has in {level, "admin", "write"}
        advice = f"it has {has}: give the App {SAID[name]}: {_words(level)}, and accept that where it is installed"
        if name == "deployments" and not good:
            yield f"{name}: {level}", True, f"not granted; {FOR[name]}"
        else:
            yield f"{name}: {level}", good, "" if good else f"{advice}{_because(name)}"


def _reads(api: GithubApi, repository: ForgeRepository) -> Iterator[Row]:
    """What is only read; whoever may write pull requests and issues may read them."""
    base, ref = f"/repos/{repository.full_name}", quote(repository.branch, safe="")
    for name, path in (
        ("checks", f"{base}/commits/{ref}/check-runs"),
        ("statuses", f"{base}/commits/{ref}/status"),
        ("deployments", f"{base}/deployments"),
    ):
        what = f"what may be read of {repository.full_name}"
        good = api.heard(what, path, {"per_page": 1}, accept=ANSWERS).status not in MISSING
        yield f"{name}: read", good or name == "deployments", "" if good else f"not granted; {FOR[name]}{_advice(name)}"


def _writes(api: GithubApi, repository: ForgeRepository) -> Iterator[Row]:
    base, branch = f"/repos/{repository.full_name}", repository.branch
    refused: tuple[tuple[str, str, Mapping[str, object]], ...] = (
        ("pull_requests", f"{base}/pulls", {"title": "never", "head": branch, "base": branch}),
        ("issues", f"{base}/issues", {"title": ""}),
        ("statuses", f"{base}/statuses/{ZERO}", {"state": "pending", "context": OWN_CONTEXT}),
    )
    for name, path, never in refused:
        status = api.write(f"what may be written in {repository.full_name}", "POST", path, never, accept=ANSWERS).status
        if status == GONE:
            yield (
                f"{name}: write",
                False,
                "issues are switched off there: switch them on, for comments and labels",
            )
            continue
        good = status not in MISSING
        yield f"{name}: write", good, "" if good else f"give the token {SAID[name]}: {_words('write')}"


def _advice(name: str) -> str:
    return f": give the token {SAID[name]}: {_words('read')}"


def _because(name: str) -> str:
    return f"; {FOR[name]}" if name in FOR else ""


def _words(level: str) -> str:
    return "read-only" if level == "read" else "read and write"
