"""All rows of a statement in one value."""

from collections import namedtuple
from typing import Any

import sqlalchemy as sa

from app.models import Tiquet
from app.queries.packed import Hoja, collected, packed
from tests import factories

Par: Any = namedtuple("Par", ("id", "fecha_creacion"))
ROWS = sa.select(packed(Par, (Tiquet.id, Tiquet.fecha_creacion)))


def test_the_rows_come_with_their_types_and_with_what_is_asked_beside(session):
    ids = [factories.tiquet() for _ in range(3)]
    stored = {
        row.id: row.fecha_creacion for row in session.execute(sa.select(Tiquet.id, Tiquet.fecha_creacion))
    }

    hoja = session.execute(
        collected(ROWS.where(Tiquet.id.in_(ids)), Tiquet.id, sa.literal(7), sa.null())
    ).scalar_one()

    assert {fila.id: fila.fecha_creacion for fila in hoja.filas} == {id: stored[id] for id in ids}
    assert hoja.datos == [7, None]


def test_of_no_rows_there_is_what_was_asked_beside(session):
    hoja = session.execute(collected(ROWS.where(sa.false()), Tiquet.id, sa.literal(7))).scalar_one()

    assert hoja == Hoja([], [7])
