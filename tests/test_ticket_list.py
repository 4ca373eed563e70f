"""The list of tickets against a plain Python list of them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from app.extensions import db
from app.models import EtiquetaTiquet, Tiquet, utcnow
from app.schemas.desk.tickets import ORDENES
from tests.rows import INICIO, LISTA, PERSONAS, instant, mixed, pages, people, plant, walk, wanted
from tests.statements import noted

FILTROS = [
    {},
    {"id_estado": [2]},
    {"id_estado": [1, 3, 7]},
    {"tipo_estado": ["cerrado"]},
    {"tipo_estado": ["nuevo", "en_espera"]},
    {"tipo_estado": ["cerrado"], "id_estado": [1, 6]},
    {"tipo_estado": ["cerrado"], "id_estado": [1]},
    {"id_categoria": [1]},
    {"id_categoria": [1, 2]},
    {"id_criticidad": [4]},
    {"id_criticidad": [1, 4]},
    {"id_prioridad": [3]},
    {"id_prioridad": [2, 3]},
    {"id_ubicacion": [2]},
    {"id_ubicacion": [3, 1]},
    {"id_usuario_asignado": ["primera"]},
    {"id_usuario_asignado": ["yo"]},
    {"id_usuario_asignado": ["ninguno"]},
    {"id_usuario_asignado": ["ninguno", "yo"]},
    {"id_usuario_asignado": ["yo", "primera", "segunda"]},
    {"id_usuario_creador": ["yo"]},
    {"id_usuario_creador": ["primera", "yo"]},
    {"id_cliente": ["primera"]},
    {"id_cliente": ["primera", "segunda"]},
    {"id_empleado": ["segunda"]},
    {"id_empleado": ["primera", "segunda"]},
    {"id_estado": [999]},
    {"id_prioridad": [999, 2]},
    {"etiqueta": ["vpn"]},
    {"etiqueta": ["red", "ñandú"]},
    {"creado_desde": "2026-03-01T15:00:00Z"},
    {"creado_hasta": "2026-03-01T15:00:00Z"},
    {"creado_desde": "2026-03-01T14:00:00Z", "creado_hasta": "2026-03-01T17:00:00Z"},
    {"creado_desde": "2027-01-01T00:00:00Z"},
    {"actualizado_desde": "2026-03-02T02:00:00Z"},
    {"id_estado": [1, 2], "id_prioridad": [2, 4]},
    {"id_estado": [1, 2, 3], "id_usuario_asignado": ["ninguno", "primera"], "etiqueta": ["red", "vpn"]},
    {"id_estado": [1, 2, 3], "id_usuario_asignado": ["ninguno"], "actualizado_desde": "2026-03-02T02:00:00Z"},
    {"id_categoria": [1, 2], "id_ubicacion": [1, 2], "creado_desde": "2026-03-01T14:00:00Z"},
    {"id_cliente": ["primera"], "id_empleado": ["primera"]},
]
CADA_HORA = st.sampled_from([f"{(INICIO + timedelta(hours=n)).isoformat()}Z" for n in range(22)])


def some(*values: Any) -> Any:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3)


CONSULTAS = st.fixed_dictionaries(
    {},
    optional={
        "id_estado": some(1, 2, 3, 6, 7, 999),
        "tipo_estado": some("nuevo", "en_proceso", "en_espera", "resuelto", "cerrado"),
        "id_categoria": some(1, 2, 3),
        "id_criticidad": some(1, 2, 3, 4),
        "id_prioridad": some(1, 2, 3, 4, 999),
        "id_ubicacion": some(1, 2, 3),
        "id_usuario_asignado": some("yo", "ninguno", "primera"),
        "id_usuario_creador": some("yo", "primera"),
        "id_cliente": some("primera", "segunda"),
        "id_empleado": some("primera", "segunda"),
        "etiqueta": some("red", "vpn", "ñandú"),
        "creado_desde": CADA_HORA,
        "creado_hasta": CADA_HORA,
        "actualizado_desde": CADA_HORA,
        "orden": st.sampled_from(ORDENES),
    },
)

property_test = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Mesa:
    """A desk with tickets that are known, and its list as a technician asks for it."""

    def __init__(self, client: Any, quien: Any) -> None:
        self.client = client
        self.yo = quien.id
        self.headers = quien.headers
        self.gente = people()
        for column in ("id_usuario_asignado", "id_usuario_creador"):
            self.gente[column] = [*self.gente[column], self.yo]
        self.filas: list[dict[str, Any]] = []

    def add(self, filas: list[dict[str, Any]]) -> None:
        self.filas += plant([{"id_usuario_creador": self.yo} | fila for fila in filas])

    def clear(self) -> None:
        db.session.execute(delete(EtiquetaTiquet))
        db.session.execute(delete(Tiquet))
        db.session.commit()
        self.filas = []

    def named(self, query: dict[str, Any]) -> dict[str, Any]:
        """The query with people's ids where it says who."""
        position = {"primera": 0, "segunda": 1}
        return {
            name: [self.gente[name][position[v]] if v in position else v for v in value]
            if name in PERSONAS
            else value
            for name, value in query.items()
        }

    def wanted(self, query: dict[str, Any]) -> list[int]:
        return wanted(self.filas, query, self.yo)

    def walk(self, query: dict[str, Any], limite: int) -> list[int]:
        return walk(self.client, self.headers, query, limite)

    def get(self, **query: Any) -> Any:
        return self.client.get(LISTA, query_string=query, headers=self.headers)


