"""One action on many tickets, each as if it were the only one."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from sqlalchemy.exc import IntegrityError

from app import database
from app.errors import AppError
from app.extensions import db
from app.permissions import Actor, Permiso, require
from app.queries.desk import tickets as queries
from app.queries.log import audit
from app.services.desk import tickets, transitions
from app.services.versions import Precondicion, check_version

Cambios = dict[str, Any]


def update(actor: Actor, id: int, cambios: Cambios, precondicion: Precondicion) -> None:
    tickets.update_ticket(actor, id, cambios, precondicion)


def check(actor: Actor, id: int, precondicion: Precondicion) -> None:
    """What the rules of moving, whose own routes take no version, do not."""
    if precondicion.versiones:
        check_version("tiquet", tickets.find(actor, id), precondicion)


def move(actor: Actor, id: int, cambios: Cambios, precondicion: Precondicion) -> None:
    check(actor, id, precondicion)
    transitions.transition(actor, id, cambios)


def assign(actor: Actor, id: int, cambios: Cambios, precondicion: Precondicion) -> None:
    check(actor, id, precondicion)
    if cambios["id_usuario"] is None:
        transitions.release(actor, id)
    else:
        transitions.assign(actor, id, cambios["id_usuario"])


def discard(actor: Actor, id: int, _cambios: Cambios, precondicion: Precondicion) -> None:
    tickets.discard(actor, id, precondicion)


# Action -> what its own route asks of a role, and what it does.
ACCIONES: dict[str, tuple[Permiso, Callable[[Actor, int, Cambios, Precondicion], Any]]] = {
    "actualizar": (Permiso.EDITAR_TIQUET, update),
    "transicion": (Permiso.MOVER_TIQUET, move),
    "asignar": (Permiso.ASIGNAR_TIQUET, assign),
    "eliminar": (Permiso.ELIMINAR_TIQUET, discard),
}


def apply(actor: Actor, id: int, accion: str, cambios: Cambios, version: int | None) -> int:
    """Do ``accion`` to one ticket, as its own route would; answers the version that it has then.

    With a ``version`` only to that one.
    """
    permiso, do = ACCIONES[accion]
    require(permiso, actor)  # As on its own route: before anybody looks for the ticket.
    do(actor, id, deepcopy(cambios), Precondicion(None if version is None else frozenset({version})))
    return queries.version_of(id)


def applied(operation: str) -> int | None:
    """The version in which ``operation`` left its ticket, if it was done before."""
    versions = [event.version_resultante for event in audit.events_of(operation) if event.entidad == "tiquet"]
    return versions[-1] if versions else None


def apply_to_all(
    actor: Actor, ids: list[int], accion: str, cambios: Cambios, seen: dict[int, int]
) -> tuple[list[int], dict[int, AppError]]:
    """Do ``accion`` to each ticket in one unit of work; answers their versions, and what was refused.

    ``seen`` says to which versions of them.

    If anything was, the unit must be rolled back: it may hold the half of a refused change.
    """
    queries.locked_several(actor, set(ids))
    versions: list[int] = []
    refused: dict[int, AppError] = {}
    for id in ids:
        try:
            versions.append(apply(actor, id, accion, cambios, seen.get(id)))
        except IntegrityError as error:
            if (refusal := database.refusal(error)) is None:
                raise
            refused[id] = refusal
            break  # The session takes no further statement in this unit.
        except AppError as error:
            refused[id] = error
            db.session.expunge_all()  # Or the next statement would try to write the half of it.
    return versions, refused
