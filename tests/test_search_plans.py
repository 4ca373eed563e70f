"""How many rows MariaDB reads for a search: those of a window and those that match, never the whole table."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.extensions import db
from app.permissions import Actor
from app.queries import catalog
from app.queries.desk import search, ticket_search
from app.queries.pagination import Corte
from tests.conftest import empty_tables
from tests.plans import DEPTHS, EMPIEZA, LIMITE, TIQUETS, in_pieces, plant_tickets, reading

pytestmark = pytest.mark.mariadb

VENTANA = 500
# Each looked-at ticket is read in the list's index, as a ticket, by its search row, and as part of a window;
# where that ends is read in the index once more, and what matches is counted and put in order.
WINDOW = 10 * VENTANA + 20 * LIMITE

# Behind most of the list, in its order.
DEEP = {
    "-fecha_creacion": timedelta(minutes=0.1 * TIQUETS / 2),
    "fecha_creacion": timedelta(minutes=0.9 * TIQUETS / 2),
    "-fecha_actualizacion": timedelta(days=10),
}

SEARCHED = """
INSERT INTO Busqueda_tiquet (id_tiquet, mes, publico, interno)
SELECT id, mes, marked, marked FROM (
    SELECT id, mes, CONCAT(REPLACE(words, ' ', CONCAT(' ', mes)), ' ') AS marked FROM (
        SELECT id, CONCAT('xb', LEAST(id DIV 2000, 9)) AS mes,
            CONCAT(' uno', IF(id % 2, ' mitad', ''), IF(id % 5000 = 7, ' rara', ''),
            IF(id % 100 = 7, ' alguna', ''), IF(id < 400, ' vieja', '')) AS words
        FROM Tiquet WHERE id BETWEEN :after + 1 AND :after + :piece) AS todos) AS marcados
"""


@pytest.fixture(scope="module")
def people(app) -> Iterator[dict[str, int]]:
    with app.app_context():
        first = plant_tickets(trashed=50)
        in_pieces(SEARCHED)
        db.session.execute(text("ANALYZE TABLE Tiquet, Busqueda_tiquet"))
        yield first
        empty_tables()


@pytest.fixture
def actor(people, session, monkeypatch) -> Actor:
    monkeypatch.setattr(ticket_search, "VENTANA", VENTANA)
    actor = Actor(id=people["usuario"], tipo_usuario="Técnico", epoca=catalog.load().epoca)
    catalog.all_catalogs(actor)
    return actor


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize(
    ("orden", "filtros"),
    [
        ("-fecha_creacion", {}),
        ("-fecha_creacion", {"id_criticidad": [2]}),
        ("fecha_creacion", {"id_prioridad": [2]}),
        ("-fecha_actualizacion", {}),
    ],
    ids=str,
)
def test_a_common_word_reads_a_window_at_any_depth(actor, orden, filtros, share):
    corte = Corte((EMPIEZA + DEEP[orden], 1), 1000) if share else None
    with reading() as lectura:
        pagina = ticket_search.page(actor, {"q": "mitad", **filtros}, orden, LIMITE, corte)

    assert len(pagina.filas) == LIMITE
    assert lectura.rows <= WINDOW


@pytest.mark.parametrize(("q", "count"), [("rara", 4), ("rara mitad", 4), ("uno rara", 4), ("nadie", 0)])
def test_a_rare_word_reads_a_window_and_what_matches(actor, q, count):
    with reading("Busqueda_tiquet") as lectura:
        pagina = ticket_search.page(actor, {"q": q}, "-fecha_creacion", LIMITE, None)

    assert (len(pagina.filas), pagina.total, pagina.exacto) == (count, count, True)
    assert lectura.rows <= WINDOW + 2 * 500  # of a sample of what words are common


def test_a_word_of_old_tickets_reads_a_window_and_what_matches(actor):
    with reading("Busqueda_tiquet") as lectura:
        pagina = ticket_search.page(actor, {"q": "vieja"}, "-fecha_creacion", LIMITE, None)

    assert (len(pagina.filas), pagina.total) == (LIMITE, 399 - 7)  # but for those in the trash
    assert lectura.rows <= WINDOW + 10 * 400
    assert "ft_Busqueda_tiquet_interno" in lectura.indexes


def test_a_word_that_is_neither_rare_nor_common_reads_the_months_that_it_takes(actor):
    with reading("Busqueda_tiquet") as lectura:
        pagina = ticket_search.page(actor, {"q": "alguna"}, "-fecha_creacion", LIMITE, None)

    assert (len(pagina.filas), pagina.exacto) == (LIMITE, False)
    assert 50 < pagina.total <= 100  # of two hundred, in the newest five of ten months
    assert lectura.rows <= WINDOW + 2 * 500 + 10 * 100


def test_the_index_is_asked_for_the_rare_words_of_a_search_also_of_its_phrases(actor):
    wanted = search.terms('uno mitad rara "mitad rara"')

    assert search.rare_of(True, wanted) == [" -rara ", " -rara"]
    with reading("Busqueda_tiquet") as lectura:
        pagina = ticket_search.page(actor, {"q": 'uno "mitad rara"'}, "-fecha_creacion", LIMITE, None)
    assert (len(pagina.filas), pagina.total, pagina.exacto) == (4, 4, True)
    assert lectura.rows <= WINDOW + 2 * 500
