"""The API under gunicorn as it runs in production, while its workers and its database are killed."""

from collections import Counter
from collections.abc import Callable, Iterator
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.models import LogTransaccional, Tiquet
from tests import factories
from tests.factories import NUEVO
from tests.gunicorn import TICKETS, Answer, Gunicorn, gunicorn, prepared
from tests.mariadb import Server

WRITERS = 16
STORM = 6.0  # seconds of killing
EVERY = 0.5


class Writers:
    """Clients that open tickets, each with its own title and key, until they are told to stop."""

    def __init__(self, server: Gunicorn, headers: dict[str, str]) -> None:
        self.server = server
        self.headers = headers
        self.acknowledged: list[str] = []
        self.refused: list[Any] = []
        self.stopped = Event()
        self.threads = [Thread(target=self.work, args=(number,)) for number in range(WRITERS)]

    def work(self, writer: int) -> None:
        number = 0
        while not self.stopped.is_set():
            titulo = f"Tiquet {writer}-{number}"
            try:
                headers = {**self.headers, "Idempotency-Key": uuid4().hex}
                answer = self.server.insist("POST", TICKETS, {**NUEVO, "titulo": titulo}, **headers)
                assert answer.status == 201, answer
                self.acknowledged.append(titulo)
            except AssertionError as error:
                self.refused.append(error)
            number += 1

    def __enter__(self) -> "Writers":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def storm(server: Gunicorn, database: Server | None) -> int:
    """Kill workers one by one, and half-way the database; answers how many workers were killed."""
    killed, end = 0, monotonic() + STORM
    while monotonic() < end:
        sleep(EVERY)
        killed += server.kill_one()
        if database and monotonic() > end - STORM / 2:
            database.kill()
            database.start()
            database = None
    return killed


@pytest.fixture
def own_database(server: Server | None, fresh_database: str) -> Iterator[tuple[str, Server | None]]:
    """A database, and its server if it may be killed: never the one that other tests use."""
    if server is None:
        yield fresh_database, None
    else:
        with Server() as own:
            yield own.url("matada"), own


@pytest.mark.usefixtures("without_app")
def test_killed_workers_lose_and_double_nothing(own_database):
    url, database = own_database
    with prepared(url):
        email = factories.UsuarioFactory().email
        db.session.remove()
        with gunicorn(url) as server, Writers(server, server.sign_in(email)) as writers:
            killed = storm(server, database)
        titulos = Counter(db.session.scalars(sa.select(Tiquet.titulo)))
        created = sa.select(LogTransaccional.id_tiquet).where(LogTransaccional.accion == "tiquet.creado")
        events = Counter(db.session.scalars(created))
        ids = set(db.session.scalars(sa.select(Tiquet.id)))

    assert writers.refused == []
    assert killed >= STORM / EVERY / 2
    assert len(writers.acknowledged) > WRITERS
    assert titulos == Counter(writers.acknowledged)
    assert set(titulos.values()) == {1}
    assert events == Counter(ids)


def test_gunicorn_serves_what_clients_already_call(committed, database_url):
    tecnico, admin = factories.quien("Técnico"), factories.quien("Administrador")
    with gunicorn(database_url) as server:
        login = server.ask("POST", "/api/auth/login", {"email": admin.email, "password": factories.CLAVE})
        assert login.status == 200
        user = login.json["user"]
        assert {"id": admin.id, "email": admin.email, "tipo_usuario": "Administrador"}.items() <= user.items()
        assert {"nombre", "apellido"} <= set(user)
        headers = {"Authorization": f"Bearer {login.json['access_token']}"}
        ask: Callable[..., Answer] = lambda *args: server.ask(*args, **headers)  # noqa: E731

        me = ask("GET", "/api/auth/me")
        assert (me.status, me.json["id"]) == (200, admin.id)

        created = ask("POST", TICKETS, NUEVO)
        path = f"{TICKETS}/{created.json['id']}"
        assert (created.status, created.headers["Location"]) == (201, path)
        assert created.headers["ETag"]
        assert {name: created.json[name] for name in NUEVO} == NUEVO

        listed = ask("GET", TICKETS)
        assert (listed.status, listed.json["data"]) == (200, [created.json])
        assert listed.json["paginacion"]["total"] == 1

        changed = ask("PUT", path, {"titulo": "Otro título"})
        assert changed.status == 200
        assert changed.json["titulo"] == "Otro título"
        assert changed.json["descripcion"] == NUEVO["descripcion"]

        estados = ask("GET", "/api/tickets/estados")
        cerrado = next(fila["id"] for fila in estados.json["data"] if fila["nombre"] == "Cerrado")
        closed = ask("PUT", path, {"id_estado": cerrado})
        assert (closed.status, closed.json["estado"]["nombre"]) == (200, "Cerrado")
        assert closed.json["fecha_cierre"]
        assert closed.json["fecha_resolucion"]

        for catalog in ("categorias", "estados", "criticidades", "ubicaciones"):
            answer = ask("GET", f"/api/tickets/{catalog}")
            assert answer.status == 200
            assert {"id", "nombre"} <= set(answer.json["data"][0])

        stats = ask("GET", "/api/tickets/dashboard/stats")
        assert (stats.status, stats.json["total"], stats.json["cerrados"]) == (200, 1, 1)

        assert server.ask("DELETE", path, **server.sign_in(tecnico.email)).status == 403
        deleted = ask("DELETE", path)
        assert (deleted.status, deleted.json) == (204, None)
        assert ask("GET", path).status == 404
