"""JSON from outside, parsed within reason: a short body can hold millions of objects, and each takes far more room."""

import json

_SMALL = 2**20  # bytes: whatever so little holds has room
_A_OBJECT, _A_LIST = 32, 12
"""Bytes for each object and each list. Answers of telemetry need more: labels have names, samples have times."""


def parsed(body: bytes) -> object:
    """What the body holds. Raises ValueError for what is no JSON, is nested too deep, or would take too much room."""
    if len(body) > _SMALL and (body.count(b"{") * _A_OBJECT > len(body) or body.count(b"[") * _A_LIST > len(body)):
        raise ValueError("more objects or lists than an answer of that length can need")
    try:
        document: object = json.loads(body)
    except RecursionError:  # a body of nothing but brackets
        raise ValueError("nested too deep") from None
    return document
