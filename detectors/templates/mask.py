"""The slow look at one line: what is surely a value becomes `<*>`. Bounded on hostile lines.

Only lines whose key was never seen come here. No expression nests a repetition in a repetition.
"""

import re

VALUE = "\x00"
"""Stands for a value while a line is looked at; `shown` writes it as `<*>`."""

_DOMAINS = (
    "com|org|net|edu|gov|mil|int|io|dev|app|cloud|info|biz|local|internal|lan|localdomain|arpa"
    "|ar|at|au|be|br|ca|ch|cn|co|cz|de|dk|es|eu|fi|fr|hk|id|il|in|it|jp|kr|mx|my|nl|no|ph|pl|ru|se|sg|th|tr|tw|ua|uk"
    "|us|vn"
)
_SOURCES = "c|cc|cpp|cs|ex|go|h|java|js|kt|php|py|rb|rs|scala|swift|ts"  # a file and a line, no host and a port
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? {1,2})?"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"

_DATE = re.compile(
    rf"\b{_DAY}{_MONTH} {{1,2}}\d{{1,2}} {{1,2}}(?:\d{{4}} )?{_CLOCK}(?: [A-Z]{{3,4}})?(?: \d{{4}})?\b"
    rf"|\b{_DAY}\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{2,4}}[ :]{_CLOCK}(?: ?[+-]\d{{4}}| [A-Z]{{3,4}})?"
)
_HARDWARE = re.compile(r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b")
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,60}://[^\s\"'<>,;)\]}]{0,2000}[^\s\"'<>,;)\]}.:]")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:|~|\.{1,2})?(?:[\\/][\w@%+.$~#=-]{1,255})+[\\/]?(?:\?[^\s\"']{0,2000})?")
_HOST = re.compile(rf"(?<![\w.-])(?:[\w-]{{1,63}}\.){{1,10}}(?:{_DOMAINS})(?![\w.-])(?::\d{{1,5}})?")
_PORT = re.compile(
    rf"(?<![\w.-])(?:localhost|[a-z0-9-]{{1,63}}(?:\.(?!(?:{_SOURCES}):)[a-z0-9-]{{1,63}}){{1,10}}):\d{{2,5}}\b(?!:)"
)
# (what a text must have, the value that it may then have). Most texts have few of them; to look for a sign is quick.
_WHOLE = (
    (re.compile(r"[JFMASOND](?:an|eb|ar|pr|ay|un|ul|ug|ep|ct|ov|ec)"), _DATE),
    (re.compile(r"[:-][0-9a-fA-F]{2}[:-][0-9a-fA-F]{2}[:-][0-9a-fA-F]{2}[:-][0-9a-fA-F]{2}[:-]"), _HARDWARE),
    (re.compile("://"), _URL),
    (re.compile("@"), _MAIL),
    (re.compile(r"[\\/]"), _PATH),
    (re.compile(rf"\.(?:{_DOMAINS})(?![\w.-])"), _HOST),
    (re.compile(r":\d"), _PORT),
)
_PRODUCT = re.compile(r'"[A-Za-z][\w.-]{0,40}/[\w.]{1,20}(?: [^"]{0,500})?"')  # a user agent, in quotes
_SIZE = re.compile(
    r"\d(?<![\w.]\d)(?<!\w-\d)\d*(?:\.\d+)? ?(?:[KMGTP]i?B|[Bb]ytes?|B|[kKMGT]b|[KMGT]|ns|us|µs|ms|m?secs?"
    r"|(?:milli)?seconds?|mins?|minutes?|hours?|hrs?|days?|[smhd])(?!\w|-\w)(?: ?\(\d+(?:\.\d+)? ?[KMGTP]i?B\))?"
)
_UNDER = re.compile(r"< ?(?=\x00(?:[ ,;.]|$))")  # <1 sec
_ASSIGNED = re.compile(r"(?<=[\w\])])( = |=)(?:\"[^\"]*\"|'[^']*'|[^\s,;()\[\]{}<>=\"']+)")
_NUMBERED = re.compile(
    r"(?<![A-Za-z0-9_.@$%#*+~-])[A-Za-z0-9_.@$%#*+~-]*\d(?:[A-Za-z0-9_.@$%#*+~:-]*[A-Za-z0-9_@$%#*+~])?"
)
_HEX_LETTERS = bytes(ord("f") if chr(b) in "abcdef" else ord("F") if chr(b) in "ABCDEF" else 0 for b in range(256))
_SIZED = re.compile(r"\d ?[KMGTPBbkmnsuµdh]")
_LETTERS_OF_HEX = re.compile(r"(?:\b[\w.]{1,60}-)?\b(?:[a-f]{7,}|[A-F]{7,})\b")
_VISITOR = re.compile(r"(\x00 -) \S{1,100} (?=\[\x00\] \")")  # the user in an access log
_EITHER = re.compile(r"\b(?:true|false|null|nil|None|True|False|NULL|TRUE|FALSE|undefined)\b")
_SIGNED = re.compile(r"[-+]?\x00[%\x00]*")
_ENCLOSED = re.compile(r"(?<= (?:to|by|on|of|in) )[A-Z]+\(\x00\)|\x00\{\x00\}")
_NOTHING = re.compile(r'(?<=[ \x00])\(\)|(?<= )"-?"(?= |$)')
_GLUED = re.compile(
    r"(?<![^\s,;\"'()\[\]=:<>\x00])[^\s,;\"'()\[\]=:<>\x00]*(?:\x00[^\s,;\"'()\[\]=:<>\x00]*[\\/]|[\\/]\x00)[^\s,;\"'()\[\]=:<>]*"
)
_SEVERAL = re.compile(r"\x00(?:(?: ?[,:;/|#x*+-] ?|  ?|##)\x00)+")
_DOTS = re.compile(r"\.{2,}")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")


