"""One value that the statement which authenticates reads along: that saves a request its other statement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select

from app.permissions import Actor
from app.transaction import ask


@dataclass(frozen=True)
class Along:
    """A statement for one value, or none, and what to fill it with."""

    statement: Select[Any]
    parameters: dict[str, Any]


@dataclass
class Leido:
    """What was asked along, and the value that it had; for whoever takes it first."""

    along: Along
    value: Any
    taken: bool = False


def column(statement: Select[Any]) -> ColumnElement[Any]:
    """Its value as a column of the statement that takes it along."""
    return statement.correlate(None).scalar_subquery()


def in_session(statement: Select[Any], parameters: dict[str, Any]) -> Any:
    found = ask(statement, parameters)
    return found[0][0] if found else None


def scalar(
    actor: Actor,
    statement: Select[Any],
    parameters: dict[str, Any],
    read: Callable[[Select[Any], dict[str, Any]], Any] = in_session,
) -> Any:
    """The value of ``statement``, or None: as it was read along with ``actor``, or else as it is now."""
    leido: Leido | None = actor.along
    if (
        leido
        and not leido.taken
        and leido.along.statement is statement
        and leido.along.parameters == parameters
    ):
        leido.taken = True
        return leido.value
    return read(statement, parameters)
