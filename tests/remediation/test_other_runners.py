"""The new test of a repository that is not written in Python: told by its file, and by what it fails with."""

from dataclasses import replace

import pytest

from cases.change import ChangeClass, FileEdit
from cases.trying import CommandReport
from cases.verdict import Verdict
from remediation.checks import new_test
from remediation.failure import Failure, in_other_words
from tests.parts.nouns import a_change

JS = (
    "TypeError: Cannot read properties of undefined\n    at total (/work/web/cart.js:3:10)\n"
    "    at x (/work/web/cart.test.js:5:3)"
)
LIBRARY = "Error: no\n    at f (/work/node_modules/a/index.js:1:1)\n    at total (/work/web/cart.js:3:10)"
GO_PANIC = (
    "panic: assignment to entry in nil map [recovered]\n\tpanic: again\n"
    "\t/usr/lib/go/x.go:9 +0x1\n\t/work/cart/cart.go:12 +0x1d\n"
)
GO = "    cart_test.go:9: got 0, want 3\n"
RUST = "thread 'cart::adds' panicked at src/cart.rs:12:5:\nattempt to divide by zero\n"
RUST_SAID = "thread 'adds' panicked at tests/whole.rs:4:5:\nassertion `left == right` failed\n"


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        (JS, Failure(exception="TypeError", path="web/cart.js")),
        (LIBRARY, Failure(exception="Error", path="web/cart.js")),
        (GO_PANIC, Failure(exception="panic", path="cart/cart.go")),
        (GO, Failure(exception="assertion", path="cart_test.go")),
        (RUST, Failure(exception="panic", path="src/cart.rs")),
        (RUST_SAID, Failure(exception="assertion", path="tests/whole.rs")),
        ("it went wrong", None),
    ],
)
def test_what_runners_say(message: str, failure: Failure | None) -> None:
    assert in_other_words(message) == failure


CASES = {
    "go": ("cart/cart_test.go", b"func TestTotal(t *testing.T) {}\n", "example.com/shop/cart::TestTotal", GO_PANIC),
    "rust": ("tests/whole.rs", b"#[test]\nfn adds() {}\n", "tests/whole.rs::adds", RUST),
    "jest": ("web/cart.test.js", b"", "web/cart.test.js::cart adds", JS),
    "tap": ("cart.test.mjs", b"test('adds up', () => {})\n", "adds up", JS),
}
OTHERS = (("example.com/shop/tax::TestTotal", "passed"), ("src/lib.rs::adds", "passed"), ("adds not", "passed"))


def ran(test: str, outcome: str, message: str = "") -> CommandReport:
    return CommandReport(
        name="test", exit_code=int(outcome == "failed"), ended="exited", output="", seconds=0.1,
        tests=((test, outcome), *OTHERS), messages=((test, message),) if message else (),
    )  # fmt: skip


@pytest.mark.parametrize("runner", sorted(CASES))
def test_it_fails_again_once_the_patch_is_out(runner: str) -> None:
    path, content, test, message = CASES[runner]
    change = replace(a_change(), kind=ChangeClass.EDIT, inverse_of=None, tests=(path,))
    lead = replace(change.lead, edits=(FileEdit(path=path, content=content),))
    change = replace(change, parts=(lead,))
    check = new_test((ran(test, "failed", message), ran(test, "passed")), change)
    assert check.verdict is Verdict.PASSED, check.detail
    assert (check.base, check.change) == ("1 failed", "1 passed")
    assert new_test((ran(test, "failed"), ran(test, "passed")), change).verdict is Verdict.INCONCLUSIVE
    assert new_test((ran(test, "passed"), ran(test, "passed")), change).verdict is Verdict.FAILED
    assert new_test((ran("x", "failed"), ran("x", "passed")), change).verdict is Verdict.FAILED
