"""What the evidence pack says of what logs say."""

from datetime import UTC, datetime, timedelta

from cases.logs import ErrorSeen
from remediation.evidence import Pack

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_kind_of_line_that_was_never_there_is_no_error() -> None:
    seen = ErrorSeen(
        service="shop",
        signature="template WARN falling back to <*>",
        first=NOW - timedelta(minutes=9),
        last=NOW,
        count=120,
        before=0,
        sample="WARN falling back to <!-- key: x --> yesterday",
        news=("one line in 4200 has a template that is new", "its level is warning"),
    )
    pack = Pack()
    assert pack.error(seen, 0.0, (), NOW) == "E1"
    (fact,) = pack.facts
    assert fact.fact.startswith(
        "a kind of line that the log never had: 120 times, first 2026-03-01T11:51:00Z (one line in"
    )
    assert "raised" not in fact.fact
    assert "<!--" not in fact.fact
    assert fact.numbers == {"count": 120.0}
    assert fact.source == "logs of shop"
