"""What an edit may not bring in: ways out of the program, to the network, to other processes, to the verdict."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

_EVERYWHERE: Mapping[str, Sequence[str]] = {
    "an address": (
        r"\b[a-z][a-z0-9+.-]{1,20}://",
        r"\bwww\.\w",
        r"[\"'](?:https?|wss?|ftp):?/{0,2}[\"']",
        (
            r"[\"'/@](?:[a-z0-9-]{1,63}\.){1,8}(?:com|net|org|io|dev|app|cloud|xyz|info|biz|me|co|ru|cn|top|site|online|sh"
            r"|ai|example|internal|local)\b"
        ),
        r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])",
    ),
    "a process": (
        r"\bsubprocess\b|\bpopen\b|\bpty\b|\bchild_process\b|\bProcessBuilder\b|\bos/exec\b|\bstd::process\b",
        r"\bos\s*\.\s*(?:system|exec|spawn|fork|kill|popen|posix_spawn)\w*",
        r"\.\s*(?:system|popen|execv\w*|spawn[lv]\w*|posix_spawnp?|forkpty|killpg)\s*\(",
        r"\.\s*os\s*\.|\bcreate_subprocess_\w+",
        r"\bRuntime\s*\.\s*getRuntime|\bProcess\s*\.\s*Start\b|\b(?:exec|spawn|fork)(?:Sync|File|FileSync)\s*\(",
    ),
    "code made from text": (
        r"(?<![.\w])(?:eval|exec)\b|\b(?:__import__|execfile)\b|(?<![.\w])compile\s*\(",
        r"\bnew\s+Function\b|\binstance_eval\b",
    ),
    "a way around the language": (
        r"\b(?:importlib|runpy|builtins|__builtins__|__subclasses__|__globals__|__code__|ctypes|cffi)\b",
        r"\bsys\s*\.\s*(?:modules|path|settrace|setprofile|meta_path|_getframe)\b",
        r"\b(?:globals|vars|locals)\s*\(",
        r"\b__(?:mro|bases|base|loader|spec|getattribute|reduce|reduce_ex|dict)__\b",
        r"\b(?:gc|inspect|mmap)\s*\.|\b(?:from|import)\s+(?:gc|inspect|mmap)\b",
        r"\bgetattr\s*\(\s*(?:os|sys|builtins)\b",
    ),
    "a reader that runs what it reads": (
        r"\b(?:pickle|cPickle|dill|marshal|shelve|jsonpickle)\b|\byaml\s*\.\s*load\b",
    ),
    "the network": (
        r"\b(?:socket|socketserver|urllib|urllib3|httplib|ftplib|smtplib|telnetlib|xmlrpc|asyncore|paramiko)\b",
        r"\bopen_connection\b|\b(?:Socket|HTTP|SMTP|SysLog)Handler\b",
        r"\bhttp\s*\.\s*(?:client|server)\b|\bXMLHttpRequest\b|\bWebSocket\b|\bnet\s*\.\s*Dial\b|\bfetch\s*\(",
    ),
    "a permission": (r"\b(?:chmod|chown|setuid|setgid|umask|sudo|setcap|chroot)\b|\bos\s*\.\s*access\b",),
    "a look at secrets or the environment": (
        r"\b(?:environ|getenv|putenv|getpass|keyring|netrc)\b|\bprocess\s*\.\s*env\b",
    ),
    "a look at the file system": (
        r"(?<![.\w])open\s*\(|\bio\s*\.\s*open\b|\b(?:read_text|read_bytes|listdir|scandir|iterdir|rglob)\b",
        r"\bfs\s*\.\s*\w+|\bos\s*\.\s*(?:walk|stat|open)\b",
    ),
    "a write to the file system": (
        r"\b(?:shutil|rmtree|unlink|write_text|write_bytes|symlink|tempfile)\b|\bos\s*\.\s*(?:remove|rename|replace)\b",
        r"\bopen\s*\([^)\n]{0,300},\s*(?:mode\s*=\s*)?[\"'][^\"'\n]{0,9}[wax+]|\.\s*open\s*\(\s*(?:mode\s*=\s*)?[\"'][wax]",
    ),
    "an end of the program": (
        r"\bos\s*\.\s*_exit\b|\bsys\s*\.\s*exit\b|\bSystemExit\b|\bprocess\s*\.\s*exit\b|\batexit\b",
    ),
    "what waits for somebody": (r"(?<![.\w])(?:breakpoint|input)\s*\(|\bpdb\b|\bset_trace\b|\bdebugger\b",),
    "a new way in": (r"@\s*\w+(?:\.\w+)*\.(?:route|get|post|put|patch|delete|websocket)\s*\(|\badd_url_rule\b",),
    "a check turned off": (
        r"\bverify\s*[:=]\s*(?:False|false|None)\b|\b_create_unverified_context\b|\bCERT_NONE\b|\bcsrf_exempt\b",
        r"(?i)\bdebug\s*[:=]\s*true\b|\bshell\s*=\s*True\b|\brejectUnauthorized\b|\bInsecureSkipVerify\b",
    ),
    "letters that look like others": (r"\b(?=\w*[A-Za-z])(?=\w*[\u0370-\u03ff\u0400-\u052f])\w+",),
    "a silencer of linters or type checkers": (
        r"#\s*(?:noqa|type:\s*ignore|pyright:|nosec|pragma:)|eslint-disable|@ts-ignore",
    ),
    "hidden characters": ("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",),
}
_IN_TESTS: Mapping[str, Sequence[str]] = {
    "output, from which the verdict is read": (
        r"\bprint\s*\(|\bsys\s*\.\s*(?:stdout|stderr|__stdout__|__stderr__)\b",
        r"\bos\s*\.\s*write\b|\bconsole\s*\.\s*\w+\s*\(|\bwarnings\b|\blogging\b",
    ),
    "a hand in the test runner": (
        r"\bpytest_\w+|\bpytest\s*\.\s*(?:exit|fail|main|hookimpl)\b|\bunittest\s*\.\s*(?:mock|main)\b",
        r"\bmonkeypatch\b|\bmock\b|\bpatch\s*\(|\bsetattr\s*\(|\bMock\s*\(",
    ),
    "a test that is not run": (
        r"\b(?:skip|skipif|skipIf|skipUnless|skipTest|xfail|expectedFailure|importorskip|xit|xdescribe)\b",
        r"\b(?:Ignore|Disabled)\b|\.(?:only|todo)\s*\(|\bt\.Skip",
    ),
}
_IN_SOURCES: Mapping[str, Sequence[str]] = {
    "a look at the test runner": (r"\b(?:pytest|unittest|PYTEST_\w+|jest|vitest|mocha)\b",),
}


def found(added: str, *, test: bool) -> tuple[str, ...]:
    """What of it stands in the added lines, in words. A test, which could decide the verdict, may do still less."""
    forms = {**_EVERYWHERE, **(_IN_TESTS if test else _IN_SOURCES)}
    # A compiler folds wide letters and joins lines that end in a backslash; a reader of patterns has to as well.
    read = (added, unicodedata.normalize("NFKC", added).replace("\\\n", ""))
    return tuple(
        name
        for name, patterns in forms.items()
        if any(re.search(pattern, text) for pattern in patterns for text in read)
    )


_CHECKS = re.compile(
    r"(?i)login_required|permission|authori[sz]|authenticat|\bis_(?:admin|staff|superuser|owner)\b|csrf|forbidden"
    r"|unauthori[sz]ed|signature|compare_digest|\bacl\b|\brbac\b|escape\(|sanitiz"
)


def taken_out(removed: str, added: str) -> tuple[str, ...]:
    """What checks are no longer made, in words: those that the removed lines had and the added ones do not."""
    had = {found.lower() for found in _CHECKS.findall(removed)}
    return tuple(sorted(had - {found.lower() for found in _CHECKS.findall(added)}))
