"""What a change may touch: each refusal with its rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.denied import ALWAYS_DENIED
from config.scope import hygiene, in_scope
from config.settings import ScopeSettings

ANY = ScopeSettings()
NARROW = ScopeSettings(allow=("src/**", "config/*.yaml"), deny=("src/Billing/**", "*.pem"))


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "src/a.py",
        "größe/straße.py",
        "a b/c.txt",
        ".gitignore",
        "src/.hidden",
        "author.py",
        "authors/authority.py",
        "oracle.py",
        "sample.py",
        "buildings.yml",
        "a/git.py",
        "…",
    ],
)
def test_plain_paths_pass(path: str) -> None:
    assert in_scope([path], ANY, lines=60) == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "the path is empty"),
        ("/etc/passwd", "the path is absolute"),
        ("a\\b", "a backslash is a folder on some machines"),
        ("../a", "the path climbs out with .."),
        ("a/../../b", "the path climbs out with .."),
        ("a//b", "the path has an empty part"),
        ("a/", "the path has an empty part"),
        ("./a", "the path has an empty part"),
        (".git/hooks/pre-commit", "the path leads into .git"),
        ("sub/.GIT/config", "the path leads into .git"),
        (".git", "the path leads into .git"),
        (".git.", "the path leads into .git"),
        (".git::$INDEX_ALLOCATION/x", "the path leads into .git"),
        ("GIT~1/config", "the path leads into .git"),
        ("-rf", "a name that begins with - is read as an option"),
        ("src/--upload-pack=x", "a name that begins with - is read as an option"),
        ("a\nb", "the path holds hidden or control characters"),
        ("a\x00b", "the path holds hidden or control characters"),
        ("a\u202egnp.py", "the path holds hidden or control characters"),
        (".g\u200cit/config", "the path holds hidden or control characters"),
        ("a\u00a0b", "the path holds hidden or control characters"),
        ("a\u2028b", "the path holds hidden or control characters"),
        ("a\udcffb", "the path holds hidden or control characters"),
        (" a", "a name begins or ends with a space"),
        ("a /b", "a name begins or ends with a space"),
        ("a" * 256, "the path is too long"),
        ("a/" * 2100 + "a", "the path is too long"),
    ],
)
@pytest.mark.parametrize("exact_inverse", [False, True])
def test_path_hygiene(path: str, expected: str, *, exact_inverse: bool) -> None:
    assert expected in hygiene(path)
    reasons = in_scope([path], ANY, lines=1, exact_inverse=exact_inverse)
    assert any(reason.endswith(expected) for reason in reasons)
    assert "".join(reasons).isprintable()


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        (".github/workflows/test.yml", ".github"),
        (".GitHub/workflows/a.yml", ".github"),
        ("nested/.github/dependabot.yml", ".github"),
        (".gitlab-ci.yml", ".gitlab-ci*.yml"),
        (".circleci/config.yml", ".circleci"),
        ("Jenkinsfile", "jenkinsfile*"),
        ("docs/CODEOWNERS", "codeowners"),
        ("trackwalker.yaml", "trackwalker.y*ml"),
        ("deploy/trust.yaml", "trust.y*ml"),
        ("conf.d/watch.yaml", "conf.d/**"),
        ("shop/migrations/0001_initial.py", "migrations"),
        ("db/migrate/20260101_add.rb", "**/db/migrate"),
        ("services/auth/token.py", "auth"),
        ("flaskr/auth.py", "auth.*"),
        ("uv.lock", "*.lock"),
        ("web/package-lock.json", "package-lock.json"),
        ("requirements-dev.lock", "*.lock"),
        ("go.sum", "go.sum"),
        (".terraform.lock.hcl", "*.lock.*"),
        (".gitmodules", ".gitmodules"),
        ("a/.gitattributes", ".gitattributes"),
        ("tests/conftest.py", "conftest.py"),
        (".prow/jobs.yaml", ".prow*"),
        (".build.yml", ".build.y*ml"),
        ("web/netlify.toml", "netlify.toml"),
        (".mergify.yml", ".mergify.y*ml"),
        ("renovate.json5", "renovate.json*"),
        ("sql/V12__orders.sql", "v[0-9]*__*.sql"),
        ("sql/0007_orders.up.sql", "*.up.sql"),
        ("schema.prisma", "schema.prisma"),
        ("src/user_auth.go", "*[-_.]auth.*"),
        ("src/authorization_filter.kt", "authoriz*"),
        ("k8s/rbac/role.yaml", "rbac*"),
        ("pylock.dev.toml", "pylock.*.toml"),
        ("\uff0e\uff47ithub/x", ".github"),  # full-width letters that some systems fold
    ],
)
@pytest.mark.parametrize("exact_inverse", [False, True])
def test_what_is_always_denied(path: str, pattern: str, *, exact_inverse: bool) -> None:
    rule = next(rule for rule in ALWAYS_DENIED if rule.pattern == pattern)
    expected = f"{path}: always denied ({pattern}): {rule.because}"
    assert (expected,) == in_scope([path], ANY, lines=1, exact_inverse=exact_inverse)


@pytest.mark.parametrize("rule", ALWAYS_DENIED, ids=lambda rule: rule.pattern)
def test_built_in_patterns_are_in_small_letters(rule: object) -> None:
    pattern = str(getattr(rule, "pattern", ""))
    assert pattern
    assert pattern == pattern.casefold()


def test_the_operators_own_lists() -> None:
    assert in_scope(["src/a.py", "config/a.yaml"], NARROW, lines=2) == ()
    assert in_scope(["docs/a.md"], NARROW, lines=2) == ("docs/a.md: outside scope.allow (src/**, config/*.yaml)",)
    assert in_scope(["src/billing/a.py"], NARROW, lines=2) == (
        "src/billing/a.py: denied by scope.deny (src/Billing/**)",
    )
    assert in_scope(["src/KEY.PEM"], NARROW, lines=2) == ("src/KEY.PEM: denied by scope.deny (*.pem)",)
    assert in_scope(["a"], ScopeSettings(allow=()), lines=1) == ("a: outside scope.allow (nothing)",)


def test_size() -> None:
    assert in_scope(["a", "b", "c"], ANY, lines=60) == ()
    assert in_scope(["a", "b", "c", "d"], ANY, lines=61) == (
        "4 files are touched, more than scope.max_files (3)",
        "61 lines are changed, more than scope.max_lines (60)",
    )


def test_a_change_of_nothing_is_no_change() -> None:
    assert in_scope([], ANY, lines=0) == ("the change touches no file",)


def test_an_exact_inverse_is_excused_from_allow_and_size_and_from_nothing_else() -> None:
    paths = [f"docs/{number}.md" for number in range(20)]
    assert in_scope(paths, NARROW, lines=5000, exact_inverse=True) == ()
    assert in_scope([*paths, "src/billing/a.py"], NARROW, lines=5000, exact_inverse=True) == (
        "src/billing/a.py: denied by scope.deny (src/Billing/**)",
    )


@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_path_gets_an_answer_that_can_be_printed(paths: list[str]) -> None:
    reasons = in_scope(paths, NARROW, lines=1)
    assert all(reason.isprintable() for reason in reasons)
    assert paths or reasons
