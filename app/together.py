"""Several statements in one trip, as one compound statement of MariaDB.

A trip takes about as much of the application's CPU as of the database's, whatever is in it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Executable, Insert, Select, bindparam, column, text
from sqlalchemy.dialects import mysql

Row = Mapping[str, Any]

AS_NAMED = mysql.dialect(paramstyle="named")  # ``:name``, which ``text`` takes.


def block(
    told: Mapping[Insert, Sequence[Row]], query: Select[Any] | None = None, parameters: Row | None = None
) -> tuple[Executable, dict[str, Any]]:
    """A statement that inserts rows by each of these, and then finds what ``query`` does; with parameters.

    For few rows, and statements that are made once. A ``query`` has no list of values (IN), nor parameters
    called like those of the rows.
    """
    forms = tuple((statement, len(rows), tuple(rows[0])) for statement, rows in told.items())
    values = {
        named(table, at, name): value
        for table, rows in enumerate(told.values())
        for at, row in enumerate(rows)
        for name, value in row.items()
    }
    return written(forms, query), values | dict(parameters or {})


def named(table: int, row: int, column: str) -> str:
    return f"row{table}_{row}_{column}"


@lru_cache(maxsize=512)
def written(forms: tuple[tuple[Insert, int, tuple[str, ...]], ...], query: Select[Any] | None) -> Executable:
    statements: list[Any] = [
        statement.values([row_of(statement, names, table, at) for at in range(rows)])
        for table, (statement, rows, names) in enumerate(forms)
    ]
    if query is not None:
        statements.append(query)
    compiled: list[Any] = [one.compile(dialect=AS_NAMED) for one in statements]
    whole = text(f"BEGIN NOT ATOMIC {'; '.join(map(str, compiled))}; END")
    whole = whole.bindparams(*(typed(*one) for each in compiled for one in each.bind_names.items()))
    if query is None:
        return whole
    return whole.columns(*(column(name, one.type) for name, one in query.selected_columns.items()))


def row_of(statement: Insert, names: Sequence[str], table: int, row: int) -> dict[str, Any]:
    """A parameter for each column of a row; SQLAlchemy knows the types of the first row only."""
    columns = statement.table.c
    return {name: bindparam(named(table, row, name), type_=columns[name].type) for name in names}


def typed(parameter: BindParameter[Any], name: str) -> BindParameter[Any]:
    """The same for ``text``, which does not know what it is for."""
    if parameter.required:
        return bindparam(name, type_=parameter.type)
    return bindparam(name, parameter.value, type_=parameter.type)
