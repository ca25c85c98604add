"""What no change may touch, whatever `scope.allow` says: it would decide over the daemon, the reviewers or the proof.

Patterns are those of .gitignore in small letters: paths are compared without regard to letter case.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One pattern, and why it is denied."""

    pattern: str
    because: str


def _rules(because: str, *patterns: str) -> tuple[Rule, ...]:
    return tuple(Rule(pattern=pattern, because=because) for pattern in patterns)


LOCK_FILES: tuple[Rule, ...] = _rules(
    "a lock file names code from elsewhere that nobody reads in review",
    "*.lock",
    "*.lock.*",
    "*.lockb",
    "*.lockfile",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.y*ml",
    "packages.lock.json",
    "package.resolved",
    "go.sum",
)
"""Files that only a change which puts pinned versions back may touch."""

ALWAYS_DENIED: tuple[Rule, ...] = (
    *_rules(
        "continuous integration runs with credentials, and judges the change",
        ".github",
        ".gitlab",
        ".gitlab-ci*.yml",
        ".gitea",
        ".forgejo",
        ".circleci",
        ".buildkite",
        ".teamcity",
        ".tekton",
        ".semaphore",
        ".woodpecker",
        ".woodpecker.y*ml",
        ".drone.y*ml",
        ".travis.y*ml",
        ".appveyor.y*ml",
        "appveyor.y*ml",
        ".cirrus.y*ml",
        ".azure-pipelines",
        "azure-pipelines*.y*ml",
        "bitbucket-pipelines.y*ml",
        "cloudbuild*.y*ml",
        "codefresh.y*ml",
        "buildspec*.y*ml",
        "jenkinsfile*",
        ".ci",
    ),
    *_rules("it decides who reviews", "codeowners"),
    *_rules("it decides over Trackwalker itself", "trackwalker.y*ml", ".trackwalker*", "trust.y*ml", "conf.d/**"),
    *_rules(
        "it changes how git or its hooks treat every file",
        ".gitmodules",
        ".gitattributes",
        ".gitconfig",
        ".lfsconfig",
        ".githooks",
        ".husky",
        ".pre-commit-config.y*ml",
        "lefthook.y*ml",
    ),
    *_rules(
        "it runs inside the tests, and could decide the verdict",
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "*.pth",
    ),
    *_rules(
        "a change of stored data cannot be taken back by a revert",
        "migrations",
        "migration",
        "**/alembic/versions",
        "**/db/migrate",
        "**/db/schema.rb",
        "flyway",
        "liquibase",
    ),
    *_rules(
        "it decides who may do what",
        "auth",
        "authn",
        "authz",
        "authentication",
        "authorization",
        "oauth",
        "oauth2",
        "auth.*",
        "authentication.*",
        "authorization.*",
        "oauth.*",
        "oauth2.*",
    ),
    *LOCK_FILES,
)
