"""Who among the staff gets a ticket's news."""

from typing import Any

from flask import Response

from app.permissions import Permiso
from app.queries.desk import followers as queries
from app.schemas.desk.followers import SeguidoresArgs, SeguidoresPaginaSchema, SeguidorSchema, SeguirArgs
from app.schemas.fields import VacioArgs
from app.services.desk import followers, tickets
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint
from app.utils.etag import listed

blp = Blueprint("seguidores", __name__, description="Quién recibe las novedades de un tiquet.")


@blp.get("/<id:id>/seguidores", permiso=Permiso.VER_SEGUIDOR)
@blp.arguments(SeguidoresArgs, location="query")
@blp.response(200, SeguidoresPaginaSchema)
@blp.problems("tiquet_no_encontrado")
def list_followers(args: dict[str, Any], id: int) -> Response:
    """Listar los seguidores de un tiquet

    El personal activo que recibe sus novedades: por abrirlo, por tenerlo, porque un comentario lo nombró con
    `@` y su correo, o porque quiso.
    """
    tickets.shown(current_actor(), id)
    pagina = queries.page(id, args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("/<id:id>/seguidores", permiso=Permiso.SEGUIR_TIQUET)
@blp.arguments(SeguirArgs, required=False, example={})
@blp.response(200, SeguidorSchema)
@blp.problems("tiquet_no_encontrado")
def follow(datos: dict[str, Any], id: int) -> Response:
    """Añadir un seguidor a un tiquet

    Un Técnico, a sí mismo; un Administrador, a cualquiera del personal activo. Si ya lo seguía, todo queda
    como estaba. La versión del tiquet no cambia.
    """
    return listed(followers.follow(current_actor(), id, datos.get("id_usuario")))


@blp.delete("/<id:id>/seguidores/<id:id_usuario>", permiso=Permiso.SEGUIR_TIQUET)
@blp.response(204)
@blp.problems("tiquet_no_encontrado", "seguidor_no_encontrado")
def unfollow(id: int, id_usuario: int) -> Response:
    """Quitar un seguidor a un tiquet

    Un Técnico, a sí mismo; un Administrador, a cualquiera. Vuelve a seguirlo si se le asigna o se le nombra.
    """
    followers.unfollow(current_actor(), id, id_usuario)
    return Response(status=204)


@blp.post("/<id:id>/seguidores/yo", permiso=Permiso.SEGUIR_TIQUET)
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, SeguidorSchema)
@blp.problems("tiquet_no_encontrado")
def follow_oneself(_datos: dict[str, Any], id: int) -> Response:
    """Seguir un tiquet

    Si ya lo seguía, todo queda como estaba.
    """
    return listed(followers.follow(current_actor(), id, None))


@blp.delete("/<id:id>/seguidores/yo", permiso=Permiso.SEGUIR_TIQUET)
@blp.response(204)
@blp.problems("tiquet_no_encontrado")
def unfollow_oneself(id: int) -> Response:
    """Dejar de seguir un tiquet

    Responde lo mismo si no lo seguía. Vuelve a seguirlo si se le asigna o se le nombra.
    """
    followers.leave(current_actor(), id)
    return Response(status=204)
