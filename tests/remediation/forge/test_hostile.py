"""What a repository or an edit may try, and what becomes of it."""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cases.change import FileEdit
from cases.errors import PermanentError
from remediation.forge.repository import ForgeRepository
from remediation.forge.tree import check_path
from tests.parts.hub import Entry, World, git

BRANCH = "trackwalker/case1-1"
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
ODD_NAMES = ["-rf", "new\nline", "bidi\u202etxt.exe", "zero\u200bwidth", 'quote"d', "ünï", " lead", "--exec=x"]
ESCAPES = [
    *("/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a/.", "", "a/", ".git/config", ".GIT/hooks/x", "x/.git/y"),
    *("git~1/x", ".git./x", ".git /x", ".git::$INDEX_ALLOCATION/x", "\uff0egit/config", "new\nline", "nul\0", "bell\a"),
    *("bidi\u202ecod", "zero\u200bwidth", "bom\ufeff", "win\\path", "sur\udc80rogate", "l\u2028ine", "x" * 2000),
]


def names(tar: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as found:
        return {member.name for member in found.getmembers() if not member.isdir()}


@pytest.mark.parametrize("path", ESCAPES, ids=ascii)
def test_an_edit_may_not_leave_the_repository_or_hide(path: str) -> None:
    with pytest.raises(PermanentError, match="not a plain path"):
        check_path(path)


def test_an_escape_is_neither_pushed_nor_tried(there: World) -> None:
    for path in ("../up", ".git/hooks/pre-push", "new\nline"):
        edits = [FileEdit(path="fine.txt", content=b"x"), FileEdit(path=path, content=b"x")]
        with pytest.raises(PermanentError, match="not a plain path"):
            there.forge.push("shop", BRANCH, there.hub.tip(), edits, "Because\n")
        with pytest.raises(PermanentError, match="not a plain path"):
            there.forge.tree("shop", there.hub.tip(), edits)
    assert there.hub.tip(BRANCH) == ""


@pytest.mark.parametrize("path", ["a.txt", "src/deep/er/file.py", "-rf", "a b", "ünï/ço∂é", ".github/x", ".gitignore"])
def test_plain_paths_are_plain(path: str) -> None:
    check_path(path)


def test_odd_names_in_the_base_survive_a_push_and_a_trial(there: World) -> None:
    hostile: dict[str | bytes, bytes | Entry | None] = {b"latin\xe9": b"held\n"}
    hostile.update(dict.fromkeys(ODD_NAMES, b"held\n"))
    base = there.hub.commit("Odd", hostile)
    there.forge.push("shop", BRANCH, base, [FileEdit(path="a.txt", content=b"two\n")], "Because\n")
    before, after = there.hub.listing(base), there.hub.listing(BRANCH)
    assert {b"a.txt"} == {path for path in before | after if before.get(path) != after.get(path)}
    assert {"-rf", "new\nline"} <= names(there.forge.tree("shop", base, ()))
    found = there.forge.commits("shop", *EVER)
    assert {"-rf", "new\nline", "latin\\xe9"} <= set(found[0].files)


def test_an_odd_name_can_be_tried_but_not_edited(there: World) -> None:
    culprit = there.hub.commit("Odd", {"new\nline": b"1\n"})
    with pytest.raises(PermanentError, match="not a plain path"):
        there.forge.revert("shop", culprit, culprit)


@pytest.mark.parametrize(
    "entry", [Entry(content=b"/etc/passwd", mode="120000"), Entry(content=b"0" * 39 + b"1", mode="160000")]
)
def test_links_and_submodules_are_never_touched(there: World, entry: Entry) -> None:
    base = there.hub.commit("Link", {"link": entry})
    for edit in (FileEdit(path="link", content=b"x"), FileEdit(path="link", content=None)):
        with pytest.raises(PermanentError, match="symbolic link or a submodule"):
            there.forge.push("shop", BRANCH, base, [edit], "Because\n")
    with pytest.raises(PermanentError, match="symbolic link or a submodule"):
        there.forge.revert("shop", base, base)


def test_an_edit_below_a_link_is_refused(there: World) -> None:
    base = there.hub.commit("Link", {"link": Entry(content=b"/etc", mode="120000")})
    with pytest.raises(PermanentError):
        there.forge.push("shop", BRANCH, base, [FileEdit(path="link/passwd", content=b"x")], "Because\n")
    assert there.hub.tip(BRANCH) == ""


@pytest.mark.parametrize(
    ("edits", "because"),
    [
        ([FileEdit(path="a.txt/below", content=b"x")], "failed|also change"),
        ([FileEdit(path="src", content=b"x")], "failed|also change"),
        ([FileEdit(path="gone", content=None)], "no such file"),
        ([FileEdit(path="a.txt", content=b"one\n")], "holds just that already"),
        ([FileEdit(path="a.txt", content=b"x"), FileEdit(path="a.txt", content=b"y")], "edited twice"),
    ],
)
def test_edits_that_would_do_something_else_are_refused(there: World, edits: list[FileEdit], because: str) -> None:
    with pytest.raises(PermanentError, match=because):
        there.forge.push("shop", BRANCH, there.hub.tip(), edits, "Because\n")
    assert there.hub.tip(BRANCH) == ""


def test_a_folder_may_take_the_place_of_a_file_that_goes_away(there: World) -> None:
    edits = [FileEdit(path="a.txt/below", content=b"x\n"), FileEdit(path="a.txt", content=None)]
    there.forge.push("shop", BRANCH, there.hub.tip(), edits, "Because\n")
    assert {b"a.txt/below", b"src/b.py"} == set(there.hub.listing(BRANCH))


def test_attributes_neither_hide_nor_rewrite_what_is_tried(there: World) -> None:
    attributes = b"* text eol=crlf ident filter=run\nhidden.txt export-ignore\nsrc export-ignore\nid.txt export-subst\n"
    base = there.hub.commit(
        "Attributes",
        {
            ".gitattributes": attributes,
            "sub/.gitattributes": b"*.txt export-ignore ident\n",
            "hidden.txt": b"here\n",
            "id.txt": b"$Format:%H$ $Id$\n",
            "sub/s.txt": b"$Id$\n",
            ".gitmodules": b'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% /nowhere\n',
        },
    )
    tar = there.forge.tree("shop", base, [FileEdit(path="new.txt", content=b"a\nb\n")])
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as found:
        held = {m.name: (found.extractfile(m) or io.BytesIO()).read() for m in found.getmembers() if m.isfile()}
    expected = {path.decode(): there.hub.show(f"{base}:{path.decode()}") for path in there.hub.listing(base)}
    assert expected | {"new.txt": b"a\nb\n"} == held


def test_no_hook_or_setting_of_the_mirror_or_the_machine_is_run(
    there: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.forge.head("shop")
    ran = tmp_path / "ran"
    mirror = next(there.cache.glob("*.git"))
    hooks = [mirror / "hooks", there.hub.folder / "hooks"]
    for folder in hooks:
        folder.mkdir(exist_ok=True)
        for name in ("pre-push", "reference-transaction", "post-update", "pre-receive", "pre-auto-gc"):
            (folder / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
            (folder / name).chmod(0o700)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[core]\n\tfsmonitor = "touch {ran}"\n[credential]\n\thelper = "!touch {ran}"\n')
    monkeypatch.setenv("HOME", str(home))
    there.hub.commit("More", {"more.txt": b"1\n"})
    ran.unlink(missing_ok=True)  # the hub's own writing may run its hooks: that is not what is asked here
    there.forge.push("shop", BRANCH, there.forge.head("shop"), [FileEdit(path="a.txt", content=b"2\n")], "Because\n")
    assert not ran.exists()


def on_main(there: World, entries: bytes) -> str:
    """Make a commit of a tree that fast-import would not write."""
    tree = git(there.hub.folder, "mktree", stdin=entries).decode().strip()
    commit = git(there.hub.folder, "commit-tree", tree, "-m", "x", "-p", there.hub.tip()).decode().strip()
    git(there.hub.folder, "update-ref", "refs/heads/main", commit)
    return commit


def test_a_huge_tree_is_not_tried_and_a_huge_file_not_proposed(there: World) -> None:
    blob = git(there.hub.folder, "hash-object", "-w", "--stdin", stdin=bytes(9 << 20)).strip()
    base = on_main(there, b"".join(b"100644 blob %s\tcopy-%d\n" % (blob, count) for count in range(30)))
    with pytest.raises(PermanentError, match="holds 270 MiB, more than the 256 MiB"):
        there.forge.tree("shop", base, ())
    gone = there.hub.commit("Remove", {"copy-1": None})
    with pytest.raises(PermanentError, match="too large to be proposed"):
        there.forge.revert("shop", gone, gone)


def test_other_protocols_are_refused() -> None:
    for url in ("ext::sh -c touch% x", "ssh://h/x.git", "git@h:x.git", "--upload-pack=x", "ftp://h/x"):
        with pytest.raises(PermanentError, match="only http"):
            ForgeRepository(name="shop", url=url, branch="main", full_name="acme/shop")


def test_a_file_address_needs_to_be_allowed(there: World, tmp_path: Path) -> None:
    from remediation.forge.mirror import Mirror

    known = ForgeRepository(name="shop", url=f"file://{there.hub.folder}", branch="main", full_name="acme/shop")
    with pytest.raises(PermanentError, match="not allowed"):
        Mirror(known, str, tmp_path / "one").fetch()
    allowed = Mirror(known, str, tmp_path / "two", local_files=True)
    allowed.fetch()
    assert there.hub.tip() == allowed.head()


def test_a_history_that_git_finds_dangerous_is_refused(there: World) -> None:
    blob = git(there.hub.folder, "hash-object", "-w", "--stdin", stdin=b"[core]\n").strip()
    on_main(there, b"100644 blob %s\t.git\n" % blob)
    with pytest.raises(PermanentError, match="dangerous"):
        there.forge.head("shop")
