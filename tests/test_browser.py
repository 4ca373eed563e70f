"""What only a browser can tell: that the documentation page works, and what other origins may do."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Error, Locator, Page

from app.extensions import db
from app.models import LogTransaccional
from tests import factories
from tests.browser import ask, complaints, site
from tests.factories import CLAVE, NUEVO
from tests.gunicorn import Gunicorn, gunicorn

pytestmark = pytest.mark.browser
LISTED = ("http://mesa.example.org:{listed}", "http://127.0.0.1:{listed}")
UNLISTED = {
    "another port": "http://127.0.0.1:{other}",
    "another name of the same host": "http://localhost:{listed}",
    "a longer name": "http://mesa.example.org.example.net:{listed}",
    "a name below": "http://otra.mesa.example.org:{listed}",
}
TICKETS = "/api/tickets/tickets"
# Swagger UI takes the "_" of an operationId in the address for a space as older ones wrote it.
NOT_OURS = "Deprecated: escaping deep link whitespace with `_`"


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Where two static sites listen: one whose origins the API lists, and another."""
    with site() as listed, site() as other:
        yield {"listed": listed, "other": other}


@pytest.fixture(scope="module")
def api(app, database_url, ports) -> Iterator[Gunicorn]:
    origins = ",".join(LISTED).format(**ports)
    with gunicorn(database_url, CORS_ORIGINS=origins) as server:
        yield server


@pytest.fixture
def docs(committed, api, page) -> Iterator[Page]:
    """The documentation page, open; it fails when the page has complained, or asked another host."""
    # Under a name, as it is deployed: on localhost Swagger UI never asks its makers' validator.
    home = f"http://soporte.example.org:{api.port}"
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    said = complaints(page)
    page.goto(f"{home}/api/docs")
    page.locator(".opblock").first.wait_for()
    yield page
    assert [text for text in said if not text.startswith(NOT_OURS)] == []
    assert hosts == {urlsplit(home).netloc}


def operation(docs: Page, method: str, path: str) -> Locator:
    """An operation, which the reader has scrolled to."""
    found = docs.locator(f'.opblock-{method}:has([data-path="{path}"])')
    next(_ for _ in scrolled(docs) if found.count())
    return found


def scrolled(docs: Page) -> Iterator[None]:
    """The page from its top to its end. Of this many operations Swagger UI draws those in view only."""
    docs.evaluate("scrollTo(0, 0)")
    end = "scrollY + innerHeight >= document.documentElement.scrollHeight - 1"
    while True:
        docs.wait_for_timeout(100)  # It draws a moment after it was scrolled.
        yield
        if docs.evaluate(end):
            return
        docs.evaluate("scrollBy(0, innerHeight / 2)")


def opened(block: Locator) -> Locator:
    block.locator(".opblock-summary-control").click()
    return block


def try_out(block: Locator, body: dict | None = None) -> tuple[str, dict]:
    """Press what a reader presses in an open operation; the status and the JSON that it then shows."""
    block.get_by_role("button", name="Try it out").click()
    if body:
        block.locator("textarea").fill(json.dumps(body))
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    status = answer.locator(".response-col_status").inner_text()
    return status.strip(), json.loads(answer.locator("code").first.inner_text())


def test_the_documentation_shows_every_operation(docs, api):
    document = api.ask("GET", "/api/openapi.json").json
    documented = {
        (method, path)
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }

    shown: set[tuple[str, str]] = set()
    tags: dict[str, None] = {}
    for _ in scrolled(docs):
        blocks = docs.locator(".opblock").evaluate_all(
            """all => all.map(one => [
                one.querySelector(".opblock-summary-method").innerText.toLowerCase(),
                one.querySelector(".opblock-summary-path").dataset.path])"""
        )
        shown |= {(method, path) for method, path in blocks}
        tags |= dict.fromkeys(
            docs.locator(".opblock-tag").evaluate_all("all => all.map(one => one.dataset.tag)")
        )

    assert shown == documented
    assert list(tags) == [tag["name"] for tag in document["tags"]]
    assert docs.locator(".errors-wrapper").count() == 0


