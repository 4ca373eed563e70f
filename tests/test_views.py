"""Views: filters of the list that somebody keeps, and how many tickets each has."""

import pytest

from app.extensions import db
from tests import factories
from tests.client import codes
from tests.statements import noted

VISTAS = "/api/tickets/vistas"
TICKETS = "/api/tickets/tickets"


@pytest.fixture
def keep(call, tecnico):
    """A view of somebody's, as it is answered."""

    def keep(filtros, who=tecnico, nombre="Una vista", **more):
        return call(who, "POST", VISTAS, {"nombre": nombre, "filtros": filtros, **more})

    return keep


def test_a_view_is_answered_as_it_was_sent_and_belongs_to_who_sent_it(call, keep, tecnico):
    filtros = {"id_estado": [1, 2], "id_usuario_asignado": "yo", "orden": "-prioridad", "etiqueta": ["VPN"]}

    answer = keep(filtros)

    assert answer.status_code == 201, answer.json
    assert (answer.json["filtros"], answer.json["compartida"]) == (filtros, False)
    assert answer.json["usuario"]["id"] == tecnico.id
    assert call(tecnico, "GET", answer.headers["Location"]).json == answer.json
    assert call(tecnico, "GET", VISTAS).json["data"] == [answer.json]


@pytest.mark.parametrize(
    ("filtros", "errores"),
    [
        ({"id_estado": "uno"}, {"filtros.id_estado.0": ["tipo"]}),
        ({"id_estado": [1, 0]}, {"filtros.id_estado.1": ["rango"]}),
        ({"id_estado": list(range(1, 10))}, {"filtros.id_estado": ["demasiados"]}),
        ({"orden": "color"}, {"filtros.orden": ["opcion"]}),
        ({"orden": ["prioridad", "-prioridad"]}, {"filtros.orden": ["repetido"]}),
        ({"orden": []}, {"filtros.orden": ["repetido"]}),
        ({"creado_desde": "ayer"}, {"filtros.creado_desde": ["instante"]}),
        ({"no_hay": 1}, {"filtros.no_hay": ["desconocido"]}),
        ({"limite": 5}, {"filtros.limite": ["desconocido"]}),
        ({"papelera": True}, {"filtros.papelera": ["desconocido"]}),
        ({"id_estado": None}, {"filtros.id_estado": ["tipo"]}),
        ({"id_estado": {"a": 1}}, {"filtros.id_estado": ["tipo"]}),
        ({"id_estado": 1.5}, {"filtros.id_estado": ["tipo"]}),
        ("id_estado=1", {"filtros": ["tipo"]}),
        ({"etiqueta": ["x" * 40] * 200}, {"filtros": ["demasiado_grande"]}),
    ],
)
def test_filters_that_the_list_would_refuse_are_refused(keep, filtros, errores):
    answer = keep(filtros)

    assert answer.status_code == 422
    assert codes(answer) == errores


def test_the_private_ones_of_others_are_nowhere_and_the_shared_ones_everywhere(call, keep, admin, tecnico):
    private = keep({}, nombre="Mía").headers["Location"]
    shared = keep({}, nombre="De todos", compartida=True).headers["Location"]

    for who in (admin, factories.quien("Técnico")):
        db.session.remove()
        assert [row["nombre"] for row in call(who, "GET", VISTAS).json["data"]] == ["De todos"]
        for method in ("GET", "PUT", "DELETE"):
            assert call(who, method, private, {} if method == "PUT" else None).status_code == 404
    other = factories.quien("Técnico")
    db.session.remove()
    refused = call(other, "PUT", shared, {"nombre": "De nadie"})
    assert (refused.status_code, refused.json["permiso"]) == (403, "vista.editar")
    assert call(admin, "PUT", shared, {"compartida": False}).status_code == 404  # It sees it no longer.


def test_a_name_is_used_once_by_each(keep, admin):
    assert keep({}, nombre="Urgentes").status_code == 201
    assert keep({}, nombre="Urgentes").json["codigo"] == "ya_existe"
    assert keep({}, nombre="urgentes").status_code == 201
    assert keep({}, nombre="Urgentes", who=admin).status_code == 201


def test_the_counts_are_those_of_the_list_for_whoever_asks(call, keep, admin, tecnico):
    for _ in range(3):
        factories.tiquet(id_usuario_asignado=tecnico.id, id_estado=2, etiquetas=["vpn"])
    factories.tiquet(id_estado=5)
    db.session.remove()
    asked = [
        {"id_usuario_asignado": "yo"},
        {"id_usuario_asignado": ["yo", "ninguno"]},
        {"tipo_estado": "resuelto"},
        {"id_estado": [2, 5], "orden": "prioridad"},
        {"id_categoria": 7},
        {"creado_desde": "2026-01-01T00:00:00Z"},
        {},
    ]
    for number, filtros in enumerate(asked):
        assert keep(filtros, nombre=f"{number}", compartida=True).status_code == 201

    for who, expected in ((tecnico, [3, 4, 1, 4, 0, 4, 4]), (admin, [0, 1, 1, 4, 0, 4, 4])):
        rows = call(who, "GET", f"{VISTAS}?conteos=true").json["data"]
        assert [row["cantidad"] for row in rows] == expected
        assert {row["cantidad_exacta"] for row in rows} == {True}
    assert "cantidad" not in call(tecnico, "GET", VISTAS).json["data"][0]


def test_each_count_is_one_bounded_statement(call, keep, tecnico, monkeypatch):
    monkeypatch.setattr("app.queries.pagination.TOTAL_EXACTO", 2)
    monkeypatch.setattr("app.utils.cursors.TOTAL_EXACTO", 2)
    for _ in range(4):
        factories.tiquet()
    db.session.remove()
    for number in range(3):
        keep({"id_estado": 1}, nombre=f"{number}")
    call(tecnico, "GET", "/api/tickets/catalogos")  # From here on they are in memory.

    with noted() as statements:
        rows = call(tecnico, "GET", f"{VISTAS}?conteos=true").json["data"]

    assert [(row["cantidad"], row["cantidad_exacta"]) for row in rows] == [(2, False)] * 3
    assert len(statements) == 2 + 3
