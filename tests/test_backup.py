"""Backup and restore by the very commands of docs/operacion/respaldo.md, compared row by row."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from app.extensions import db
from app.models import Base, LogTransaccional, Tiquet
from config.places import ROOT
from tests import factories
from tests.gunicorn import TICKETS, prepared
from tests.mariadb import Server

pytestmark = pytest.mark.usefixtures("without_app")
BASE = "soporteplus"
WRITERS = 3


def run_documented(heading: str, **variables: Any) -> None:
    """Run the commands that stand under a heading of the page."""
    page = (ROOT / "docs" / "operacion" / "respaldo.md").read_text("utf-8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    assert commands, heading
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        check=True,
    )


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """All that there is, table by table."""
    tables = {name: sa.select(table) for name, table in Base.metadata.tables.items()}
    tables["alembic_version"] = sa.select(sa.text("version_num FROM alembic_version"))
    found = {
        name: sorted((tuple(row) for row in db.session.execute(query)), key=repr)
        for name, query in tables.items()
    }
    db.session.remove()
    return found


class Writers:
    """People who open tickets until they are told to stop."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        self.app = app
        self.headers = headers
        self.acknowledged: list[int] = []
        self.stopped = Event()

    def work(self) -> None:
        client = self.app.test_client()
        while not self.stopped.is_set():
            body = {**factories.NUEVO, "descripcion": "ñandú 🖨 'comillas' \\ \n", "etiquetas": ["vpn"]}
            answer = client.post(TICKETS, json=body, headers=self.headers)
            if answer.status_code == 201:
                self.acknowledged.append(answer.json["id"])

    def more(self, count: int = 10) -> None:
        wanted, until = len(self.acknowledged) + count, monotonic() + 60
        while len(self.acknowledged) < wanted:
            assert monotonic() < until
            sleep(0.01)


@contextmanager
def writing() -> Iterator[Writers]:
    writers = Writers(current_app._get_current_object(), factories.quien("Técnico").headers)
    db.session.remove()
    threads = [Thread(target=writers.work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.stopped.set()
        for thread in threads:
            thread.join()


def copied_under_load(copy: Callable[[], None], between: Callable[[], None]) -> set[int]:
    """Copy while people write, and let them go on; answers what was acknowledged before the copy began."""
    with writing() as writers:
        writers.more()
        before = set(writers.acknowledged)
        copy()
        between()
        writers.more()
    return before


@pytest.mark.mariadb
def test_a_lost_disk_loses_not_even_the_last_write(tmp_path):
    registro, copias = tmp_path / "registro", tmp_path / "copias"
    registro.mkdir()
    copias.mkdir()

    def variables(server: Server) -> dict[str, Any]:
        conexion = tmp_path / f"{server.port}.cnf"
        conexion.write_text(f"[client]\nhost=127.0.0.1\nport={server.port}\nuser=root\n")
        return {"CONEXION": conexion, "BASE": BASE, "COPIAS": copias, "REGISTRO": registro}

    settings = f"--log-bin={registro}/binlog", "--binlog-format=ROW", "--sync-binlog=1", "--skip-ssl"
    with Server(*settings) as server, prepared(server.url(BASE)):
        copied_under_load(
            copy=lambda: run_documented("MariaDB: copiar", **variables(server)),
            between=lambda: server.execute("FLUSH BINARY LOGS"),
        )
        expected = rows()
        server.kill()
        shutil.rmtree(server.folder / "data")
    with Server(flush=0) as other:
        run_documented("MariaDB: restaurar", **variables(other))
        with prepared(other.url(BASE)):
            restored = rows()

    assert len(expected["Tiquet"]) > 20
    assert restored == expected


@pytest.mark.sqlite
def test_a_copy_of_sqlite_has_all_that_was_acknowledged_before(tmp_path: Path):
    base, copia = tmp_path / "base.db", tmp_path / "copia.db"
    under_load = {"BASE": base, "COPIA": tmp_path / "con-carga.db"}
    with prepared(f"sqlite:///{base}"):
        before = copied_under_load(
            copy=lambda: run_documented("SQLite: copiar", **under_load), between=lambda: None
        )
        expected = rows()
        run_documented("SQLite: copiar", BASE=base, COPIA=copia)
    with prepared(f"sqlite:///{under_load['COPIA']}"):
        ids = set(db.session.scalars(sa.select(Tiquet.id)))
        told = sa.select(LogTransaccional.id_tiquet).where(LogTransaccional.accion == "tiquet.creado")
        events = set(db.session.scalars(told))
    base.write_bytes(b"se rompio")
    run_documented("SQLite: restaurar", BASE=base, COPIA=copia)
    with prepared(f"sqlite:///{base}"):
        restored = rows()

    assert before <= ids < {row[0] for row in expected["Tiquet"]}
    assert events == ids
    assert restored == expected
