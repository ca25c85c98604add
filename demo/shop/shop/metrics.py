"""Counters in the Prometheus text format."""

import threading
import time

ROUTES = ("/", "/catalogue", "/cart", "/checkout")
STATUSES = (200, 400, 404, 500, 503)


class Metrics:
    """Requests by route and status. Every counter is there from the start, so that a first error is an increase."""

    def __init__(self, revision: str) -> None:
        self._revision = revision
        self._started = time.time()
        self._lock = threading.Lock()
        self._requests = {(route, status): 0 for route in ROUTES for status in STATUSES}
        self._seconds = dict.fromkeys(ROUTES, 0.0)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request of a known route."""
        with self._lock:
            self._requests[route, status] = self._requests.get((route, status), 0) + 1
            self._seconds[route] += seconds

    def render(self) -> str:
        """Return the text of `/metrics`."""
        with self._lock:
            requests, seconds = dict(self._requests), dict(self._seconds)
        lines = ["# TYPE http_requests_total counter"]
        lines += [
            f'http_requests_total{{service="shop",route="{route}",status="{status}"}} {count}'
            for (route, status), count in requests.items()
        ]
        lines.append("# TYPE http_request_duration_seconds summary")
        for route, spent in seconds.items():
            answered = sum(count for (counted, _), count in requests.items() if counted == route)
            lines.append(f'http_request_duration_seconds_sum{{service="shop",route="{route}"}} {spent:.6f}')
            lines.append(f'http_request_duration_seconds_count{{service="shop",route="{route}"}} {answered}')
        lines.append("# TYPE build_info gauge")
        lines.append(f'build_info{{service="shop",revision="{self._revision}"}} 1')
        lines.append("# TYPE process_start_time_seconds gauge")
        lines.append(f"process_start_time_seconds {self._started:.3f}")
        return "\n".join(lines) + "\n"
