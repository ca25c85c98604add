"""Who owns a path: GitHub's own examples of CODEOWNERS, and what it skips."""

import pytest

from remediation.codeowners import LARGEST, owners_of

FILE = b"""# Each line is a file pattern followed by one or more owners.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
/src/*/deep.py @deep
with\\ blank.md @blank
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("readme", ("@global-owner1", "@global-owner2")),
        ("a/b/c.js", ("@js-owner",)),
        ("x.go", ("docs@example.com",)),
        ("n/x.txt", ("@octo-org/octocats",)),
        ("build/logs/one.log", ("@octocat",)),  # the last rule that matches: **/logs
        ("docs/a.md", ("@doctocat",)),
        ("docs/b/c.md", ("@doctocat",)),
        ("sub/apps/x", ("@octocat",)),
        ("scripts/go.sh", ("@doctocat", "@octocat")),
        ("deeply/nested/logs/x", ("@octocat",)),
        ("apps/x", ("@octocat",)),
        ("apps/github", ()),  # a rule with no owner: nobody's
        ("apps/github/x", ()),
        ("src/one/deep.py", ("@deep",)),
        ("src/one/two/deep.py", ("@global-owner1", "@global-owner2")),
        ("with blank.md", ("@blank",)),
    ],
)
def test_the_last_rule_that_matches_counts(path: str, owners: tuple[str, ...]) -> None:
    assert owners_of(FILE, [path]) == owners


@pytest.mark.parametrize(
    "line", [b"!a.py @no", b"a[bc].py @no", b"\\#a.py @no", b"a.py @no nobody", b"/ @no", b"a*** @no"]
)
def test_what_github_does_not_take_is_skipped(line: bytes) -> None:
    assert owners_of(b"* @all\n" + line + b"\n", ["a.py", "ab.py", "#a.py"]) == ("@all",)


def test_one_folder_deep_is_one_folder_deep() -> None:
    assert owners_of(b"docs/* @writers\n", ["docs/a.md", "docs/b/c.md"]) == ("@writers",)
    assert owners_of(b"docs/* @writers\n", ["docs/b/c.md"]) == ()


def test_owners_of_several_paths_are_each_named_once_and_a_huge_file_names_nobody() -> None:
    assert owners_of(b"*.py @a @b\n*.md @b @c\n", ["x.md", "y.py"]) == ("@b", "@c", "@a")
    assert owners_of(b"* @a\n" + b"#" * LARGEST, ["x"]) == ()
