"""What catalogs owe to those who use them: defaults, states, trees, and rows that stay while needed."""

from functools import partial

import pytest

from tests import factories
from tests.catalogs import CATALOGS, ENTIDADES, NECESARIAS, SOBRANTES, add_row, all_six, epoch, rows
from tests.client import codes
from tests.factories import NUEVO

TICKETS = "/api/tickets/tickets"


@pytest.fixture
def add(call, admin):
    """A new row; answers it as it was shown."""
    return partial(add_row, call, admin)


@all_six
def test_marking_a_default_unmarks_the_one_before(call, events, add, admin, tecnico, name):
    first = add(name, "Primera", predeterminado=True)
    second = add(name, "Segunda")

    answer = call(admin, "PUT", rows(name, second["id"]), {"predeterminado": True})

    assert (answer.status_code, answer.json["predeterminado"], answer.json["version"]) == (200, True, 2)
    unmarked = call(tecnico, "GET", rows(name, first["id"])).json
    assert (unmarked["predeterminado"], unmarked["version"]) == (False, 2)
    told = {e.id_entidad: e.cambios for e in events(f"{ENTIDADES[name]}.actualizado")}
    assert told[second["id"]] == [{"campo": "predeterminado", "anterior": False, "nuevo": True}]
    assert told[first["id"]] == [{"campo": "predeterminado", "anterior": True, "nuevo": False}]
    listed = call(tecnico, "GET", rows(name)).json["data"]
    group = [row for row in listed if row.get("tipo") == answer.json.get("tipo")]
    assert [row["id"] for row in group if row["predeterminado"]] == [second["id"]]
    if name == "estados":
        assert sum(row["predeterminado"] for row in listed) == 5  # One of each type.


@all_six
def test_a_default_does_not_go(call, add, admin, name):
    id = add(name, predeterminado=True)["id"]
    before = epoch()

    for method, body in (("PUT", {"activo": False}), ("DELETE", None)):
        answer = call(admin, method, rows(name, id), body)
        assert (answer.status_code, answer.json["codigo"]) == (409, "fila_predeterminada")
    assert epoch() == before


@all_six
def test_a_default_can_be_unmarked_where_none_is_needed(call, add, admin, name):
    id = add(name, predeterminado=True)["id"]

    answer = call(admin, "PUT", rows(name, id), {"predeterminado": False, "activo": False})

    if name in ("estados", "prioridades"):
        assert (answer.status_code, codes(answer)) == (422, {"predeterminado": ["predeterminado_requerido"]})
    else:
        assert (answer.status_code, answer.json["predeterminado"]) == (200, False)


@all_six
def test_what_is_inactive_is_no_default(call, add, admin, name):
    id = add(name, activo=False)["id"]

    for method, path, body in (
        (
            "POST",
            rows(name),
            {"nombre": "Segunda", "activo": False, "predeterminado": True, **NECESARIAS.get(name, {})},
        ),
        ("PUT", rows(name, id), {"predeterminado": True}),
    ):
        answer = call(admin, method, path, body)
        assert (answer.status_code, codes(answer)) == (422, {"predeterminado": ["predeterminada_inactiva"]})
    both = call(admin, "PUT", rows(name, id), {"predeterminado": True, "activo": True})
    assert (both.status_code, both.json["predeterminado"]) == (200, True)


def test_a_new_ticket_takes_the_defaults_of_this_moment(call, add, tecnico):
    prioridad = add("prioridades", predeterminado=True)["id"]
    estado = add("estados", tipo="nuevo", predeterminado=True)["id"]

    ticket = call(tecnico, "POST", TICKETS, NUEVO).json

    assert (ticket["id_prioridad"], ticket["id_estado"]) == (prioridad, estado)


def test_the_last_active_state_of_a_type_stays(call, admin):
    answer = call(admin, "DELETE", rows("estados", 2))

    assert (answer.status_code, answer.json["codigo"]) == (409, "ultimo_de_su_tipo")
    assert "en_proceso" in answer.json["detail"]


# Erasing


@all_six
def test_what_nothing_needs_is_erased(call, events, admin, tecnico, name):
    id = SOBRANTES[name]

    assert call(admin, "DELETE", rows(name, id)).status_code == 204

    gone = call(tecnico, "GET", rows(name, id))
    assert (gone.status_code, gone.json["codigo"]) == (404, "fila_no_encontrada")
    assert id not in {row["id"] for row in call(tecnico, "GET", rows(name)).json["data"]}
    (event,) = events(f"{ENTIDADES[name]}.eliminado")
    assert event[:2] == (admin.id, id)
    for method, body in (("PUT", {"orden": 1}), ("DELETE", None)):
        assert call(admin, method, rows(name, id), body).status_code == 404


FIELD_OF = {name: f"id_{entidad}" for name, entidad in ENTIDADES.items()}
OTROS = {
    # Who else needs each row: children, problems, users, people.
    "categorias": lambda call, admin, id: (
        call(admin, "PUT", f"/api/users/{admin.id}", {"categorias": [id]}),
        call(admin, "POST", rows("problemas"), {"nombre": "Uno", "id_categoria": id}),
    ),
    "ubicaciones": lambda call, admin, id: (
        call(admin, "PUT", f"/api/users/{admin.id}", {"id_ubicacion": id}),
        call(admin, "POST", rows("ubicaciones"), {"nombre": "Dentro", "id_padre": id}),
        call(admin, "POST", "/api/clientes", {"nombre": "Ana", "id_ubicacion": id}),
        call(admin, "POST", "/api/empleados", {"nombre": "Ana", "id_ubicacion": id}),
    ),
}


