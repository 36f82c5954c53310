"""A headless Chromium of the distribution, driven over a pipe in its own protocol: no driver, no port, no package.

What does NOT belong here: what a page must be (the tests).
"""

# ruff: noqa: E501 - one line of code for the browser, one for Python

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Chromium reads commands from descriptor 3 and answers on 4.
_WITH_PIPES = "import os,sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
_SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
    ),
    *("--disable-default-apps", "--hide-scrollbars", "--lang=en-US", "--force-color-profile=srgb"),
    "--remote-debugging-pipe",
)
_PATIENCE = 60.0


def find_chromium() -> str | None:
    """Path of the distribution's Chromium, None without one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class BrowserError(RuntimeError):
    """Chromium refused a command or did not answer."""


class Browser:
    """One Chromium with one page. `complaints`, `requests` and `dialogs` collect what the page does until `clear`."""

    def __init__(self, program: str, profile: Path) -> None:
        read_by_it, self._out = self._pipe()
        self._in, written_by_it = self._pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WITH_PIPES, str(read_by_it), str(written_by_it), program, *_SWITCHES,
             f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(read_by_it, written_by_it), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_by_it)
        os.close(written_by_it)
        self._buffer, self._number, self._session = b"", 0, ""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self._loaded = False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    @staticmethod
    def _pipe() -> tuple[int, int]:
        """Both ends, at numbers that the child's descriptors 3 and 4 do not collide with."""
        ends = os.pipe()
        moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in ends)
        for end in ends:
            os.close(end)
        return moved

    def close(self) -> None:
        """End Chromium, waiting for it."""
        try:
            self._session = ""
            self.send("Browser.close")
        except (BrowserError, OSError):
            self._process.kill()
        self._process.wait(timeout=30)
        for end in (self._in, self._out):
            os.close(end)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command. Raises BrowserError."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                return answer.get("result", {})

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._out, data) :]

    def _next(self) -> dict[str, Any]:
        """The next message; events are noted before they are returned."""
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(self._in, 1 << 20) if ready else b""
            if not chunk:
                raise BrowserError("Chromium does not answer")
            self._buffer += chunk
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(raw)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console.{params['type']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])
        elif method == "Page.loadEventFired":
            self._loaded = True

    def clear(self) -> None:
        """Forget what pages did until now."""
        self.complaints, self.requests, self.dialogs = [], [], []

    def open(self, page: Path) -> None:
        """Load a file and wait until it has loaded."""
        self._loaded = False
        self.send("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._next()

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page. Raises BrowserError for an exception."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"].get("exception", {}).get("description")))
        return answer["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        """The window, in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def show(self, *, scheme: str = "light", medium: str = "") -> None:
        """Emulate a colour scheme (light, dark) and a medium (screen, print; '' for the screen)."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=medium, features=features)

    def press(self, key: str, code: int, text: str = "") -> None:
        """One key, pressed and let go. code: its Windows virtual-key code; text: what it types."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **typed
            )

    def picture(self) -> bytes:
        """The whole page as PNG."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16_000), "scale": 1}
        shot = self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """The page printed as its own style says, tagged."""
        printed = self.send(
            "Page.printToPDF", preferCSSPageSize=True, printBackground=True, displayHeaderFooter=False,
            generateTaggedPDF=True,
        )  # fmt: skip
        return base64.b64decode(printed["data"])