@pytest.fixture
def mesa(client, tecnico):
    return Mesa(client, tecnico)


@pytest.fixture
def mesa_llena(mesa):
    mesa.add(mixed(120, mesa.gente))
    return mesa


@pytest.mark.parametrize("filtro", FILTROS, ids=str)
def test_a_filter_finds_what_a_plain_comparison_finds(mesa_llena, filtro):
    query = mesa_llena.named(filtro)

    answer = mesa_llena.get(**query, limite=200).json

    assert [fila["id"] for fila in answer["data"]] == mesa_llena.wanted(query)
    assert answer["paginacion"]["total"] == len(mesa_llena.wanted(query))


def test_the_filters_above_are_all_that_the_list_takes(mesa_llena):
    taken = {name for filtro in FILTROS for name in filtro}
    document = mesa_llena.client.get("/api/openapi.json").json
    declared = {p["name"] for p in document["paths"][LISTA]["get"]["parameters"] if p["in"] == "query"}

    assert declared == taken | {"q", "papelera", "orden", "limite", "cursor"}


@pytest.mark.parametrize("orden", ORDENES)
@pytest.mark.parametrize("filtro", [{}, {"id_estado": [1, 2, 3]}, {"etiqueta": ["red"]}], ids=str)
def test_each_order_sorts_as_python_does_with_ties_by_id(mesa_llena, orden, filtro):
    query = {**filtro, "orden": orden}

    assert mesa_llena.walk(query, 200) == mesa_llena.wanted(query)


def test_any_filters_in_any_order_give_the_sorted_table_page_by_page(mesa_llena):
    @property_test
    @given(filtros=CONSULTAS, limite=st.integers(5, 60))
    def check(filtros, limite):
        query = mesa_llena.named(filtros)
        assert mesa_llena.walk(query, limite) == mesa_llena.wanted(query)

    check()


def test_pages_of_any_size_put_together_are_the_table_however_many_ties_it_has(mesa):
    tickets = st.fixed_dictionaries(
        {
            "id_prioridad": st.integers(1, 4),
            "id_estado": st.integers(1, 2),
            "fecha_creacion": st.sampled_from([INICIO, INICIO + timedelta(microseconds=1)]),
            "fecha_actualizacion": st.sampled_from([INICIO, INICIO + timedelta(seconds=1)]),
        }
    )

    @property_test
    @given(
        filas=st.lists(tickets, min_size=1, max_size=9),
        orden=st.sampled_from(ORDENES),
        filtro=st.sampled_from([{}, {"id_estado": [1]}, {"id_estado": [1, 2]}, {"id_prioridad": [1, 4]}]),
        limite=st.integers(1, 10),
    )
    def check(filas, orden, filtro, limite):
        mesa.clear()
        mesa.add(filas)
        query = {**filtro, "orden": orden}
        assert mesa.walk(query, limite) == mesa.wanted(query)

    check()


