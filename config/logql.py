"""What a Loki takes as the streams and the filter that error lines are looked for with.

A query needs one matcher that does not match what is empty: https://grafana.com/docs/loki/latest/query/log_queries/
"""

import re

from config.errors import Unusable

_STRING = r'"(?:[^"\\]|\\.)*"|`[^`]*`'
_MATCHER = re.compile(rf"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*({_STRING})\s*")
_EXAMPLE = """write it as in '{app=~".+"}'"""


def selector(value: str) -> str:
    """Streams, as in `{app="shop"}`; what narrows their lines may follow. Raises Unusable."""
    if not value.startswith("{"):
        raise Unusable("the streams are not in braces", _EXAMPLE)
    place, narrow = 1, False
    while found := _MATCHER.match(value, place):
        narrow = narrow or _narrows(found[2], found[3])
        place = found.end()
        if value[place : place + 1] != ",":
            break
        place += 1
    if value[place:].lstrip()[:1] != "}":
        raise Unusable("it is not a list of labels in braces", _EXAMPLE)
    if not narrow:
        raise Unusable("it says nothing that a stream must have, and Loki refuses that", _EXAMPLE)
    rest = value[place:].lstrip()[1:]
    return value if not rest.strip() else value[: -len(rest)] + filter_of(rest)


def filter_of(value: str) -> str:
    """What narrows lines, as in `|= "ERROR"`: it follows the selector. Raises Unusable."""
    if value.lstrip()[:1] not in {"|", "!"}:
        raise Unusable("what looks for lines does not begin with | or !", """write it as in '|= "ERROR"'""")
    return value


def _narrows(operator: str, quoted: str) -> bool:
    """Whether a stream without the label is left out."""
    text = quoted[1:-1]
    if operator == "=":
        return text != ""
    if operator != "=~":
        return False
    try:
        return re.fullmatch(text, "") is None
    except re.error:  # Go's expressions are not quite Python's: Loki has the last word
        return True
