"""A small incident by hand: `front` calls `cart` and `ads`; `cart` breaks five minutes after its deploy."""

from dataclasses import replace

import numpy as np

from cases.bundle import Alert, Bundle, Entry, Readings, Span
from cases.diagnosis import Commit
from cases.moments import milliseconds
from cases.telemetry import Deploy
from tests.detectors.series import at

ONSET, FIRED, END = 40, 43, 50
PATCH = """--- a/cart/merge.py
+++ b/cart/merge.py
@@ -10,4 +10,5 @@ def merge_baskets(left, right):
     total = 0
-    return left
+    total += right.count
+    log.error(f"the second cart of {left.id} cannot be merged twice")
+    return left
"""
STACK = """Traceback (most recent call last):
  File "/srv/app/server.py", line 4, in handle
    return call()
  File "/srv/app/cart/merge.py", line 11, in merge_baskets
    total += right.count
AttributeError: 'NoneType' object has no attribute 'count'
"""


def commit(name: str, minute: float, *files: str, title: str = "Work", patch: str = "") -> Commit:
    return Commit(sha=name * 40, at=at(minute), author="x", title=title, parents=(), files=files, patch=patch)


CULPRIT = commit("c", 30, "cart/merge.py", title="Merge carts by count", patch=PATCH)
INNOCENT = commit(
    "d", 20, "ads/rank.py", patch=PATCH.replace("cart/merge", "ads/rank").replace("merge_baskets", "rank_ads")
)


def deployed(of: Commit, service: str, minute: float) -> Deploy:
    return Deploy(service=service, commit=of.sha, started=at(minute), source="changes.json")


def readings(level: float, after: float | None = None, *, seed: int = 0, onset: float = ONSET) -> Readings:
    """Half-minute readings; from the onset on at `after`."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(0, END, 0.5)
    values = level * (1 + rng.normal(0, 0.02, len(minutes)))
    if after is not None:
        values = np.where(minutes >= onset, after * (1 + rng.normal(0, 0.02, len(minutes))), values)
    times = np.array([milliseconds(at(float(minute))) for minute in minutes], dtype=np.int64)
    return Readings(times=times, values=values)


def ms(minute: float) -> int:
    return milliseconds(at(minute))


def spans(*, slow: str = "", failing: str = "cart", since: float = ONSET) -> tuple[Span, ...]:
    """Two traces a minute: front → cart, front → ads; the cart has another operation, which is well."""
    made: list[Span] = []
    for number in range(2 * END):
        minute = number / 2
        bad = minute >= since
        own = {name: 200.0 if bad and name == slow else 5.0 for name in ("front", "cart", "ads")}
        fails = {name: bad and name == failing for name in ("cart", "ads")}
        whole = sum(own.values())
        rows = (
            ("a", "", "front", "GET /", whole, any(fails.values()) or (bad and failing == "front")),
            ("b", "a", "cart", "Cart.MergeBaskets", own["cart"], fails["cart"]),
            ("c", "a", "ads", "Ads.RankAds", own["ads"], fails["ads"]),
            ("d", "", "cart", "Cart.Empty", 5.0, False),
        )
        made += [
            Span(
                trace=f"t{number}",
                id=identity,
                parent=parent,
                service=service,
                name=name,
                at=ms(minute),
                duration=duration,
                failed=failed,
            )
            for identity, parent, service, name, duration, failed in rows
        ]
    return tuple(made)


def entries(
    message: str, *, service: str = "cart", stack: str = "", error: str = "", often: int = 40, since: float = ONSET
) -> tuple[Entry, ...]:
    gap = (END - since) / often
    return tuple(
        Entry(
            at=ms(since + number * gap),
            service=service,
            severity="ERROR",
            message=f"{message} {number}",
            error=error,
            stack=stack,
        )
        for number in range(often)
    )


def bundle(**changed: object) -> Bundle:
    """Errors of the cart, felt in the front, with everything that tells of them. `changed` replaces fields."""
    whole = Bundle(
        alert=Alert(service="front", metric="errors", summary="front fails", fired=at(FIRED)),
        series={
            ("front", "errors"): readings(0.01, 0.2, seed=1),
            ("cart", "errors"): readings(0.01, 0.4, seed=2),
            ("ads", "errors"): readings(0.01, seed=3),
        },
        entries=entries("unhandled error", stack=STACK, error="AttributeError"),
        spans=spans(),
        deploys=(deployed(CULPRIT, "cart", 35), deployed(INNOCENT, "ads", 33)),
        commits=(CULPRIT, INNOCENT),
    )
    return replace(whole, **changed)  # type: ignore[arg-type]
