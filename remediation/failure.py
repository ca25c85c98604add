"""How one test failed, read from what its runner said of it. JavaScript, Go and Rust; Python is in `failures`."""

import re
from dataclasses import dataclass

from cases.diagnosis import Diagnosis

PANIC, ASSERTION = "panic", "assertion"  # what Go and Rust have for exceptions
_OWN = r"(?!\S*(?:node_modules|/usr/|/go/pkg/|/rustc/|\.cargo/))(?:/work/)?"
_JS_KIND = re.compile(r"^\s*(?:Uncaught )?(?P<kind>[A-Z]\w{0,80}(?:Error|Exception)|Error)\b", re.MULTILINE)
_JS_PLACE = re.compile(
    rf"^\s+at (?:.{{0,200}}\()?(?:file://)?{_OWN}(?P<path>[^\s():]{{1,300}}):\d+:\d+\)?$", re.MULTILINE
)
_GO_PANIC = re.compile(r"^panic: ", re.MULTILINE)
_GO_PLACE = re.compile(rf"^\t{_OWN}(?P<path>\S{{1,300}}\.go):\d+", re.MULTILINE)
_GO_SAID = re.compile(r"^\s+(?P<path>\S{1,300}_test\.go):\d+: ", re.MULTILINE)
_RUST = re.compile(rf"panicked at (?:'.{{0,400}}', )?{_OWN}(?P<path>\S{{1,300}}\.rs):\d+:\d+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed test: the exception's name, and the innermost file of the repository in its traceback, or ""."""

    exception: str
    path: str


def in_production(diagnosis: Diagnosis | None) -> Failure | None:
    """What the stack trace of production names: the exception, and the innermost file of the repository."""
    for hypothesis in diagnosis.hypotheses if diagnosis else ():
        if exception := hypothesis.exception:
            return Failure(exception=exception, path=hypothesis.path)
    return None


def in_other_words(message: str) -> Failure | None:
    """Read what another runner than Python's said; None for what is none of them."""
    if rust := _RUST.search(message):
        return Failure(exception=ASSERTION if "assertion" in message else PANIC, path=rust["path"])
    if _GO_PANIC.search(message):
        place = _GO_PLACE.search(message)
        return Failure(exception=PANIC, path=place["path"] if place else "")
    if go := _GO_SAID.search(message):
        return Failure(exception=ASSERTION, path=go["path"])
    if js := _JS_KIND.search(message):
        place = _JS_PLACE.search(message)
        return Failure(exception=js["kind"], path=place["path"] if place else "")
    return None
