"""Several columns of a row in one, a JSON array that the database makes; or all rows in one.

PyMySQL reads value by value, in Python: that takes four times as long as to read the same from JSON.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Boolean, ColumnElement, DateTime, Dialect, Select, Text, TypeDecorator, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from app.models import Json


class Packed(TypeDecorator[Any]):
    """A named tuple of an array that has instants, texts of JSON and booleans at these places."""

    impl = Text
    cache_ok = True

    def __init__(
        self, form: Any, instants: tuple[int, ...], texts: tuple[int, ...], booleans: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.form, self.instants, self.texts, self.booleans = form, instants, texts, booleans

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.unpacked(orjson.loads(value))

    def unpacked(self, values: list[Any]) -> Any:
        for at in self.instants:
            if values[at] is not None:
                values[at] = datetime.fromisoformat(values[at])
        for at in self.texts:
            values[at] = orjson.loads(values[at])
        for at in self.booleans:
            values[at] = bool(values[at])
        return self.form._make(values)


def packed(form: Any, columns: Sequence[Any]) -> ColumnElement[Any]:
    """``columns`` as one, read into ``form``."""

    def places(kind: Any) -> tuple[int, ...]:
        return tuple(at for at, column in enumerate(columns) if isinstance(column.type, kind))

    type_ = Packed(form, places(DateTime), places(Json), places(Boolean))
    return func.json_array(*columns, type_=type_)


class json_objectagg(GenericFunction[str]):  # noqa: N801 (as it is called in SQL)
    """What stands in all rows, each by its key.

    MariaDB makes JSON_ARRAYAGG by a table on the disk, and cuts it at ``group_concat_max_len``; not this.
    """

    type = Text()
    inherit_cache = True


@compiles(json_objectagg, "sqlite")
def json_group_object(element: json_objectagg, compiler: Any, **options: Any) -> str:
    return f"json_group_object({compiler.process(element.clauses, **options)})"


class Hoja(NamedTuple):
    """All rows that a statement found, in any order, and what was asked beside them."""

    filas: list[Any]
    datos: list[Any]


class Collected(TypeDecorator[Any]):
    """A ``Hoja`` of rows that are packed in ``each``; None if it is longer than what the server sends."""

    impl = Text
    cache_ok = True

    def __init__(self, each: Packed) -> None:
        super().__init__()
        self.each = each

    def process_result_value(self, value: str | None, dialect: Dialect) -> Hoja | None:
        if value is None:
            return None
        *datos, filas = orjson.loads(value)
        return Hoja([self.each.unpacked(fila) for fila in (filas or {}).values()], datos)


def collected(rows: Select[Any], key: Any, *beside: Any) -> Select[Any]:
    """What ``rows``, of one packed column, finds, and what is asked ``beside``: in one value.

    Each row has a ``key`` of its own. What is longer than ``max_allowed_packet`` is NULL.
    """
    (column,) = rows.selected_columns
    each: Any = column.type
    found = func.json_array(*beside, json_objectagg(key, column), type_=Collected(each))
    return rows.with_only_columns(found)
