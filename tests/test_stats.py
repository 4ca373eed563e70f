"""The dashboard's figures against the list and against a plain count."""

from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest

from app.extensions import db
from app.models import CatTiquet, Usuario
from app.queries.desk import stats
from app.services.catalog import touch_catalogs
from app.services.seed import FILAS
from tests import factories
from tests.rows import LISTA, TIPOS, mixed, people, plant

STATS = "/api/tickets/dashboard/stats"
LISTAS = {
    "por_estado": ("id_estado", "estados"),
    "por_criticidad": ("id_criticidad", "criticidades"),
    "por_prioridad": ("id_prioridad", "prioridades"),
    "por_categoria": ("id_categoria", "categorias"),
    "por_ubicacion": ("id_ubicacion", "ubicaciones"),
}
NOW = datetime(2026, 3, 30, 23, 59, 59, 999999)
TODAY = NOW.date()
MIDNIGHT = datetime.combine(TODAY, time())
LAST_INSTANT = timedelta(microseconds=-1)


@pytest.fixture
def filas(tecnico):
    """Those that are to be counted; ``mixed`` puts others into the trash."""
    return [fila for fila in plant(mixed(150, people())) if fila["fecha_eliminacion"] is None]


@pytest.fixture
def figures(client, tecnico):
    return lambda: client.get(STATS, headers=tecnico.headers).json


@pytest.fixture
def total(client, tecnico):
    def total(**query):
        return client.get(LISTA, query_string=query, headers=tecnico.headers).json["paginacion"]["total"]

    return total


@pytest.fixture
def march(monkeypatch):
    """Today is the 30th of March 2026, and nearly over; the first of the days is the 1st."""
    monkeypatch.setattr(stats, "utcnow", lambda: NOW)


@pytest.mark.parametrize("figure", LISTAS)
def test_each_row_of_a_catalog_has_the_total_that_the_list_shows(filas, figures, total, figure):
    column, _ = LISTAS[figure]

    rows = figures()[figure]

    assert {row["id"]: row["cantidad"] for row in rows} == {
        row["id"]: total(**{column: row["id"]}) for row in rows
    }
    counted = Counter(fila[column] for fila in filas)
    assert {row["id"]: row["cantidad"] for row in rows if row["cantidad"]} == counted


@pytest.mark.parametrize("figure", LISTAS)
def test_every_row_of_a_catalog_stands_in_its_order_also_with_zero(figures, figure):
    _, catalogo = LISTAS[figure]

    rows = figures()[figure]

    assert [(row["id"], row["nombre"], row["color"]) for row in rows] == [
        (fila["id"], fila["nombre"], fila.get("color")) for fila in FILAS[catalogo]
    ]
    assert {row["cantidad"] for row in rows} == {0}


def test_figures_follow_the_order_that_an_operator_gives_a_catalog(figures):
    db.session.get(CatTiquet, 8).orden = 1
    touch_catalogs()
    db.session.commit()

    assert [row["id"] for row in figures()["por_categoria"]] == [8, 1, 2, 3, 4, 5, 6, 7]


def test_totals_are_those_of_the_list(filas, figures, total):
    shown = figures()

    assert shown["total"] == total() == len(filas)
    assert shown["abiertos"] == total(tipo_estado=["nuevo", "en_proceso", "en_espera"])
    assert shown["cerrados"] == total(tipo_estado="cerrado")
    assert shown["cerrados"] == sum(TIPOS[fila["id_estado"]] == "cerrado" for fila in filas)
    assert shown["sin_asignar"] == total(id_usuario_asignado="ninguno")
    assert 0 < shown["sin_asignar"] < shown["total"]


def test_each_technician_has_the_total_that_the_list_shows(filas, figures, total):
    shown = figures()

    for row in shown["por_tecnico"]:
        assert row["cantidad"] == total(id_usuario_asignado=row["id"])
    assert sum(row["cantidad"] for row in shown["por_tecnico"]) + shown["sin_asignar"] == shown["total"]


