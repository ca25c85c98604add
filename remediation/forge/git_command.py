"""GitCommand: git as a child process that nothing outside can steer. Nothing else in the house starts git.

No configuration but what is given here, no hooks, no prompts, no credential helpers, no work tree, no protocol but the
allowed one, a time limit on every call, and none of the daemon's own environment: a secret reaches git through the
environment of one call only, never its arguments, files or messages.
"""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast

from cases.errors import PermanentError, TemporaryError, TrackwalkerError

KEPT = frozenset(
    {
        *("PATH", "LD_LIBRARY_PATH", "TMPDIR"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "CURL_CA_BUNDLE"),
    }
)
"""What git may see of the daemon's environment: where programs are, and how the network is reached."""

NOT_FOUND = 127  # what env(1) answers when there is no such program
NO_GIT = "git is not installed, or not on the PATH: install git 2.38 or newer"
LONGEST_REASON = 300

HARDENED: Mapping[str, str] = {
    "core.hooksPath": "/dev/null",
    "core.symlinks": "false",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.bigFileThreshold": "1m",  # bigger blobs are never diffed: a patch stays readable, memory bounded
    "credential.helper": "",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "transfer.fsckObjects": "true",
    # Three slips of old tools that well-known histories carry, and that can do nothing to us:
    "fetch.fsck.badTimezone": "ignore",
    "fetch.fsck.zeroPaddedFilemode": "ignore",
    "fetch.fsck.missingSpaceBeforeDate": "ignore",
    "gc.autoDetach": "false",  # nothing keeps running after a call
    "http.followRedirects": "false",  # the token goes to the configured address or nowhere
    "http.lowSpeedLimit": "100",
    "http.lowSpeedTime": "60",
    "log.showSignature": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a git command ended: exit status, what it wrote, and whether the time limit ended it."""

    status: int
    out: bytes
    err: str
    timed_out: bool = False

    @property
    def reason(self) -> str:
        """The telling line of what git complained about, printable and short."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        telling = next((line for line in lines if line.startswith(("fatal:", "error:", "remote:"))), "")
        text = telling or (lines[-1] if lines else f"status {self.status}")
        return "".join(c if c.isprintable() else "?" for c in text)[:LONGEST_REASON]


class GitCommand:
    """Runs git on one bare repository, or on none (`folder` None).

    `settings` are configuration beside HARDENED; `environment` more variables for every call.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: timedelta = timedelta(minutes=2),
    ) -> None:
        self._folder = None if folder is None else folder.absolute()
        self._settings = {**HARDENED, **(settings or {})}
        self._environment = dict(environment or {})
        self._timeout = timeout

    @property
    def folder(self) -> Path | None:
        """The repository; None for none."""
        return self._folder

    def ask(
        self,
        *words: str,
        stdin: bytes | IO[bytes] = b"",
        to: IO[bytes] | None = None,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: timedelta | None = None,
    ) -> Answer:
        """Run `git` with the words and say how it ended, whatever that was. With `to`, output goes there instead."""
        try:
            # Not from git.cmd: a second thread that imports git itself would wait for this one, and this one for it.
            from git import Git
        except ImportError as error:  # GitPython looks for git as soon as it is imported
            raise PermanentError(f"{NO_GIT} ({str(error).strip().splitlines()[0]})") from None

        gone = [word for name in sorted(os.environ.keys() - KEPT) for word in ("-u", name)]
        with _file(stdin) if isinstance(stdin, bytes) else nullcontext(stdin) as feed:
            status, out, err = Git(str(self._folder or Path("/"))).execute(
                # GitPython hands down the whole environment; env(1) takes it away again, by name.
                ["env", *gone, "git", *words],
                istream=cast("BinaryIO", feed),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                output_stream=cast("BinaryIO | None", to),
                kill_after_timeout=(timeout or self._timeout).total_seconds(),
                env=self._variables({**self._settings, **(settings or {})}, environment or {}),
            )
        return Answer(status=status, out=out, err=err, timed_out=err.startswith("Timeout: the command"))

    def run(
        self,
        *words: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (0,),
    ) -> Answer:
        """Run a local command. Raises for any exit status but the accepted ones: see `local_error`."""
        answer = self.ask(*words, stdin=stdin, environment=environment)
        if answer.status not in accept or answer.timed_out:
            raise local_error(answer, words[0], self._folder)
        return answer

    def line(self, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """Run a local command and return its output as one stripped line of text."""
        return text(self.run(*words, stdin=stdin, environment=environment).out).strip()

    def _variables(self, settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
        nowhere = str(self._folder or "/dev/null")  # no ~/.netrc, ~/.gitconfig, ~/.config/git
        variables = {
            "HOME": nowhere,
            "XDG_CONFIG_HOME": nowhere,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "LC_ALL": "C",
            **self._environment,
            **environment,
        }
        if self._folder is not None:
            variables["GIT_DIR"] = str(self._folder)
        for number, (key, value) in enumerate(settings.items()):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables


def _file(content: bytes) -> IO[bytes]:
    """A file that holds the content, at its start: git reads its standard input from it."""
    feed = TemporaryFile()  # noqa: SIM115 - the caller closes it, once git has read it
    feed.write(content)
    feed.seek(0)
    return feed


def text(out: bytes) -> str:
    """Git's output as text; bytes that are no UTF-8 are shown as escapes, so that nothing is lost or made up."""
    return out.decode("utf-8", "backslashreplace")


def locked(said: str) -> bool:
    """Whether git complains of a lock that is there: another git holds it, or one that was killed left it behind."""
    return "File exists" in said and (".lock'" in said or "could not lock" in said)


def local_error(answer: Answer, command: str, folder: Path | None) -> TrackwalkerError:
    """What a failed local command means."""
    where = f"git {command} in {folder}"
    if answer.timed_out:
        return TemporaryError(f"{where} took too long and was stopped")
    if answer.status == NOT_FOUND:
        return PermanentError(NO_GIT)
    if "No space left on device" in answer.err:
        return TemporaryError(f"{where}: no space left on the device: make room there")
    if locked(answer.err):
        return TemporaryError(
            f"{where}: another git holds a lock there: {answer.reason}. If none runs, remove the file"
        )
    return PermanentError(f"{where} failed: {answer.reason}")
