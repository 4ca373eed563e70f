"""How many rows MariaDB reads to find what is due, or a page of deliveries: about as many as it takes."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from app.extensions import db
from app.models import Entregas, utcnow
from app.queries.log import deliveries
from app.queries.pagination import TOTAL_EXACTO, Corte
from app.services.log.deliveries import PLAZO
from tests import factories
from tests.conftest import empty_tables
from tests.plans import DEPTHS, LIMITE, reading

pytestmark = pytest.mark.mariadb

TABLE = "Entregas"
# Two webhooks, of which the second is behind: a thousand tickets have a line of nine, whose first is due.
PLANT = """
INSERT INTO Entregas (id_webhook, secuencia, id_evento, accion, id_tiquet, estado, intentos,
    proximo_intento, fecha_creacion, cuerpo)
SELECT :first + seq % 2, seq, CONCAT('e-', seq), 'tiquet.actualizado', 1 + seq DIV 2 % 1000,
    IF(seq % 2 = 1 AND seq > 2000, 'pendiente', ELT(1 + seq % 7, 'muerta', 'entregada', 'entregada',
        'entregada', 'entregada', 'entregada', 'entregada')), 1,
    IF(seq % 2 = 1 AND seq > 2000, IF(seq <= 4000, :due, '9999-12-31'), NULL), :starts, '{}'
FROM seq_1_to_20000
"""
A_FEW = 10


@pytest.fixture(scope="module")
def planted(app) -> Iterator[int]:
    with app.app_context():
        first = factories.WebhookFactory().id
        assert factories.WebhookFactory().id == first + 1
        now = utcnow()
        values = {"first": first, "due": now - timedelta(minutes=1), "starts": now - timedelta(days=31)}
        db.session.execute(text(PLANT), values)
        db.session.commit()
        db.session.execute(text(f"ANALYZE TABLE {TABLE}"))
        yield first
        empty_tables()


def test_which_webhooks_have_something_due_is_seen_at_the_ends_of_their_lines(planted, session):
    with reading(TABLE) as lectura:
        assert deliveries.due_webhooks(utcnow()) == [planted + 1]

    assert lectura.rows <= A_FEW


def test_what_is_due_next_is_read_alone(planted, session):
    webhook = SimpleNamespace(id=planted + 1, activo=True)
    with reading(TABLE) as lectura:
        found = deliveries.next_due(webhook, utcnow())
        assert deliveries.in_flight(webhook.id, utcnow(), PLAZO) == 0
        webhook.activo = False
        assert deliveries.next_due(webhook, utcnow()) is None

    assert found.secuencia == 2001
    assert lectura.rows <= A_FEW


def test_the_place_of_a_ticket_is_read_from_its_own_line(planted, session):
    with reading(TABLE) as lectura:
        assert deliveries.heads(planted + 1, [1]) == {1: 2001}

    assert lectura.rows <= 2 * 9 + A_FEW


@pytest.mark.parametrize("share", DEPTHS)
@pytest.mark.parametrize("estado", [None, "entregada", "muerta", "pendiente"])
def test_a_page_reads_the_deliveries_it_shows(planted, session, estado, share):
    webhook = planted + (estado == "pendiente")
    matching = [Entregas.id_webhook == webhook, *([Entregas.estado == estado] if estado else [])]
    ids = [row[0] for row in db.session.query(Entregas.id).filter(*matching).order_by(Entregas.id.desc())]
    corte = Corte((ids[int(len(ids) * share)],), TOTAL_EXACTO + 1) if share else None
    with reading(TABLE) as lectura:
        pagina = deliveries.page(webhook, estado, LIMITE, corte)

    assert len(pagina.filas) == LIMITE
    print(f"{estado} {share}: {lectura.rows} rows, {lectura.indexes}")  # noqa: T201 (pytest -s)
    assert lectura.rows <= 2 * (LIMITE + 1) + A_FEW + (0 if corte else 2 * (TOTAL_EXACTO + 1))


@pytest.mark.parametrize("rango", [{"desde_secuencia": 9_000}, {"hasta_secuencia": 9_000}], ids=str)
def test_a_range_is_read_from_where_it_begins(planted, session, rango):
    with reading(TABLE) as lectura:
        assert len(deliveries.told(planted, rango, 100)) == 100

    assert lectura.rows <= 2 * 100 + A_FEW
