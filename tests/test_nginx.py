"""Behind nginx, as the sample of the documentation sets it up."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from time import monotonic

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import LogTransaccional
from tests import factories
from tests.client import Form
from tests.factories import NUEVO
from tests.gunicorn import TICKETS, Gunicorn, gunicorn
from tests.nginx import Nginx, nginx

SPOOFED = "203.0.113.9"
SLOW_HEADERS, SLOW_BODIES = 150, 50
HARMLESS = 5.0  # seconds that a request may take on a busy machine; the slow ones would hold it for ever


@pytest.fixture
def proxied(committed, database_url, tmp_path) -> Iterator[tuple[Nginx, Gunicorn]]:
    behind = gunicorn(database_url, "-w", "2", TRUSTED_PROXIES="127.0.0.1")
    with behind as server, nginx(tmp_path / "nginx", server.port) as front:
        yield front, server


def test_all_is_as_it_should_be_behind_it(proxied):
    front, server = proxied
    tecnico = factories.quien("Técnico")
    lying = {
        "X_Forwarded_For": SPOOFED,
        "X_Forwarded_Prefix": "/otra",
        "X_Forwarded_Proto": "http",
        "Forwarded": f"for={SPOOFED}",
    }

    here = front.ask("GET", "/api/openapi.json", **lying)
    below = front.ask("GET", "/mesa/api/openapi.json", **lying)
    created = front.ask("POST", f"/mesa{TICKETS}", NUEVO, **tecnico.headers, **lying)
    read = front.ask("GET", created.headers["Location"], **tecnico.headers)
    refused = front.ask("GET", "/mesa/api/auth/me", X_Request_Id="de-fuera")
    forged = front.ask("GET", "/api/auth/me", X_Request_Id="dos palabras")
    addresses = set(db.session.scalars(sa.select(LogTransaccional.ip)))

    assert (here.json["servers"], below.json["servers"]) == ([{"url": "/"}], [{"url": "/mesa"}])
    assert created.headers["Location"] == f"/mesa{TICKETS}/{created.json['id']}"
    assert (read.status, read.json["id"]) == (200, created.json["id"])
    assert (refused.json["instance"], refused.json["id_solicitud"]) == ("/mesa/api/auth/me", "de-fuera")
    assert refused.headers["X-Request-Id"] == "de-fuera"
    assert len(forged.json["id_solicitud"]) == 32
    assert addresses == {"127.0.0.1"}
    assert here.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    assert "/" not in here.headers["Server"]
    large = Form(archivo=("grande.txt", b"x" * 20_000_000))
    for base in ("", "/mesa"):
        files = f"{base}{TICKETS}/{created.json['id']}/adjuntos"
        uploaded = front.ask("POST", files, large, **tecnico.headers)
        assert uploaded.status == 201, uploaded
        content = front.ask("GET", f"{uploaded.headers['Location']}/contenido", **tecnico.headers)
        assert (content.status, len(content.text)) == (200, 20_000_000)
    assert '"de-fuera"' not in front.errors.read_text()

    for path in ("/metrics", "/mesa/metrics"):
        assert front.ask("GET", path).status == 404
    assert server.ask("GET", "/metrics").status == 200


def test_its_own_answers_have_our_form(proxied):
    front, server = proxied
    with closing(http.client.HTTPConnection("127.0.0.1", front.plain, timeout=20)) as connection:
        connection.request("GET", "/mesa/api/docs?x=1", headers={"Host": "soporte.example.org"})
        redirected = connection.getresponse()
    large = front.ask("POST", TICKETS, {"descripcion": "x" * 2**21})
    server.stop()
    away = front.ask("GET", TICKETS, X_Request_Id="mientras-no-esta")

    assert redirected.status == 308
    assert redirected.headers["Location"] == "https://soporte.example.org/mesa/api/docs?x=1"
    assert (large.status, large.json["codigo"]) == (413, "cuerpo_demasiado_grande")
    assert (away.status, away.json["codigo"]) == (503, "servicio_no_disponible")
    assert away.json["id_solicitud"] == "mientras-no-esta"
    assert away.headers["Retry-After"]
    for answer in (large, away):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert set(answer.json) == {
            *("type", "title", "status", "detail", "instance", "codigo", "id_solicitud"),
        }


@contextmanager
def slow_clients(front: Nginx) -> Iterator[list[socket.socket]]:
    """Clients that begin a request and go on with one byte now and then."""
    begun = [b"GET /health HTTP/1.1\r\nHost: soporte.example.org\r\nX-Lenta: "] * SLOW_HEADERS
    begun += [
        b"POST /api/auth/login HTTP/1.1\r\nHost: soporte.example.org\r\n"
        b"Content-Type: application/json\r\nContent-Length: 200\r\n\r\n{"
    ] * SLOW_BODIES
    opened: list[socket.socket] = []
    stopped = Event()

    def drip() -> None:
        while not stopped.wait(0.5):
            for client in opened:
                client.send(b"x")

    dripping = Thread(target=drip)
    try:
        for start in begun:
            raw = socket.create_connection(("127.0.0.1", front.port), timeout=20)
            opened.append(front.tls.wrap_socket(raw, server_hostname="127.0.0.1"))
            opened[-1].send(start)
        dripping.start()
        yield opened
    finally:
        stopped.set()
        if dripping.ident:
            dripping.join()
        for client in opened:
            client.close()


def test_two_hundred_slow_clients_do_no_harm(proxied):
    front, _ = proxied
    took = []
    with slow_clients(front) as slow:
        end = monotonic() + 2.0
        while monotonic() < end or len(took) < 20:
            begun = monotonic()
            assert front.ask("GET", "/health/ready").status == 200
            took.append(monotonic() - begun)

    assert len(slow) == 200
    assert max(took) < HARMLESS
