"""Statements that read in no transaction: as of now, with nothing left behind that would have to be ended."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, Row

from app.database import ALONE
from app.extensions import db


def rows(statement: Executable, parameters: dict[str, Any]) -> Sequence[Row[Any]]:
    """What one statement finds.

    By connections of their own, that are in no transaction; a database in memory has but one connection.
    """
    if ALONE not in db.engines:
        return db.session.connection().execute(statement, parameters).all()
    with db.engines[ALONE].connect() as connection:
        return connection.execute(statement, parameters).all()


def scalar(statement: Executable, parameters: dict[str, Any]) -> Any:
    """The one value that a statement finds, or None."""
    found = rows(statement, parameters)
    return found[0][0] if found else None
