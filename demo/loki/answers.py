"""What range and instant queries of the log stand-in answer: the stretch that is asked for, and what is found in it."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from demo.loki.logql import LogQuery, MetricQuery, RefusedQueryError, duration_ns, parse
from demo.loki.memory import LogMemory

MOST_POINTS = 11_000
LONGEST_NS = (30 * 24 + 1) * 3_600 * 10**9
HOUR_NS = 3_600 * 10**9
STATS = {"summary": {"totalLinesProcessed": 0, "execTime": 0.0}}

_SECONDS_DIGITS = 10


def asked_ns(parameters: Mapping[str, str], name: str, default: int) -> int:
    """Read a time: nanoseconds, seconds or RFC 3339. Raises RefusedQueryError."""
    text = parameters.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdecimal():
        return int(text) * (10**9 if len(text) <= _SECONDS_DIGITS else 1)
    try:
        return round(float(text) * 1e9)
    except (ValueError, OverflowError):
        pass
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1e9)
    except ValueError:
        raise RefusedQueryError(
            f"could not parse '{name}' parameter: strconv.ParseInt: parsing \"{text}\": invalid syntax"
        ) from None


class Window:
    """The stretch, and the step, that a range query asks for. Raises RefusedQueryError."""

    def __init__(self, parameters: Mapping[str, str], now_ns: int) -> None:
        self.end = asked_ns(parameters, "end", now_ns)
        self.start = asked_ns(parameters, "start", self.end - HOUR_NS)
        if self.end <= self.start:
            raise RefusedQueryError("end timestamp must not be before or equal to start time")
        step = parameters.get("step", "")
        self.step = round(float(step) * 1e9) if re.fullmatch(r"[0-9.]+", step) else duration_ns(step or "1m")
        if (self.end - self.start) // self.step > MOST_POINTS and "step" in parameters:
            raise RefusedQueryError(
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step "
                "parameter"
            )
        if self.end - self.start > LONGEST_NS:
            raise RefusedQueryError(
                f"the query time range exceeds the limit (query length: {_go(self.end - self.start)}, limit: 30d1h)"
            )

    def moments(self) -> list[int]:
        """Where a metric query is evaluated: whole multiples of the step, both ends rounded outwards."""
        first, last = self.start // self.step, -(-self.end // self.step)
        return [moment * self.step for moment in range(first, last + 1)]


def _go(nanos: int) -> str:
    """A duration as Go prints it, to the millisecond: 1h39m20.313s."""
    seconds, rest = divmod(nanos // 10**6, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}h{minutes % 60}m{seconds}.{rest:03d}s"


def log_answer(
    memory: LogMemory, query: LogQuery, window: Window, parameters: Mapping[str, str], most: int
) -> dict[str, Any]:
    """The lines of a range query, a stream at a time."""
    asked = parameters.get("limit", "100")
    if not (asked.isascii() and asked.isdecimal()):
        raise RefusedQueryError(f'strconv.Atoi: parsing "{asked}": invalid syntax')
    limit = int(asked)
    if limit > most:
        raise RefusedQueryError(
            f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {most})"
        )
    forward = parameters.get("direction", "backward").lower() == "forward"
    streams: dict[str, dict[str, Any]] = {}
    for labels, line in memory.pick(query, window.start, window.end, limit=limit, forward=forward):
        stream = streams.setdefault(json.dumps(labels, sort_keys=True), {"stream": labels, "values": []})
        stream["values"].append([str(line.at), line.text])
    return {"resultType": "streams", "result": list(streams.values()), "stats": STATS}


def metric_answer(memory: LogMemory, query: MetricQuery, window: Window) -> dict[str, Any]:
    """The values of a range query at whole multiples of its step."""
    found = memory.count(query, window.moments())
    series = [
        {
            "metric": labels,
            "values": [[moment // 10**9 if moment % 10**9 == 0 else moment / 1e9, _number(v)] for moment, v in values],
        }
        for labels, values in found
        if values
    ]
    return {"resultType": "matrix", "result": series, "stats": STATS}


def instant_answer(memory: LogMemory, parameters: Mapping[str, str], now_ns: int) -> dict[str, Any]:
    """The values of an instant query."""
    query = parse(parameters.get("query", ""))
    if isinstance(query, LogQuery):
        raise RefusedQueryError(
            "log queries are not supported as an instant query type, please change your query to a range query type"
        )
    at = asked_ns(parameters, "time", now_ns)
    vector = [
        {"metric": labels, "value": [at // 10**6 / 1000, _number(values[-1][1])]}
        for labels, values in memory.count(query, [at])
        if values
    ]
    return {"resultType": "vector", "result": vector, "stats": STATS}


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
