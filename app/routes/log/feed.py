"""What changes, for who follows it."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.schemas.fields import VacioArgs
from app.schemas.log.feed import CambiosArgs, CambiosSchema, EventosArgs, PaseSchema
from app.utils.access import passes
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.live import feed, streams

blp = Blueprint("cambios", __name__, description="Lo que va cambiando, para quien lo sigue.")

REFUSED = ("cursor_invalido", "cursor_purgado", "demasiadas_esperas")
FLUJO = {"type": "string"}


@blp.get("", permiso=Permiso.VER_CAMBIOS)
@blp.arguments(CambiosArgs, location="query")
@blp.response(200, CambiosSchema)
@blp.problems(*REFUSED)
def list_changes(args: dict[str, Any]) -> Response:
    """Seguir los cambios

    Por `secuencia`, en el orden en que se confirmaron. Una respuesta sin eventos dice que no falta nada de
    lo confirmado antes de la petición. Quien aplica cada `objeto` según su id, y olvida el que es `null`,
    tiene todos los tiquets como están. Con `espera`, la respuesta llega cuando hay algo. Un Técnico no ve
    eventos de usuarios, sesiones, personas ni vistas.
    """
    return feed.page(args)


@blp.get("/eventos", permiso=Permiso.VER_CAMBIOS, pase=True)
@blp.arguments(EventosArgs, location="query")
@blp.response(200, FLUJO, content_type="text/event-stream")
@blp.streaming
@blp.problems(*REFUSED, "pase_invalido")
def stream_changes(args: dict[str, Any]) -> Response:
    """Recibir los cambios según ocurren

    Lo mismo como `text/event-stream`: `id` es el cursor, `event` la acción y `data` el evento. Al cabo de un
    minuto termina, y el cliente sigue con otro desde el último `id`. Cada 15 segundos sin cambios llega un
    comentario.
    """
    return streams.opened(args)


@blp.post("/pase", permiso=Permiso.PEDIR_PASE)
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, PaseSchema)
def issue_pass(_datos: dict[str, Any]) -> Response:
    """Pedir un pase

    Para `EventSource`, que no envía cabeceras: `/api/cambios/eventos?pase=…`. Vale una vez, durante 30
    segundos y mientras siga abierta la sesión.
    """
    return passes.issued(current_actor())
