"""How many rows MariaDB reads for a page of the log or of a history: about as many as it shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.extensions import db
from app.models import LogTransaccional
from app.permissions import Actor
from app.queries import catalog
from app.queries.desk import history, past
from app.queries.log import audit, chain, feed
from app.queries.pagination import TOTAL_EXACTO, Corte
from tests.conftest import empty_tables
from tests.plans import DEPTHS, EMPIEZA, LIMITE, reading

pytestmark = pytest.mark.mariadb

LOG = "Log_transaccional"
EVENTS = 20_000
# The newer half is all of one user, one kind and one action, as after an import; one ticket has a quarter.
PLANT = """
INSERT INTO Log_transaccional (id_evento, secuencia, fecha, tipo_actor, id_usuario, accion, entidad,
    id_entidad, id_tiquet, version_resultante, cambios, origen)
SELECT CONCAT('e-', seq), seq, :starts + INTERVAL seq DIV 2 SECOND,
    IF(seq > 10000, 'sistema', ELT(1 + seq % 4, 'usuario', 'token', 'sistema', 'anonimo')),
    IF(seq > 10000, 1, 2 + seq % 5),
    IF(seq > 10000, 'legado.registrado', CONCAT('tiquet.a', seq % 7)),
    IF(seq > 10000, 'legado', ELT(1 + seq % 3, 'tiquet', 'usuario', 'comentario')),
    1 + seq % 900, IF(seq % 4, 1 + seq % 900, 7777), seq, '[]', 'api'
FROM seq_1_to_20000
"""
DATES = {"desde": EMPIEZA.replace(minute=10), "hasta": EMPIEZA.replace(hour=1)}
# Filters, the values in each, and the index.
FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "fecha"),
    (DATES, "fecha"),
    ({"id_usuario": [3]}, "id_usuario_fecha"),
    ({"id_usuario": [3, 4, 5]}, "id_usuario_fecha"),
    ({"id_usuario": [3], **DATES}, "id_usuario_fecha"),
    ({"accion": ["tiquet.a1", "tiquet.a2"]}, "accion_fecha"),
    ({"entidad": ["tiquet"]}, "entidad_fecha"),
    ({"tipo_actor": ["token"], **DATES}, "tipo_actor_fecha"),
]
COUNT = 2 * (TOTAL_EXACTO + 1)  # Each from the index, and once more when they are counted.
A_FEW = 10


@pytest.fixture(scope="module")
def planted(app) -> Iterator[None]:
    with app.app_context():
        db.session.execute(text(PLANT), {"starts": EMPIEZA})
        db.session.commit()
        db.session.execute(text(f"ANALYZE TABLE {LOG}"))
        yield
        empty_tables()


def place(share: float, orden: str, *matching: Any, by_date: bool = True) -> Corte | None:
    """The cursor behind that share of a list; none for its first page."""
    if not share:
        return None
    keys = (LogTransaccional.fecha, LogTransaccional.id) if by_date else (LogTransaccional.id,)
    order = [key.desc() if orden.startswith("-") else key for key in keys]
    rows = db.session.query(*keys).filter(*matching).order_by(*order).all()
    return Corte(tuple(rows[int(len(rows) * share)]), TOTAL_EXACTO + 1)


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["-fecha", "fecha"])
@pytest.mark.parametrize(("filtros", "index"), FILTERS, ids=str)
def test_a_page_of_the_log_reads_about_the_events_it_shows(planted, session, filtros, index, orden, share):
    matching = [audit.condition(n, v if isinstance(v, list) else [v]) for n, v in filtros.items()]
    corte = place(share, orden, *matching)
    values = max(len(value) for value in [*filtros.values(), [0]] if isinstance(value, list))

    with reading(LOG) as lectura:
        pagina = audit.page(filtros, orden, LIMITE, corte)

    print(f"{filtros} {orden} {share}: {lectura.rows} rows, {lectura.indexes}")  # noqa: T201 (pytest -s)
    assert len(pagina.filas) == LIMITE
    # A row of each branch, kept and merged; then the event and who did it, and the sort.
    assert lectura.rows <= (3 * values + 4) * (LIMITE + 1) + A_FEW + (0 if corte else COUNT)
    assert lectura.indexes == {f"ix_{LOG}_{index}_id"}


@pytest.mark.parametrize("filtros", [{"entidad": ["tiquet"], "id_entidad": 7}, {"id_tiquet": 8}], ids=str)
def test_what_was_done_to_one_thing_is_read_alone(planted, session, filtros):
    with reading(LOG) as lectura:
        pagina = audit.page(filtros, "-fecha", LIMITE, None)

    assert 0 < len(pagina.filas) < LIMITE
    assert lectura.rows <= 6 * (len(pagina.filas) + 1) + A_FEW


def test_of_several_filters_the_first_is_read_alone(planted, session):
    with reading(LOG) as lectura:
        pagina = audit.page({"id_usuario": [3], "tipo_actor": ["token"]}, "-fecha", LIMITE, None)

    assert len(pagina.filas) == LIMITE
    assert lectura.rows <= 3 * EVENTS // 10


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("orden", ["-fecha", "fecha"])
def test_a_page_of_a_history_reads_the_events_it_shows(planted, session, orden, share):
    actor = Actor(id=1, tipo_usuario="Administrador", epoca=catalog.load().epoca)
    catalog.all_catalogs(actor)
    corte = place(share, orden, LogTransaccional.id_tiquet == 7777, by_date=False)

    with reading(LOG) as lectura:
        pagina = history.page(actor, 7777, orden, LIMITE, corte)

    assert len(pagina.filas) == LIMITE
    assert lectura.rows <= 2 * (LIMITE + 1) + A_FEW + (0 if corte else COUNT)
    assert lectura.indexes == {f"ix_{LOG}_id_tiquet_id"}


def test_the_past_of_a_ticket_is_read_without_that_of_others(planted, session):
    with reading(LOG) as lectura:
        events = list(past.backwards(10))

    own = db.session.query(LogTransaccional).filter(LogTransaccional.id_tiquet == 10).count()
    assert 0 < len(events) <= own < LIMITE
    assert lectura.rows <= own + A_FEW
    assert lectura.indexes == {f"ix_{LOG}_id_tiquet_id"}


def test_what_waits_for_a_number_is_found_without_a_look_at_the_rest(planted, session):
    with reading(LOG) as lectura:
        assert not chain.is_waiting()

    assert lectura.rows <= A_FEW
    assert lectura.indexes == {f"uq_{LOG}_secuencia"}


@pytest.mark.parametrize("role", ["Administrador", "Técnico"])
@pytest.mark.parametrize("desde", [0, 9_000])
def test_a_page_of_the_feed_reads_the_events_it_shows(planted, session, role, desde):
    actor = Actor(id=1, tipo_usuario=role)

    with reading(LOG) as lectura:
        rows = feed.between(actor, desde, EVENTS, LIMITE)

    assert len(rows) == LIMITE
    # A third of them are of users, whom a technician does not hear of.
    assert lectura.rows <= 2 * LIMITE + A_FEW
    assert lectura.indexes == {f"uq_{LOG}_secuencia"}


def test_whether_there_is_more_and_where_the_log_begins_is_seen_at_its_ends(planted, session):
    with reading(LOG) as lectura:
        feed.has_more(EVENTS)
        feed.ends()

    assert lectura.rows <= A_FEW
