"""Keyset pages: the deepest one costs what the first one costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from app.extensions import db

TOTAL_EXACTO = 1000  # Up to here a list is counted; beyond, it is said that there are more.


@dataclass(frozen=True)
class Corte:
    """Where a page ended: the values that its last row is sorted by, and the total as first counted."""

    valores: tuple[Any, ...]
    total: int
    exacto: bool = True  # False: there are at least so many


@dataclass(frozen=True)
class Pagina:
    """Some rows of a list, and where the next page starts if there is one."""

    filas: list[dict[str, Any]]
    total: int
    siguiente: Corte | None
    exacto: bool = True


def after(columns: list[Any], values: list[Any], descending: bool) -> ColumnElement[bool]:
    """The rows behind ``values`` in an order by ``columns``, all in one direction.

    A NULL comes before any value; nothing that may be NULL is sorted by in descending order. Written with OR
    on purpose: MariaDB finds no range in ``(a, b) < (x, y)``.
    """
    column, value = columns[0], values[0]
    if value is None:
        beyond, same = column.is_not(None), column.is_(None)
    else:
        beyond, same = (column < value if descending else column > value), column == value
    if len(columns) == 1:
        return beyond  # type: ignore[no-any-return]
    return or_(beyond, and_(same, after(columns[1:], values[1:], descending)))


def page_of(
    query: Select[Any], order: tuple[Any, ...], limite: int, corte: Corte | None, descending: bool = False
) -> Pagina:
    """A page of ``query``, whose columns are named as the keys of its rows, in the total ``order``.

    The order ends with the id of the rows, which are counted by it.
    """
    behind = query.where(after(list(order), list(corte.valores), descending)) if corte else query
    ordered = behind.order_by(*(key.desc() if descending else key for key in order))
    found = db.session.execute(ordered.limit(limite + 1)).mappings().all()
    total = total_of(corte, len(found), limite, lambda: capped_total(query.with_only_columns(order[-1])))
    filas = [dict(row) for row in found[:limite]]
    last = filas[-1] if len(found) > limite else None
    end = Corte(tuple(last[key.key] for key in order), total) if last else None
    return Pagina(filas, total, end)


def total_of(corte: Corte | None, found: int, limite: int, count: Callable[[], int]) -> int:
    """The total of a list: carried on, or counted if its first page, ``found`` rows, is not all of it."""
    if corte:
        return corte.total
    return count() if found > limite else found


def capped_total(ids: Select[Any], parameters: dict[str, Any] | None = None) -> int:
    """How many ``ids`` there are, up to one more than ``TOTAL_EXACTO``."""
    return counted(capped(ids), parameters or {})


def capped(ids: Select[Any]) -> Select[int]:
    """A statement that counts ``ids`` up to a ``tope``, for ``counted``."""
    return select(func.count()).select_from(ids.limit(bindparam("tope")).subquery())


def counted(statement: Select[int], parameters: dict[str, Any]) -> int:
    return db.session.connection().execute(statement, parameters | {"tope": TOTAL_EXACTO + 1}).scalar_one()
