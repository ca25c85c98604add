"""Secrets and personal data, blotted out before a text is stored or leaves for a model.

Shapes that issuers document come first, then words that announce a secret. It is tuned on telemetry and code: trace
ids, digests, image names and code that merely handles a password stay as they are (a test counts both kinds of error).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

_PRIVATE = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
    r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
_PREFIXED = {
    "AWS key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{40,255})",
    "GitLab token": r"\bgl(?:pat|dt|rt|cbt|ptt|soat|agent)-[A-Za-z0-9_-]{20,}",
    "Slack token": (
        r"\bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+"
    ),
    "Stripe key": r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}",
    "model key": r"\bsk-(?:ant-|proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{20,}",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{20,}",
    "registry token": (
        r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}|rubygems_[a-f0-9]{48})"
    ),
    "service token": (
        r"\b(?:hf_[A-Za-z0-9]{30,}|do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
        r"|hv[sbr]\.[A-Za-z0-9_-]{20,}"
        r"|dapi[a-f0-9]{32}|gl(?:sa|c)_[A-Za-z0-9+/=_-]{20,}|NRAK-[A-Z0-9]{27}|lin_api_[A-Za-z0-9]{30,}"
        r"|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|dp\.(?:pt|st|ct)\.[A-Za-z0-9]{40,}|sntry[su]_[A-Za-z0-9+/=_-]{30,}"
        r"|sq0[a-z]{3}-[A-Za-z0-9_-]{22,}|phc_[A-Za-z0-9]{30,}|phx_[A-Za-z0-9]{30,}|key-[a-f0-9]{32}"
        r"|AGE-SECRET-KEY-1[A-Z0-9]{58}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}|SK[a-f0-9]{32}"
        r"|(?:bot)?[0-9]{8,10}:AA[A-Za-z0-9_-]{33}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,})"
    ),
    "JWT": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
}

_VALUE = r"""(?P<value>"[^"\n]{4,}"|'[^'\n]{4,}'|[^\s"'`,;&(){}\[\]<>$]{6,})"""
_NAME = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|client[_-]?secret|signing[_-]?key|encryption[_-]?key|auth[_-]?key|credentials?|session[_-]?id|sessionid)"
)
_ANNOUNCED = re.compile(rf"(?i)(?P<name>{_NAME}[\"']?\s{{0,3}}(?::=|=>|[:=])\s{{0,3}}){_VALUE}")
_HEADER = re.compile(
    r"(?i)(?P<name>\b(?:(?:proxy-)?authorization|x-api-key|x-auth-token|cookie|set-cookie)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?P<value>[^\r\n\"'}]{6,})"
)
_BEARER = re.compile(r"(?i)(?P<name>\b(?:bearer|basic)\s+)(?P<value>[A-Za-z0-9+/_.~=-]{16,})")
_LOGIN = re.compile(r"(?P<name>\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@\"']{0,100}:)(?P<value>[^\s/@\"']{1,200})(?=@)")

_EMAIL = re.compile(r"\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_CARD = re.compile(r"(?<![\w.-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\w)")
_ISSUERS = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}"
)
_SOCIAL = re.compile(r"(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\w)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")

_KNOWN = re.compile("|".join(f"(?P<k{n}>{shape})" for n, shape in enumerate(_PREFIXED.values())))
_KINDS = tuple(_PREFIXED)
_MARKS = (
    "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-",
    "glrt-", "glcbt-", "glptt-", "glsoat-", "glagent-", "xox", "xapp-", "hooks.slack.com", "k_live_", "k_test_",
    "whsec_", "sk-", "AIza", "ya29.", "GOCSPX-", "npm_", "pypi-", "dckr_", "rubygems_", "hf_", "_v1_", "shpat_",
    "shpca_", "shppa_", "shpss_", "hvs.", "hvb.", "hvr.", "dapi", "glsa_", "glc_", "NRAK-", "lin_api_", "PMAK-",
    "dp.pt.", "dp.st.", "dp.ct.", "sntrys_", "sntryu_", "sq0", "phc_", "phx_", "key-", "AGE-SECRET-KEY-1", "SG.",
    "SK", ":AA", ".atlasv1.", "eyJ",
)  # fmt: skip
"""One of these stands in whatever `_KNOWN` finds. A line without any is not looked through for it: that is most of
them, and many times as fast."""
_STEMS = ("pass", "pwd", "secret", "token", "key", "credential", "session")
"""The same for what a word announces, in small letters."""
_GIT_HOSTS = re.compile(
    r"^git@|^noreply@|@(?:users\.noreply\.)?(?:example\.(?:com|org|net)|github\.com)$"
    r"|\.(?:service|socket|timer|mount|automount|slice|target|scope|device|swap|path)$"  # instances of systemd's units
)

