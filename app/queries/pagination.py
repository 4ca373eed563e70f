"""Keyset pages: the deepest one costs what the first one costs."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.extensions import db

TOTAL_EXACTO = 1000  # Up to here a list is counted; beyond, it is said that there are more.


@dataclass(frozen=True)
class Corte:
    """Where a page ended: the values that its last row is sorted by, and the total as first counted."""

    valores: tuple[Any, ...]
    total: int


@dataclass(frozen=True)
class Pagina:
    """Some rows of a list, and where the next page starts if there is one."""

    filas: list[dict[str, Any]]
    total: int
    siguiente: Corte | None


def after(columns: list[Any], values: list[Any], descending: bool) -> ColumnElement[bool]:
    """The rows behind ``values`` in an order by ``columns``, all in one direction.

    Written with OR on purpose: MariaDB finds no range in ``(a, b) < (x, y)``.
    """
    column, value = columns[0], values[0]
    beyond: ColumnElement[bool] = column < value if descending else column > value
    if len(columns) == 1:
        return beyond
    return or_(beyond, and_(column == value, after(columns[1:], values[1:], descending)))


def capped_total(matching: Select[Any], parameters: dict[str, Any]) -> int:
    """How many rows match, up to one more than ``TOTAL_EXACTO``."""
    counted = select(func.count()).select_from(matching.limit(TOTAL_EXACTO + 1).subquery())
    return db.session.execute(counted, parameters).scalar_one()
