"""Where things run, blotted out for a reader outside: hosts, network addresses, paths of machines.

Routes as `/checkout`, files of a repository as `shop/pricing.py:6` and the names of services stay: a cause is found by
them. What looks like a host only by its name (`db1`) cannot be told from a word, and stays too.
"""

import re

_URL = re.compile(
    r"(?i)\b(?P<scheme>[a-z][a-z0-9+.-]{1,20}://)(?P<login>[^\s/@\"'<>]{1,200}@)?[^\s/\"'<>\[\]?#]{1,255}"
)
_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?::\d{1,5})?(?![\w.]*\w)")
_V6 = re.compile(
    r"(?i)\[?(?<![\w:])(?=[a-f:]{0,40}\d)(?:(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}|::1)"
    r"(?![\w:])(?:\](?::\d{1,5})?)?"
)
_NAMED = re.compile(
    r"(?i)\b(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}"
    r"(?:com|net|org|internal|local|lan|corp|intra|cloud|svc|consul)(?::\d{1,5})?(?![\w-]|\.\w)"
)
_POD = re.compile(r"\b[a-z][a-z0-9-]{0,200}-(?:[0-9a-f]{8,10}-[a-z0-9]{5})\b")
_NODE = re.compile(r"\bip-\d{1,3}(?:-\d{1,3}){3}\b")
_SAID = re.compile(
    r"(?i)\b(?P<name>(?:host(?:name)?|node|instance|server|pod|peer|upstream)[\"']?\s?[=:]\s?)"
    r"(?P<value>\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|(?!\[redacted)[^\s,;|&(){}\"']{2,200})"
)
_ROOTS = "home|root|Users|var|etc|opt|srv|usr|tmp|app|mnt|data|run|proc|private|workspace|builds|code|lib|nix"
_PATH = re.compile(rf"(?<![\w/.:])/(?:{_ROOTS})(?:/[\w.@+~-]{{1,200}}){{0,30}}/(?P<last>[\w.@+~-]{{1,200}})")
_DRIVE = re.compile(r"(?<!\w)[A-Za-z]:\\(?:[^\\\s\"'<>|]{1,200}\\){0,30}(?P<last>[^\\\s\"'<>|]{1,200})")

HOST, ADDRESS, PATH = "[redacted: host]", "[redacted: address]", "[redacted: path]"


def without_places(text: str) -> str:
    """The text with each place replaced by `[redacted: its kind]`; of a path the last name stays."""
    text = _URL.sub(rf"\g<scheme>{HOST}", text)
    text = _V4.sub(ADDRESS, text)
    text = _V6.sub(ADDRESS, text)
    text = _NODE.sub(HOST, text)
    text = _POD.sub(HOST, text)
    text = _NAMED.sub(HOST, text)
    text = _SAID.sub(rf"\g<name>{HOST}", text)
    text = _PATH.sub(rf"{PATH}/\g<last>", text)
    return _DRIVE.sub(rf"{PATH}/\g<last>", text)
