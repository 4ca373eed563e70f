"""One value that the statement which authenticates reads along: that saves a request its other statement."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select

from app.extensions import db

PLACE = "along"  # in the session, which holds it as long as the transaction that read it


@dataclass(frozen=True)
class Along:
    """A statement for one value, or none, and what to fill it with."""

    statement: Select[Any]
    parameters: dict[str, Any]


def column(statement: Select[Any]) -> ColumnElement[Any]:
    """Its value as a column of the statement that takes it along."""
    return statement.correlate(None).scalar_subquery()


def keep(along: Along, value: Any) -> None:
    db.session().info[PLACE] = along, value


def scalar(statement: Select[Any], parameters: dict[str, Any]) -> Any:
    """The value of ``statement``, or None: as it was read along if it was this one, or else asked for now."""
    along, value = db.session().info.pop(PLACE, (None, None))
    if along and along.statement is statement and along.parameters == parameters:
        return value
    return db.session.connection().execute(statement, parameters).scalar_one_or_none()
