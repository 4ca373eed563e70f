"""The life of a ticket: what may be done to it now, doing it, and who has it."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.schemas.desk.tickets import TiquetSchema
from app.schemas.desk.transitions import AsignarArgs, TransicionArgs, TransicionesSchema
from app.schemas.fields import VacioArgs
from app.services.desk import tickets, transitions
from app.transitions import steps_of
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import listed, shown

blp = Blueprint("transiciones", __name__, description="El ciclo de vida de un tiquet y quién lo tiene.")

REFUSED = ("tiquet_no_encontrado", "transicion_no_permitida")


def moved(id: int) -> Response:
    """The ticket as the unit of work leaves it."""
    return shown(tickets.shown(current_actor(), id))


@blp.post("/<id:id>/asignar", permiso=Permiso.ASIGNAR_TIQUET)
@blp.simulable
@blp.arguments(AsignarArgs, example={"id_usuario": 1})
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems(*REFUSED, "tiquet_ya_asignado")
def assign(datos: dict[str, Any], id: int) -> Response:
    """Asignar un tiquet

    Un Administrador, el de cualquiera a cualquiera; un Técnico, el que tiene o el que nadie tiene.
    """
    return moved(transitions.assign(current_actor(), id, datos["id_usuario"]))


@blp.post("/<id:id>/tomar", permiso=Permiso.ASIGNAR_TIQUET)
@blp.simulable
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems(*REFUSED, "tiquet_ya_asignado")
def take(_datos: dict[str, Any], id: int) -> Response:
    """Tomar un tiquet que nadie tiene

    Si alguien lo tiene es 409 con su nombre; de varios a la vez, uno lo consigue.
    """
    return moved(transitions.take(current_actor(), id))


@blp.post("/<id:id>/soltar", permiso=Permiso.ASIGNAR_TIQUET)
@blp.simulable
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems(*REFUSED)
def release(_datos: dict[str, Any], id: int) -> Response:
    """Soltar un tiquet

    Vuelve a estar sin asignar y como nuevo.
    """
    return moved(transitions.release(current_actor(), id))


@blp.get("/<id:id>/transiciones", permiso=Permiso.VER_TIQUET)
@blp.response(200, TransicionesSchema)
@blp.problems("tiquet_no_encontrado")
def list_transitions(id: int) -> Response:
    """Ver qué se puede hacer ahora con un tiquet

    Lo que puede hacer quien pregunta, adónde lleva y qué campos exige.
    """
    tiquet = tickets.shown(current_actor(), id)
    steps = steps_of(tiquet["estado"]["tipo"], tiquet["transiciones_permitidas"])
    return listed(cursors.whole(steps))


@blp.post("/<id:id>/transiciones", permiso=Permiso.MOVER_TIQUET)
@blp.simulable
@blp.arguments(TransicionArgs, example={"accion": "resolver", "resolucion": "Se cambió el tóner"})
@blp.response(200, TiquetSchema)
@blp.tagged
@blp.problems(*REFUSED, "permiso_denegado", "plazo_de_reapertura_vencido", "tiquet_fusionado")
def transition(datos: dict[str, Any], id: int) -> Response:
    """Hacer una acción con un tiquet

    `pedir_datos`, `responder`, `resolver`, `cerrar`, `reabrir` o `cancelar`. Lo que el ciclo de vida no
    admite es 409 con las que sí. De un Solicitante son `responder`, `cerrar` y `reabrir`, sin `id_estado`.
    """
    return moved(transitions.transition(current_actor(), id, datos))
