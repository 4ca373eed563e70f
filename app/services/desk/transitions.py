"""Moving a ticket by a named action, and from hand to hand; all of somebody's at once."""

from typing import Any

from app.errors import Conflict, Falla, Invalid
from app.models import ASIGNADO, Tiquet, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.access import users
from app.queries.catalog import Catalogos, all_catalogs
from app.queries.desk import tickets as queries
from app.services.desk import enrolment, lifecycle, tickets
from app.services.log import audit

MAX_POR_VEZ = 500  # tickets that are handed over in one unit of work, which has ten seconds


def transition(actor: Actor, id: int, datos: dict[str, Any]) -> int:
    """Do the ``accion`` of ``datos`` to a ticket, with what it needs beside it; answers its id."""

    def move(tiquet: Tiquet, catalogos: Catalogos) -> None:
        lifecycle.act(actor, tiquet, datos["accion"], datos, catalogos)

    return tickets.change(actor, id, move, permiso=Permiso.MOVER_TIQUET)


def assign(actor: Actor, id: int, id_usuario: int) -> int:
    """Give a ticket to somebody; answers its id."""

    def move(tiquet: Tiquet, catalogos: Catalogos) -> None:
        if tiquet.id_usuario_asignado != id_usuario:
            lifecycle.assign(actor, tiquet, id_usuario, catalogos, campo="id_usuario")

    return tickets.change(actor, id, move)


def take(actor: Actor, id: int) -> int:
    """Give a ticket that nobody has to the actor; of many at once, one gets it. Answers its id."""

    def move(tiquet: Tiquet, catalogos: Catalogos) -> None:
        if tiquet.id_usuario_asignado is None:
            lifecycle.assign(actor, tiquet, actor.id, catalogos)
        elif tiquet.id_usuario_asignado != actor.id:
            raise Conflict("tiquet_ya_asignado", nombre=lifecycle.holder_name(tiquet))

    return tickets.change(actor, id, move)


def release(actor: Actor, id: int) -> int:
    """Take a ticket from whoever has it; answers its id."""
    return tickets.change(
        actor, id, lambda tiquet, catalogos: lifecycle.assign(actor, tiquet, None, catalogos)
    )


def hand_over(actor: Actor, id: int, id_usuario: int | None) -> int:
    """Give the open tickets of the user ``id`` to another, or with None to nobody; answers how many.

    Up to ``MAX_POR_VEZ``, all of them or none: whoever calls again goes on with what is left.
    """
    require(Permiso.ADMINISTRAR_USUARIO, actor)
    if id_usuario == id:
        raise Invalid({"id_usuario": [Falla("es_el_mismo")]})
    if id_usuario is not None and not users.assignable(id_usuario):
        raise Invalid({"id_usuario": [Falla("usuario_no_asignable")]})
    catalogos = all_catalogs(actor)
    found = queries.locked_open_of(actor, id, MAX_POR_VEZ)
    before = {tiquet.id: audit.snapshot(tiquet) for tiquet in found}
    for tiquet in found:
        lifecycle.place(tiquet, id_usuario, catalogos)
        tiquet.fecha_actualizacion = utcnow()
    for tiquet in found:
        audit.record("tiquet.actualizado", actor, tiquet, before[tiquet.id])
    if id_usuario is not None:
        enrolment.enrol(ASIGNADO, [(tiquet.id, id_usuario) for tiquet in found])
    return len(found)
