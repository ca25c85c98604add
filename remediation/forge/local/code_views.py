"""GitHub-shaped JSON for what git holds, and for what tools say of a commit."""

import re
from typing import Any

from remediation.forge.local.bare import Facts, FileDiff, Item, Who
from remediation.forge.local.records import CheckRun, Deployment, DeploymentStatus, Status
from remediation.forge.local.views import LONG_AGO, Json, Views, quoted

NOREPLY = re.compile(r"(?:\d+\+)?([A-Za-z0-9-]+)@users\.noreply\.[a-z.]+")


class CodeViews(Views):
    """Commits, files, references, and the marks that tools leave on them."""

    def commit(self, repository: str, facts: Facts) -> Json:
        """A commit."""
        url = f"{self.repository_url(repository)}/commits/{facts.sha}"
        page = f"{self.site}/{repository}/commit"
        above = f"{self.repository_url(repository)}/commits"
        parents = [{"sha": p, "url": f"{above}/{p}", "html_url": f"{page}/{p}"} for p in facts.parents]
        return {
            "sha": facts.sha,
            "node_id": f"CM_{facts.sha}",
            "url": url,
            "html_url": f"{page}/{facts.sha}",
            "comments_url": f"{url}/comments",
            "author": self._known(facts.author),
            "committer": self._known(facts.committer),
            "commit": {**self._git_part(repository, facts), "comment_count": 0},
            "parents": parents,
        }

    def _known(self, who: Who) -> Json | None:
        """The person whose address it is: only those that a forge gives away are known to belong to somebody."""
        found = NOREPLY.fullmatch(who.mail)
        return self.user(found[1]) if found else None

    def whole_commit(self, repository: str, facts: Facts, files: list[FileDiff]) -> Json:
        """A commit with what it changes against its first parent."""
        plus, minus = sum(file.added for file in files), sum(file.removed for file in files)
        return {
            **self.commit(repository, facts),
            "stats": {"additions": plus, "deletions": minus, "total": plus + minus},
            "files": [self.file(repository, facts.sha, file) for file in files],
        }

    def git_commit(self, repository: str, facts: Facts) -> Json:
        """A commit as git's own object."""
        shown = self.commit(repository, facts)
        kept = ("sha", "node_id", "html_url", "parents")
        url = f"{self.repository_url(repository)}/git/commits/{facts.sha}"
        return {**{name: shown[name] for name in kept}, **self._git_part(repository, facts), "url": url}

    def file(self, repository: str, sha: str, file: FileDiff) -> Json:
        """One file of a diff."""
        page = f"{self.site}/{repository}"
        shown: Json = {
            "sha": file.sha,
            "filename": file.path,
            "status": file.status,
            "additions": file.added,
            "deletions": file.removed,
            "changes": file.added + file.removed,
            "blob_url": f"{page}/blob/{sha}/{quoted(file.path)}",
            "raw_url": f"{page}/raw/{sha}/{quoted(file.path)}",
            "contents_url": f"{self.repository_url(repository)}/contents/{quoted(file.path)}?ref={sha}",
        }
        return {**shown, "patch": file.patch} if file.patch else shown

    def ref(self, repository: str, name: str, sha: str) -> Json:
        """A reference; `name` without `refs/`."""
        base = self.repository_url(repository)
        target = {"type": "commit", "sha": sha, "url": f"{base}/git/commits/{sha}"}
        return {"ref": f"refs/{name}", "node_id": f"REF_{name}", "url": f"{base}/git/refs/{name}", "object": target}

    def branch(self, repository: str, name: str, sha: str) -> Json:
        """A branch, in short."""
        url = f"{self.repository_url(repository)}/commits/{sha}"
        return {"name": name, "commit": {"sha": sha, "url": url}, "protected": False}

    def whole_branch(self, repository: str, name: str, facts: Facts) -> Json:
        """A branch with its tip."""
        url = f"{self.repository_url(repository)}/branches/{name}"
        return {
            "name": name,
            "commit": self.commit(repository, facts),
            "_links": {"self": url, "html": f"{self.site}/{repository}/tree/{name}"},
            "protected": False,
            "protection": {"enabled": False},
            "protection_url": f"{url}/protection",
        }

    def item(self, repository: str, ref: str, item: Item) -> Json:
        """A file, folder, link or submodule of a tree."""
        url = f"{self.repository_url(repository)}/contents/{quoted(item.path)}?ref={ref}"
        page = f"{self.site}/{repository}/blob/{ref}/{quoted(item.path)}"
        kind = {"120000": "symlink", "160000": "submodule"}.get(item.mode, "dir" if item.kind == "tree" else "file")
        raw = f"{self.site}/{repository}/raw/{ref}/{quoted(item.path)}"
        blob = f"{self.repository_url(repository)}/git/blobs/{item.sha}"
        return {
            "type": kind,
            "size": item.size,
            "name": item.path.rpartition("/")[2],
            "path": item.path,
            "sha": item.sha,
            "url": url,
            "git_url": blob,
            "html_url": page,
            "download_url": raw if kind == "file" else None,
            "_links": {"self": url, "git": blob, "html": page},
        }

    def status(self, status: Status) -> Json:
        """What some tool says of a commit."""
        return {**self.short_status(status), "creator": self.user(status.author)}

    def short_status(self, status: Status) -> Json:
        """The same, as the combined status lists it."""
        return {
            "url": f"{self.repository_url(status.repository)}/statuses/{status.sha}",
            "avatar_url": None,
            "id": status.id,
            "node_id": f"S_{status.id}",
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": status.created,
            "updated_at": status.created,
        }

    def check_run(self, run: CheckRun) -> Json:
        """One run of a check."""
        url = f"{self.repository_url(run.repository)}/check-runs/{run.id}"
        owner = run.repository.partition("/")[0]
        return {
            "id": run.id,
            "head_sha": run.sha,
            "node_id": f"CR_{run.id}",
            "external_id": run.external_id,
            "url": url,
            "html_url": f"{self.site}/{run.repository}/runs/{run.id}",
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started,
            "completed_at": run.completed,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": run.text,
                "annotations_count": 0,
                "annotations_url": f"{url}/annotations",
            },
            "name": run.name,
            "check_suite": {"id": run.id},  # clients stumble over a run without one
            "app": self._app(owner),
            "pull_requests": [],
        }

    def deployment(self, deployment: Deployment, payload: Any) -> Json:  # noqa: ANN401 - JSON of any kind
        """A deployment that was asked for."""
        repository = self.repository_url(deployment.repository)
        url = f"{repository}/deployments/{deployment.id}"
        return {
            "url": url,
            "id": deployment.id,
            "node_id": f"D_{deployment.id}",
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(deployment.author),
            "created_at": deployment.created,
            "updated_at": deployment.created,
            "statuses_url": f"{url}/statuses",
            "repository_url": repository,
        }

    def deployment_status(self, status: DeploymentStatus) -> Json:
        """What became of a deployment."""
        repository = self.repository_url(status.repository)
        deployment = f"{repository}/deployments/{status.deployment}"
        return {
            "url": f"{deployment}/statuses/{status.id}",
            "id": status.id,
            "node_id": f"DS_{status.id}",
            "state": status.state,
            "creator": self.user(status.author),
            "description": status.description,
            "environment": status.environment,
            "target_url": "",
            "created_at": status.created,
            "updated_at": status.created,
            "deployment_url": deployment,
            "repository_url": repository,
            "environment_url": "",
            "log_url": "",
        }

    def _git_part(self, repository: str, facts: Facts) -> Json:
        base = self.repository_url(repository)
        unsigned = {"verified": False, "reason": "unsigned", "payload": None, "signature": None, "verified_at": None}
        return {
            "url": f"{base}/git/commits/{facts.sha}",
            "author": _who(facts.author),
            "committer": _who(facts.committer),
            "message": facts.message,
            "tree": {"sha": facts.tree, "url": f"{base}/git/trees/{facts.tree}"},
            "verification": unsigned,
        }

    def _app(self, owner: str) -> Json:
        """Whoever posts check runs here: clients stumble over a run that no app made."""
        return {
            "id": 1,
            "slug": "local",
            "node_id": "A_1",
            "owner": self.user(owner),
            "name": "local",
            "description": None,
            "external_url": self.site,
            "html_url": self.site,
            "created_at": LONG_AGO,
            "updated_at": LONG_AGO,
            "permissions": {},
            "events": [],
        }


def _who(who: Who) -> Json:
    return {"name": who.name, "email": who.mail, "date": who.at}