def masked(text: str) -> str:
    """The text with `VALUE` for each number, time, address, path, identifier and assigned value, spaces made single."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    text = text.replace(VALUE, " ")
    if ".." in text:
        text = _DOTS.sub(" .. ", text)
    if '"' in text:
        text = _PRODUCT.sub(VALUE, text)
    for sign, value in _WHOLE:
        if sign.search(text):
            text = value.sub(VALUE, text)
    if _SIZED.search(text):
        text = _SIZE.sub(VALUE, text)
    if "<" in text:
        text = _UNDER.sub("", text)
    if "=" in text:
        text = _ASSIGNED.sub(r"\1" + VALUE, text)
    text = _NUMBERED.sub(VALUE, text)
    letters = text.encode("utf-8", "replace").translate(_HEX_LETTERS)
    if b"fffffff" in letters or b"FFFFFFF" in letters:  # no digit among them by chance
        text = _LETTERS_OF_HEX.sub(VALUE, text)
    return " ".join(_joined(text).split())


def _joined(text: str) -> str:
    """What belongs to a value, or is one, by the values around it."""
    small = text.lower()
    if "nil" in small or "null" in small or "none" in small or "true" in small or "fals" in small or "undef" in small:
        text = _EITHER.sub(VALUE, text)
    text = _SIGNED.sub(VALUE, text)
    if "/" in text or "\\" in text:
        text = _GLUED.sub(VALUE, text)
    if f"({VALUE})" in text or f"{{{VALUE}}}" in text:
        text = _ENCLOSED.sub(VALUE, text)
    if "()" in text or '""' in text or '"-"' in text:
        text = _NOTHING.sub(_one_within, text)
    text = _VISITOR.sub(rf"\1 {VALUE} ", text)
    return _SEVERAL.sub(VALUE, text)


def _one_within(found: re.Match[str]) -> str:
    """Brackets or quotes around nothing stand where others hold a value."""
    return f"({VALUE})" if found.group() == "()" else VALUE
