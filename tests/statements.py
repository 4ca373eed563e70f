"""What the application says to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.driver import executing
from app.extensions import db

BLOCK = "BEGIN NOT ATOMIC"


def each_of(statement: str) -> list[str]:
    """What stands in a compound statement, or the one that it is."""
    inside = statement.removeprefix(f"{BLOCK} ").removesuffix("; END")
    return inside.split("; ") if inside != statement else [statement]


@contextmanager
def noted(*, trips: bool = False) -> Iterator[list[tuple[str, Any]]]:
    """The statements of the block with their parameters, less the test's own way to undo everything.

    Those that MariaDB gets in one trip are told one by one, unless ``trips`` are wanted.
    """
    statements: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if "SAVEPOINT" not in statement:
            each = [statement] if trips else each_of(statement)
            statements.extend((one, parameters) for one in each)

    def note_executed(engine, sql, parameters):
        note(engine, None, sql, parameters)

    engines = list(db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with executing.connected_to(note_executed):
            yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
