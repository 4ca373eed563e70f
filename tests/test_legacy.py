"""Coming from the older SoportePlus."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.security import generate_password_hash

from app import create_app, transaction
from app.extensions import db
from app.migrations import upgrade
from app.models import Base, Comentarios, LogTransaccional, Tiquet, Usuario
from app.services import seed
from app.services.access import passwords
from app.services.legacy import convert
from tests import legacy
from tests.client import ApiClient
from tests.conftest import SECRETS, config_for, disconnect
from tests.legacy import CLAVE

pytestmark = pytest.mark.usefixtures("without_app")
ROOT = Path(__file__).resolve().parent.parent
WERKZEUG = generate_password_hash(CLAVE)


class Ended(NamedTuple):
    """How a run of the command went: what it printed, and the lines of its report."""

    code: int
    output: str
    lines: list[dict[str, Any]]

    def about(self, tabla: str, id: int) -> dict[str, str]:
        """What the report says of a row, by field."""
        return {
            line["campo"]: line["motivo"] for line in self.lines if (line["tabla"], line["id"]) == (tabla, id)
        }


@pytest.fixture
def desk(new_database: Callable[[], str]) -> Iterator[Flask]:
    """A new desk with its catalogs and nothing else."""
    app = create_app(config_for(new_database()))
    app.test_client_class = ApiClient
    with app.app_context():
        upgrade()
        transaction.run(seed.seed_catalogs)
        yield app
        db.session.remove()
        disconnect()


@pytest.fixture
def migrate(desk: Flask, tmp_path: Path) -> Callable[..., Ended]:
    def run(url: str, *options: str) -> Ended:
        file = tmp_path / "informe.jsonl"
        ended = desk.test_cli_runner().invoke(
            args=["migrar-legado", "--url", url, "--informe", str(file), *options]
        )
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return Ended(ended.exit_code, ended.output, [json.loads(line) for line in lines])

    return run


@pytest.fixture
def old(new_database: Callable[[], str]) -> Callable[..., str]:
    """Makes an older database; answers its URL."""

    def make(newer: bool = True, optional: bool = True, lower: bool = False) -> str:
        url = new_database()
        made = legacy.schema(newer, optional, lower)
        legacy.build(url, made, newer=newer, werkzeug=WERKZEUG)
        return url

    return make


def contents(url: str) -> dict[str, list[Any]]:
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        found = {
            name: list(
                connection.exec_driver_sql(f"SELECT * FROM {engine.dialect.identifier_preparer.quote(name)}")
            )
            for name in metadata.tables
        }
    engine.dispose()
    return found


def everything() -> dict[str, int]:
    db.session.remove()
    tables = Base.metadata.sorted_tables
    return {t.name: db.session.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in tables}


def signed_in(client: ApiClient, email: str, password: str = CLAVE) -> dict[str, str]:
    answer = client.post("/api/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.json
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("optional", [True, False])
def test_every_variant_comes_over_and_is_only_read(desk, old, migrate, newer, optional):
    url = old(newer=newer, optional=optional, lower=not optional)
    before = contents(url)

    ended = migrate(url, "--aplicar")

    assert ended.code == 0, ended.output
    assert contents(url) == before
    counts = everything()
    assert (counts["Usuario"], counts["Tiquet"], counts["Comentarios"]) == (len(legacy.USUARIOS) + 1, 6, 3)
    client = desk.test_client()
    headers = signed_in(client, "ana@example.org")
    listed = client.get("/api/tickets/tickets", headers=headers).json["data"]
    assert {one["id"] for one in listed} == {row[0] for row in legacy.TIQUETS}
    for one in listed:
        assert client.get(f"/api/tickets/tickets/{one['id']}", headers=headers).status_code == 200


def test_a_rehearsal_says_the_same_and_writes_nothing(desk, old, migrate):
    url, before = old(), everything()

    rehearsal = migrate(url)

    assert rehearsal.code == 0, rehearsal.output
    assert "no se escribió nada" in rehearsal.output
    assert everything() == before
    real = migrate(url, "--aplicar")
    undated = [[line | {"ahora": None} for line in ended.lines] for ended in (rehearsal, real)]
    assert undated[0] == undated[1]
    counted = [ended.output.split("Informe")[0] for ended in (rehearsal, real)]
    assert counted[0] == counted[1]


def test_people_go_on_signing_in_by_the_password_they_have(desk, old, migrate):
    ended = migrate(old(), "--aplicar")
    client = desk.test_client()

    stored = dict(db.session.execute(sa.select(Usuario.id, Usuario.password_hash)).all())
    assert stored[1].startswith("v1w$argon2id$")
    assert stored[12] == WERKZEUG
    assert legacy.SHA256 not in " ".join(stored.values())
    db.session.remove()
    for email in ("ana@example.org", "ivan@example.org", "juan@example.org"):
        signed_in(client, email)
        signed_in(client, email)
        wrong = client.post("/api/auth/login", json={"email": email, "password": CLAVE + "x"})
        assert wrong.status_code == 401
    renewed = dict(db.session.execute(sa.select(Usuario.id, Usuario.password_hash)).all())
    assert all(renewed[id].startswith("$argon2id$") for id in (1, 6, 12))
    roles = dict(db.session.execute(sa.select(Usuario.id, Usuario.tipo_usuario)).all())
    assert [roles[id] for id in (1, 2, 5, 6, 7)] == [
        *("Administrador", "Técnico", "Solicitante", "Técnico", "Solicitante")
    ]
    assert "password" not in json.dumps([line["antes"] for line in ended.lines])


def test_accounts_that_cannot_stay_as_they_were_are_reported_and_kept_out(desk, old, migrate):
    ended = migrate(old(), "--aplicar")

    accounts = {user.id: user for user in db.session.scalars(sa.select(Usuario))}
    assert (accounts[2].email, accounts[2].activo) == ("usuario-2@legado.invalid", False)
    assert (accounts[3].email, accounts[3].activo) == ("usuario-3@legado.invalid", False)
    assert (accounts[4].nombre, accounts[4].activo) == ("Usuario 4", False)
    assert (accounts[5].activo, accounts[5].debe_cambiar_clave) == (True, True)
    assert accounts[7].activo is False
    assert "otro usuario" in ended.about("usuario", 2)["email"]
    assert "no es un correo" in ended.about("usuario", 3)["email"]
    assert set(ended.about("usuario", 4)) == {"nombre", "email", "password"}
    assert set(ended.about("usuario", 5)) == {"password"}
    assert set(ended.about("usuario", 7)) == {"tipo_usuario"}
    assert ended.about("usuario", 1) == {}
    del accounts
    client = desk.test_client()
    refused = client.post("/api/auth/login", json={"email": "rosa@example.org", "password": "en claro"})
    assert refused.status_code == 401


def test_the_catalogs_keep_their_ids_and_states_find_their_type(desk, old, migrate):
    ended = migrate(old(), "--aplicar")
    headers = signed_in(client := desk.test_client(), "ana@example.org")

    catalogs = client.get("/api/tickets/catalogos", headers=headers).json
    names = {name: {row["id"]: row["nombre"] for row in rows} for name, rows in catalogs.items()}
    assert names["categorias"] == {
        11: "Internet",
        12: "Internet (2)",
        13: "Categoria 13",
        14: "Sin categoría",
    }
    assert names["ubicaciones"] == {3: "Sede", 4: "Bodega", 5: "Sin ubicación"}
    assert [row["nivel"] for row in catalogs["criticidades"]] == [1, 2, 4]
    tipos = {row["id"]: row["tipo"] for row in catalogs["estados"]}
    assert {id: tipos[id] for id in range(1, 7)} == {
        1: "nuevo",
        2: "en_proceso",
        3: "cerrado",
        4: "cerrado",
        5: "cerrado",
        6: "en_proceso",
    }
    assert [tipos[7], tipos[8]] == ["cerrado", "nuevo"]
    codes = {row["id"]: row["codigo"] for row in catalogs["estados"]}
    assert [codes[id] for id in (1, 3, 5, 7, 8)] == [
        *("abierto", "finalizado", "cancelado", "cancelado_2", "abierto_2")
    ]
    defaults = [row["tipo"] for row in catalogs["estados"] if row["predeterminado"]]
    assert sorted(defaults) == ["cerrado", "en_espera", "en_proceso", "nuevo", "resuelto"]
    assert "no dice de qué tipo" in ended.about("estado", 6)["tipo"]
    assert set(ended.about("categoria", 12)) == set(ended.about("categoria", 13)) == {"nombre"}


def test_tickets_say_what_the_old_ones_said(desk, old, migrate):
    ended = migrate(old(), "--aplicar")
    headers = signed_in(client := desk.test_client(), "ana@example.org")
    shown = {id: client.get(f"/api/tickets/tickets/{id}", headers=headers).json for id in range(100, 106)}
    nobody = db.session.scalar(sa.select(Usuario.id).where(Usuario.email == "importacion@legado.invalid"))

    first = shown[100]
    assert (first["titulo"], first["canal"], first["id_usuario_creador"], first["id_usuario_asignado"]) == (
        *("La impresora no responde", "importacion", 1, 2),
    )
    assert (first["fecha_creacion"], first["numero_comentarios"]) == ("2024-03-01T12:00:00Z", 2)
    assert first["fecha_primera_respuesta"] == "2024-03-02T12:00:00Z"
    assert ended.about("tiquet", 100) == {}

    closed = shown[101]
    assert (closed["id_usuario_creador"], closed["telefono_contacto"]) == (nobody, "5512")
    assert (closed["fecha_cierre"], closed["motivo_cierre"]) == ("2024-03-05T12:00:00Z", "resuelto")
    assert closed["titulo"].endswith("…")
    assert len(closed["titulo"]) <= 81
    assert closed["categoria"]["nombre"] == "Sin categoría"
    assert set(ended.about("tiquet", 101)) == {
        *("id_usuario_creador", "id_categoria", "id_ubicacion", "id_criticidad", "id_usuario_asignado")
    }
    assert (shown[102]["fecha_cierre"], shown[102]["descripcion"]) == (
        "2024-03-05T12:00:00Z",
        "Sin descripción.",
    )
    assert shown[102]["id_usuario_asignado"] is None
    assert (shown[103]["motivo_cierre"], shown[103]["fecha_resolucion"]) == ("cancelado", None)
    assert shown[103]["descripcion"] == "ab\r\nsegunda línea"
    assert shown[104]["titulo"] == "😀 ñandú"
    assert "fecha de apertura no puede ser" in ended.about("tiquet", 104)["fecha_creacion"]
    assert ended.about("tiquet", 104)["fecha_cierre"] == "no está cerrado"
    assert shown[105]["estado"]["tipo"] == "nuevo"


def test_what_cannot_be_taken_is_named_with_its_reason(desk, old, migrate):
    ended = migrate(old(), "--aplicar")

    refused = {
        (line["tabla"], line["id"]): line["motivo"] for line in ended.lines if line["suceso"] == "no tomada"
    }
    assert refused == {
        ("comentario", 4): "su tiquet no existe",
        ("comentario", 5): "está vacío",
        ("comentario", 6): "no dice de qué tiquet es",
        ("log", 3): "su tiquet no existe",
        ("log", 4): "no dice qué se hizo",
        ("documento", 1): "los archivos no se traen: cópielo de su carpeta",
    }
    told = db.session.execute(
        sa.select(LogTransaccional.id_usuario, LogTransaccional.tipo_actor, LogTransaccional.cambios)
        .where(LogTransaccional.accion == "legado.registrado")
        .order_by(LogTransaccional.id)
    ).all()
    assert [(row.id_usuario, row.tipo_actor, row.cambios[0]["nuevo"]) for row in told] == [
        (1, "usuario", "Creó el tiquet"),
        (None, "anonimo", "Cambió el estado"),
    ]
    messages = dict(db.session.execute(sa.select(Comentarios.id, Comentarios.mensaje)).all())
    assert messages[2] == "Gracias\n\nSatisfacción: Excelente"


def test_once_more_takes_only_what_has_come_since(desk, old, migrate):
    url = old()
    first = migrate(url, "--aplicar")
    assert first.code == 0
    before = everything()

    again = migrate(url, "--aplicar")

    assert again.code == 0, again.output
    assert everything() == before
    assert "6 ya estaban" in again.output
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO Tiquet (Id_Tiquet, Categoria, Tel_ext, Ubicacion, Criticidad, Descripcion, Estado,"
            " Fecha_apertura) VALUES (200, 11, '1', 3, 1, 'Uno nuevo', 1, '2024-05-01')"
        )
        connection.exec_driver_sql(
            "INSERT INTO Comentarios (ID_comentario, mensaje, usuario, Id_Tiquet, Fecha)"
            " VALUES (50, 'Otro', 1, 100, '2024-05-02'), (51, 'El suyo', 1, 200, '2024-05-02')"
        )
    engine.dispose()
    third = migrate(url, "--aplicar")
    assert "tiquet: 6 ya estaban, 1 tomadas" in third.output
    db.session.remove()
    counts = dict(db.session.execute(sa.select(Tiquet.id, Tiquet.numero_comentarios)).all())
    assert (counts[100], counts[200]) == (3, 1)


def test_a_desk_with_work_of_its_own_is_refused(desk, old, migrate):
    user = {"email": "a@example.org", "nombre": "A", "apellido": "B", "password_hash": "x", "categorias": []}
    theirs = user | {"tipo_usuario": "Técnico", "preferencias": {}}
    transaction.run(lambda: db.session.add(Usuario(**theirs)))
    before = everything()

    ended = migrate(old(), "--aplicar")

    assert ended.code == 1
    assert "ids chocarían" in ended.output
    assert everything() == before


def test_a_row_whose_id_somebody_took_meanwhile_is_left_out(desk, old, migrate):
    url = old()
    migrate(url, "--aplicar")
    headers = signed_in(client := desk.test_client(), "ana@example.org")
    new = {"titulo": "Otro", "descripcion": "x", "id_categoria": 11, "id_criticidad": 1, "id_ubicacion": 3}
    mine = client.post("/api/tickets/tickets", json=new, headers=headers).json["id"]
    assert mine == 106
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO Tiquet (Id_Tiquet, Descripcion) VALUES ({mine}, 'Chocaría')")
    engine.dispose()

    ended = migrate(url, "--aplicar")

    assert "lo ocupa otra fila" in ended.about("tiquet", mine)[None]
    assert client.get(f"/api/tickets/tickets/{mine}", headers=headers).json["titulo"] == "Otro"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "No es una base de la SoportePlus anterior"),
        ("no es una url", "--url: no es la de una base"),
        ("oracle+nada://127.0.0.1/x", "--url: no es la de una base"),
        ("mysql+pymysql://nadie@127.0.0.1:1/x", "No se puede leer la base anterior"),
    ],
)
def test_what_is_no_older_database_is_refused_in_words(migrate, url, said):
    ended = migrate(url, "--aplicar")

    assert ended.code == 1
    assert said in ended.output
    assert "Traceback" not in ended.output
    assert ended.lines == []


@pytest.mark.mariadb
def test_the_server_itself_refuses_to_write_to_the_source(old):
    from app.queries.legacy import Source

    with Source(old()) as source, pytest.raises(sa.exc.DBAPIError, match="READ ONLY"):
        source.connection.exec_driver_sql("DELETE FROM Tiquet")


def test_bare_hashes_are_wrapped_at_once(desk, old, migrate):
    migrate(old(), "--aplicar")
    transaction.run(lambda: db.session.execute(sa.update(Usuario).values(password_hash=legacy.SHA256)))

    ended = desk.test_cli_runner().invoke(args=["seguridad", "claves-antiguas"])

    assert f"envolvieron: {len(legacy.USUARIOS) + 1}." in ended.output
    db.session.remove()
    assert all(h.startswith("v1w$") for h in db.session.scalars(sa.select(Usuario.password_hash)))
    db.session.remove()
    signed_in(desk.test_client(), "ana@example.org")
    assert "envolvieron: 0." in desk.test_cli_runner().invoke(args=["seguridad", "claves-antiguas"]).output


def started(desk: Flask, url: str, folder: Path) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    target = desk.config["SQLALCHEMY_DATABASE_URI"].render_as_string(hide_password=False)
    environment = {**os.environ, "FLASK_ENV": "testing", "DATABASE_URL": target, **SECRETS}
    command = [sys.executable, "-m", "flask", "--app", "run", "migrar-legado", "--aplicar", "--url", url]
    return subprocess.Popen(
        [*command, "--informe", str(folder / "informe.jsonl")],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
    )


def test_a_run_that_is_killed_goes_on_at_the_next(desk, old, migrate, tmp_path):
    many = 4_000
    legacy.add_many(url := old(), many)
    killed = started(desk, url, tmp_path)
    for least in (1, 1_500):  # Once among the first tickets, once further on.
        while (found := everything()["Tiquet"]) < least:
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.02)
        killed.kill()
        killed.wait()
        killed.stdout.close()
        assert found < many
        killed = started(desk, url, tmp_path)
    output, _ = killed.communicate(timeout=120)

    assert killed.returncode == 0, output
    counts = everything()
    assert (counts["Tiquet"], counts["Comentarios"]) == (many + 6, many + 3)
    created = sa.select(sa.func.count()).where(LogTransaccional.accion == "tiquet.creado")
    assert db.session.scalar(created) == many + 6
    db.session.remove()
    assert db.session.scalar(sa.select(sa.func.sum(Tiquet.numero_comentarios))) == many + 3
    db.session.remove()
    before = everything()
    assert migrate(url, "--aplicar").code == 0
    assert everything() == before


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (date(2024, 3, 1), datetime(2024, 3, 1, 18)),
        (datetime(2024, 3, 1, 9, 30), datetime(2024, 3, 1, 15, 30)),
        ("2024-03-01", datetime(2024, 3, 1, 18)),
        *((wrong, None) for wrong in ("0000-00-00", "9999-12-31", date(1, 1, 1), None, 5)),
        (datetime(9999, 12, 31, 23, 59, 59), None),  # «never», which has no next day
    ],
)
def test_a_date_is_read_in_the_zone_of_the_older_desk(said, meant):
    assert convert.instant(said, ZoneInfo("America/Guatemala")) == meant


@pytest.mark.parametrize("method", ["scrypt", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000", "pbkdf2:sha1:1000"])
def test_every_hash_that_werkzeug_made_is_known(method):
    stored = generate_password_hash(CLAVE, method=method)

    assert passwords.is_known(stored)
    right, modern = passwords.verify(stored, CLAVE)
    assert right
    assert modern.startswith("$argon2id$")
    assert passwords.verify(stored, CLAVE + "x") == (False, None)


@pytest.mark.parametrize(
    "stored",
    [
        *("", "secreto", "f" * 63, "md5$abc$" + "0" * 32, "scrypt:32768:8:1$salt$xyz", "v1w"),
        *("scrypt:1048576:8:1$salt$" + "0" * 128, "pbkdf2:sha256:99999999$salt$" + "0" * 64),
    ],
)
def test_a_hash_that_says_nothing_or_asks_too_much_lets_nobody_in(stored):
    assert not passwords.is_known(stored)
    assert passwords.verify(stored, CLAVE) == (False, None)