@all_six
def test_what_is_in_use_is_not_erased_and_the_answer_counts(call, add, admin, name):
    row = add(name)
    ids = [factories.tiquet(**{FIELD_OF[name]: row["id"]}) for _ in range(3)]
    assert call(admin, "DELETE", f"{TICKETS}/{ids[0]}").status_code == 204
    others = OTROS.get(name, lambda *_: ())(call, admin, row["id"])
    assert {answer.status_code for answer in others} <= {200, 201}
    before = epoch()

    answer = call(admin, "DELETE", rows(name, row["id"]))

    assert (answer.status_code, answer.json["codigo"]) == (409, "en_uso")
    assert answer.json["usos"] == 3 + len(others)
    assert str(answer.json["usos"]) in answer.json["detail"]
    assert epoch() == before
    assert call(admin, "GET", rows(name, row["id"])).json == row


# Trees and references


@pytest.mark.parametrize("inside", [6, 7, "child"])
def test_a_location_does_not_lie_in_itself(call, add, admin, inside):
    child = add("ubicaciones", "Estante", id_padre=7)["id"]  # 6 > 7 > child

    answer = call(admin, "PUT", rows("ubicaciones", 6), {"id_padre": child if inside == "child" else inside})

    assert (answer.status_code, codes(answer)) == (422, {"id_padre": ["ciclo"]})
    assert call(admin, "PUT", rows("ubicaciones", 7), {"id_padre": None}).status_code == 200
    assert call(admin, "PUT", rows("ubicaciones", 6), {"id_padre": child}).status_code == 200


@pytest.mark.parametrize(
    ("name", "field", "other"),
    [("ubicaciones", "id_padre", "ubicaciones"), ("problemas", "id_categoria", "categorias")],
)
def test_a_row_is_not_put_under_what_is_retired_but_stays_there(call, add, admin, name, field, other):
    parent = add(other, "De arriba")["id"]
    row = add(name, "De abajo", **{field: parent})
    call(admin, "PUT", rows(other, parent), {"activo": False})

    refused = call(admin, "POST", rows(name), {"nombre": "Otra", field: parent})
    kept = call(admin, "PUT", rows(name, row["id"]), row | {"nombre": "Otro nombre"})

    assert (refused.status_code, codes(refused)) == (422, {field: ["inactivo"]})
    assert (kept.status_code, kept.json[field]) == (200, parent)


def test_a_ticket_whose_problem_went_to_another_category_can_still_be_edited(call, admin, tecnico):
    ticket = call(tecnico, "POST", TICKETS, NUEVO | {"id_problema": 1}).json
    path = f"{TICKETS}/{ticket['id']}"
    call(admin, "PUT", rows("problemas", 1), {"id_categoria": 2})

    edited = call(tecnico, "PUT", path, ticket | {"titulo": "Otro título"})
    moved = call(tecnico, "PUT", path, {"id_categoria": 3})
    other = call(tecnico, "PUT", path, {"id_problema": 6})

    assert (edited.status_code, edited.json["id_problema"]) == (200, 1)
    for answer in (moved, other):
        assert (answer.status_code, codes(answer)) == (422, {"id_problema": ["de_otra_categoria"]})
    assert call(tecnico, "PUT", path, {"id_categoria": 2}).status_code == 200


def test_a_change_is_seen_at_once_wherever_the_row_is_named(call, admin, tecnico):
    id = call(tecnico, "POST", TICKETS, NUEVO | {"id_problema": 1}).json["id"]
    path = f"{TICKETS}/{id}"
    etags = {p: call(tecnico, "GET", p).headers["ETag"] for p in (path, f"{CATALOGS}/catalogos")}
    rename = {
        "categorias": 1,
        "estados": 1,
        "criticidades": 2,
        "prioridades": 2,
        "ubicaciones": 1,
        "problemas": 1,
    }

    for name, row in rename.items():
        changed = call(admin, "PUT", rows(name, row), {"nombre": f"Otra {name}"})
        assert changed.status_code == 200
        assert call(tecnico, "GET", rows(name, row)).json == changed.json
        assert changed.json in call(tecnico, "GET", rows(name)).json["data"]
        shown = call(tecnico, "GET", path, If_None_Match=etags[path])
        assert (shown.status_code, shown.json[ENTIDADES[name]]["nombre"]) == (200, f"Otra {name}")
        assert call(tecnico, "GET", TICKETS).json["data"][0] == shown.json
        whole = call(tecnico, "GET", f"{CATALOGS}/catalogos", If_None_Match=etags[f"{CATALOGS}/catalogos"])
        assert whole.status_code == 200
        assert changed.json in whole.json[name]
        etags = {path: shown.headers["ETag"], f"{CATALOGS}/catalogos": whole.headers["ETag"]}
    assert call(tecnico, "GET", path).json["version"] == 1
