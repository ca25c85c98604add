"""A configuration with the watches that the samples of outcomes name."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WATCHES: list[dict[str, Any]] = [
    {"name": "abandonment", "service": "shop", "query": "abandonment", "harm": "up", "kind": "ratio"},
    {"name": "p95", "service": "shop", "query": "p95", "harm": "up"},
    {"name": "orders", "service": "shop", "query": "orders", "harm": "down"},
]
