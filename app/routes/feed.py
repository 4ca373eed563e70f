"""What changes, for who follows it."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.schemas.feed import CambiosArgs, CambiosSchema
from app.utils import feed
from app.utils.blueprint import Blueprint

blp = Blueprint("cambios", __name__, description="Lo que va cambiando, para quien lo sigue.")

DE_CURSOR = ("cursor_invalido", "cursor_purgado")


@blp.get("", permiso=Permiso.VER_CAMBIOS)
@blp.arguments(CambiosArgs, location="query")
@blp.response(200, CambiosSchema)
@blp.problems(*DE_CURSOR, "demasiadas_esperas")
def list_changes(args: dict[str, Any]) -> Response:
    """Seguir los cambios

    Por `secuencia`, en el orden en que se confirmaron. Una respuesta sin eventos dice que no falta nada de
    lo confirmado antes de la petición. Quien aplica cada `objeto` según su id, y olvida el que es `null`,
    tiene todos los tiquets como están. Con `espera`, la respuesta llega cuando hay algo. Un Técnico no ve
    eventos de usuarios, sesiones, personas ni vistas.
    """
    return feed.page(args)
