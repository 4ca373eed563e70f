"""The conversation about a ticket."""

from typing import Any

from flask import Response, url_for

from app.permissions import Permiso
from app.queries.desk import comments as queries
from app.schemas.desk.comments import (
    ComentarioCreateArgs,
    ComentariosArgs,
    ComentarioSchema,
    ComentariosPaginaSchema,
    ComentarioUpdateArgs,
)
from app.services.desk import comments, tickets
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import if_match, listed, shown

blp = Blueprint("comentarios", __name__, description="Comentarios de un tiquet.")

MISSING = ("tiquet_no_encontrado", "comentario_no_encontrado")


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
@blp.problems("tiquet_no_encontrado", "permiso_denegado", "transicion_no_permitida")
def create_comment(datos: dict[str, Any], id: int) -> Response:
    """Comentar un tiquet

    El del personal es interno si no se dice otra cosa; su primero público fija `fecha_primera_respuesta`.
    El de quien pide es público y vale como `responder`: si el tiquet ya está cerrado, es 409.
    """
    actor = current_actor()
    id_comentario = comments.create(actor, id, datos)
    address = url_for("comentarios.get_comment", id=id, id_comentario=id_comentario)
    return shown(comments.shown(actor, id, id_comentario), status=201, location=address)


@blp.get("/<id:id>/comentarios/<id:id_comentario>", permiso=Permiso.VER_COMENTARIO)
@blp.response(200, ComentarioSchema)
@blp.tagged
@blp.problems(*MISSING)
def get_comment(id: int, id_comentario: int) -> Response:
    """Ver un comentario"""
    return shown(comments.shown(current_actor(), id, id_comentario))


@blp.put("/<id:id>/comentarios/<id:id_comentario>", permiso=Permiso.EDITAR_COMENTARIO)
@blp.arguments(ComentarioUpdateArgs, example={"mensaje": "Se cambió el tóner y la bandeja."})
@blp.response(200, ComentarioSchema)
@blp.problems(*MISSING, "version_obsoleta")
def update_comment(cambios: dict[str, Any], id: int, id_comentario: int) -> Response:
    """Cambiar un comentario

    Su autor o un Administrador. Lo que decía antes queda en el registro.
    """
    actor = current_actor()
    comments.update_comment(actor, id, id_comentario, cambios, if_match())
    return shown(comments.shown(actor, id, id_comentario))


@blp.patch("/<id:id>/comentarios/<id:id_comentario>", permiso=Permiso.EDITAR_COMENTARIO)
@blp.arguments(ComentarioUpdateArgs, example={"mensaje": "Se cambió el tóner."})
@blp.response(200, ComentarioSchema)
@blp.problems(*MISSING, "version_obsoleta")
def patch_comment(cambios: dict[str, Any], id: int, id_comentario: int) -> Response:
    """Cambiar parte de un comentario

    Lo mismo que PUT.
    """
    actor = current_actor()
    comments.update_comment(actor, id, id_comentario, cambios, if_match())
    return shown(comments.shown(actor, id, id_comentario))


@blp.delete("/<id:id>/comentarios/<id:id_comentario>", permiso=Permiso.ELIMINAR_COMENTARIO)
@blp.response(204)
@blp.problems(*MISSING, "version_obsoleta")
def delete_comment(id: int, id_comentario: int) -> Response:
    """Borrar un comentario

    Su autor o un Administrador. Quién lo borró y qué decía quedan en el registro.
    """
    comments.erase(current_actor(), id, id_comentario, if_match())
    return Response(status=204)
