"""Functions of several languages, whatever the file is; and the map of a repository, ranked and within its budget."""

import random

import pytest

from config.settings import ScopeSettings
from remediation.edit.code import function_at, functions_of
from remediation.edit.grammar import definitions
from remediation.edit.repository_map import repository_map
from tests.parts.shelf import a_tar

PYTHON = "class Cart:\n    @cached\n    def total(self):\n        def inner(): ...\n        return 1\n"
TYPESCRIPT = """\
export const rate = async (day: number) => {
  return day;
};
export abstract class Cart<T> extends Base {
  private items = () => 1;
  total(): number { return 1 }
}
interface Priced { price(): number }
"""
GO = "package a\n\nfunc (c *Cart[T]) Total(x int) int {\n\treturn 1\n}\n\nfunc Free() {}\n\ntype Cart[T any] struct{}\n"
JAVA = "class Cart {\n  Cart() { }\n  @Override\n  int total(int x) {\n    return x;\n  }\n  enum Kind { A }\n}\n"
RUBY = "module Shop\n  class Cart\n    def total(x)\n      1\n    end\n    def self.open = 2\n  end\nend\n"
SCRIPT = (
    "function total(cart) {\n  return 1\n}\nmodule.exports = { total }\nclass Cart {\n  get sum() { return 1 }\n}\n"
)


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("a.py", PYTHON, {"Cart": (1, 5), "Cart.total": (2, 5), "Cart.total.inner": (4, 4)}),
        (
            "a.ts",
            TYPESCRIPT,
            {"rate": (1, 3), "Cart": (4, 7), "Cart.items": (5, 5), "Cart.total": (6, 6), "Priced": (8, 8)},
        ),
        ("a.tsx", "const Page = () => <p>{1}</p>;\n", {"Page": (1, 1)}),
        ("a.go", GO, {"Cart.Total": (3, 5), "Free": (7, 7), "Cart": (9, 9)}),
        ("a.java", JAVA, {"Cart": (1, 8), "Cart.Cart": (2, 2), "Cart.total": (3, 6), "Cart.Kind": (7, 7)}),
        ("a.rb", RUBY, {"Shop": (1, 8), "Shop.Cart": (2, 7), "Shop.Cart.total": (3, 5), "Shop.Cart.open": (6, 6)}),
        ("a.js", SCRIPT, {"total": (1, 3), "Cart": (5, 7), "Cart.sum": (6, 6)}),
        ("a.mjs", "export default function total() {\n}\n", {"total": (1, 2)}),
    ],
)
def test_what_a_file_defines(path: str, text: str, names: dict[str, tuple[int, int]]) -> None:
    found = definitions(path, text.encode())
    assert found is not None
    assert {one.name: (one.first, one.last) for one in found} == names


def test_a_file_with_mistakes_still_tells_the_rest() -> None:
    found = definitions("a.go", b"package a\nfunc Good() {}\nfunc Bad( {\n")
    assert found is not None
    assert "Good" in [one.name for one in found]


def test_only_a_function_on_lines_of_its_own_can_be_put_in_anew() -> None:
    text = b"class A { int f() { return 1; } int g() { return 2; }\n  int h() {\n    return 3;\n  }\n}\n"
    assert [one.name for one in functions_of("A.java", text) or ()] == ["A.h"]
    assert functions_of("a.c", b"int main() {}") is None


def test_a_frame_finds_its_method_by_name_and_line() -> None:
    two = b"class A {\n  int f() {\n    return 1;\n  }\n}\nclass B {\n  int f() {\n    return 1;\n  }\n}\n"
    found = function_at("A.java", two, 8, "com.acme.B.f")
    assert found is not None
    assert (found.name, found.first, found.last, found.line) == ("B.f", 7, 9, 8)


@pytest.mark.parametrize("suffix", ["py", "ts", "tsx", "go", "java", "rb", "js"])
def test_hostile_bytes_give_up_or_nothing_and_never_hang(suffix: str) -> None:
    noise = random.Random(1).randbytes(50_000)  # noqa: S311 - noise
    broken = (b"(" * 9_000, b"*" * 9_000, b"[{(" * 2_000, b"def f(:\n" * 1_000, "é".encode("latin-1"))
    for content in (b"", b"\0", noise, *broken):
        assert not [one for one in definitions(f"a.{suffix}", content) or () if one.name != "f"]


FILES = {
    "shop/pricing.py": "class PriceError(Exception): ...\n\n\ndef amount(text):\n    return float(text)\n",
    "shop/checkout.py": "from shop.pricing import amount\n\n\ndef pay(cart):\n    return amount(cart)\n",
    "shop/hello.py": "def greet():\n    return 1\n",
    "web/Basket.java": "class Basket {\n  int checkout() {\n    return 1;\n  }\n}\n",
    "tests/test_checkout.py": "def test_checkout():\n    pass\n",
    "node_modules/checkout/index.js": "function checkout() {}\n",
    "db/migrations/0001_checkout.py": "def checkout():\n    pass\n",
    "secret/checkout.py": "def checkout():\n    pass\n",
    "README.md": "checkout\n",
    "logo.py": "\0",
}  # fmt: skip


def drawn(*words: str, budget: int = 6000, **files: str) -> tuple[str, tuple[str, ...]]:
    tree = a_tar({path: content.encode() for path, content in {**FILES, **files}.items()})
    found = repository_map(tree, words, ScopeSettings(deny=("secret/**",)), budget)
    return found.text, found.paths


def test_files_with_the_words_come_first_and_then_what_they_call() -> None:
    text, paths = drawn("POST /checkout", "errors")
    assert set(paths) == {"shop/pricing.py", "shop/checkout.py", "shop/hello.py", "web/Basket.java"}
    assert set(paths[:2]) == {"web/Basket.java", "shop/checkout.py"}
    assert paths[2] == "shop/pricing.py"  # nothing of it says so, and checkout.py calls it
    assert "  2 Basket.checkout: int checkout() {" in text
    assert "  4 amount\n" in text


def test_what_no_edit_may_touch_is_not_on_it() -> None:
    text, _ = drawn("checkout")
    for path in ("tests/", "node_modules", "migrations", "secret", "README", "logo"):
        assert path not in text


def test_it_keeps_within_its_budget_and_is_the_same_each_time() -> None:
    many = {f"pkg/module{number}.py": f"def checkout{number}(cart):\n    return {number}\n" for number in range(60)}
    text, paths = drawn("checkout", budget=900, **many)
    assert 600 < len(text) <= 900
    assert drawn("checkout", budget=900, **many) == (text, paths)
    assert drawn("checkout", budget=10) == ("", ())


def test_a_repository_that_no_grammar_reads_has_no_map() -> None:
    found = repository_map(a_tar({"main.c": b"int main() {}", "empty.py": b""}), ["main"], ScopeSettings())
    assert (found.text, found.paths, found.files) == ("", (), 0)
