"""Moving one ticket by a named action, and from hand to hand."""

from typing import Any

from app.errors import Conflict
from app.models import Tiquet
from app.permissions import Actor
from app.queries.catalog import Catalogos
from app.services import lifecycle, tickets


def transition(actor: Actor, id: int, datos: dict[str, Any]) -> int:
    """Do the ``accion`` of ``datos`` to a ticket, with what it needs beside it; answers its id."""

    def move(tiquet: Tiquet, catalogos: Catalogos) -> None:
        lifecycle.act(actor, tiquet, datos["accion"], datos, catalogos)

    return tickets.change(actor, id, move)


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
