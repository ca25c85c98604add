"""What a diff changes, and what leads to it."""

from cases.diagnosis import Commit
from cases.logs import Frame, Trace
from detectors.hunks import hunks, reached, same_file, settings, writes, writes_name
from tests.detectors.series import at

PATCH = """diff --git a/shop/cart.py b/shop/cart.py
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -10,5 +10,6 @@ def merge(left, right):
 context
-    gone = 1
+    new = 1
+    raise Refused(f"the voucher of order {order} was used before")
 context
@@ -90,2 +91,2 @@ class Other:
-timeout = 30
+timeout = 3
diff --git a/conf.yaml b/conf.yaml
--- a/conf.yaml
+++ b/conf.yaml
@@ -1,2 +1,2 @@
-  pool_size: 50
-  host: main-db.internal
+  pool_size: 5
+  host: other-db.internal
"""


def commit(patch: str = PATCH, *files: str) -> Commit:
    return Commit(
        sha="a" * 40, at=at(0), author="x", title="", parents=(), files=files or ("shop/cart.py",), patch=patch
    )


def trace(*frames: Frame) -> Trace:
    return Trace(exception="KeyError", message="", frames=frames, language="python")


def test_hunks_have_the_new_versions_lines() -> None:
    first, second, third = hunks(PATCH)
    assert (first.path, first.function, first.first, first.last) == ("shop/cart.py", "def merge(left, right):", 10, 13)
    assert list(first.added) == [11, 12]
    assert first.removed == ["    gone = 1"]
    assert second.added == {91: "timeout = 3"}
    assert third.path == "conf.yaml"


def test_a_removed_line_that_looks_like_a_header_is_a_line() -> None:
    (hunk,) = hunks("--- a/q.sql\n+++ b/q.sql\n@@ -1,2 +1,1 @@\n--- a comment\n+select 1\n")
    assert hunk.removed == ["-- a comment"]


def test_a_frame_in_a_changed_line_is_worth_most_and_a_caller_less() -> None:
    inner = Frame(file="/srv/shop/cart.py", line=12, function="merge")
    outer = Frame(file="/srv/shop/server.py", line=3, function="handle")
    near = Frame(file="/srv/shop/cart.py", line=50, function="merge")
    far = Frame(file="/srv/shop/cart.py", line=50, function="list")
    changes = hunks(PATCH)
    found = [reached(trace(outer, frame), commit(), changes) for frame in (inner, near, far)]
    assert [(f.strength, f.changed) for f in found if f] == [(1.0, True), (0.6, True), (0.3, False)]
    called = reached(trace(inner, outer), commit(), changes)
    assert called is not None
    assert called.strength == 0.6
    assert reached(trace(outer), commit(), changes) is None


def test_files_are_the_same_by_their_last_two_parts() -> None:
    assert same_file("/app/shop/cart.py", "src/shop/cart.py")
    assert same_file("cart.py", "shop/cart.py")
    assert same_file("C:\\app\\shop\\cart.py", "shop/cart.py")
    assert not same_file("/app/other/cart.py", "shop/cart.py")
    assert not same_file("", "shop/cart.py")


def test_an_added_line_writes_what_the_log_says() -> None:
    changes = hunks(PATCH)
    assert writes("the voucher of order 17 was used before", changes) is changes[0]
    assert writes("before used was order of voucher the", changes) is None
    assert writes("order 7", changes) is None


def test_a_name_that_a_change_brings_is_told_from_one_that_was_there() -> None:
    changes = hunks(PATCH)
    assert writes_name("lookup other-db.internal: no such host", changes) == ("other-db.internal", changes[2])
    assert writes_name("lookup main-db.internal: no such host", changes) is None


def test_numbers_that_were_set_anew_are_settings() -> None:
    found = [(setting.key, setting.old, setting.new) for setting in settings(hunks(PATCH))]
    assert found == [("timeout", 30.0, 3.0), ("pool_size", 50.0, 5.0)]


def test_garbage_is_no_diff_and_a_huge_one_is_bounded() -> None:
    assert hunks("") == hunks("Binary files differ\n@@ nonsense\n+x") == ()
    huge = hunks(PATCH + "+x = 1\n" * 2_000_000)
    assert sum(len(hunk.added) for hunk in huge) < 60_000
