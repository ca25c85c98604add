"""The evidence pack: always within its bound, always the same, and never without what must stay."""

from dataclasses import replace

import pytest

from cases.diagnosis import Evidence, EvidenceKind
from remediation.diffs import trimmed
from remediation.packing import LIMIT, SUSPECTS, Code, clipped, diffs_of, packed, size
from tests.parts.nouns import NOW, a_commit, a_suspect

DEAR = '"\\\N{PILE OF POO}'
SECRET = "password=hunter2-not-a-word-9"
MODULE = "def f():\n    x = 1\n"


def fact(number: int, kind: EvidenceKind, text: str = "it reads 0.31") -> Evidence:
    return Evidence(id=f"E{number}", fact=f"{kind}: {text}", source="main", at=NOW, kind=kind)


def diff_of(path: str, line: str, function: str = "f") -> str:
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,9 +1,9 @@ def {function}():\n"
    context = "".join(f"     around {number}\n" for number in range(5))
    return f"{head}{context}-    old\n+    {line}\n{context}"


def plain(text: str) -> str:
    return text


def test_a_small_pack_is_whole() -> None:
    facts = [fact(number, kind) for number, kind in enumerate(EvidenceKind, start=1)]
    pack = packed(facts, diffs_of([replace(a_suspect(), evidence=("E8",))]), [Code(path="a.py", forms=(MODULE,) * 3)])
    assert pack.left_out == ()
    assert pack.tokens < 400
    assert [piece.title for piece in pack.material] == ["Facts", "E8: its diff", "a.py"]
    assert "+    return round(price)" in pack.shown["E8"]


@pytest.mark.parametrize("text", ["x" * 5_000, DEAR * 700])
@pytest.mark.parametrize("many", [1, 12])
def test_whatever_is_written_it_stays_within_its_bound(text: str, many: int) -> None:
    kinds = [kind for kind in EvidenceKind for _ in range(many)]
    facts = [fact(number, kind, f"{text} {number}") for number, kind in enumerate(kinds, start=1)]
    patch = "".join(diff_of(f"{text[:300]}/{number}.py", text) for number in range(40))
    suspects = [
        replace(a_suspect(), commit=replace(a_commit(), patch=patch), evidence=(f"E{number}",))
        for number in range(1, 9)
    ]
    code = [Code(path=text[:500], forms=(text, text, text))] * 3
    pack = packed(facts, diffs_of(suspects), code, ["shop"])
    assert pack.tokens <= LIMIT
    kept = {fact.kind for fact in facts if fact.id in pack.shown}
    assert {EvidenceKind.SYMPTOM, EvidenceKind.ERROR, EvidenceKind.CAUSE, EvidenceKind.SUSPECT} <= kept
    assert sum(f.id in pack.shown for f in facts if f.kind is EvidenceKind.SUSPECT) >= min(many, SUSPECTS)
    assert pack == packed(facts, diffs_of(suspects), code, ["shop"])


def test_what_is_given_up_first_is_what_says_least() -> None:
    facts = [fact(1, EvidenceKind.SYMPTOM), fact(2, EvidenceKind.ERROR), fact(3, EvidenceKind.SUSPECT)]
    facts += [fact(number, EvidenceKind.LESSON, "long " * 60) for number in range(4, 8)]
    facts += [fact(number, EvidenceKind.DEPLOY, "long " * 60) for number in range(8, 12)]
    facts += [fact(number, EvidenceKind.ERROR, "long " * 60) for number in range(12, 16)]
    gone = [packed(facts, limit=limit).left_out for limit in (1_500, 594, 314, 180)]
    assert gone[0] == ()
    assert gone[1] == ("E6", "E7")  # of the lessons, the last ones
    assert set(gone[1]) < set(gone[2]) <= {f"E{number}" for number in range(4, 12)}
    assert {"E1", "E2", "E3"}.isdisjoint(gone[3])
    assert "left out for length: E" in packed(facts, limit=180).material[0].text


def test_no_secret_is_shown_nor_half_of_one() -> None:
    patch = diff_of("a.py", f"{'x' * 140} {SECRET}") + diff_of("b.py", SECRET)
    suspects = [replace(a_suspect(), commit=replace(a_commit(), patch=patch), evidence=("E1",))]
    facts = [fact(1, EvidenceKind.SUSPECT, f"{'y' * 680}{SECRET}"), fact(2, EvidenceKind.ERROR, SECRET)]
    text = "\n".join(piece.text for piece in packed(facts, diffs_of(suspects)).material)
    assert "hunter" not in text
    assert "[redacted: secret]" in text


def test_hunks_that_say_what_the_symptom_says_come_first() -> None:
    patch = diff_of("web/footer.py", "colour = 2") + diff_of("shop/cart.py", "total = checkoutSum(items)", "pay")
    patch += diff_of("poetry.lock", "checkout checkout checkout")
    (text,) = trimmed(patch, ["/checkout", "shop"], [260], plain)
    assert text.startswith("shop/cart.py @@ -1,9 +1,9 @@ def pay():")
    assert "checkoutSum" in text
    assert text.count("around") == 4
    assert text.endswith("[2 more hunks in 2 files were left out]")
    (whole,) = trimmed(patch, ["checkout"], [5_000], plain)
    assert whole.index("shop/cart.py") < whole.index("web/footer.py") < whole.index("poetry.lock")


def test_a_removed_line_of_dashes_begins_no_file() -> None:
    patch = diff_of("query.sql", "-- a comment").replace("-    old", "--- an old comment")
    (text,) = trimmed(patch, [], [5_000], plain)
    assert "--- an old comment" in text
    assert "more hunks" not in text


def test_what_is_no_diff_is_cut() -> None:
    assert trimmed("-old\n+new\n", [], [6], plain) == ("-old\n+",)
    assert trimmed("", [], [6], plain) == ("",)


def test_a_text_is_clipped_by_what_it_costs() -> None:
    assert clipped("short", 100) == "short"
    for most in (10, 57, 200):
        assert size(clipped(DEAR * 100, most)) <= most
        assert size(clipped(DEAR * 100, most)) >= most - 7
