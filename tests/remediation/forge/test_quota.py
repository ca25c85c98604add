"""What one user may write and ask on a forge, over threads and over a restart."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import TemporaryError
from cases.marks import ProofReport
from daemon.clock import ManualClock, SystemClock
from remediation.forge.forge import GitForge
from remediation.forge.local.server import Fault
from remediation.forge.quota import Limits, Quota
from tests.parts.hub import TOKEN, World
from tests.parts.nouns import NOW
from tests.parts.proposals import BRANCH, proposed

AT_ONCE = timedelta(0)


def quota(file: Path | None = None, clock: ManualClock | None = None, **limits: int) -> Quota:
    return Quota(Limits(spacing=AT_ONCE, **limits), clock or ManualClock(NOW), file)


def spend(it: Quota, writes: int) -> None:
    for _ in range(writes):
        it.before("POST")


def test_a_minute_and_an_hour_have_their_writes_and_reads_are_free() -> None:
    clock = ManualClock(NOW)
    it = quota(clock=clock)
    for minute in range(6):
        spend(it, 80)
        with pytest.raises(TemporaryError, match="80 writes to the forge in one minute") as full:
            it.before("PATCH")
        assert full.value.retry_after == timedelta(minutes=1)
        it.before("GET")
        clock.advance(timedelta(minutes=1))
        assert it.writes == 80 * (minute + 1)
    spend(it, 20)
    with pytest.raises(TemporaryError, match="500 writes to the forge in one hour") as full:
        it.before("POST")
    assert full.value.retry_after == timedelta(minutes=54)
    clock.advance(full.value.retry_after)
    spend(it, 80)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    file, clock = tmp_path / "writes", ManualClock(NOW)
    first = quota(file, clock, per_minute=3)
    spend(first, 2)
    first.after(403, {"retry-after": "17"})
    again = quota(file, clock, per_minute=3)
    with pytest.raises(TemporaryError, match="nothing is sent before") as closed:
        again.before("GET")
    assert closed.value.retry_after == timedelta(seconds=17)
    clock.advance(timedelta(seconds=17))
    spend(again, 1)
    with pytest.raises(TemporaryError, match="3 writes to the forge in one minute"):
        spend(quota(file, clock, per_minute=3), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["writes"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"writes": [null]}', '{"writes": 5}'])
def test_a_file_that_was_damaged_stops_nothing(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "writes").write_text(content)
    spend(quota(tmp_path / "writes"), 1)
    assert "is not known" in caplog.text


def test_a_clock_that_is_set_back_stops_nothing_for_long() -> None:
    clock = ManualClock(NOW)
    it = quota(clock=clock, per_minute=2)
    spend(it, 2)
    it.after(429, {"retry-after": "60"})
    clock.set(NOW - timedelta(days=1))
    it.before("GET")
    with pytest.raises(TemporaryError) as full:
        it.before("POST")
    assert full.value.retry_after <= timedelta(minutes=1)
    clock.advance(timedelta(minutes=1, seconds=1))
    it.before("POST")


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (200, {"x-ratelimit-remaining": "1"}, 0),
        (200, {}, 0),
        (403, {}, 0),  # no permission is no limit
        (403, {"retry-after": "30"}, 30),
        (429, {"retry-after": "86400"}, 3600),
        (
            200,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225660", "date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            60,
        ),
    ],
)
def test_what_the_forge_says_of_limits_is_obeyed(status: int, headers: dict[str, str], wait: int) -> None:
    it = quota()
    it.after(status, headers)
    if not wait:
        it.before("POST")
        return
    with pytest.raises(TemporaryError) as closed:
        it.before("GET")
    assert closed.value.retry_after == timedelta(seconds=wait)


def test_writes_of_several_threads_keep_their_distance() -> None:
    it = Quota(Limits(spacing=timedelta(milliseconds=40)), SystemClock())
    began = SystemClock().monotonic()
    threads = [threading.Thread(target=spend, args=(it, 2)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SystemClock().monotonic() - began >= 5 * 0.04
    assert it.writes == 6


def test_every_write_of_an_adapter_counts_and_none_that_is_over(there: World) -> None:
    it = quota(per_minute=6)
    forge = GitForge([there.known], there.served.api_url, lambda: TOKEN, there.cache / "q", quota=it)
    there.made.append(forge)
    there.hub.commit("Code", {"shop/cart.py": b"limit = 10\n"})
    base = there.hub.tip()
    proposed(there, forge)  # a push, a pull request, its labels
    forge.comment("shop", BRANCH, "k", "Here.")
    forge.report_proof("shop", BRANCH, base, ProofReport(key="p", title="Proved", text="", proved=True))
    assert it.writes == 5 == 1 + sum(method not in {"GET", "HEAD"} for method, _, _ in there.answered)
    forge.request_reviewers("shop", BRANCH, ("@sre",), ())
    before = len(there.faults.requests)
    with pytest.raises(TemporaryError, match="6 writes to the forge in one minute"):
        forge.push("shop", "trackwalker/case2-1", base, (), "x\n")
    with pytest.raises(TemporaryError, match="6 writes to the forge in one minute"):
        forge.comment("shop", BRANCH, "another", "Here.")
    writes = [one for one in there.faults.requests[before:] if one[0] != "GET" and "upload-pack" not in one[1]]
    assert writes == []


def test_a_secondary_limit_silences_every_thread_of_the_adapter(there: World) -> None:
    clock = ManualClock(SystemClock().now())
    it = quota(clock=clock)
    forge = GitForge([there.known], there.served.api_url, lambda: TOKEN, there.cache / "q", quota=it)
    there.made.append(forge)
    there.faults.rules.append(("GET", "/pulls", Fault(status=403, retry_after=30)))
    with pytest.raises(TemporaryError, match="slow down"):
        forge.find_pull_request("shop", BRANCH)
    before = len(there.faults.requests)
    with pytest.raises(TemporaryError, match="nothing is sent before"):
        forge.open_pull_requests("shop")
    assert len(there.faults.requests) == before
    clock.advance(timedelta(seconds=30))
    assert forge.find_pull_request("shop", BRANCH) is None
