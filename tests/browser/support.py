"""The program under test, pages that watch themselves, and what the scenarios share."""

import base64
import os
import re
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "kb" / "photos"
IMAGES = ROOT / "kb" / "images"
TOKEN = "browser-test-admin-token"
VIEWPORTS = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}

expect.set_options(timeout=20_000)


class Magpie:
    """A running `magpie serve` with a data directory of its own."""

    def __init__(self, command, **settings):
        self.data = tempfile.TemporaryDirectory(prefix="magpie-browser-")
        away = ("OPENAI_", "MAGPIE__")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(away)}
        # A script asks faster than the default rates let anybody.
        own = {
            "MAGPIE__WEB__LISTEN": "127.0.0.1:0",
            "MAGPIE__WEB__ADMIN_TOKEN": TOKEN,
            "MAGPIE__BOT__USER_PER_MINUTE": "6000",
            "MAGPIE__BOT__USER_BURST": "600",
        }
        self.process = subprocess.Popen(
            [command, "serve", "--data", self.data.name],
            env={**clean, **own, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.data.name,
        )
        self.log = []
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        found = re.search(r"http://[^\s/]+", self.process.stdout.readline())
        if not found:
            self.process.kill()
            raise SystemExit("magpie serve did not print its address:\n" + "".join(self.log[-20:]))
        self.address = found[0]
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        """The exit status after a SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "none within 20 seconds"


class Watched:
    """Collects what a page must never do: leave its origin, break its policy, throw, ask."""

    def __init__(self, page: Page, address):
        self.page, self.address, self.faults = page, address, []
        page.on("request", self._request)
        page.on("pageerror", lambda error: self.faults.append(f"threw {error}"))
        page.on("dialog", self._dialog)
        page.on("console", self._console)

    def _request(self, request):
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.faults.append(f"asked for {request.url}")

    def _dialog(self, dialog):
        self.faults.append(f"opened a {dialog.type} dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message):
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.faults.append(message.text)


def ready(page, address, path="/"):
    page.goto(address + path)
    page.wait_for_selector("body.ready")


def drop(page, *files):
    """Drops files from the desktop onto the page."""
    carried = [(f.name, base64.b64encode(f.read_bytes()).decode()) for f in files]
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, data] of files) {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                const type = name.endsWith(".jpg") ? "image/jpeg" : "";
                transfer.items.add(new File([bytes], name, { type }));
            }
            return transfer;
        }""",
        carried,
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("main", event, {"dataTransfer": transfer})


def ask(page, question, *photos):
    """Sends a message; the turn that answers it."""
    before = page.locator(".turn").count()
    if photos:
        page.set_input_files("#files", [str(p) for p in photos])
    page.fill("#question", question)
    page.press("#question", "Enter")
    return page.locator(".turn").nth(before)


def settled(turn):
    """Waits until the turn is complete."""
    expect(turn.locator(".reply")).to_have_attribute("aria-busy", "false", timeout=60_000)
    return turn


def sign_in(page, address):
    page.goto(f"{address}/admin#token={TOKEN}")
    expect(page.locator("#catalogue")).to_be_visible()


def find(page, words):
    """Types into the catalogue's search; the tiles that are left."""
    if page.input_value("#words") == words:
        return page.locator(".tile")
    with page.expect_response(lambda r: "/api/products?" in r.url):
        page.fill("#words", words)
    return page.locator(".tile")


def check(condition, what):
    if not condition:
        raise AssertionError(what)