def test_two_priorities_of_one_level_are_one_run_of_dates(mesa, admin, monkeypatch):
    from app.models import Prioridades
    from app.services.catalog import touch_catalogs

    db.session.get(Prioridades, 3).nivel = 2
    touch_catalogs()
    db.session.commit()
    monkeypatch.setitem(wanted.__globals__["NIVELES"], 3, 2)
    mesa.add(mixed(40, mesa.gente))

    for orden in ("prioridad", "-prioridad"):
        assert mesa.walk({"orden": orden}, 3) == mesa.wanted({"orden": orden})


@pytest.mark.parametrize("orden", ["fecha_creacion", "-fecha_creacion"])
@pytest.mark.parametrize("filtro", [{}, {"id_estado": [1, 2]}, {"etiqueta": ["red"]}], ids=str)
def test_while_tickets_are_opened_nobody_is_met_twice_or_missed(mesa, orden, filtro):
    @settings(property_test, max_examples=15)
    @given(limite=st.integers(1, 9), hours=st.lists(st.integers(-2, 12), min_size=1, max_size=4))
    def check(limite, hours):
        mesa.clear()
        mesa.add(mixed(15, mesa.gente))
        query = {**filtro, "orden": orden}
        standing = mesa.wanted(query)
        met = []
        for number, page in enumerate(pages(mesa.client, mesa.headers, query, limite)):
            met += [fila["id"] for fila in page["data"]]
            if number < 6:
                mesa.add([opened_at(hour) for hour in hours])
        assert len(met) == len(set(met))
        assert [id for id in met if id in standing] == standing

    def opened_at(hour):
        return {"fecha_creacion": INICIO + timedelta(hours=hour), "etiquetas": ["red"], "id_estado": 2}

    check()


@pytest.mark.parametrize("filtro", [{}, {"id_estado": [1]}, {"etiqueta": ["red"]}], ids=str)
def test_the_total_is_exact_up_to_a_thousand(mesa, filtro):
    mesa.add([{"etiquetas": ["red"]}] * 1000)
    exact = mesa.get(**filtro, limite=1).json["paginacion"]
    mesa.add([{"etiquetas": ["red"]}])
    beyond = mesa.get(**filtro, limite=1).json["paginacion"]

    assert (exact["total"], exact["total_exacto"]) == (1000, True)
    assert (beyond["total"], beyond["total_exacto"]) == (1000, False)


def test_the_total_is_counted_for_the_first_page_and_carried_on(mesa):
    mesa.add([{}] * 5)
    first = mesa.get(limite=2).json["paginacion"]
    mesa.add([{"fecha_creacion": utcnow()}] * 3)

    second = mesa.get(limite=2, cursor=first["siguiente"]).json["paginacion"]

    assert first["total"] == second["total"] == 5
    assert mesa.get(limite=2).json["paginacion"]["total"] == 8


def test_a_list_ends_with_its_last_row_even_on_a_full_page(mesa):
    mesa.add([{}] * 4)

    first = mesa.get(limite=2).json["paginacion"]["siguiente"]
    last = mesa.get(limite=2, cursor=first).json

    assert (len(last["data"]), last["paginacion"]["siguiente"]) == (2, None)


@pytest.mark.parametrize("orden", ["prioridad", "-prioridad"])
def test_a_priority_that_does_not_exist_has_no_tickets(mesa_llena, orden):
    assert mesa_llena.walk({"id_prioridad": [999], "orden": orden}, 50) == []
    some = {"id_prioridad": [2, 999], "orden": orden}
    assert mesa_llena.walk(some, 5) == mesa_llena.wanted(some)


def test_an_empty_list_is_a_list(mesa):
    assert mesa.get().json == {
        "data": [],
        "paginacion": {"limite": 50, "siguiente": None, "total": 0, "total_exacto": True},
    }


