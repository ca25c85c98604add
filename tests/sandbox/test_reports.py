"""Reading the reports of test runners, all of them written by untrusted code."""

import pytest

from sandbox.output import Tail
from sandbox.reports.reading import read, spoken
from sandbox.reports.report import ID_CHARACTERS, TESTS, Report, UnreadableReport

GO = """\
# example.com/shop/broken [example.com/shop/broken.test]
{"Action":"start","Package":"example.com/shop"}
{"Action":"run","Package":"example.com/shop","Test":"TestTotal"}
{"Action":"output","Package":"example.com/shop","Test":"TestTotal","Output":"    cart_test.go:9: got 0, want 3\\n"}
{"Action":"fail","Package":"example.com/shop","Test":"TestTotal","Elapsed":0}
{"Action":"run","Package":"example.com/shop","Test":"TestTotal/none"}
{"Action":"pass","Package":"example.com/shop","Test":"TestTotal/none","Elapsed":0}
{"Action":"run","Package":"example.com/shop","Test":"TestLater"}
{"Action":"skip","Package":"example.com/shop","Test":"TestLater","Elapsed":0}
{"Action":"fail","Package":"example.com/shop","Elapsed":0.01}
{"Action":"run","Package":"example.com/shop/tax","Test":"TestPanics"}
{"Action":"output","Package":"example.com/shop/tax","Test":"TestPanics","Output":"panic: nil map\\n"}
{"Action":"fail","Package":"example.com/shop/tax","Elapsed":0.01}
{"Action":"fail","Package":"example.com/shop/broken","Elapsed":0}
{"Action":"pass","Package":"example.com/shop/fine","Elapsed":0}
"""
TAP = """\
TAP version 13
# Subtest: cart
    # Subtest: adds
    ok 1 - adds
      ---
      duration_ms: 1
      !!python/object/apply:os.system ["true"]
      ...
    not ok 2 - rounds
    1..2
not ok 1 - cart
ok 2 - tax # SKIP no table
not ok 3 - later # TODO some day
ok
Bail out! no database
1..9
"""
CARGO = """\
     Running unittests src/lib.rs (target/debug/deps/shop-0a)

running 3 tests
test cart::tests::adds ... ok
test cart::tests::rounds ... FAILED
test cart::tests::slow ... ignored, takes long
test cart::tests::panics - should panic ... ok

failures:

---- cart::tests::rounds stdout ----
thread 'cart::tests::rounds' panicked at src/cart.rs:12:5:
assertion `left == right` failed

failures:
    cart::tests::rounds

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/whole.rs (target/debug/deps/whole-0b)

running 1 test
test adds ... ok
"""
JEST = """\
{"numTotalTests": 3, "testResults": [
 {"name": "/work/web/cart.test.js", "status": "failed", "assertionResults": [
  {"fullName": "cart adds", "status": "passed"},
  {"fullName": "cart rounds", "status": "failed", "failureMessages": ["TypeError: x is not a function"]},
  {"fullName": "cart later", "status": "pending"}]},
 {"name": "/work/web/tax.test.js", "status": "failed", "message": "SyntaxError: no", "assertionResults": []}]}
"""


def told(text: str) -> Report:
    return read(text.encode())


def test_go() -> None:
    report = told(GO)
    assert dict(report.tests) == {
        "example.com/shop::TestTotal": "failed",
        "example.com/shop::TestTotal/none": "passed",
        "example.com/shop::TestLater": "skipped",
        "example.com/shop/tax::TestPanics": "failed",
        "example.com/shop/tax": "failed",
        "example.com/shop/broken": "failed",
    }
    assert dict(report.messages) == {
        "example.com/shop::TestTotal": "    cart_test.go:9: got 0, want 3\n",
        "example.com/shop/tax::TestPanics": "panic: nil map\n",
    }


def test_go_that_was_cut_off_leaves_a_failed_test() -> None:
    assert told(GO.partition("got 0")[0].rpartition("\n")[0]).tests == (("example.com/shop::TestTotal", "failed"),)


def test_tap() -> None:
    assert dict(told(TAP).tests) == {
        "cart::adds": "passed",
        "cart::rounds": "failed",
        "cart": "failed",
        "tax": "skipped",
        "later": "skipped",
        "test 6": "passed",
    }


