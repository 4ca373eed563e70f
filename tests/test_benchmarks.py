"""The measuring of speed, so that it goes on working; and that its floor does what the application does."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from werkzeug.test import Client

from app.extensions import db
from app.models import BusquedaTiquet, Seguidores
from benchmarks import floor
from benchmarks.measuring import KINDS, Load
from config.places import ROOT
from tests import factories
from tests.conftest import SECRETS
from tests.rows import LISTA

pytestmark = pytest.mark.mariadb


def test_it_measures_each_kind_of_request(without_app):
    small = ["--tiquets", "2000", "--rondas", "1", "--segundos", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *small], cwd=ROOT, capture_output=True, text=True, check=False
    )
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]

    assert [name.strip() for name, *_ in rows[2:]] == list(KINDS.values()), done.stderr
    for _name, app, database, total, *_ in rows[2:]:
        assert int(app) > 0
        assert int(database) > 0
        assert abs(int(total) - int(app) - int(database)) <= 1


def test_it_tells_what_a_worker_holds(without_app):
    small = ["--tiquets", "2000", "--peticiones", "1", "9", "--segundos", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *small],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    loading, *held = done.stdout.splitlines()

    assert re.fullmatch(r"Cargar la aplicación: \d+\.\d\d s de CPU \(la menor de 7 veces\)", loading), (
        done.stderr
    )
    for line in held:
        told = re.fullmatch(
            r"Tras [1-9]\d* peticiones de cada proceso, el mayor: ([1-9]\d+) MB"
            r" \(([1-9]\d+) si lo que comparte con otros se cuenta entero\)",
            line,
        )
        assert told, line
        assert int(told[1]) < int(told[2])
    assert len(held) == 2


@pytest.fixture
def broken() -> Iterator[str]:
    """The address of a server that refuses whatever it is asked."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_answer_that_is_no_success_ends_it(without_app, broken, tmp_path):
    (tmp_path / "tokens").write_text("x\n")
    (tmp_path / "log").write_text("fuera de servicio")
    server = SimpleNamespace(url=broken, log=tmp_path / "log")

    with pytest.raises(RuntimeError, match=r"(?s)'refused': [1-9].*503.*fuera de servicio"):
        Load(tmp_path / "tokens", 1, 1).ask(server, "ticket", seed=1)


@pytest.fixture
def ground(committed, database_url, monkeypatch) -> Iterator[Client]:
    """The floor, on the database and with the key of the application under test."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(floor, "KEY", SECRETS["JWT_SECRET_KEY"].encode())
    with closing(floor.connection()):
        yield Client(floor.application)
    del floor.mine.connection


def as_the_floor_says(tiquet: dict) -> dict:
    """A ticket's columns, and of whatever is beside them the name."""
    names = {name: tiquet[name] and tiquet[name]["nombre"] for name in floor.NOMBRES}
    return {name: tiquet[name] for name in floor.PROPIOS} | names


def test_the_floor_answers_the_same(ground, client, tecnico):
    for number in range(3):
        cliente = factories.ClienteFactory(apellido="Ruiz").id
        factories.tiquet(id_cliente=cliente, id_usuario_asignado=tecnico.id, etiquetas=["vpn"][:number])
    pedido = {"query_string": {"limite": 50, "id_estado": 1}, "headers": tecnico.headers}
    page, theirs = (one.get(LISTA, **pedido).json["data"] for one in (client, ground))
    first = f"{LISTA}/{page[0]['id']}"

    assert len(page) == 3
    assert [blank(one) for one in theirs] == [as_the_floor_says(one) for one in page]
    assert blank(ground.get(first, headers=tecnico.headers).json) == as_the_floor_says(page[0])
    assert ground.get(first, headers={"Authorization": "Bearer e30.e30.e30"}).status_code == 401


def blank(tiquet: dict) -> dict:
    """An empty name is nobody's."""
    return {name: value if value != "" else None for name, value in tiquet.items()}


def test_the_floor_writes_the_same(ground, client, tecnico):
    opened, theirs = (
        one.post(LISTA, json=factories.NUEVO, headers=tecnico.headers).json for one in (client, ground)
    )
    shown = client.get(f"{LISTA}/{theirs['id']}", headers=tecnico.headers).json

    its_own = {
        "id": theirs["id"],
        **{name: theirs[name] for name in ("fecha_creacion", "fecha_actualizacion")},
    }
    assert blank(theirs) == as_the_floor_says(opened) | its_own
    assert followers(opened) == followers(theirs) == [tecnico.id]
    assert all(db.session.get(BusquedaTiquet, one["id"]) for one in (opened, theirs))
    assert shown == opened | its_own | {"numero": shown["numero"]}


def followers(tiquet: dict) -> list[int]:
    own = sa.select(Seguidores.id_usuario).where(Seguidores.id_tiquet == tiquet["id"])
    return list(db.session.scalars(own))