@pytest.mark.parametrize("orden", ORDENES)
def test_a_cursor_needs_no_escaping_in_a_url(mesa_llena, orden):
    cursor = mesa_llena.get(orden=orden, limite=1).json["paginacion"]["siguiente"]

    assert re.fullmatch(r"[A-Za-z0-9_.-]+", cursor)


@pytest.mark.parametrize(
    "other",
    [
        {"id_estado": [1]},
        {"id_estado": [1, 2, 3]},
        {"orden": "fecha_creacion"},
        {"orden": "prioridad"},
        {"etiqueta": ["red"]},
        {},
    ],
    ids=str,
)
def test_a_cursor_is_refused_with_other_filters_or_another_order(mesa_llena, other):
    cursor = mesa_llena.get(id_estado=[1, 2], limite=1).json["paginacion"]["siguiente"]

    refused = mesa_llena.get(**other, limite=1, cursor=cursor)

    assert (refused.status_code, refused.json["codigo"]) == (400, "cursor_invalido")


def test_a_cursor_is_refused_by_another_list(mesa_llena):
    cursor = mesa_llena.get(limite=1).json["paginacion"]["siguiente"]

    refused = mesa_llena.client.get(f"/api/users?cursor={cursor}", headers=mesa_llena.headers)

    assert (refused.status_code, refused.json["codigo"]) == (400, "cursor_invalido")


def test_a_cursor_that_was_changed_anywhere_is_refused(mesa_llena):
    cursor = mesa_llena.get(limite=1).json["paginacion"]["siguiente"]

    for position in range(0, len(cursor) - 1, 7):
        letter = "A" if cursor[position] != "A" else "B"
        changed = cursor[:position] + letter + cursor[position + 1 :]
        assert mesa_llena.get(limite=1, cursor=changed).status_code == 400, position


def test_the_next_page_may_have_another_length(mesa_llena):
    first = mesa_llena.get(limite=10).json
    second = mesa_llena.get(limite=30, cursor=first["paginacion"]["siguiente"]).json

    assert [fila["id"] for fila in first["data"] + second["data"]] == mesa_llena.wanted({})[:40]


def test_a_ticket_in_the_trash_is_not_listed(mesa, admin):
    mesa.add([{}, {}])
    gone, stays = (fila["id"] for fila in mesa.filas)

    assert mesa.client.delete(f"{LISTA}/{gone}", headers=admin.headers).status_code == 204

    left = mesa.get().json
    assert [fila["id"] for fila in left["data"]] == [stays]
    assert left["paginacion"]["total"] == 1


def test_a_ticket_looks_the_same_in_the_list_as_on_its_own(mesa_llena):
    for fila in mesa_llena.get(limite=5).json["data"]:
        assert mesa_llena.client.get(f"{LISTA}/{fila['id']}", headers=mesa_llena.headers).json == fila


def test_an_instant_in_a_filter_may_have_any_offset(mesa_llena):
    here = mesa_llena.get(creado_desde="2026-03-01T15:00:00Z", limite=200).json["data"]
    there = mesa_llena.get(creado_desde="2026-03-01T09:00:00-06:00", limite=200).json["data"]

    assert here == there
    assert here
    assert all(instant(fila["fecha_creacion"]) >= INICIO + timedelta(hours=3) for fila in here)


@pytest.mark.parametrize(
    ("query", "taken"),
    [
        # Who asks and the page, which has one index for all that is asked and so counts itself.
        ({}, 1),
        ({"orden": "prioridad"}, 1),
        ({"id_estado": [1, 2]}, 1),
        ({"id_usuario_asignado": ["ninguno", "yo"], "creado_desde": "2026-01-01T00:00:00Z"}, 2),
        ({"id_estado": [1, 2], "id_usuario_asignado": ["ninguno", "yo"], "etiqueta": ["red"]}, 2),
    ],
    ids=str,
)
def test_a_page_takes_few_statements_however_long_it_is(mesa_llena, query, taken):
    mesa_llena.get(**query)
    with noted() as statements:
        cursor = mesa_llena.get(**query, limite=3).json["paginacion"]["siguiente"]
        first = len(statements)
        mesa_llena.get(**query, limite=3, cursor=cursor)

    assert (first, len(statements) - first) == (taken, 1), statements
