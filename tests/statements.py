"""What the application says to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.extensions import db


@contextmanager
def noted() -> Iterator[list[tuple[str, Any]]]:
    """The statements of the block with their parameters, less the test's own way to undo everything."""
    statements: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if "SAVEPOINT" not in statement:
            statements.append((statement, parameters))

    engines = list(db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
