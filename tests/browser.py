"""A headless Chromium for tests marked ``browser``, and pages of other origins for it to open."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.datastructures import Headers

from tests.gunicorn import Answer

PATIENCE = 60_000  # milliseconds that a page may take for one step
FLAGS = (
    "--no-sandbox",  # It does not start without as root, which CI often is; all pages are our own.
    # Every name is this machine: a test may open any origin, and nothing is asked of anybody else.
    "--host-resolver-rules=MAP * 127.0.0.1",
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
SITE = b"""<!doctype html>
<html lang="es"><title>Otra mesa</title><link rel="icon" href="data:,">
<script>
async function ask([address, options]) {
    const answer = await fetch(address, options);
    return [answer.status, Object.fromEntries(answer.headers), await answer.text()];
}
</script>
</html>
"""


# No longer than a module: while it lives, its event loop keeps others out of this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The Chromium of the system, or else the one that ``playwright install chromium`` got."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        with playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE) as browser:
            yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page of somebody who was never here before."""
    with chromium.new_context(locale="es-ES") as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


def complaints(page: Page) -> list[str]:
    """The errors in the console from now on, as they come; a breach of the page's own policy is one."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


class Site(BaseHTTPRequestHandler):
    """Answers the same page at each address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(SITE)

    def log_message(self, *_: Any) -> None:
        """Nothing: the output belongs to the tests."""


@contextmanager
def site() -> Iterator[int]:
    """The port of a static site, whose page can ``ask`` other origins."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def ask(page: Page, method: str, address: str, body: Any = None, **headers: str) -> Answer:
    """The answer as a script of ``page``, one of a ``site``, may read it; raises when it may not."""
    options: dict[str, Any] = {"method": method, "headers": headers}
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
        options["body"] = json.dumps(body)
    status, readable, text = page.evaluate("ask", [address, options])
    return Answer(status, Headers(readable), json.loads(text) if text else None)
