"""GitHub-shaped JSON for people, repositories and labels. Addresses are those that the asker used to come here."""

import zlib
from typing import Any
from urllib.parse import quote

from remediation.forge.local.bare import Bare
from remediation.forge.local.records import Label

Json = dict[str, Any]

# Where each of a repository's addresses goes on below its own, as GitHub's templates have it.
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
LONG_AGO = "2000-01-01T00:00:00Z"  # git does not tell when a repository was made


class Views:
    """JSON with addresses below `site` (`http://host:port`)."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.api = f"{site}/api/v3"

    def repository_url(self, full_name: str) -> str:
        """Where the API has a repository."""
        return f"{self.api}/repos/{full_name}"

    def user(self, login: str) -> Json:
        """A person, in short."""
        url = f"{self.api}/users/{login}"
        return {
            "login": login,
            "id": zlib.crc32(login.encode()),
            "node_id": f"U_{login}",
            "avatar_url": f"{self.site}/avatars/{login}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.site}/{login}",
            **{name: url + rest for name, rest in USER_LINKS.items()},
            "type": "Bot" if login.endswith("[bot]") else "User",
            "site_admin": False,
        }

    def profile(self, login: str) -> Json:
        """A person, as they see themselves."""
        unknown = ("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username")
        counts = ("public_repos", "public_gists", "followers", "following")
        return {
            **self.user(login),
            **dict.fromkeys(unknown),
            **dict.fromkeys(counts, 0),
            "user_view_type": "public",
            "created_at": LONG_AGO,
            "updated_at": LONG_AGO,
        }

    def repository(self, bare: Bare, *, may_write: bool) -> Json:
        """A repository, whole."""
        url, page = self.repository_url(bare.full_name), f"{self.site}/{bare.full_name}"
        owner, _, name = bare.full_name.partition("/")
        counts = (
            *("forks_count", "stargazers_count", "watchers_count", "size", "open_issues_count"),
            *("subscribers_count", "network_count", "forks", "open_issues", "watchers"),
        )
        return {
            "id": zlib.crc32(bare.full_name.encode()),
            "node_id": f"R_{bare.full_name}",
            "name": name,
            "full_name": bare.full_name,
            "owner": self.user(owner),
            "private": False,
            "html_url": page,
            "url": url,
            **{link: url + rest for link, rest in REPOSITORY_LINKS.items()},
            "git_url": f"{page}.git",
            "ssh_url": f"{page}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            **dict.fromkeys(("description", "mirror_url", "homepage", "language", "license")),
            **dict.fromkeys(counts, 0),
            "fork": False,
            "default_branch": bare.default_branch(),
            **dict.fromkeys(("has_issues", "has_downloads"), True),
            **dict.fromkeys(("has_projects", "has_wiki", "has_pages", "has_discussions", "disabled"), False),
            "archived": bare.archived,
            **dict.fromkeys(("pushed_at", "created_at", "updated_at"), LONG_AGO),
            "permissions": {"admin": False, "pull": True, "push": may_write and not bare.archived},
            "allow_merge_commit": "merge" in bare.ways,
            "allow_squash_merge": "squash" in bare.ways,
            "allow_rebase_merge": "rebase" in bare.ways,
        }

    def label(self, repository: str, name: str, known: Label | None = None) -> Json:
        """A label."""
        return {
            "id": known.id if known else zlib.crc32(name.encode()),
            "node_id": f"L_{name}",
            "url": f"{self.repository_url(repository)}/labels/{name}",
            "name": name,
            "description": known.description if known else "",
            "color": known.color if known else "ededed",
            "default": False,
        }


def quoted(path: str) -> str:
    """A path for an address."""
    return quote(path)
