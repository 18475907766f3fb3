# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless browser, told what to do by the DevTools protocol over a pair of pipes."""
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = "chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable"
FLAGS = ["--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--force-color-profile=srgb", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
# It reads commands at 3 and writes answers at 4.
PLACES = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
PATIENCE = 60  # seconds for one answer


def found():
    """The path of a browser, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page of it. What it asked for, and what went wrong in it, is noted."""

    def __init__(self, path, home, width, height):
        out_read, self.commands = os.pipe()
        self.answers, in_write = os.pipe()
        # Beyond the numbers that the browser wants them to have.
        child = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (out_read, in_write)]
        os.close(out_read)
        os.close(in_write)
        flags = FLAGS + [f"--user-data-dir={home}", f"--window-size={width},{height}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLACES, *map(str, child), path, *flags, "about:blank"],
            pass_fds=child, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, HOME=home))
        for fd in child:
            os.close(fd)
        self.held, self.last, self.session = b"", 0, None
        self.requests, self.problems = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Network", "Log":
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def next(self, until):
        """The next thing that it says."""
        while b"\0" not in self.held:
            if not select.select([self.answers], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError("the browser does not answer")
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                raise AssertionError(f"the browser has ended: {self.process.wait()}")
            self.held += piece
        said, self.held = self.held.split(b"\0", 1)
        return json.loads(said)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            said = self.next(until)
            if said.get("id") == self.last:
                if "error" in said:
                    raise AssertionError(f"{method}: {said['error']}")
                return said["result"]
            self.note(said)

    def note(self, event):
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event["method"] in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening") or (
                event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error"):
            self.problems.append(event["params"])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.when(f"location.href === {url!r} && document.readyState === 'complete'", url)

    def ask(self, expression):
        """What a piece of JavaScript gives."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def when(self, expression, what):
        """The first value of it that is true, within a minute."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            value = self.ask(expression)
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError(f"the page never showed {what}")

    def press(self, key, code):
        for kind in "rawKeyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def colors(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        """All of the page."""
        with open(path, "wb") as file:
            file.write(base64.b64decode(
                self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]))

    def close(self):
        os.close(self.commands)
        os.close(self.answers)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def browser(width=1120, height=900):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        opened = Browser(found(), home, width, height)
        try:
            yield opened
        finally:
            opened.close()
