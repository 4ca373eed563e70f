"""The conversation about a ticket."""

from typing import Any

from flask import Response, url_for

from app.permissions import Permiso
from app.queries import comments as queries
from app.schemas.comments import (
    ComentarioCreateArgs,
    ComentariosArgs,
    ComentarioSchema,
    ComentariosPaginaSchema,
)
from app.services import comments, tickets
from app.utils import cursors
from app.utils.blueprint import Blueprint
from app.utils.etag import listed, shown
from app.utils.identity import current_actor

blp = Blueprint("comentarios", __name__, description="Comentarios de un tiquet.")


@blp.get("/<id:id>/comentarios", permiso=Permiso.VER_COMENTARIO)
@blp.arguments(ComentariosArgs, location="query")
@blp.response(200, ComentariosPaginaSchema)
@blp.problems("tiquet_no_encontrado")
def list_comments(args: dict[str, Any], id: int) -> Response:
    """Listar los comentarios de un tiquet

    Del más antiguo al más reciente, salvo que `orden` diga otra cosa.
    """
    actor, corte = current_actor(), cursors.read(args.get("cursor"))
    tickets.shown(actor, id)
    pagina = queries.page(actor, id, args["orden"], args["limite"], corte)
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("/<id:id>/comentarios", permiso=Permiso.CREAR_COMENTARIO)
@blp.arguments(ComentarioCreateArgs, example={"mensaje": "Se cambió el tóner.", "es_interno": False})
@blp.response(201, ComentarioSchema)
@blp.problems("tiquet_no_encontrado")
def create_comment(datos: dict[str, Any], id: int) -> Response:
    """Comentar un tiquet

    Interno si no se dice otra cosa. El primero público del personal fija `fecha_primera_respuesta`.
    """
    actor = current_actor()
    id_comentario = comments.create(actor, id, datos)
    address = url_for("comentarios.get_comment", id=id, id_comentario=id_comentario)
    return shown(comments.shown(actor, id, id_comentario), status=201, location=address)


@blp.get("/<id:id>/comentarios/<id:id_comentario>", permiso=Permiso.VER_COMENTARIO)
@blp.response(200, ComentarioSchema)
@blp.tagged
@blp.problems("tiquet_no_encontrado", "comentario_no_encontrado")
def get_comment(id: int, id_comentario: int) -> Response:
    """Ver un comentario"""
    return shown(comments.shown(current_actor(), id, id_comentario))
