"""A real browser of the test's own: Debian's Chromium without a window, driven by DevTools over two pipes.

Protocol: https://chromedevtools.github.io/devtools-protocol/ (`--remote-debugging-pipe`: messages of JSON, each ended
by a zero byte, read from descriptor 3 and written to 4).
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--mute-audio", "--no-pings", "--no-default-browser-check", "--password-store=basic", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE_S = 30.0
# Which descriptors a child has is not for Popen to say: this takes their places, and becomes the browser.
_STARTED = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
for place, fd in zip((3, 4), ours):
    os.dup2(fd, place)
os.execvp(sys.argv[3], sys.argv[3:])
"""
_CONTRAST = """
(() => {
  const parse = text => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m };
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b };
  const behind = node => { for (let n = node; n; n = n.parentElement) {
    const c = parse(getComputedStyle(n).backgroundColor); if (c[3] === 1) return c } return [255, 255, 255, 1] };
  const bad = []; let seen = 0;
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (!box.width || !box.height || box.right < 0 || style.visibility === 'hidden') continue;
    if (['TITLE', 'DESC'].includes(node.tagName.toUpperCase())) continue;
    const front = parse(node instanceof SVGElement ? style.fill : style.color), back = behind(node);
    const [a, b] = [light(front.slice(0, 3)), light(back.slice(0, 3))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05); seen += 1;
    if (ratio < 4.5) bad.push(`${node.tagName} ${ratio.toFixed(2)}: ${node.textContent.slice(0, 40)}`);
  }
  return {seen, bad};
})()
"""


@dataclass(kw_only=True)
class Tab:
    """One tab. `said` are the events that came, as (method, params)."""

    send: Callable[[str, dict[str, Any]], dict[str, Any]]
    wait: Callable[[str], None]
    said: list[tuple[str, dict[str, Any]]]

    def open(self, url: str) -> None:
        """Go there, and wait until it is there."""
        self._settled(lambda: self.send("Page.navigate", {"url": url}))

    def does(self, script: str) -> Any:  # noqa: ANN401 - a value of the page
        """What a script comes to in the page: the test's own, which no rule of the page's holds back."""
        answer = self.send("Runtime.evaluate", {"expression": script, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def types(self, text: str) -> None:
        """Type into what has the focus."""
        self.send("Input.insertText", {"text": text})

    def press(self, key: str, *, leads_on: bool = False) -> None:
        """Press Tab or Enter; `leads_on` waits for the page that follows."""
        code = {"Tab": 9, "Enter": 13}[key]
        known = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", **known, **({"text": "\r"} if key == "Enter" else {})}
        if leads_on:
            self._settled(lambda: self.send("Input.dispatchKeyEvent", down))
        else:
            self.send("Input.dispatchKeyEvent", down)
        self.send("Input.dispatchKeyEvent", {"type": "keyUp", **known})

    def to(self, text: str, most: int = 60) -> None:
        """Go by the Tab key to what says that."""
        for _ in range(most):
            self.press("Tab")
            if self.does("document.activeElement.textContent.trim()") == text:
                return
        raise AssertionError(f"nothing that says {text!r} can be reached by keyboard")

    def looks(self, *, width: int, dark: bool) -> None:
        """Be a screen of that width, light or dark."""
        screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", {"features": [scheme]})

    def contrast(self) -> tuple[int, list[str]]:
        """How many texts are seen, and those of a contrast below 4.5 to what is behind them."""
        found = self.does(_CONTRAST)
        return found["seen"], found["bad"]

    def _settled(self, act: Callable[[], object]) -> None:
        self.said[:] = [event for event in self.said if event[0] != "Page.loadEventFired"]
        act()
        self.wait("Page.loadEventFired")


@dataclass(kw_only=True)
class _Pipes:
    """The wire to a browser."""

    out: int
    back: int
    number: int = 0
    held: bytes = b""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    def ask(self, method: str, params: dict[str, Any], tab: str = "") -> dict[str, Any]:
        """Ask, and wait for the answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params, **({"sessionId": tab} if tab else {})}
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            said = self.next()
            if said.get("id") == self.number:
                assert "error" not in said, (method, said["error"])
                return said["result"]

    def wait(self, method: str) -> None:
        """Wait for an event."""
        while not any(name == method for name, _ in self.events):
            self.next()

    def next(self) -> dict[str, Any]:
        """The next message."""
        until = time.monotonic() + PATIENCE_S
        while b"\0" not in self.held:
            ready, _, _ = select.select([self.back], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"the browser said nothing for {PATIENCE_S:g} s"
            read = os.read(self.back, 1 << 20)
            assert read, "the browser is gone"
            self.held += read
        first, _, self.held = self.held.partition(b"\0")
        said: dict[str, Any] = json.loads(first)
        if "method" in said:
            self.events.append((said["method"], said.get("params", {})))
        return said


@contextmanager
def chromium() -> Generator[Tab]:
    """A tab of a new browser, until the end of the block. Whatever it asks for or is refused is in `said`."""
    program = shutil.which("chromium")
    assert program, "the suite needs Chromium: on Debian, apt-get install chromium"
    folder = Path(tempfile.mkdtemp(prefix="tw-chromium-"))
    (theirs, out), (back, mine) = os.pipe(), os.pipe()
    command = [sys.executable, "-I", "-S", "-c", _STARTED, str(theirs), str(mine), program, *FLAGS]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--user-data-dir={folder}/profile"],
            pass_fds=(theirs, mine), stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        )  # fmt: skip
    os.close(theirs)
    os.close(mine)
    pipes = _Pipes(out=out, back=back)
    try:
        target = pipes.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        tab = pipes.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for part in ("Page", "Network", "Log", "Runtime"):
            pipes.ask(f"{part}.enable", {}, tab)
        yield Tab(send=lambda method, params: pipes.ask(method, params, tab), wait=pipes.wait, said=pipes.events)
    finally:
        os.close(out)
        os.close(back)
        os.killpg(process.pid, signal.SIGKILL)  # its own group: it has started others
        process.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)
