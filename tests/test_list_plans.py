"""How many rows MariaDB reads for a page of tickets: about as many as it shows, at any depth."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.extensions import db
from app.models import FILTRABLES, Tiquet
from app.permissions import Actor
from app.queries import catalog
from app.queries.desk import ticket_list
from app.queries.desk.tickets import NOT_IN_TRASH
from app.queries.pagination import TOTAL_EXACTO, Corte
from tests.conftest import empty_tables
from tests.plans import DEPTHS, EMPIEZA, LIMITE, TIQUETS, Lectura, plant_tickets, reading

pytestmark = pytest.mark.mariadb

LABEL = """
INSERT INTO Etiqueta_tiquet (id_tiquet, etiqueta, fecha_creacion)
SELECT id, etiqueta, fecha_creacion FROM Tiquet JOIN (SELECT 'vpn' AS etiqueta UNION SELECT 'red') AS todas
WHERE id % 3 = 0
"""


@pytest.fixture(scope="module")
def people(app) -> Iterator[dict[str, int]]:
    """A desk with many tickets: the first ids of those who appear in them."""
    with app.app_context():
        first = plant_tickets(trashed=50)
        db.session.execute(text(LABEL))
        db.session.commit()
        db.session.execute(text("ANALYZE TABLE Tiquet"))
        yield first
        empty_tables()


@pytest.fixture
def actor(people, session) -> Actor:
    actor = Actor(id=people["usuario"], tipo_usuario="Técnico", epoca=catalog.load().epoca)
    catalog.all_catalogs(actor)
    return actor


@pytest.mark.parametrize("labels", [["vpn"], ["vpn", "red"]])
@pytest.mark.parametrize("share", DEPTHS)
def test_labels_are_read_in_the_order_of_the_list(actor, labels, share):
    corte = Corte((EMPIEZA + timedelta(minutes=TIQUETS / 2 * (1 - share)), 1), 1000) if share else None
    with reading() as lectura:
        pagina = ticket_list.page(actor, {"etiqueta": labels}, "-fecha_creacion", LIMITE, corte)

    assert len({fila["id"] for fila in pagina.filas}) == LIMITE
    assert lectura.rows <= bound(2 * len(labels)) + (0 if share else 6 * TOTAL_EXACTO)


def value_of(column: str, people: dict[str, int]) -> Any:
    """One that more than a thousand tickets have; the state, none of the newer half."""
    return {
        "id_estado": 3,
        "id_cliente": people["cliente"] + 1,
        "id_empleado": people["empleado"] + 1,
        "id_usuario_creador": people["usuario"] + 1,
        "id_usuario_asignado": people["usuario"] + 1,
    }.get(column, 2)


KEYS = {
    "fecha_creacion": ("fecha_creacion", "id"),
    "fecha_actualizacion": ("fecha_actualizacion", "id"),
    "prioridad": ("id_prioridad", "fecha_creacion", "id"),  # The seeded rows' nivel is their id.
}

# The orders by a date, and the index that gives a page of one filter in each.
DATED = {
    "-fecha_creacion": "ix_Tiquet_lista_{}",
    "fecha_creacion": "ix_Tiquet_lista_{}",
    "-fecha_actualizacion": "ix_Tiquet_lista_actualizacion_{}",
    "fecha_actualizacion": "ix_Tiquet_lista_actualizacion_{}",
}


def place(filtros: dict[str, Any], orden: str, share: float) -> Corte | None:
    """The cursor behind that share of the list; none for its first page."""
    keys = [getattr(Tiquet, key) for key in KEYS[orden.lstrip("-")]]
    matching = [getattr(Tiquet, name).in_(some) for name, some in filtros.items()]
    order = [key.desc() if orden.startswith("-") else key for key in keys]
    found = select(*keys).where(Tiquet.fecha_eliminacion.is_(None), *matching).order_by(*order)
    rows = db.session.execute(found).all()
    return Corte(tuple(rows[int(len(rows) * share)]), 1000) if share else None


def bound(branches: int = 1) -> int:
    """A row of the page, its four names and its sort; in each branch a row of the index, kept and merged."""
    return (6 + 3 * branches) * (LIMITE + 1)


def read_page(actor: Actor, filtros: dict[str, Any], orden: str, share: float) -> Lectura:
    """Read a page at that depth, without the count that only the first one takes."""
    corte = place(filtros, orden, share)
    with reading() as counting:
        if not corte:
            ticket_list.count(NOT_IN_TRASH, False, filtros, {})
    with reading() as lectura:
        page = ticket_list.page(actor, filtros, orden, LIMITE, corte)
    assert len(page.filas) == LIMITE
    lectura.rows -= counting.rows
    print(f"{filtros} {orden} at {share}: {lectura.rows} rows, {lectura.indexes}")  # noqa: T201 (pytest -s)
    return lectura


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", DATED)
@pytest.mark.parametrize("column", FILTRABLES)
def test_a_page_of_one_filter_reads_about_the_rows_it_shows(actor, people, column, orden, share):
    lectura = read_page(actor, {column: [value_of(column, people)]}, orden, share)

    assert lectura.rows <= bound()
    assert DATED[orden].format(column) in lectura.indexes
    # The other is the first page's count.
    assert lectura.indexes <= {DATED[orden].format(column), f"ix_Tiquet_lista_{column}"}


@pytest.fixture
def asking(people, session) -> Actor:
    """Who opened a tenth of the tickets, and asks for a customer of a fifteenth of them."""
    ids = {"id": people["usuario"] + 1, "id_cliente": people["cliente"] + 1}
    actor = Actor(**ids, tipo_usuario="Solicitante", epoca=catalog.load().epoca)
    catalog.all_catalogs(actor)
    return actor


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["-fecha_creacion", "fecha_creacion"])
def test_a_page_of_ones_own_reads_about_a_page_of_each_that_makes_it_so(asking, people, orden, share):
    middle = select(Tiquet.fecha_creacion, Tiquet.id).where(Tiquet.id == int(TIQUETS * (1 - share)))
    corte = Corte(tuple(db.session.execute(middle).one()), 1000) if share else None
    own = {"id_usuario_creador": asking.id, "id_cliente": asking.id_cliente}
    with reading() as counting:
        if not share:
            ticket_list.count(NOT_IN_TRASH, False, {}, {}, own)
    with reading() as lectura:
        page = ticket_list.page(asking, {}, orden, LIMITE, corte)

    assert len(page.filas) == LIMITE
    # Its comments and its files are counted for each row that the branches bring.
    assert lectura.rows - counting.rows <= bound(branches=2) + 8 * (LIMITE + 1)
    assert lectura.indexes == {"ix_Tiquet_lista_id_usuario_creador", "ix_Tiquet_lista_id_cliente"}


@pytest.mark.parametrize("orden", ["-fecha_actualizacion", "prioridad"])
@pytest.mark.parametrize("filtros", [{}, {"id_estado": [3]}, {"id_usuario_asignado": [None]}], ids=str)
def test_any_page_of_ones_own_reads_no_tickets_but_ones_own(asking, filtros, orden):
    with reading() as lectura:
        ticket_list.page(asking, filtros, orden, LIMITE, None)

    assert lectura.indexes == {"ix_Tiquet_lista_id_usuario_creador", "ix_Tiquet_lista_id_cliente"}


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["-fecha_creacion", "fecha_creacion"])
def test_a_page_of_what_nobody_has_reads_about_the_rows_it_shows(actor, orden, share):
    middle = select(Tiquet.fecha_creacion, Tiquet.id).where(Tiquet.id == TIQUETS // 2 + 4)
    corte = Corte(tuple(db.session.execute(middle).one()), 1000) if share else None
    with reading() as counting:
        if not share:
            ticket_list.count(NOT_IN_TRASH, False, {"id_usuario_asignado": [None]}, {})
    with reading() as lectura:
        ticket_list.page(actor, {"id_usuario_asignado": ["ninguno"]}, orden, LIMITE, corte)

    assert lectura.rows - counting.rows <= bound()
    assert lectura.indexes == {"ix_Tiquet_lista_id_usuario_asignado"}


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize(
    ("orden", "index"),
    [
        ("-fecha_creacion", "ix_Tiquet_lista"),
        ("fecha_creacion", "ix_Tiquet_lista"),
        ("-fecha_actualizacion", "ix_Tiquet_lista_actualizacion"),
        ("fecha_actualizacion", "ix_Tiquet_lista_actualizacion"),
    ],
)
def test_a_page_of_everything_reads_about_the_rows_it_shows(actor, orden, index, share):
    lectura = read_page(actor, {}, orden, share)

    assert lectura.rows <= bound()
    assert index in lectura.indexes
    assert lectura.indexes <= {index, "ix_Tiquet_lista"}  # The second is the first page's count.


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["-prioridad", "prioridad"])
@pytest.mark.parametrize("filtros", [{}, {"id_estado": [1]}, {"id_estado": [3]}], ids=str)
def test_a_page_by_priority_reads_about_a_page_of_each_priority(actor, filtros, orden, share):
    lectura = read_page(actor, filtros, orden, share)

    index = "ix_Tiquet_lista_id_estado_id_prioridad" if filtros else "ix_Tiquet_lista_id_prioridad"
    assert lectura.rows <= bound(branches=4)
    assert index in lectura.indexes
    assert lectura.indexes <= {index, "ix_Tiquet_lista", "ix_Tiquet_lista_id_estado"}


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", DATED)
def test_a_page_of_several_values_reads_about_a_page_of_each(actor, orden, share):
    lectura = read_page(actor, {"id_estado": [1, 3, 5, 7]}, orden, share)

    assert lectura.rows <= bound(branches=4)
    assert DATED[orden].format("id_estado") in lectura.indexes
    assert lectura.indexes <= {DATED[orden].format("id_estado"), "ix_Tiquet_lista_id_estado"}


@pytest.mark.parametrize("orden", DATED)
def test_a_state_that_none_of_many_tickets_is_in_costs_nothing(actor, orden):
    with reading() as lectura:
        pagina = ticket_list.page(actor, {"id_estado": [9999]}, orden, LIMITE, None)

    assert pagina.filas == []
    assert lectura.rows <= 6  # Of which some are the epoch of the catalogs, and the total: none.


@pytest.mark.parametrize("share", [0, 0.5])
@pytest.mark.parametrize("column", ["id_categoria", "id_usuario_asignado", "id_criticidad"])
def test_one_state_and_another_filter_never_read_the_whole_table(actor, people, column, share):
    filtros = {"id_estado": [3], column: [value_of(column, people)]}

    assert read_page(actor, filtros, "-fecha_creacion", share).rows < TIQUETS / 2


@pytest.mark.parametrize("column", [None, *FILTRABLES])
def test_the_total_of_a_page_reads_one_row_for_each_that_it_counts(actor, people, column):
    filtros = {column: [value_of(column, people)]} if column else {}
    behind_nothing = Corte((EMPIEZA + timedelta(days=9999), 1), 0)
    taken = []
    for corte in (behind_nothing, None):  # Only the first page counts.
        with reading() as lectura:
            ticket_list.page(actor, filtros, "-fecha_creacion", LIMITE, corte)
        taken.append(lectura.rows)

    assert taken[1] - taken[0] <= TOTAL_EXACTO + 2


@pytest.mark.parametrize("column", [None, *FILTRABLES])
def test_a_count_stops_at_one_thousand(actor, people, column):
    values = {column: [value_of(column, people)]} if column else {}
    with reading() as lectura:
        assert ticket_list.count(NOT_IN_TRASH, False, values, {}) == TOTAL_EXACTO + 1

    # Each from the index, and once more when they are counted.
    assert lectura.rows <= 2 * (TOTAL_EXACTO + 1) + 10
    assert lectura.indexes == {"_".join(filter(None, ("ix_Tiquet_lista", column)))}


@pytest.mark.parametrize("days", [0, 90])
def test_what_changed_lately_is_found_by_when_it_changed(actor, days):
    since = EMPIEZA + timedelta(days=days)
    with reading() as lectura:
        ticket_list.page(actor, {"actualizado_desde": since}, "fecha_actualizacion", LIMITE, None)

    assert lectura.rows <= (bound() + 2 * (TOTAL_EXACTO + 1) + 10 if days == 0 else 10)
    assert lectura.indexes == {"ix_Tiquet_lista_actualizacion"}