def test_cargo() -> None:
    report = told(CARGO)
    assert dict(report.tests) == {
        "src/lib.rs::cart::tests::adds": "passed",
        "src/lib.rs::cart::tests::rounds": "failed",
        "src/lib.rs::cart::tests::slow": "skipped",
        "src/lib.rs::cart::tests::panics": "passed",
        "tests/whole.rs::adds": "passed",
    }
    ((test, said),) = report.messages
    assert test == "src/lib.rs::cart::tests::rounds"
    assert "panicked at src/cart.rs:12:5" in said


def test_jest() -> None:
    report = told(JEST)
    assert dict(report.tests) == {
        "web/cart.test.js::cart adds": "passed",
        "web/cart.test.js::cart rounds": "failed",
        "web/cart.test.js::cart later": "skipped",
        "web/tax.test.js": "failed",
    }
    assert dict(report.messages)["web/tax.test.js"] == "SyntaxError: no"


def test_what_a_failure_says_is_kept_and_bounded() -> None:
    failures = "".join(
        f'<testcase classname="c" name="t{n}"><failure message="KeyError: {n}">{"x" * 9000}</failure></testcase>'
        for n in range(60)
    )
    report = told(f"<s>{failures}</s>")
    assert len(report.tests) == 60
    assert len(report.messages) == 50
    assert {len(said) for _, said in report.messages} == {2000}
    short = told('<s><testcase name="t"><error type="OSError" message="m">at once</error>elsewhere</testcase></s>')
    assert short.messages == (("t", "OSError: m\nat once"),)


@pytest.mark.parametrize("text", [GO, TAP, CARGO])
def test_a_command_may_just_say_it(text: str) -> None:
    output = Tail()
    output.add(text.encode())
    assert spoken(output).tests == told(text).tests


@pytest.mark.parametrize("text", ["", "ok\n", "1 passed in 0.1s\n", "{}\n", '{"Action": "run"}\n'])
def test_other_words_tell_of_no_test(text: str) -> None:
    output = Tail()
    output.add(text.encode())
    assert spoken(output) == Report()


def test_words_that_were_cut_tell_of_no_test() -> None:
    output = Tail(len(TAP) - 1)
    output.add(TAP.encode())
    assert spoken(output) == Report()


def test_the_worst_of_a_tests_outcomes_counts() -> None:
    report = (
        b"<testsuites><testsuite>"
        b'<testcase classname="a" name="t1"/><testcase classname="a" name="t1"><error/></testcase>'
        b'<testcase classname="a" name="t2"><skipped/></testcase>'
        b'<testcase classname="a" name="t3"><skipped/><failure/></testcase>'
        b'<testcase name="alone"/>'
        b"</testsuite></testsuites>"
    )
    expected = (("a::t1", "failed"), ("a::t2", "skipped"), ("a::t3", "failed"), ("alone", "passed"))
    assert expected == read(report).tests


def test_monstrous_names_are_cut_and_stay_apart() -> None:
    names = ["n" * 5000 + end for end in ("1", "2")]
    report = "".join(f'<testcase classname="c" name="{name}"/>' for name in names)
    ids = [test for test, _ in read(f"<s>{report}</s>".encode()).tests]
    assert len(set(ids)) == 2
    assert {ID_CHARACTERS} == {len(test) for test in ids}


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (b"not a report", "it is none of JUnit XML, TAP"),
        (b'{"a": 1}', "not what jest writes"),
        (b'{"testResults": 1}', "not what jest writes"),
        (b"{" * 100_000, "it is not JSON"),
        (b'{"a":' + b"[" * 100_000, "it is not JSON"),
        (b'{"a": "' + b" " * 5_000_000 + b'"}', "larger than 4 MiB"),
        (b"TAP version 12\n1..1\nok 1 - adds\n", "it is not TAP"),
        (b"<testsuite>", "it is not XML"),
        (b"<\xff\xfe", "it is not XML"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b"<a>" + b" " * 9_000_000 + b"</a>", "larger than 8 MiB"),
        (b"<a>" + b"".join(b'<testcase name="%d"/>' % n for n in range(TESTS + 1)) + b"</a>", "more than 100000 tests"),
    ],
)
def test_a_report_that_is_none(report: bytes, why: str) -> None:
    with pytest.raises(UnreadableReport, match=why):
        read(report)
