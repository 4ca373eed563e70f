"""What happened to a ticket."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.queries.desk import history
from app.schemas.desk.history import HistorialArgs, HistorialPaginaSchema
from app.services.desk import tickets
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import listed

blp = Blueprint("historial", __name__, description="Lo que le pasó a un tiquet.")


@blp.get("/<id:id>/historial", permiso=Permiso.VER_HISTORIAL)
@blp.arguments(HistorialArgs, location="query")
@blp.response(200, HistorialPaginaSchema)
@blp.problems("tiquet_no_encontrado")
def list_history(args: dict[str, Any], id: int) -> Response:
    """Ver el historial de un tiquet

    Quién cambió qué y cuándo, también en sus comentarios; con nombres junto a los ids. `ip` y los hashes,
    solo para un Administrador.
    """
    actor, corte = current_actor(), cursors.read(args.get("cursor"))
    tickets.shown(actor, id)
    pagina = history.page(actor, id, args["orden"], args["limite"], corte)
    return listed(cursors.envelope(pagina, args["limite"]))
