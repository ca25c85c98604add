"""The little PromQL that is built here rather than written by the operator."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from cases.errors import PermanentError

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


_NO_LABELS: Mapping[str, str] = MappingProxyType({})


def selector(metric: str, labels: Mapping[str, str], matching: Mapping[str, str] = _NO_LABELS) -> str:
    r"""Return `metric{name="value",…}` with the values escaped, so that a value can never end its own quotes.

    The values of `matching` are anchored regular expressions (RE2), put as `name=~"…"`.

    Raises PermanentError for a metric or label name that Prometheus cannot have.
    """
    if not _METRIC.fullmatch(metric):
        raise PermanentError(
            f"{metric!r} is no metric name: write letters, digits, `_` and `:`, not starting with a digit"
        )
    for name in (*labels, *matching):
        if not _LABEL.fullmatch(name):
            raise PermanentError(f"{name!r} is no label name: write letters, digits and `_`, and no digit first")
    matchers = [f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(labels.items())]
    matchers += [f'{name}=~"{value.translate(_ESCAPES)}"' for name, value in sorted(matching.items())]
    return f"{metric}{{{','.join(matchers)}}}"


def grouped(query: str, label: str) -> str:
    """Return `group by (label) (query)`: one series for each value of a label. PermanentError for no label name."""
    if not _LABEL.fullmatch(label):
        raise PermanentError(f"{label!r} is no label name: write letters, digits and `_`, and no digit first")
    return f"group by ({label}) ({query})"
