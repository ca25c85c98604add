"""GitHub-shaped JSON for issues, pull requests, their comments and reviews."""

import zlib

from remediation.forge.local.bare import Bare
from remediation.forge.local.records import Comment, LineComment, Reaction, Review, Thread
from remediation.forge.local.views import Json, Views


class ThreadViews(Views):
    """What people talk about."""

    def pull(self, thread: Thread, bare: Bare) -> Json:
        """A pull request as lists show it."""
        repository = self.repository_url(thread.repository)
        url, page = f"{repository}/pulls/{thread.number}", f"{self.site}/{thread.repository}/pull/{thread.number}"
        issue = f"{repository}/issues/{thread.number}"
        links = {
            "self": url,
            "html": page,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{repository}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": f"{repository}/statuses/{thread.head_sha}",
        }
        whole = self.repository(bare, may_write=True)
        owner = thread.repository.partition("/")[0]
        ends = {
            end: {"label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": self.user(owner), "repo": whole}
            for end, ref, sha in (
                ("head", thread.head, thread.head_sha),
                ("base", thread.base, thread.base_sha),
            )
        }
        return {
            **self._shared(thread),
            **ends,
            "url": url,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": issue,
            **{f"{name}_url": href for name, href in links.items() if name not in {"self", "html", "issue"}},
            "_links": {name: {"href": href} for name, href in links.items()},
            "merged_at": thread.merged or None,
            "merge_commit_sha": thread.merge_sha or None,
            "requested_reviewers": [self.user(login) for login in thread.reviewers if "/" not in login],
            "requested_teams": [self.team(name) for name in thread.reviewers if "/" in name],
            "auto_merge": None,
            "draft": thread.draft,
        }

    def team(self, name: str) -> Json:
        """A team, `organization/slug`."""
        organization, _, slug = name.partition("/")
        url = f"{self.api}/orgs/{organization}/teams/{slug}"
        return {
            "id": zlib.crc32(name.encode()),
            "node_id": f"TM_{slug}",
            "url": url,
            "html_url": f"{self.site}/orgs/{organization}/teams/{slug}",
            "name": slug,
            "slug": slug,
            "description": None,
            "privacy": "closed",
            "permission": "push",
            "type": "organization",
            "organization_id": zlib.crc32(organization.encode()),
            "members_url": f"{url}/members{{/member}}",
            "repositories_url": f"{url}/repos",
            "parent": None,
        }

    def whole_pull(self, thread: Thread, bare: Bare, *, mergeable: bool | None, comments: int) -> Json:
        """A pull request as it is shown alone."""
        start = bare.merge_base(thread.base_sha, thread.head_sha) or thread.base_sha
        files = bare.files(start, thread.head_sha)
        shown_state = "draft" if thread.draft else {True: "clean", False: "dirty", None: "unknown"}[mergeable]
        return {
            **self.pull(thread, bare),
            "merged": bool(thread.merged),
            "mergeable": mergeable,
            "rebaseable": mergeable,
            "mergeable_state": shown_state,
            "merged_by": self.user(thread.merged_by) if thread.merged_by else None,
            "comments": comments,
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": bare.count(start, thread.head_sha)[1],
            "additions": sum(file.added for file in files),
            "deletions": sum(file.removed for file in files),
            "changed_files": len(files),
        }

    def issue(self, thread: Thread, comments: int) -> Json:
        """An issue; a pull request is one too."""
        repository = self.repository_url(thread.repository)
        url, kind = f"{repository}/issues/{thread.number}", "pull" if thread.head else "issues"
        page = f"{self.site}/{thread.repository}/{kind}/{thread.number}"
        shown = {
            **self._shared(thread),
            "url": url,
            "repository_url": repository,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": page,
            "comments": comments,
            "closed_by": self.user(thread.closed_by) if thread.closed_by else None,
        }
        if thread.head:
            pull = f"{repository}/pulls/{thread.number}"
            addresses = {"url": pull, "html_url": page, "diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}
            shown["pull_request"] = {**addresses, "merged_at": thread.merged or None}
        return shown

    def comment(self, comment: Comment) -> Json:
        """A comment in a thread."""
        repository = self.repository_url(comment.repository)
        return {
            "id": comment.id,
            "node_id": f"C_{comment.id}",
            "url": f"{repository}/issues/comments/{comment.id}",
            "html_url": f"{self.site}/{comment.repository}/pull/{comment.number}#issuecomment-{comment.id}",
            "body": comment.body,
            "user": self.user(comment.author),
            "created_at": comment.created,
            "updated_at": comment.updated or comment.created,
            "issue_url": f"{repository}/issues/{comment.number}",
            "author_association": "COLLABORATOR",
        }

    def line_comment(self, comment: LineComment) -> Json:
        """A comment on a line of a pull request."""
        repository = self.repository_url(comment.repository)
        url, pull = f"{repository}/pulls/comments/{comment.id}", f"{repository}/pulls/{comment.number}"
        page = f"{self.site}/{comment.repository}/pull/{comment.number}#discussion_r{comment.id}"
        links = {"self": url, "html": page, "pull_request": pull}
        return {
            "id": comment.id,
            "node_id": f"PRRC_{comment.id}",
            "url": url,
            "html_url": page,
            "pull_request_url": pull,
            "pull_request_review_id": None,
            "diff_hunk": "",
            "path": comment.path,
            "line": comment.line,
            "commit_id": comment.sha,
            "original_commit_id": comment.sha,
            "body": comment.body,
            "user": self.user(comment.author),
            "created_at": comment.created,
            "updated_at": comment.created,
            "author_association": "COLLABORATOR",
            "_links": {name: {"href": href} for name, href in links.items()},
            **({"in_reply_to_id": comment.answers} if comment.answers else {}),
        }

    def reaction(self, reaction: Reaction) -> Json:
        """A reaction under a comment."""
        return {
            "id": reaction.id,
            "node_id": f"REA_{reaction.id}",
            "user": self.user(reaction.author),
            "content": reaction.content,
            "created_at": reaction.created,
        }

    def review(self, review: Review) -> Json:
        """A review of a pull request."""
        page = f"{self.site}/{review.repository}/pull/{review.number}"
        pull = f"{self.repository_url(review.repository)}/pulls/{review.number}"
        return {
            "id": review.id,
            "node_id": f"RV_{review.id}",
            "user": self.user(review.author),
            "body": review.body,
            "state": review.state,
            "html_url": f"{page}#pullrequestreview-{review.id}",
            "pull_request_url": pull,
            "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
            "submitted_at": review.created,
            "commit_id": review.sha,
            "author_association": "COLLABORATOR",
        }

    def _shared(self, thread: Thread) -> Json:
        """Fields that issues and pull requests share."""
        return {
            "id": thread.id,
            "node_id": f"T_{thread.id}",
            "number": thread.number,
            "state": thread.state,
            "locked": False,
            "title": thread.title,
            "user": self.user(thread.author),
            "body": thread.body or None,
            "labels": [self.label(thread.repository, name) for name in thread.labels],
            "milestone": None,
            "created_at": thread.created,
            "updated_at": thread.updated,
            "closed_at": thread.closed or None,
            "assignee": None,
            "assignees": [],
            "author_association": "COLLABORATOR",
        }