def test_a_reader_signs_in_authorizes_and_tries_out(docs):
    email = factories.UsuarioFactory().email
    login = operation(docs, "post", "/api/auth/login")
    status, session = try_out(opened(login), {"email": email, "password": CLAVE})
    assert status == "200"

    docs.evaluate("scrollTo(0, 0)")
    docs.get_by_role("button", name="Authorize").first.click()
    asked = docs.locator(".auth-container", has_text="access_token")
    asked.get_by_role("textbox").fill(session["access_token"])
    asked.get_by_role("button", name="Apply credentials").click()
    asked.get_by_role("button", name="Close").click()
    me = operation(docs, "get", "/api/auth/me")
    status, user = try_out(opened(me))
    assert (status, user["email"]) == ("200", email)

    docs.reload()  # The address names the operation, which is open again.
    assert try_out(me) == (status, user)


@pytest.mark.parametrize("origin", LISTED)
def test_a_page_of_a_listed_origin_does_all_that_a_client_does(committed, api, page, ports, origin):
    email = factories.UsuarioFactory(tipo_usuario="Administrador").email
    home = f"http://127.0.0.1:{api.port}"
    page.goto(origin.format(**ports))

    login = ask(page, "POST", f"{home}/api/auth/login", {"email": email, "password": CLAVE})
    token = {"Authorization": f"Bearer {login.json['access_token']}"}
    once = {**token, "Idempotency-Key": "una vez", "X-Request-Id": "caso-7"}
    created = ask(page, "POST", home + TICKETS, NUEVO, **once)
    replayed = ask(page, "POST", home + TICKETS, NUEVO, **once)
    path, tag = created.headers["Location"], created.headers["ETag"]
    edited = ask(page, "PUT", home + path, {"titulo": "Otro título"}, **token, **{"If-Match": tag})
    stale = ask(page, "PUT", home + path, {"titulo": "Tercero"}, **token, **{"If-Match": tag})
    refused = ask(page, "POST", home + TICKETS, {"titulo": "ab"}, **token)
    listed = ask(page, "GET", home + TICKETS, **token)
    deleted = ask(page, "DELETE", home + path, **token)

    assert (login.status, login.json["user"]["email"]) == (200, email)
    assert (created.status, path) == (201, f"{TICKETS}/{created.json['id']}")
    assert created.headers["X-Request-Id"] == "caso-7"
    assert "Idempotent-Replayed" not in created.headers
    assert (replayed.status, replayed.json) == (201, created.json)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert (edited.status, edited.json["titulo"]) == (200, "Otro título")
    assert edited.headers["ETag"] != tag
    assert (stale.status, stale.json["codigo"]) == (412, "version_obsoleta")
    assert (refused.status, refused.json["errores"]["titulo"][0]["codigo"]) == (422, "longitud")
    assert refused.json["id_solicitud"] == refused.headers["X-Request-Id"]
    assert (listed.status, listed.json["data"]) == (200, [edited.json])
    assert (deleted.status, deleted.json) == (204, None)


@pytest.mark.parametrize("origin", UNLISTED.values(), ids=UNLISTED)
def test_a_page_of_any_other_origin_can_do_nothing(committed, api, page, ports, origin):
    somebody = factories.quien("Administrador")
    credentials = {"email": somebody.email, "password": CLAVE}
    home, path = f"http://127.0.0.1:{api.port}", f"{TICKETS}/{factories.tiquet()}"
    before = api.ask("GET", TICKETS, **somebody.headers).json
    page.goto(origin.format(**ports))
    attempts = [
        ("POST", "/api/auth/login", credentials, {}),
        ("GET", TICKETS, None, somebody.headers),  # Even with a token that it should not have.
        ("POST", TICKETS, NUEVO, somebody.headers | {"Idempotency-Key": "una vez"}),
        ("PUT", path, {"titulo": "Otro título"}, somebody.headers),
        ("DELETE", path, None, somebody.headers),
        # What a form may send too is sent without asking first; the answer is not for this page.
        ("POST", "/api/auth/login", credentials, {"Content-Type": "text/plain"}),
        ("GET", "/health", None, {}),
    ]

    for method, target, body, headers in attempts:
        told = page.expect_console_message(lambda said: "blocked by CORS policy" in said.text)
        with told, pytest.raises(Error, match="Failed to fetch"):
            ask(page, method, home + target, body, **headers)

    assert api.ask("GET", TICKETS, **somebody.headers).json == before
    assert db.session.scalar(sa.select(sa.func.count(LogTransaccional.id))) == 0
