"""Reverting the culprit: the whole pull request, in part where that is safe, and never what stores data."""

import pytest

from cases.change import ChangeClass, Patch
from remediation.claims import KINDS
from remediation.drafting import CannotDraft
from remediation.playbooks import revert, revert_in_part
from remediation.playbooks.revert_in_part import File, links
from remediation.playbooks.stored import stored
from remediation.pull_request_text import labels
from tests.remediation.playbooks.ground import AloneForge, Ground, a_case
from tests.remediation.playbooks.test_drafters import ports_of

CODE = b"def price(cart):\n    return cart.total\n"
MORE = b"def price(cart):\n    return cart.total - voucher\n"


class Rebased(AloneForge):
    """A forge that says of some commits that they came together."""

    together: tuple[str, ...] = ()

    def came_with(self, repository: str, sha: str) -> tuple[str, ...]:
        return self.together if sha in self.together else super().came_with(repository, sha)


def test_a_squashed_pull_request_is_one_commit_and_nobody_is_asked(there: Ground) -> None:
    there.commit("shop", "Begin", {"a.py": b"a = 1\n", "b.py": b"b = 1\n"}, 600)
    suspect = there.suspect(there.commit("shop", "Both (#12)", {"a.py": b"a = 2\n", "b.py": b"b = 2\n"}, 10))
    with ports_of(there) as ports:
        patch = revert.drafter(a_case(suspect), ports, suspect)
    assert isinstance(patch, Patch)
    assert {edit.path: edit.content for edit in patch.lead.edits} == {"a.py": b"a = 1\n", "b.py": b"b = 1\n"}
    assert patch.title.endswith("(PR 12)")


def test_a_rebased_pull_request_goes_back_with_all_its_commits(there: Ground) -> None:
    there.commit("shop", "Begin", {"a.py": b"a = 1\n", "b.py": b"b = 1\n"}, 600)
    one = there.commit("shop", "One", {"a.py": b"a = 2\n"}, 12)
    two = there.commit("shop", "Two", {"b.py": b"b = 2\n"}, 11)
    suspect = there.suspect(one)
    there.forge.__class__ = Rebased
    assert isinstance(there.forge, Rebased)
    there.forge.together = (one, two)
    with ports_of(there) as ports:
        patch = revert.drafter(a_case(suspect), ports, suspect)
    assert isinstance(patch, Patch)
    assert {edit.path for edit in patch.lead.edits} == {"a.py", "b.py"}
    assert f"and the 1 that came with it ({one[:10]} to {two[:10]})" in patch.summary
    assert patch.inverse_of == one


def test_what_does_not_conflict_goes_back_where_the_rest_is_apart(there: Ground) -> None:
    there.commit("shop", "Begin", {"price.py": CODE, "mail.py": b"subject = 'hi'\n"}, 600)
    both = {"price.py": MORE, "mail.py": b"subject = 'hello'\n"}
    suspect = there.suspect(there.commit("shop", "Vouchers", {**both}, 10))
    there.commit("shop", "Later", {"mail.py": b"subject = 'good day'\n"}, 5)
    with ports_of(there) as ports:
        assert isinstance(revert.drafter(a_case(suspect), ports, suspect), CannotDraft)
        patch = revert_in_part.drafter(a_case(suspect), ports, suspect)
    assert isinstance(patch, Patch)
    assert [(edit.path, edit.content) for edit in patch.lead.edits] == [("price.py", CODE)]
    assert (patch.kind, patch.inverse_of, patch.blames) == (ChangeClass.REVERT, None, suspect.commit.sha)
    assert labels(patch) == ("trackwalker", "trackwalker:revert", "trackwalker:partial")
    assert "mail.py stays, for it was changed since. They are independent: no name that" in patch.summary
    assert KINDS[patch.kind] == "a revert"


def test_what_uses_what_would_go_keeps_it(there: Ground) -> None:
    there.commit("shop", "Begin", {"price.py": CODE, "view.py": b"from shop import price\n"}, 600)
    both = {"price.py": MORE, "view.py": b"from shop import price\nvoucher = 1\n"}
    suspect = there.suspect(there.commit("shop", "Vouchers", {**both}, 10))
    there.commit("shop", "Later", {"view.py": b"from shop import price\nvoucher = 2\n"}, 5)
    with ports_of(there) as ports:
        drafted = revert_in_part.drafter(a_case(suspect), ports, suspect)
    assert isinstance(drafted, CannotDraft)
    assert "the rest cannot go alone: view.py and price.py share what it changed (voucher)" in drafted.reason


def a_file(path: str, before: str, after: str, now: str = "", *, readable: bool = True) -> File:
    words = [frozenset(text.split()) for text in (before, after, now or after)]
    return File(path=path, before=words[0], after=words[1], now=words[2], readable=readable)


@pytest.mark.parametrize(
    ("stays", "goes", "linked"),
    [
        (a_file("a.py", "x", "x y"), a_file("b.py", "p", "p q"), False),
        (a_file("a.py", "x", "x shared"), a_file("b.py", "p", "p shared"), True),
        (a_file("a.py", "x", "x y", "x y q"), a_file("b.py", "p", "p q"), True),  # it came to use it since
        (a_file("a.py", "x return", "x return"), a_file("b.py", "p", "p return"), False),  # it always had the word
        (a_file("a.py", "x price", "x price"), a_file("shop/price.py", "p", "p q"), True),  # it names the other
        (a_file("a.py", "x shop", "x shop"), a_file("shop/__init__.py", "p", "p q"), True),
        (a_file("CHANGELOG.md", "x", "x shared"), a_file("b.py", "p", "p shared"), False),
        (a_file("a.bin", "", "", readable=False), a_file("b.py", "p", "p q"), True),
    ],
)
def test_the_rule_of_independence(stays: File, goes: File, linked: bool) -> None:  # noqa: FBT001 - a row of a table
    assert bool(list(links([stays], [goes]))) is linked
    assert bool(list(links([goes], [stays]))) is linked


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("shop/a.py", "+x = 1", ""),
        ("db/migrations/0001_x.py", "+x = 1", "db/migrations/0001_x.py"),
        ("api/cart.proto", "+int32 a = 1;", "api/cart.proto"),
        ("shop/a.py", "+    op.add_column('t', c)", "a table's shape"),
        ("shop/a.py", "-  ALTER TABLE orders ADD x int", "a table's shape"),
        ("shop/a.py", "+SCHEMA_VERSION = 3", "the number of a format"),
        ("shop/a.py", " SCHEMA_VERSION = 3", ""),  # it stands beside what changed
        ("shop/a.py", "+++ b/ALTER TABLE", ""),
    ],
)
def test_what_speaks_of_stored_data_is_found(path: str, line: str, found: str) -> None:
    assert stored([path], f"@@ -1 +1 @@\n{line}\n") == (f"found: {found}" if found else "none found")
