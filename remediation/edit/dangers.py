"""What an edit may not bring in: ways out of the program, to the network, to other processes, to the verdict."""

import re
from collections.abc import Mapping, Sequence

_EVERYWHERE: Mapping[str, Sequence[str]] = {
    "an address": (r"\b[a-z][a-z0-9+.-]{1,20}://", r"\bwww\.\w"),
    "a process": (
        r"\bsubprocess\b|\bpopen\b|\bpty\b|\bchild_process\b|\bProcessBuilder\b|\bos/exec\b|\bstd::process\b",
        r"\bos\s*\.\s*(?:system|exec|spawn|fork|kill|popen|posix_spawn)\w*",
        r"\bRuntime\s*\.\s*getRuntime|\bProcess\s*\.\s*Start\b|\b(?:exec|spawn|fork)(?:Sync|File|FileSync)\s*\(",
    ),
    "code made from text": (
        r"\b(?:eval|exec|__import__|execfile)\s*\(|(?<![.\w])compile\s*\(",
        r"\bnew\s+Function\b|\binstance_eval\b",
    ),
    "a way around the language": (
        r"\b(?:importlib|runpy|builtins|__builtins__|__subclasses__|__globals__|__code__|ctypes|cffi)\b",
        r"\bsys\s*\.\s*(?:modules|path|settrace|setprofile|meta_path|_getframe)\b",
        r"\b(?:globals|vars|locals)\s*\(",
        r"\b(?:gc|inspect|mmap)\s*\.|\b(?:from|import)\s+(?:gc|inspect|mmap)\b",
        r"\bgetattr\s*\(\s*(?:os|sys|builtins)\b",
    ),
    "a reader that runs what it reads": (
        r"\b(?:pickle|cPickle|dill|marshal|shelve|jsonpickle)\b|\byaml\s*\.\s*load\b",
    ),
    "the network": (
        r"\b(?:socket|socketserver|urllib|urllib3|httplib|ftplib|smtplib|telnetlib|xmlrpc|asyncore|paramiko)\b",
        r"\bhttp\s*\.\s*(?:client|server)\b|\bXMLHttpRequest\b|\bWebSocket\b|\bnet\s*\.\s*Dial\b|\bfetch\s*\(",
    ),
    "a permission": (r"\b(?:chmod|chown|setuid|setgid|umask|sudo|setcap|chroot)\b|\bos\s*\.\s*access\b",),
    "a look at secrets or the environment": (
        r"\b(?:environ|getenv|putenv|getpass|keyring|netrc)\b|\bprocess\s*\.\s*env\b",
    ),
    "a write to the file system": (
        r"\b(?:shutil|rmtree|unlink|write_text|write_bytes|symlink|tempfile)\b|\bos\s*\.\s*(?:remove|rename|replace)\b",
        r"\bopen\s*\([^)\n]{0,300},\s*(?:mode\s*=\s*)?[\"'][^\"'\n]{0,9}[wax+]|\.\s*open\s*\(\s*(?:mode\s*=\s*)?[\"'][wax]",
    ),
    "an end of the program": (
        r"\bos\s*\.\s*_exit\b|\bsys\s*\.\s*exit\b|\bSystemExit\b|\bprocess\s*\.\s*exit\b|\batexit\b",
    ),
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
    return tuple(name for name, patterns in forms.items() if any(re.search(pattern, added) for pattern in patterns))
