"""Reading users: whom a ticket can be given to."""

from typing import Any

from flask import Response

from app.errors import NotFound
from app.permissions import Permiso
from app.queries import users
from app.schemas.pages import pagina_de
from app.schemas.users import UsuariosArgs, UsuarioSchema
from app.utils import cursors
from app.utils.blueprint import Blueprint
from app.utils.etag import listed, shown
from app.utils.identity import current_actor

blp = Blueprint("users", __name__, description="Usuarios.")


@blp.get("", permiso=Permiso.VER_USUARIO)
@blp.arguments(UsuariosArgs, location="query")
@blp.response(200, pagina_de(UsuarioSchema))
def list_users(args: dict[str, Any]) -> Response:
    """Listar usuarios

    Por apellido y nombre. Un Técnico ve los activos, y de cada uno su nombre y su rol.
    """
    pagina = users.page(current_actor(), args, args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.get("/<id:id>", permiso=Permiso.VER_USUARIO)
@blp.response(200, UsuarioSchema)
@blp.problems(304, 404)
def get_user(id: int) -> Response:
    """Ver un usuario"""
    found = users.get(current_actor(), id)
    if found is None:
        raise NotFound("usuario_no_encontrado")
    return shown(found, found.get("version", 0))