_CODE = re.compile(r"^[A-Za-z_][\w]*(?:[.:]+[A-Za-z_]\w*)+$|^(?:os|process|self|this|config|settings|env)[.\[:]")
_WORDS = re.compile(
    r"[A-Z]*|[A-Za-z]?[a-z]*(?:[A-Z][a-z]+)*|[A-Z]{2,8}[a-z]+(?:[A-Z][a-z]+)*"
)  # PLAIN, aName, HTTPName
_PLACEHOLDER = re.compile(r"(?i)^(?:none|null|nil|true|false|undefined|optional\w*|string|str|required|missing|invalid"
                          r"|expired|changeme|redacted|\*+|x{4,}|\.{3,}|env:\w+|file:\S+|cmd:\S+|%\w+)$")  # fmt: skip


def redacted(text: str) -> str:
    """The text with each secret replaced by `[redacted: its kind]`."""
    if "PRIVATE KEY" in text:
        text = _PRIVATE.sub("[redacted: private key]", text)
    text = "\n".join([_KNOWN.sub(_known, line) if _has(line, _MARKS) else line for line in text.split("\n")])
    text = _LOGIN.sub(r"\g<name>[redacted: password]", text)
    text = _HEADER.sub(r"\g<name>[redacted: header]", text)
    text = _BEARER.sub(r"\g<name>[redacted: token]", text)
    text = "\n".join(
        [_ANNOUNCED.sub(_announced, line) if _has(line.lower(), _STEMS) else line for line in text.split("\n")]
    )
    text = _EMAIL.sub(_email, text)
    text = _CARD.sub(_card, text)
    text = _IBAN.sub(_iban, text)
    return _SOCIAL.sub("[redacted: social security number]", text)


def _has(line: str, marks: Sequence[str]) -> bool:
    return any(mark in line for mark in marks)


@lru_cache(maxsize=8_192)
def redacted_name(text: str) -> str:
    """The same for short texts that come again and again."""
    return redacted(text)


def redacted_labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Labels with the secrets in their values blotted out; the very same where there is none.

    Two values that differ stay different, by six digits of a digest: they tell series apart.
    """
    told = {name: _told_apart(value) for name, value in labels.items()}
    return labels if told == labels else told


@lru_cache(maxsize=32_768)
def _told_apart(value: str) -> str:
    clean = redacted(value)
    if clean == value:
        return value
    return f"{clean} {hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()[:6]}"


def _known(found: re.Match[str]) -> str:
    return f"[redacted: {_KINDS[int((found.lastgroup or 'k0')[1:])]}]"


def _announced(found: re.Match[str]) -> str:
    value = found["value"]
    bare = value.strip("\"'")
    if bare.startswith("[redacted") or _PLACEHOLDER.match(bare):
        return found.group()
    if bare == value and not _guarded(bare):
        return found.group()
    return f"{found['name']}[redacted: secret]"


def _guarded(bare: str) -> bool:
    """Whether an unquoted value looks like a secret and not like code: digits, signs or capitals amid its letters."""
    if _CODE.match(bare):
        return False
    plain = bare.replace("_", "").replace("-", "")
    return any(c.isdigit() for c in bare) or not plain.isalpha() or not _WORDS.fullmatch(plain)


def _email(found: re.Match[str]) -> str:
    return found.group() if _GIT_HOSTS.search(found.group()) else "[redacted: e-mail]"


def _card(found: re.Match[str]) -> str:
    """A payment card's number begins as its issuer's do and keeps Luhn's checksum; most long numbers do not."""
    number = "".join(c for c in found.group() if c.isdigit())
    if not _ISSUERS.fullmatch(number):
        return found.group()
    digits = [int(c) for c in number]
    doubled = [d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(reversed(digits))]
    return "[redacted: card]" if sum(doubled) % 10 == 0 else found.group()


def _iban(found: re.Match[str]) -> str:
    """An account number keeps the checksum of ISO 13616."""
    plain = found.group().replace(" ", "")
    number = int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4]))
    return "[redacted: account]" if number % 97 == 1 else found.group()
