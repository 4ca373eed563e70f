"""The account that serves, with the rights of docs/operacion/auditoria.md: it works, and erases nothing."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.extensions import db
from app.services import maintenance
from app.services.log import chain, sequencer
from config.places import ROOT
from tests import factories
from tests.client import ApiClient
from tests.conftest import config_for, disconnect
from tests.factories import NUEVO
from tests.gunicorn import TICKETS, prepared
from tests.mariadb import Server

pytestmark = [pytest.mark.mariadb, pytest.mark.usefixtures("without_app")]

BASE, CUENTA = "protegida", "servicio@'127.0.0.1'"


def restrict(server: Server, folder: Path) -> None:
    """Run the commands of the page."""
    page = (ROOT / "docs" / "operacion" / "auditoria.md").read_text("utf-8")
    (commands,) = re.findall(r"```sh\n(.*?)```", page.split("## Permisos en MariaDB\n")[1], re.DOTALL)
    connection = folder / "conexion.cnf"
    connection.write_text(f"[client]\nhost = 127.0.0.1\nport = {server.port}\nuser = root\n")
    variables = {"BASE": BASE, "CUENTA": CUENTA, "CONEXION": str(connection)}
    command = ["bash", "-euo", "pipefail", "-c", commands]
    subprocess.run(command, env={**os.environ, **variables}, check=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(flush=0) as server:
        with prepared(server.url(BASE)):
            factories.UsuarioFactory(email="ana@example.org", tipo_usuario="Administrador")
        server.execute(f"CREATE USER {CUENTA}")
        server.execute(f"GRANT ALL ON {BASE}.* TO {CUENTA}")
        yield server


@pytest.fixture
def serving(server: Server) -> Iterator[Flask]:
    """The application by the account that serves."""
    app = create_app(config_for(server.url(BASE).replace("root@", "servicio@")))
    app.test_client_class = ApiClient
    with app.app_context():
        yield app
        db.session.remove()
        disconnect()


def examined(app: Flask) -> tuple[int, str]:
    ended = app.test_cli_runner().invoke(args=["doctor"])
    return ended.exit_code, next(line for line in ended.output.splitlines() if " registro: " in line)


def test_the_service_works_with_what_is_left_of_its_rights_and_cannot_change_what_was(
    server, serving, tmp_path
):
    before = examined(serving)
    restrict(server, tmp_path)
    restrict(server, tmp_path)  # As after every upgrade.
    db.session.remove()
    disconnect()  # A restart: connections keep the rights with which they began.

    assert before[0] == 0
    assert before[1].startswith("ojo  registro: ")
    assert "DELETE, UPDATE" in before[1]
    assert examined(serving) == (0, "bien registro: solo se añade")
    works(serving)
    for statement in (
        "DELETE FROM Log_transaccional",
        "UPDATE Log_transaccional SET accion = 'otra'",
        "UPDATE Log_transaccional SET id_usuario = 1",
        "DELETE FROM Log_cabeza",
        "TRUNCATE Log_transaccional",
        "DROP TABLE Log_transaccional",
        "CREATE TABLE otra (id INT)",
    ):
        with pytest.raises(DBAPIError, match="denied"):
            db.session.execute(sa.text(statement))
        db.session.rollback()


def works(app: Flask) -> None:
    """Everything that writes to a table of its own kind."""
    client = app.test_client()
    login = client.post("/api/auth/login", json={"email": "ana@example.org", "password": factories.CLAVE})
    headers = {"Authorization": f"Bearer {login.json['access_token']}", "Idempotency-Key": uuid4().hex}
    made = client.post(TICKETS, json={**NUEVO, "etiquetas": ["red"]}, headers=headers)
    path = f"{TICKETS}/{made.json['id']}"
    calls = (
        ("PUT", path, {"titulo": "Otro"}),
        ("POST", f"{path}/comentarios", {"mensaje": "Hola"}),
        ("POST", f"{path}/tomar", {}),
        ("DELETE", path, None),
        ("POST", "/api/tickets/ubicaciones", {"nombre": uuid4().hex}),
        ("POST", "/api/clientes", {"nombre": "Ana"}),
        ("GET", "/api/auditoria", None),
        ("GET", "/api/auditoria/verificar", None),
        ("POST", "/api/auth/logout", None),
    )
    del headers["Idempotency-Key"]
    answers = [client.open(where, method=how, json=body, headers=headers) for how, where, body in calls]
    assert [answer.status_code for answer in (login, made, *answers) if answer.status_code >= 300] == []
    maintenance.maintain()
    sequencer.number_events()
    assert chain.verify()["integra"]
    assert chain.verify()["eventos"] >= len(calls) - 2


def test_the_account_that_purges_can_do_that_and_no_more(server, serving):
    page = (ROOT / "docs" / "operacion" / "auditoria.md").read_text("utf-8")
    (grants,) = re.findall(r"```sql\n(.*?)```", page.split("## Purgar\n")[1], re.DOTALL)
    server.execute("CREATE USER soporteplus_purga@'127.0.0.1'")
    for grant in grants.replace("BASE.", f"{BASE}.").strip().splitlines():
        server.execute(grant)
    works(serving)
    sequencer.number_events()
    head = chain.head()

    purging = create_app(config_for(server.url(BASE).replace("root@", "soporteplus_purga@")))
    exported = f"{head['secuencia']}:{head['hash']}"
    with purging.app_context():
        ended = purging.test_cli_runner().invoke(args=["auditoria", "purgar", "--hasta", exported, "--si"])
        assert (ended.exit_code, f"Eventos borrados: {head['secuencia']}." in ended.output) == (0, True)
        for statement in ("UPDATE Log_transaccional SET cambios = '[]'", "DELETE FROM Usuario"):
            with pytest.raises(DBAPIError, match="denied"):
                db.session.execute(sa.text(statement))
            db.session.rollback()
        with pytest.raises(DBAPIError, match="solo se añade"):
            db.session.execute(sa.text("DELETE FROM Log_transaccional"))
        db.session.remove()
        disconnect()
    sequencer.number_events()
    assert chain.verify()["integra"]
