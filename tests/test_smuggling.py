"""Requests that two servers could read differently: refused, and what hides in them is never served."""

import json
import re
import socket
from contextlib import closing, suppress

import sqlalchemy as sa

from app.extensions import db
from app.models import Tiquet
from tests import factories
from tests.factories import NUEVO
from tests.gunicorn import TICKETS, gunicorn
from tests.nginx import nginx

BODY = json.dumps(NUEVO)
START = "POST /api/auth/login HTTP/1.1\r\nHost: soporte.example.org\r\nContent-Type: application/json\r\n"

# What stands before the hidden request: its headers, and the body that they might mean.
AMBIGUOUS = {
    "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a length of all, and chunks": "Content-Length: {all}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 0\r\nContent-Length: {all}\r\n\r\n",
    "two lengths the other way round": "Content-Length: {all}\r\nContent-Length: 0\r\n\r\n",
    "two lengths in one line": "Content-Length: 0, {all}\r\n\r\n",
    "a length with a sign": "Content-Length: +0\r\n\r\n",
    "a negative length": "Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": "Content-Length: 0x0\r\n\r\n",
    "a length with a blank within": "Content-Length: 0 0\r\n\r\n",
    "a length in digits of another script": "Content-Length: \u0660\r\n\r\n",
    "a blank before the colon": "Content-Length : 0\r\n\r\n",
    "a blank before the colon of chunks": "Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
    "a folded header": "X-Larga: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "a folded coding": "Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n",
    "chunks of another kind": "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n",
    "chunks twice": "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunks and identity": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    "chunks behind a vertical tab": "Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n",
    "chunks in quotes": 'Transfer-Encoding: "chunked"\r\nContent-Length: 0\r\n\r\n',
    "a size of a chunk with a sign": "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
    "a size of a chunk in hexadecimal of Python": "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a size of a chunk that is none": "Transfer-Encoding: chunked\r\n\r\nz\r\n\r\n",
    "a negative size of a chunk": "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a NUL in a header": "X-Nula: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": ": x\r\nContent-Length: 0\r\n\r\n",
    "a header without a colon": "Content-Length\r\nContent-Length: 0\r\n\r\n",
    "a line that ends in CR alone": "X-Nula: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
}


def talk(raw: socket.socket, sent: bytes) -> bytes:
    """All that comes back until the server ends the connection or says no more for a moment."""
    came = b""
    raw.sendall(sent)
    raw.settimeout(1.0)
    with suppress(OSError):
        while piece := raw.recv(65536):
            came += piece
    return came


def statuses(came: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", came)]


def test_no_request_hides_in_another(committed, database_url, tmp_path):
    """Straight to gunicorn, and through nginx by TLS."""
    admin = factories.quien("Administrador")
    smuggled = (
        f"POST {TICKETS} HTTP/1.1\r\nHost: soporte.example.org\r\nContent-Type: application/json\r\n"
        f"Authorization: {admin.headers['Authorization']}\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
    )
    behind = gunicorn(database_url, "-w", "1", TRUSTED_PROXIES="127.0.0.1")
    wrong: dict[str, list[int]] = {}
    with behind as server, nginx(tmp_path / "nginx", server.port) as front:

        def ask(way: str, sent: str) -> list[int]:
            raw = socket.create_connection(("127.0.0.1", front.port if way == "nginx" else server.port), 20)
            if way == "nginx":
                raw = front.tls.wrap_socket(raw, server_hostname="127.0.0.1")
            with closing(raw):
                return statuses(talk(raw, sent.encode()))

        for way in ("gunicorn", "nginx"):
            assert ask(way, smuggled) == [201], "the request that hides works where it does not"
            for name, before in AMBIGUOUS.items():
                answers = ask(way, START + before.replace("{all}", str(len(smuggled))) + smuggled)
                if answers not in ([400], [501]):  # 501: a coding that the server does not know.
                    wrong[f"{way}: {name}"] = answers
        healthy = [server.ask("GET", "/health").status, front.ask("GET", "/health").status]

    db.session.rollback()
    count = db.session.scalar(sa.select(sa.func.count()).select_from(Tiquet))
    assert wrong == {}
    assert count == 2  # those that were sent openly, one on each way
    assert healthy == [200, 200]
