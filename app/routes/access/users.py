"""Users: whom a ticket can be given to, and the accounts that an Administrador keeps."""

from typing import Any

from flask import Response, url_for

from app.errors import NotFound
from app.permissions import Permiso
from app.queries.access import users as queries
from app.queries.desk import stats
from app.schemas.access.users import (
    EJEMPLO,
    ClaveArgs,
    TiquetsAbiertosSchema,
    TraspasoArgs,
    TraspasoSchema,
    UsuarioCreateArgs,
    UsuarioDesactivadoSchema,
    UsuariosArgs,
    UsuarioSchema,
    UsuarioUpdateArgs,
)
from app.schemas.fields import VacioArgs
from app.schemas.pages import pagina_de
from app.services.access import second_factor, users
from app.services.desk import transitions
from app.utils import cursors
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint, prepare
from app.utils.etag import if_match, listed, shown

blp = Blueprint("users", __name__, description="Usuarios.")
REFUSED = ("usuario_no_encontrado", "version_obsoleta", "ultimo_administrador", "persona_anonimizada")


def found(id: int) -> dict[str, Any]:
    """A user as the caller may see it, or 404."""
    user = queries.get(current_actor(), id)
    if user is None:
        raise NotFound("usuario_no_encontrado")
    return user


@blp.get("", permiso=Permiso.VER_USUARIO)
@blp.arguments(UsuariosArgs, location="query")
@blp.response(200, pagina_de(UsuarioSchema))
def list_users(args: dict[str, Any]) -> Response:
    """Listar usuarios

    Por apellido y nombre. Un Técnico ve los activos, y de cada uno su nombre y su rol.
    """
    pagina = queries.page(current_actor(), args, args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.arguments(UsuarioCreateArgs, example=EJEMPLO)
@prepare(users.hash_for_new)
@blp.response(201, UsuarioSchema)
@blp.problems("ya_existe", "servicio_ocupado")
def create_user(datos: dict[str, Any]) -> Response:
    """Crear un usuario

    Con la contraseña con la que entrará. Un correo que ya existe es 409.
    """
    id = users.create(current_actor(), datos)
    return shown(found(id), status=201, location=url_for("users.get_user", id=id))


@blp.get("/<id:id>", permiso=Permiso.VER_USUARIO)
@blp.response(200, UsuarioSchema)
@blp.tagged
@blp.problems("usuario_no_encontrado")
def get_user(id: int) -> Response:
    """Ver un usuario"""
    user = found(id)
    return shown(user, user.get("version", 0))


@blp.put("/<id:id>", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.arguments(UsuarioUpdateArgs, example={"disponible": False})
@blp.response(200, UsuarioSchema)
@blp.problems(*REFUSED, "ya_existe")
def update_user(cambios: dict[str, Any], id: int) -> Response:
    """Cambiar un usuario

    Cambia los campos que se envían. Un rol nuevo vale desde la siguiente petición de ese usuario.
    """
    return shown(found(users.update_user(current_actor(), id, cambios, if_match())))


@blp.patch("/<id:id>", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.arguments(UsuarioUpdateArgs, example={"disponible": False})
@blp.response(200, UsuarioSchema)
@blp.problems(*REFUSED, "ya_existe")
def patch_user(cambios: dict[str, Any], id: int) -> Response:
    """Cambiar parte de un usuario

    Lo mismo que PUT.
    """
    return shown(found(users.update_user(current_actor(), id, cambios, if_match())))


@blp.delete("/<id:id>", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.response(200, UsuarioDesactivadoSchema)
@blp.problems(*REFUSED)
def deactivate_user(id: int) -> Response:
    """Desactivar un usuario

    No se borra: su historia lo nombra. Sus sesiones terminan al momento, y la respuesta dice cuántos
    tiquets sin resolver deja: `POST …/tickets-abiertos` los pasa a otra persona. Con
    `PUT {"activo": true}` vuelve a entrar.
    """
    actor = current_actor()
    users.deactivate(actor, id, if_match())
    return shown(found(id) | {"tiquets_abiertos": stats.open_tickets(actor, id)})


@blp.get("/<id:id>/tickets-abiertos", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.response(200, TiquetsAbiertosSchema)
@blp.problems("usuario_no_encontrado")
def open_tickets(id: int) -> Response:
    """Ver cuántos tiquets sin resolver tiene un usuario

    Los mismos que lista `/api/tickets/tickets` con su `id_usuario_asignado` y los tipos de estado abiertos.
    """
    return listed({"tiquets_abiertos": stats.open_tickets(current_actor(), found(id)["id"])})


@blp.post("/<id:id>/tickets-abiertos", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.arguments(TraspasoArgs, example={"id_usuario": None})
@blp.response(200, TraspasoSchema)
@blp.problems("usuario_no_encontrado")
def hand_over(datos: dict[str, Any], id: int) -> Response:
    """Pasar los tiquets sin resolver de un usuario a otro, o a nadie

    Según el ciclo de vida: quedan `en_proceso`, o como nuevos si quedan sin asignar. Hasta 500 por llamada,
    todos o ninguno; mientras `restantes` no sea 0 se repite la llamada.
    """
    actor, user = current_actor(), found(id)
    movidos = transitions.hand_over(actor, user["id"], datos["id_usuario"])
    return listed({"movidos": movidos, "restantes": stats.open_tickets(actor, id)})


@blp.post("/<id:id>/password", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.arguments(ClaveArgs, example={"password": "cambie esta al entrar"})
@prepare(users.hash_for)
@blp.response(200, UsuarioSchema)
@blp.tagged
@blp.problems("usuario_no_encontrado", "clave_propia", "servicio_ocupado", "persona_anonimizada")
def reset_password(datos: dict[str, Any], id: int) -> Response:
    """Restablecer la contraseña de otra persona

    Es temporal: al entrar con ella solo puede cambiarla. Sus sesiones terminan al momento.
    """
    return shown(found(users.reset_password(current_actor(), id, datos["password_hash"])))


@blp.post("/<id:id>/desbloquear", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, UsuarioSchema)
@blp.tagged
@blp.problems("usuario_no_encontrado", "persona_anonimizada")
def unlock_user(_datos: dict[str, Any], id: int) -> Response:
    """Desbloquear a un usuario

    Olvida las contraseñas equivocadas que se probaron con su correo, y ya puede entrar. Si no las había, no
    cambia nada.
    """
    return shown(found(users.unlock(current_actor(), id)))


@blp.delete("/<id:id>/segundo-factor", permiso=Permiso.ADMINISTRAR_USUARIO)
@blp.response(200, UsuarioSchema)
@blp.tagged
@blp.problems("usuario_no_encontrado", "segundo_factor_propio", "persona_anonimizada")
def switch_second_factor_off(id: int) -> Response:
    """Quitar el segundo factor de otra persona

    Para quien perdió el teléfono y los códigos de recuperación. Si no lo tenía, no cambia nada.
    """
    return shown(found(second_factor.switch_off(current_actor(), id)))
