"""Keeping the six catalogs: rows are added, edited, ordered and retired by an Administrador."""

from functools import partial

import pytest

from tests.catalogs import CATALOGS, ENTIDADES, PROPIAS, SOBRANTES, add_row, all_six, epoch, rows
from tests.client import codes


@pytest.fixture
def add(call, admin):
    """A new row; answers it as it was shown."""
    return partial(add_row, call, admin)


@all_six
def test_a_row_is_answered_as_it_was_sent_shown_and_listed(call, events, admin, tecnico, name):
    last = call(tecnico, "GET", rows(name)).json["data"][-1]
    before = epoch()
    body = {"nombre": "Niño & Ünit, 2.º", "descripcion": "Línea 1\nLínea 2", "color": "#7c3aed"} | PROPIAS[
        name
    ]

    answer = call(admin, "POST", rows(name), body)

    assert answer.status_code == 201, answer.json
    made = {"codigo": "nino_unit_2_o", "color": "#7C3AED", "orden": last["orden"] + 10}
    defaults = {"id": answer.json["id"], "activo": True, "predeterminado": False, "version": 1}
    assert answer.json == body | made | defaults
    assert answer.headers["Location"] == rows(name, defaults["id"])
    shown = call(tecnico, "GET", answer.headers["Location"])
    assert (shown.json, shown.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert call(tecnico, "GET", rows(name)).json["data"][-1] == answer.json
    assert call(tecnico, "GET", f"{CATALOGS}/catalogos").json[name][-1] == answer.json
    assert epoch() != before
    (event,) = events(f"{ENTIDADES[name]}.creado")
    assert event[:2] == (admin.id, defaults["id"])


@all_six
def test_a_technician_keeps_no_catalog(call, tecnico, name):
    for method, path, body in (
        ("POST", rows(name), {"nombre": "Otra", **PROPIAS[name]}),
        ("PUT", rows(name, 1), {"nombre": "Otra"}),
        ("PATCH", rows(name, 1), {"nombre": "Otra"}),
        ("DELETE", rows(name, SOBRANTES[name]), None),
    ):
        answer = call(tecnico, method, path, body)
        assert (answer.status_code, answer.json["permiso"]) == (403, "catalogo.administrar")


@pytest.mark.parametrize(
    ("nombre", "codigo"),
    [
        ("Correo entrante", "correo_entrante"),
        ("  ÁRBOL -- raíz ", "arbol_raiz"),
        ("24 horas", "fila_24_horas"),
        ("日本", "fila"),
        ("x" * 120, "x" * 40),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_a_code_is_made_of_the_name(add, nombre, codigo):
    assert add("categorias", nombre)["codigo"] == codigo


@all_six
def test_a_code_may_be_given_and_never_changes(call, add, admin, name):
    row = add(name, codigo="c_1")

    renamed = call(admin, "PUT", rows(name, row["id"]), {"nombre": "Otro nombre"})
    refused = call(admin, "PUT", rows(name, row["id"]), {"codigo": "c_2"})

    assert (row["codigo"], renamed.json["codigo"]) == ("c_1", "c_1")
    assert (refused.status_code, codes(refused)) == (422, {"codigo": ["solo_lectura"]})


def test_the_type_of_a_state_never_changes(call, add, admin):
    row = add("estados")

    refused = call(admin, "PUT", rows("estados", row["id"]), {"tipo": "cerrado"})

    assert (refused.status_code, codes(refused)) == (422, {"tipo": ["solo_lectura"]})
    assert call(admin, "PUT", rows("estados", row["id"]), {"tipo": "en_espera"}).json == row


@all_six
@pytest.mark.parametrize(
    ("field", "value", "codigo"),
    [
        ("nombre", None, "nulo"),
        ("nombre", " ", "longitud"),
        ("nombre", "x" * 121, "longitud"),
        ("descripcion", "x" * 501, "longitud"),
        ("orden", -1, "rango"),
        ("orden", 1_000_001, "rango"),
        ("color", "rojo", "color"),
        ("color", "#12345", "color"),
        ("color", "#12345G", "color"),
        ("activo", 1, "tipo"),
        ("predeterminado", None, "nulo"),
        ("otro", 1, "desconocido"),
    ],
)
def test_a_faulty_field_is_named_and_the_epoch_stays(call, admin, name, field, value, codigo):
    before = epoch()
    body = {"nombre": "Otra", **PROPIAS[name], field: value}

    created = call(admin, "POST", rows(name), body)
    changed = call(admin, "PUT", rows(name, SOBRANTES[name]), {field: value})

    for answer in (created, changed):
        assert (answer.status_code, codes(answer)) == (422, {field: [codigo]})
    assert epoch() == before


@pytest.mark.parametrize("codigo", ["A", "1a", "a-b", "ñ", "a b", "_a", "a" * 41, ""])
def test_a_code_of_another_form_is_refused(call, admin, codigo):
    answer = call(admin, "POST", rows("categorias"), {"nombre": "Otra", "codigo": codigo})

    assert (answer.status_code, set(codes(answer))) == (422, {"codigo"})


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("estados", "tipo", "otro"),
        ("estados", "tipo", None),
        ("criticidades", "nivel", 0),
        ("prioridades", "nivel", None),
        ("ubicaciones", "id_padre", 999),
        ("problemas", "id_categoria", 999),
        ("categorias", "unidad_corresponde", "x" * 121),
        ("categorias", "asignacion", "otra"),
        ("categorias", "asignacion", None),
    ],
)
def test_a_faulty_field_of_one_catalog_is_named_too(call, admin, name, field, value):
    answer = call(admin, "POST", rows(name), {"nombre": "Otra", **PROPIAS[name], field: value})

    assert (answer.status_code, set(codes(answer))) == (422, {field})


@all_six
def test_names_and_codes_are_had_once(call, add, admin, name):
    row, other = add(name, "Una", codigo="una"), add(name, "Otra")
    before = epoch()
    own = PROPIAS[name]

    for method, path, body, field in (
        ("POST", rows(name), {"nombre": "Una", "codigo": "dos", **own}, "nombre"),
        ("POST", rows(name), {"nombre": "Dos", "codigo": "una", **own}, "codigo"),
        ("POST", rows(name), {"nombre": "UNA", **own}, "codigo"),
        ("PUT", rows(name, other["id"]), {"nombre": "Una"}, "nombre"),
    ):
        answer = call(admin, method, path, body)
        assert (answer.status_code, answer.json["codigo"]) == (409, "ya_existe")
        assert answer.json["campos"] == [field]
    assert epoch() == before
    assert call(admin, "PUT", rows(name, row["id"]), {"nombre": "Una"}).json == row


@all_six
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_whole_row_can_be_read_edited_and_sent_back(call, events, admin, tecnico, name, method):
    path = rows(name, SOBRANTES[name])
    read = call(admin, "GET", path)

    edited = read.json | {"nombre": "Otro nombre", "descripcion": "", "color": ""}
    answer = call(admin, method, path, edited, If_Match=read.headers["ETag"])

    assert answer.status_code == 200, answer.json
    assert answer.json == edited | {"descripcion": None, "color": None, "version": 2}
    assert call(tecnico, "GET", path).json == answer.json
    (event,) = events(f"{ENTIDADES[name]}.actualizado")
    assert {c["campo"] for c in event.cambios} == {f for f in ("nombre", "color") if read.json[f]}
    before = epoch()
    again = call(admin, method, path, answer.json)
    assert (again.json, again.headers["ETag"]) == (answer.json, answer.headers["ETag"])
    assert epoch() == before  # Nothing changed, nobody need read anything again.
    stale = call(admin, method, path, {"orden": 1}, If_Match=read.headers["ETag"])
    assert (stale.status_code, stale.json["version_actual"]) == (412, 2)
    assert "nombre" in stale.json["campos"]
    assert stale.json["modificado_por"]["id"] == admin.id


@all_six
def test_a_row_goes_where_its_order_puts_it(call, add, admin, tecnico, name):
    row = add(name, "Zeta")

    assert call(admin, "PUT", rows(name, row["id"]), {"orden": 0}).json["orden"] == 0

    assert call(tecnico, "GET", rows(name)).json["data"][0]["id"] == row["id"]


@all_six
def test_behind_the_largest_order_there_is_room_for_one_more(call, add, admin, name):
    call(admin, "PUT", rows(name, 1), {"orden": 1_000_000})

    row = add(name)

    assert row["orden"] == 1_000_000
    assert call(admin, "PUT", rows(name, row["id"]), row).json == row


@all_six
def test_a_retired_row_is_listed_apart_and_comes_back(call, admin, tecnico, name):
    id = SOBRANTES[name]
    every = {row["id"] for row in call(tecnico, "GET", rows(name)).json["data"]}

    def listed(query):
        return {row["id"] for row in call(tecnico, "GET", f"{rows(name)}?{query}").json["data"]}

    assert call(admin, "PUT", rows(name, id), {"activo": False}).json["activo"] is False
    assert (listed(""), listed("activo=true"), listed("activo=false")) == (every, every - {id}, {id})
    assert call(admin, "PUT", rows(name, id), {"activo": True}).json["activo"] is True
    assert listed("activo=false") == set()


def test_problems_can_be_asked_for_by_category(call, add, tecnico):
    of_any = add("problemas", "De cualquiera")["id"]

    def listed(query):
        return {row["id"] for row in call(tecnico, "GET", f"{rows('problemas')}?{query}").json["data"]}

    assert listed("id_categoria=1") == {1, 2, 3, of_any}
    assert listed("id_categoria=8") == {of_any}
    assert listed("id_categoria=1&activo=false") == set()
    assert call(tecnico, "GET", f"{rows('categorias')}?id_categoria=1").status_code == 422
