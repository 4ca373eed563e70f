"""The six catalogs: what is shown, and that nobody is shown yesterday's."""

import pytest
from sqlalchemy import update

from app import transaction
from app.extensions import db
from app.models import CATALOGOS, CatTiquet, EstadoTiquet
from app.permissions import SISTEMA
from app.queries.catalog import all_catalogs
from app.services.catalog import touch_catalogs
from app.services.seed import FILAS
from tests.factories import NUEVO
from tests.statements import noted

PROPIAS = {name: model.PROPIAS for name, model in CATALOGOS.items()}
COMUNES = {
    "id",
    "codigo",
    "nombre",
    "descripcion",
    "orden",
    "color",
    "activo",
    "predeterminado",
    "version",
}


@pytest.fixture
def get(client, tecnico):
    def get(path, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get(f"/api/tickets/{path}", headers=tecnico.headers | sent)

    return get


def rename(id, nombre):
    """What an operator does in another session."""
    fila = db.session.get(CatTiquet, id)
    fila.nombre = nombre
    touch_catalogs()
    db.session.commit()


@pytest.mark.parametrize("name", CATALOGOS)
def test_a_catalog_is_listed_whole_and_in_its_order(get, name):
    answer = get(name)

    assert answer.status_code == 200
    assert [fila["id"] for fila in answer.json["data"]] == [fila["id"] for fila in FILAS[name]]
    assert answer.json["paginacion"] == {
        "limite": 1000,
        "siguiente": None,
        "total": len(FILAS[name]),
        "total_exacto": True,
    }


@pytest.mark.parametrize("name", CATALOGOS)
def test_a_row_has_the_same_keys_in_every_catalog_and_its_own_besides(get, name):
    for fila, seeded in zip(get(name).json["data"], FILAS[name], strict=True):
        assert set(fila) == COMUNES | set(PROPIAS[name])
        assert fila.items() >= seeded.items()


@pytest.mark.parametrize("name", CATALOGOS)
def test_a_row_on_its_own_is_the_row_of_the_list(get, name):
    for fila in get(name).json["data"]:
        assert get(f"{name}/{fila['id']}").json == fila


@pytest.mark.parametrize("name", CATALOGOS)
def test_a_row_that_the_caller_has_already_is_not_sent_again(get, name):
    first = get(f"{name}/1")
    again = get(f"{name}/1", If_None_Match=first.headers["ETag"])

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert get(f"{name}/1", If_None_Match=f"W/{first.headers['ETag']}").status_code == 304
    assert get(f"{name}/2", If_None_Match=first.headers["ETag"]).status_code == 200


@pytest.mark.parametrize("name", CATALOGOS)
def test_a_row_that_does_not_exist_is_not_found(get, name):
    missing = get(f"{name}/999")

    assert (missing.status_code, missing.json["codigo"]) == (404, "fila_no_encontrada")


@pytest.mark.parametrize("path", [*CATALOGOS, "categorias/1", "catalogos"])
def test_catalogs_are_for_those_who_signed_in(client, path):
    assert client.get(f"/api/tickets/{path}").status_code == 401


def test_a_row_shows_its_version_in_its_etag(get):
    before = get("categorias/1").json["version"]
    rename(1, "Aparatos")

    answer = get("categorias/1")

    assert answer.json["version"] == before + 1
    assert answer.headers["ETag"].startswith(f'"{before + 1}.')


def test_all_catalogs_come_in_one_answer(get):
    answer = get("catalogos").json

    assert answer == {name: get(name).json["data"] for name in CATALOGOS}


def test_all_catalogs_are_not_sent_again_until_one_of_them_changes(get):
    first = get("catalogos").headers["ETag"]
    assert get("catalogos", If_None_Match=first).status_code == 304

    rename(3, "Redes y telefonía")

    changed = get("catalogos", If_None_Match=first)
    assert changed.status_code == 200
    assert changed.json["categorias"][2]["nombre"] == "Redes y telefonía"
    assert changed.headers["ETag"] != first
    assert get("catalogos", If_None_Match=changed.headers["ETag"]).status_code == 304


def test_a_change_in_another_session_is_seen_by_the_next_request(get, client, tecnico):
    id = client.post("/api/tickets/tickets", json=NUEVO, headers=tecnico.headers).json["id"]
    before = get(f"tickets/{id}")

    rename(1, "Aparatos")

    assert get("categorias").json["data"][0]["nombre"] == "Aparatos"
    assert get("categorias/1").json["nombre"] == "Aparatos"
    after = get(f"tickets/{id}", If_None_Match=before.headers["ETag"])
    assert after.json["categoria"] == {"id": 1, "nombre": "Aparatos"}
    assert get("tickets").json["data"][0]["categoria"]["nombre"] == "Aparatos"
    assert get("dashboard/stats").json["por_categoria"][0]["nombre"] == "Aparatos"


def test_who_changes_a_catalog_sees_its_own_change(get):
    def unit():
        before = all_catalogs(SISTEMA).brief("categorias", 1)["nombre"]
        with noted() as unasked:
            all_catalogs(SISTEMA)
        db.session.get(CatTiquet, 1).nombre = "Aparatos"
        touch_catalogs()
        return before, unasked, all_catalogs(SISTEMA).brief("categorias", 1)["nombre"]

    assert transaction.run(unit) == ("Hardware", [], "Aparatos")
    assert get("categorias/1").json["nombre"] == "Aparatos"


def test_a_change_that_was_undone_is_forgotten(get):
    assert get("categorias/1").json["nombre"] == "Hardware"
    change = db.engine.begin_nested()
    rename(1, "Aparatos")
    assert get("categorias/1").json["nombre"] == "Aparatos"

    db.session.remove()
    change.rollback()

    assert get("categorias/1").json["nombre"] == "Hardware"


def test_a_new_row_stands_where_its_order_puts_it_and_can_be_used_at_once(get, client, tecnico):
    get("categorias")
    db.session.add(CatTiquet(codigo="nube", nombre="Nube", orden=15))
    touch_catalogs()
    db.session.commit()

    names = [fila["nombre"] for fila in get("categorias").json["data"]]
    id = next(fila["id"] for fila in get("categorias").json["data"] if fila["nombre"] == "Nube")
    opened = client.post("/api/tickets/tickets", json=NUEVO | {"id_categoria": id}, headers=tecnico.headers)

    assert names[:3] == ["Hardware", "Nube", "Software"]
    assert opened.json["categoria"] == {"id": id, "nombre": "Nube"}


def test_an_inactive_row_is_still_listed_but_no_longer_taken(get, client, tecnico):
    db.session.get(CatTiquet, 1).activo = False
    touch_catalogs()
    db.session.commit()

    refused = client.post("/api/tickets/tickets", json=NUEVO, headers=tecnico.headers)

    assert get("categorias/1").json["activo"] is False
    assert refused.json["errores"]["id_categoria"][0]["codigo"] == "inactivo"


def test_rows_of_one_order_stand_by_name(get):
    db.session.execute(update(EstadoTiquet).values(orden=1))
    touch_catalogs()
    db.session.commit()

    names = [fila["nombre"] for fila in get("estados").json["data"]]

    assert names == sorted(names)
