"""A notice as one line of JSON, in ASCII: no terminal is moved by what it says."""

import json
from collections.abc import Mapping

from cases.steps import Notice


def line(notice: Notice, more: Mapping[str, str] | None = None) -> str:
    """The notice's fields, those of `more` before them, with no line break at the end."""
    fields = {
        **(more or {}),
        "severity": str(notice.severity),
        "subject": notice.subject,
        "text": notice.text,
        "case": notice.case,
        "link": notice.link,
        **({"gate": notice.gate} if notice.gate else {}),
        "key": notice.key,
    }
    return json.dumps(fields)
