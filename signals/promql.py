"""The little PromQL that is built here rather than written by the operator."""

import re
from collections.abc import Mapping

from cases.errors import PermanentError

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def selector(metric: str, labels: Mapping[str, str]) -> str:
    r"""Return `metric{name="value",…}` with the values escaped, so that a value can never end its own quotes.

    Raises PermanentError for a metric or label name that Prometheus cannot have.
    """
    if not _METRIC.fullmatch(metric):
        raise PermanentError(
            f"{metric!r} is no metric name: write letters, digits, `_` and `:`, not starting with a digit"
        )
    for name in labels:
        if not _LABEL.fullmatch(name):
            raise PermanentError(f"{name!r} is no label name: write letters, digits and `_`, and no digit first")
    matchers = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(labels.items()))
    return f"{metric}{{{matchers}}}"
