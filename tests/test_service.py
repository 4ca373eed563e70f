"""What operators ask, and conditional requests."""

import tempfile

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.queries import storage
from tests import factories
from tests.factories import NUEVO


def test_the_root_names_the_documents(client):
    assert client.get("/").json == {
        "nombre": "SoportePlus",
        "documentacion": "/api/docs",
        "openapi": "/api/openapi.json",
    }


def test_alive_asks_no_database(client):
    assert client.get("/health").json == {"estado": "ok"}


def test_ready_when_the_migrations_are_applied(client):
    assert client.get("/health/ready").json == {"estado": "listo", "trabajador": False}


def test_not_ready_behind_the_code(client):
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    db.session.commit()

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["codigo"]) == (503, "migraciones_pendientes")
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("wrong", ["full", "gone"])
def test_not_ready_where_nothing_can_be_written(client, monkeypatch, tmp_path, wrong):
    if wrong == "full":
        monkeypatch.setattr(storage, "LEAST", 1 << 60)
    else:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json["codigo"]) == (503, "almacenamiento_no_disponible")
    assert answer.headers["Retry-After"]
    assert client.get("/health").status_code == 200


def test_what_the_caller_has_is_not_sent_again(client, tecnico):
    path = f"/api/tickets/tickets/{factories.tiquet()}"
    etag = client.get(path, headers=tecnico.headers).headers["ETag"]

    for known in (etag, f"W/{etag}", f'"otro", {etag}', "*"):
        again = client.get(path, headers={**tecnico.headers, "If-None-Match": known})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    other = client.get(path, headers={**tecnico.headers, "If-None-Match": '"1.0"'})
    assert other.status_code == 200


def test_if_match_compares_versions_strong_or_weak(client, tecnico):
    path = f"/api/tickets/tickets/{factories.tiquet()}"
    etag = client.get(path, headers=tecnico.headers).headers["ETag"]

    for number, known in enumerate((etag, f"W/{etag.replace('1.', '2.', 1)}", "*")):
        answer = client.patch(
            path, json={"titulo": f"Otro {number}"}, headers={**tecnico.headers, "If-Match": known}
        )
        assert answer.status_code == 200, answer.json
    stale = client.patch(path, json={"titulo": "Tarde"}, headers={**tecnico.headers, "If-Match": etag})
    assert stale.status_code == 412
    assert stale.json["version_actual"] == 4
    assert stale.json["campos"] == ["titulo"]
    assert stale.json["modificado_por"]["id"] == tecnico.id
    assert stale.json["modificado_en"].endswith("Z")


def test_if_match_can_be_obligatory(client, admin, with_settings):
    with_settings(EXIGIR_IF_MATCH="true")
    path = f"/api/tickets/tickets/{factories.tiquet()}"

    for refused in (
        client.put(path, json={"titulo": "Otro"}, headers=admin.headers),
        client.delete(path, headers=admin.headers),
    ):
        assert (refused.status_code, refused.json["codigo"]) == (428, "falta_if_match")
    assert client.post("/api/tickets/tickets", json=NUEVO, headers=admin.headers).status_code == 201


def test_references_that_do_not_fit_are_told_at_once(client, tecnico):
    cliente, empleado = factories.ClienteFactory().id, factories.EmpleadoFactory().id
    wrong = {"id_categoria": 999, "id_criticidad": 999, "id_prioridad": 999, "id_ubicacion": 999}

    answer = client.post("/api/tickets/tickets", json=NUEVO | wrong, headers=tecnico.headers)
    both = {"id_cliente": cliente, "id_empleado": empleado}
    two = client.post("/api/tickets/tickets", json=NUEVO | both, headers=tecnico.headers)
    nobody = client.post("/api/tickets/tickets", json=NUEVO | {"id_cliente": 999}, headers=tecnico.headers)

    assert {k: v[0]["codigo"] for k, v in answer.json["errores"].items()} == dict.fromkeys(wrong, "no_existe")
    assert two.json["errores"]["id_empleado"][0]["codigo"] == "un_solo_solicitante"
    assert nobody.json["errores"]["id_cliente"][0]["codigo"] == "no_existe"


def test_a_problem_of_another_category_is_refused(client, tecnico):
    catalogs = client.get("/api/tickets/catalogos", headers=tecnico.headers).json
    problema = next(p for p in catalogs["problemas"] if p["id_categoria"] not in (None, 1))

    answer = client.post(
        "/api/tickets/tickets", json=NUEVO | {"id_problema": problema["id"]}, headers=tecnico.headers
    )

    assert answer.json["errores"]["id_problema"][0]["codigo"] == "de_otra_categoria"


def test_an_external_id_is_taken_once(client, tecnico):
    origin = NUEVO | {"origen_externo": "glpi", "id_externo": "77"}

    first = client.post("/api/tickets/tickets", json=origin, headers=tecnico.headers)
    second = client.post("/api/tickets/tickets", json=origin, headers=tecnico.headers)

    assert first.status_code == 201
    assert (second.status_code, second.json["codigo"]) == (409, "ya_existe")
    assert second.json["campos"] == ["origen_externo", "id_externo"]


def test_labels_are_folded_once_each_and_searchable(client, tecnico):
    sent = NUEVO | {"etiquetas": ["VPN", "vpn", " Urgente "]}

    answer = client.post("/api/tickets/tickets", json=sent, headers=tecnico.headers)
    found = client.get("/api/tickets/tickets?etiqueta=Vpn", headers=tecnico.headers).json["data"]

    assert answer.json["etiquetas"] == ["vpn", "urgente"]
    assert [t["id"] for t in found] == [answer.json["id"]]
