"""The API under gunicorn as it runs in production, while its workers and its database are killed."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from app import create_app, transaction
from app.extensions import db
from app.models import LogTransaccional, Tiquet
from app.services import seed
from tests import factories
from tests.conftest import SECRETS, config_for
from tests.factories import NUEVO
from tests.mariadb import Server, free_port

ROOT = Path(__file__).resolve().parent.parent
TICKETS = "/api/tickets/tickets"
WRITERS = 16
STORM = 6.0  # seconds of killing
EVERY = 0.5
PATIENCE = 60.0  # seconds that a client goes on asking
LOST = (OSError, http.client.HTTPException)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    json: Any


class Gunicorn:
    """``gunicorn -w 4 "app:create_app()"`` on a free port, in a process of its own."""

    def __init__(self, url: str) -> None:
        self.port = free_port()
        bind = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "-w",
                "4",
                "-b",
                bind,
                "--no-control-socket",
                "app:create_app()",
            ],
            cwd=ROOT,
            env={**os.environ, "FLASK_ENV": "development", "DATABASE_URL": url, **SECRETS},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill_one(self) -> int:
        """End a worker in the middle of whatever it does; answers how many that were: it may be none."""
        workers = self.workers()
        with suppress(IndexError, ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
            return 1
        return 0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)) as connection:
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, response.headers, json.loads(text) if text else None)

    def insist(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask until there is an answer that is final, as a patient client with an Idempotency-Key may."""
        deadline = monotonic() + PATIENCE
        while True:
            with suppress(*LOST):
                answer = self.ask(method, path, body, **headers)
                if answer.status < 500 and answer.status != 409:
                    return answer
            assert monotonic() < deadline, f"{method} {path} got no answer in {PATIENCE} s"
            sleep(random.uniform(0.02, 0.1))

    def sign_in(self, email: str) -> dict[str, str]:
        body = {"email": email, "password": factories.CLAVE}
        answer = self.insist("POST", "/api/auth/login", body)
        assert answer.status == 200, answer
        return {"Authorization": f"Bearer {answer.json['access_token']}"}


@contextmanager
def gunicorn(url: str) -> Iterator[Gunicorn]:
    server = Gunicorn(url)
    try:
        server.insist("GET", "/health/ready")
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(20)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


@contextmanager
def prepared(url: str) -> Iterator[None]:
    """The context of an application of this process on ``url``, its tables made and its catalogs loaded."""
    with create_app(config_for(url)).app_context():
        upgrade(str(ROOT / "migrations"))
        transaction.run(seed.seed_catalogs)
        yield
        db.session.remove()
        db.engine.dispose()


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
