"""The recorded series.

Each rule is one value, from which both the PromQL of a real Prometheus and the recorder's own arithmetic are made.
"""

from dataclasses import dataclass

WINDOW_S = 5
"""Seconds over which rates are taken: short, because the story is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`sum by (labels) (rate(numerator))`, divided by the same of `denominator` where there is one.

    Without traffic in the window a ratio has no sample: missing is not zero.
    """

    record: str
    by: tuple[str, ...]
    numerator: str
    denominator: str | None = None

    @property
    def promql(self) -> str:
        """The rule as Prometheus evaluates it."""
        above = self._summed(self.numerator)
        return above if self.denominator is None else f"{above} / ({self._summed(self.denominator)} > 0)"

    def _summed(self, selector: str) -> str:
        return f"sum by ({', '.join(self.by)}) (rate({selector}[{WINDOW_S}s]))"


ERROR_RATIO = Rule(
    record="service:http_error_ratio:rate5s",
    by=("service",),
    numerator='http_requests_total{status=~"5.."}',
    denominator="http_requests_total",
)
REQUESTS = Rule(record="service:http_requests:rate5s", by=("service",), numerator="http_requests_total")
LATENCY = Rule(
    record="service:http_latency_seconds:mean5s",
    by=("service",),
    numerator="http_request_duration_seconds_sum",
    denominator="http_request_duration_seconds_count",
)
ROUTE_ERROR_RATIO = Rule(
    record="route:http_error_ratio:rate5s",
    by=("service", "route"),
    numerator='http_requests_total{status=~"5.."}',
    denominator="http_requests_total",
)
RULES = (ERROR_RATIO, REQUESTS, LATENCY, ROUTE_ERROR_RATIO)


def target_labels() -> dict[str, str]:
    """What every scraped series of the shop carries, wherever the shop listens; the shop's own labels win."""
    return {"job": "shop", "instance": "shop-0", "service": "shop"}