def test_technicians_are_the_active_ones_and_whoever_has_tickets(figures, tecnico):
    gone, admin, idle = (
        factories.UsuarioFactory(apellido=apellido, **fields).id
        for apellido, fields in (
            ("Aab", {"activo": False}),
            ("Aac", {"tipo_usuario": "Administrador"}),
            ("Aaa", {}),
        )
    )
    factories.UsuarioFactory(activo=False)
    factories.UsuarioFactory(tipo_usuario="Administrador")
    plant([{"id_usuario_asignado": gone}, {"id_usuario_asignado": admin}, {"id_usuario_asignado": admin}])

    shown = [(row["id"], row["cantidad"]) for row in figures()["por_tecnico"]]

    staff = db.session.query(Usuario).filter_by(tipo_usuario="Técnico", activo=True)
    assert shown[:3] == [(idle, 0), (gone, 1), (admin, 2)]
    assert {id for id, _ in shown} == {user.id for user in staff} | {gone, admin}


def test_an_empty_desk_has_zeros_everywhere(figures):
    shown = figures()

    assert [shown[name] for name in ("total", "abiertos", "cerrados", "sin_asignar")] == [0, 0, 0, 0]
    assert {(day["creados"], day["resueltos"]) for day in shown["por_dia"]} == {(0, 0)}


def test_the_days_are_the_last_thirty_and_today_is_the_last(figures, march):
    days = [date.fromisoformat(day["fecha"]) for day in figures()["por_dia"]]

    assert days == [TODAY - timedelta(days=back) for back in range(29, -1, -1)]


def test_a_ticket_counts_on_the_day_in_utc_on_which_it_was_opened_and_resolved(figures, march):
    plant(
        [
            {"fecha_creacion": MIDNIGHT},
            {"fecha_creacion": NOW},
            {"fecha_creacion": MIDNIGHT + LAST_INSTANT, "fecha_resolucion": MIDNIGHT},
            {"fecha_creacion": MIDNIGHT - timedelta(days=29), "fecha_resolucion": NOW},
            {"fecha_creacion": MIDNIGHT - timedelta(days=29) + LAST_INSTANT},  # Before the first day.
            {
                "fecha_creacion": MIDNIGHT - timedelta(days=40),
                "fecha_resolucion": MIDNIGHT - timedelta(days=28) + LAST_INSTANT,
            },
        ]
    )

    shown = {day["fecha"]: (day["creados"], day["resueltos"]) for day in figures()["por_dia"]}

    assert {day: counts for day, counts in shown.items() if any(counts)} == {
        "2026-03-30": (2, 2),
        "2026-03-29": (1, 0),
        "2026-03-01": (1, 1),
    }


def test_what_was_opened_on_a_day_is_what_the_list_shows_of_it(figures, total, filas, march):
    days = {day["fecha"]: day["creados"] for day in figures()["por_dia"] if day["creados"]}

    assert days
    for day, count in days.items():
        after = date.fromisoformat(day) + timedelta(days=1)
        assert count == total(creado_desde=f"{day}T00:00:00Z", creado_hasta=f"{after}T00:00:00Z")


def test_the_trash_is_not_counted(client, admin, figures, march):
    plant([{"fecha_creacion": NOW, "fecha_resolucion": NOW, "fecha_eliminacion": NOW}])
    id = plant([{"fecha_creacion": NOW, "fecha_resolucion": NOW}])[0]["id"]
    before = figures()

    assert client.delete(f"{LISTA}/{id}", headers=admin.headers).status_code == 204

    after = figures()
    assert (before["total"], after["total"]) == (1, 0)
    assert (before["por_dia"][-1]["creados"], after["por_dia"][-1]["creados"]) == (1, 0)
    assert (before["por_dia"][-1]["resueltos"], after["por_dia"][-1]["resueltos"]) == (1, 0)
    assert {row["cantidad"] for name in LISTAS for row in after[name]} == {0}
