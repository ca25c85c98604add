"""The API below `/api/v3`: its routes, in the order of GitHub's documentation, and nothing else."""

from collections.abc import Callable

from werkzeug import Response
from werkzeug.routing import Map, Rule

from remediation.forge.local import (
    apps,
    checks,
    conversation,
    deployments,
    graphql,
    issues,
    people,
    pulls,
    repositories,
)
from remediation.forge.local.call import Call

Handler = Callable[[Call], Response]
REPOSITORY = "/api/v3/repos/<owner>/<name>"

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/api/graphql", graphql.mutate),
    ("GET", "/api/v3/app", apps.app),
    ("GET", "/api/v3/app/installations/<int:number>", apps.installation),
    ("POST", "/api/v3/app/installations/<int:number>/access_tokens", apps.mint),
    ("GET", f"{REPOSITORY}/installation", apps.of_repository),
    ("GET", "/api/v3/user", repositories.user),
    ("GET", "/api/v3/user/repos", repositories.own_repositories),
    ("GET", "/api/v3/rate_limit", repositories.rate_limit),
    ("GET", REPOSITORY, repositories.repository),
    ("GET", f"{REPOSITORY}/branches", repositories.branches),
    ("GET", f"{REPOSITORY}/branches/<path:branch>", repositories.branch),
    ("POST", f"{REPOSITORY}/git/refs", repositories.create_ref),
    ("GET", f"{REPOSITORY}/git/ref/<path:ref>", repositories.ref),
    ("PATCH", f"{REPOSITORY}/git/refs/<path:ref>", repositories.update_ref),
    ("DELETE", f"{REPOSITORY}/git/refs/<path:ref>", repositories.delete_ref),
    ("GET", f"{REPOSITORY}/git/commits/<sha>", repositories.git_commit),
    ("GET", f"{REPOSITORY}/commits", repositories.commits),
    ("GET", f"{REPOSITORY}/commits/<path:ref>", repositories.commit),
    ("GET", f"{REPOSITORY}/commits/<path:ref>/status", checks.combined_status),
    ("GET", f"{REPOSITORY}/commits/<path:ref>/check-runs", checks.check_runs),
    ("GET", f"{REPOSITORY}/commits/<path:ref>/pulls", pulls.of_commit),
    ("GET", f"{REPOSITORY}/contents/", repositories.contents),
    ("GET", f"{REPOSITORY}/contents/<path:path>", repositories.contents),
    ("GET", f"{REPOSITORY}/compare/<path:basehead>", repositories.compare),
    ("GET", f"{REPOSITORY}/pulls", pulls.pulls),
    ("POST", f"{REPOSITORY}/pulls", pulls.create),
    ("GET", f"{REPOSITORY}/pulls/<int:number>", pulls.pull),
    ("PATCH", f"{REPOSITORY}/pulls/<int:number>", pulls.update),
    ("GET", f"{REPOSITORY}/pulls/<int:number>/files", pulls.files),
    ("GET", f"{REPOSITORY}/pulls/<int:number>/commits", pulls.commits),
    ("PUT", f"{REPOSITORY}/pulls/<int:number>/merge", pulls.merge),
    ("GET", f"{REPOSITORY}/pulls/<int:number>/reviews", pulls.reviews),
    ("POST", f"{REPOSITORY}/pulls/<int:number>/reviews", pulls.create_review),
    ("POST", f"{REPOSITORY}/pulls/<int:number>/requested_reviewers", pulls.request_reviewers),
    ("GET", f"{REPOSITORY}/labels", issues.labels),
    ("POST", f"{REPOSITORY}/labels", issues.create_label),
    ("GET", f"{REPOSITORY}/pulls/<int:number>/comments", conversation.line_comments),
    ("POST", f"{REPOSITORY}/pulls/<int:number>/comments", conversation.comment_on_line),
    ("POST", f"{REPOSITORY}/pulls/<int:number>/comments/<int:comment>/replies", conversation.reply_to_line),
    ("POST", f"{REPOSITORY}/pulls/comments/<int:number>/reactions", conversation.react_to_line),
    ("GET", f"{REPOSITORY}/issues", conversation.listed),
    ("POST", f"{REPOSITORY}/issues", issues.create),
    ("GET", f"{REPOSITORY}/issues/<int:number>", issues.issue),
    ("PATCH", f"{REPOSITORY}/issues/<int:number>", issues.update),
    ("GET", f"{REPOSITORY}/issues/<int:number>/labels", issues.thread_labels),
    ("POST", f"{REPOSITORY}/issues/<int:number>/labels", issues.add_labels),
    ("DELETE", f"{REPOSITORY}/issues/<int:number>/labels/<path:label>", conversation.remove_label),
    ("GET", f"{REPOSITORY}/issues/comments/<int:number>/reactions", conversation.reactions),
    ("POST", f"{REPOSITORY}/issues/comments/<int:number>/reactions", conversation.react),
    ("GET", f"{REPOSITORY}/issues/<int:number>/comments", issues.comments),
    ("POST", f"{REPOSITORY}/issues/<int:number>/comments", issues.create_comment),
    ("PATCH", f"{REPOSITORY}/issues/comments/<int:number>", issues.update_comment),
    ("DELETE", f"{REPOSITORY}/issues/comments/<int:number>", issues.delete_comment),
    ("PUT", f"{REPOSITORY}/collaborators/<login>", people.add),
    ("DELETE", f"{REPOSITORY}/collaborators/<login>", people.remove),
    ("GET", f"{REPOSITORY}/collaborators/<login>/permission", people.permission),
    ("POST", f"{REPOSITORY}/statuses/<sha>", checks.create_status),
    ("POST", f"{REPOSITORY}/check-runs", checks.create_check_run),
    ("GET", f"{REPOSITORY}/branches/<path:branch>/protection", repositories.protection),
    ("GET", f"{REPOSITORY}/rules/branches/<path:branch>", repositories.rules),
    ("GET", f"{REPOSITORY}/deployments", deployments.deployments),
    ("POST", f"{REPOSITORY}/deployments", deployments.create),
    ("GET", f"{REPOSITORY}/deployments/<int:number>/statuses", deployments.statuses),
    ("POST", f"{REPOSITORY}/deployments/<int:number>/statuses", deployments.create_status),
)


def api_map() -> Map:
    """The routes as werkzeug matches them; an endpoint is its handler."""
    rules = [Rule(path, methods=[method], endpoint=handler) for method, path, handler in ROUTES]
    return Map(rules, strict_slashes=False, merge_slashes=False)
