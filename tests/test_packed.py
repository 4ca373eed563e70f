"""All rows of a statement in one value: whole, or None."""

from collections import namedtuple
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from app.models import Tiquet
from app.queries.packed import Collected, Hoja, Packed, collected, packed
from tests import factories

Par: Any = namedtuple("Par", ("id", "fecha_creacion"))
ROWS = sa.select(packed(Par, (Tiquet.id, Tiquet.fecha_creacion)))


def test_the_rows_come_with_their_types_and_with_what_is_asked_beside(session):
    ids = [factories.tiquet() for _ in range(3)]
    stored = {
        row.id: row.fecha_creacion for row in session.execute(sa.select(Tiquet.id, Tiquet.fecha_creacion))
    }

    hoja = session.execute(collected(ROWS.where(Tiquet.id.in_(ids)), sa.literal(7), sa.null())).scalar_one()

    assert {fila.id: fila.fecha_creacion for fila in hoja.filas} == {id: stored[id] for id in ids}
    assert hoja.datos == [7, None]


def test_of_no_rows_there_is_what_was_asked_beside(session):
    hoja = session.execute(collected(ROWS.where(sa.false()), sa.literal(7))).scalar_one()

    assert hoja == Hoja([], [7])


@pytest.mark.parametrize(
    "cut",
    [
        None,  # longer than a packet
        '[2, 7, [[1, "2026-03-01 15:00:00"], [2, "2026-0]]',
        '[2, 7, [[1, "2026-03-01 15:00:00"], [2]',
        '[2, 7, [[1, "2026-03-01 15:00:00"]]]',  # right between two rows
        "[2, 7, null]",
    ],
)
def test_what_the_server_cut_is_none(cut):
    each = Collected(Packed(Par, (1,), (), ()))

    assert each.process_result_value(cut, None) is None
    whole = each.process_result_value('[1, 7, [[1, "2026-03-01 15:00:00"]]]', None)
    assert whole == Hoja([Par(1, datetime(2026, 3, 1, 15))], [7])
