"""Mail that a mail server hands in."""

from typing import Any

from flask import Response, url_for

from app.permissions import Permiso
from app.schemas.incoming import RecibidoSchema
from app.services.mail import incoming
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint, prepare
from app.utils.etag import listed

blp = Blueprint("correo", __name__, description="Correo que entra: abre tiquets y sigue conversaciones.")


@blp.post("/entrante", permiso=Permiso.RECIBIR_CORREO)
@blp.mail
@prepare(incoming.prepare, timed=False)
@blp.response(201, RecibidoSchema)
@blp.alt_response(200, schema=RecibidoSchema, description="Se ignoró, o ya había llegado.")
@blp.several
@blp.problems("correo_ilegible", "almacenamiento_no_disponible", "sin_espacio")
def receive_mail(datos: dict[str, Any]) -> Response:
    """Recibir un correo

    Entero y como llegó (RFC 5322): abre un tiquet, o comenta aquel al que responde si quien escribe lo pidió,
    o es del personal y responde a un aviso. El mismo `Message-ID` tiene un solo efecto. Rebotes, respuestas
    automáticas, correo masivo y bucles se ignoran (200). `Location` es el tiquet o el comentario.
    """
    return told(incoming.receive(current_actor(), datos["correo"]))


def told(recibido: dict[str, Any]) -> Response:
    """201 with the address of what is new, or 200."""
    answer = listed(recibido)
    if recibido["repetido"] or recibido["id_tiquet"] is None:
        return answer
    answer.status_code, answer.headers["Location"] = 201, address_of(recibido)
    return answer


def address_of(recibido: dict[str, Any]) -> str:
    id = recibido["id_tiquet"]
    if recibido["id_comentario"] is None:
        return url_for("tickets.get_ticket", id=id)
    return url_for("comentarios.get_comment", id=id, id_comentario=recibido["id_comentario"])
