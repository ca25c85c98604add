"""Reading what untrusted code wrote."""

import pytest

from sandbox.results import ID_CHARACTERS, TESTS, End, UnreadableReport, end_of, outcomes_in


@pytest.mark.parametrize(
    ("code", "short", "end"),
    [
        (0, False, End(exit_code=0, ended="exited")),
        (0, True, End(exit_code=0, ended="exited")),
        (1, True, End(exit_code=None, ended="out of memory")),
        (137, True, End(exit_code=None, ended="out of memory")),
        (137, False, End(exit_code=None, ended="killed: by SIGKILL")),
        (153, False, End(exit_code=None, ended="killed: it wrote a file over the size limit")),
        (139, False, End(exit_code=139, ended="exited")),
        (1, False, End(exit_code=1, ended="exited")),
    ],
)
def test_the_end_of_a_command(code: int, short: bool, end: End) -> None:  # noqa: FBT001 - a column of the table
    assert end == end_of(code, short_of_memory=short)


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
    assert expected == outcomes_in(report)


def test_monstrous_names_are_cut_and_stay_apart() -> None:
    names = ["n" * 5000 + end for end in ("1", "2")]
    report = "".join(f'<testcase classname="c" name="{name}"/>' for name in names)
    ids = [test for test, _ in outcomes_in(f"<s>{report}</s>".encode())]
    assert len(set(ids)) == 2
    assert {ID_CHARACTERS} == {len(test) for test in ids}


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (b"not xml", "it is not XML"),
        (b"<testsuite>", "it is not XML"),
        (b"\xff\xfe<", "it is not XML"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b"<a>" + b" " * 9_000_000 + b"</a>", "larger than 8 MiB"),
        (b"<a>" + b"".join(b'<testcase name="%d"/>' % n for n in range(TESTS + 1)) + b"</a>", "more than 100000 tests"),
    ],
)
def test_a_report_that_is_none(report: bytes, why: str) -> None:
    with pytest.raises(UnreadableReport, match=why):
        outcomes_in(report)
