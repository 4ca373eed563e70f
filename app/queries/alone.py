"""Statements that read in no transaction: as of now, with nothing left behind that would have to be ended."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select

from app.database import ALONE
from app.driver import fetch
from app.extensions import db
from app.prepared import prepared
from app.transaction import ask


def rows(statement: Select[Any], parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
    """What one statement, that is made once, finds.

    By connections of their own, that are in no transaction; a database in memory has but one connection.
    """
    if ALONE not in db.engines:
        return ask(statement, parameters)
    engine = db.engines[ALONE]
    ready = prepared(engine.dialect, statement)
    if not ready.lists:
        return [ready.read(row) for row in fetch(engine, ready.sql, ready.filled(parameters))]
    with engine.connect() as connection:
        return connection.execute(statement, parameters).all()


def scalar(statement: Select[Any], parameters: dict[str, Any]) -> Any:
    """The one value that a statement finds, or None."""
    found = rows(statement, parameters)
    return found[0][0] if found else None
