"""Operational causes: what breaks a system though nobody changed it, and the words that each is known by. Pure.

What a metric is called shows it; what a log line says is only said. How much each is worth stands here, so that a
ranking of a whole bundle and the diagnosis of a case mean the same by it.
"""

import re
from collections.abc import Mapping

_TRAFFIC = re.compile(
    r"traffic|requests?$|request_(rate|count)|requests_(total|per_second)|rps|qps|throughput", re.IGNORECASE
)

SURGE, CERTIFICATE, DNS = "traffic surge", "certificate expiry", "DNS failure"
PROVIDER, NODE, DATA = "provider outage", "node failure", "bad data"

_SAYS: Mapping[str, re.Pattern[str]] = {
    CERTIFICATE: re.compile(
        r"certificate (has )?expired|cert\w* expired|CERT_HAS_EXPIRED|x509: certificate|certificate verify failed"
        r"|certificate is not yet valid|NotAfter",
        re.IGNORECASE,
    ),
    DNS: re.compile(
        r"no such host|NXDOMAIN|name resolution|getaddrinfo|EAI_AGAIN|ENOTFOUND|SERVFAIL|server misbehaving"
        r"|could not resolve|UnknownHost|name or service not known|nodename nor servname",
        re.IGNORECASE,
    ),
    PROVIDER: re.compile(
        r"(provider|third[- ]party|vendor|external|partner|gateway at \S+|https?://\S+|api\.\S+)\b.{0,80}"
        r"(unavailable|outage|incident|5\d\d|#|bad gateway|timed? ?out|refused|overloaded)",
        re.IGNORECASE,
    ),
    NODE: re.compile(
        r"OOM-?Killed|out of memory|oom-kill|exit(ed)? (with )?(code|status) 137|no space left|disk (is )?full|ENOSPC"
        r"|node \S* ?(is )?(not ready|lost|unreachable|down)|NodeNotReady|evicted|DiskPressure|MemoryPressure"
        r"|read-only file system",
        re.IGNORECASE,
    ),
    DATA: re.compile(
        r"malformed|schema (mismatch|violation|version|validation)|unexpected (token|field|column|type|format)"
        r"|invalid (json|csv|xml|utf-?8|date|payload|format|record|row)|could not (parse|decode|convert)"
        r"|cannot (parse|deserialize|decode)"
        r"|failed to (parse|decode|deserialize)|missing (required )?(field|column)|parse error|JSONDecodeError"
        r"|UnicodeDecodeError",
        re.IGNORECASE,
    ),
}
_SHOWS: Mapping[str, re.Pattern[str]] = {
    CERTIFICATE: re.compile(r"cert|tls|ssl", re.IGNORECASE),
    DNS: re.compile(r"dns|resolv|nxdomain|servfail", re.IGNORECASE),
    PROVIDER: re.compile(r"provider|external|third_?party|vendor|partner", re.IGNORECASE),
    NODE: re.compile(r"node_|oom|evict|disk|filesystem|inode|host_|machine|not_ready", re.IGNORECASE),
    DATA: re.compile(r"malformed|invalid|reject|schema|parse|decode|dead_?letter|dlq|bad_record", re.IGNORECASE),
}
_ENDS_AT_ZERO = re.compile(r"expir|days|valid|ready|node_up|free|available", re.IGNORECASE)
_HOUSEKEEPING = re.compile(r"disk_(io|read|write)", re.IGNORECASE)

KINDS = tuple(_SAYS)
"""Those that metrics and logs call by their names; a surge is known by its traffic."""

RISE, SURE_RISE = 1.5, 2.0
"""How many times the usual traffic may be a surge, and is one."""
SHOWN, SAID, BOTH = 0.7, 0.55, 0.9
"""How strong a cause is that a metric shows, that logs say, or both."""
SHARE = 0.3
"""Of all that is new in a service's log, what must say it."""


def is_traffic(metric: str) -> bool:
    """Whether a metric of that name counts requests."""
    return _TRAFFIC.search(metric) is not None


def says(kind: str, text: str) -> bool:
    """Whether a log line names the cause."""
    return _SAYS[kind].search(text) is not None


def shows(kind: str, metric: str, *, up: bool) -> bool:
    """Whether a metric of that name shows the cause when it moves up, or down."""
    if not _SHOWS[kind].search(metric) or _HOUSEKEEPING.search(metric):
        return False
    return up is not (_ENDS_AT_ZERO.search(metric) is not None)
