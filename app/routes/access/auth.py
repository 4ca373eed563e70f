"""Signing in, going on and signing out. These views run their units of work themselves."""

from typing import Any

from flask import Response, g, request, url_for

from app.errors import NotFound
from app.permissions import Permiso
from app.queries.access import second_factor as second_factor_queries
from app.queries.access import sessions as queries
from app.queries.access import tokens as token_queries
from app.schemas.access.auth import (
    LoginArgs,
    RecuperacionSchema,
    RecuperarArgs,
    RestablecerArgs,
    SesionAbiertaSchema,
    SesionSchema,
)
from app.schemas.access.oidc import CanjeArgs, RetornoArgs
from app.schemas.access.second_factor import (
    ClaveActualArgs,
    CodigoArgs,
    DesafioArgs,
    SegundoFactorNuevoSchema,
    SegundoFactorSchema,
)
from app.schemas.access.tokens import TokenCreateArgs, TokenNuevoSchema, TokenSchema, TokensPaginaSchema
from app.schemas.access.users import ClavePropiaArgs, PerfilSchema, PerfilUpdateArgs
from app.schemas.fields import VacioArgs
from app.schemas.pages import PaginaArgs, pagina_de
from app.services.access import oidc as oidc_service
from app.services.access import recovery, second_factor, sessions, users
from app.services.access import tokens as service_tokens
from app.transaction import read, run
from app.utils import cursors
from app.utils.access import cookies, oidc, tokens
from app.utils.access.identity import current_actor
from app.utils.blueprint import Blueprint, prepare
from app.utils.etag import if_match, listed, shown

blp = Blueprint("auth", __name__, description="Inicio y fin de sesión, y el propio usuario.")

USER_KEYS = ("id", "email", "nombre", "apellido", "tipo_usuario")


@blp.post("/login", permiso=Permiso.PUBLICO)
@blp.arguments(LoginArgs, example={"email": "jadmin@gmail.com", "password": "secret123"})
@blp.response(200, SesionSchema, unit=False)
@blp.problems("credenciales_invalidas", "segundo_factor_requerido", "cuenta_bloqueada", "servicio_ocupado")
def login(datos: dict[str, Any]) -> Response:
    """Iniciar sesión

    Correo y contraseña a cambio de un token de acceso, uno de refresco y el usuario. Tras diez contraseñas
    equivocadas de un correo, exista o no, la respuesta es 429 durante diez minutos. De quien tiene un segundo
    factor la respuesta es 401 `segundo_factor_requerido` con un `desafio`, que vale cinco minutos. Con
    `JWT_REFRESH_COOKIE` el token de refresco va en una cookie, y en su lugar hay un `csrf_token`.
    """
    of_session = (tokens.pair, tokens.challenge, agent())
    whose, pair = sessions.enter(current_actor(), datos, *of_session, g.deadline)
    return cookies.answered({**pair, "user": user_of(whose)})


@blp.post("/login/segundo-factor", permiso=Permiso.PUBLICO)
@blp.arguments(DesafioArgs, example={"desafio": "eyJhbGciOiJIUzI1NiJ9.e30.x", "codigo": "123456"})
@blp.response(200, SesionSchema, unit=False)
@blp.problems("desafio_invalido", "segundo_factor_incorrecto", "cuenta_bloqueada")
def finish_login(datos: dict[str, Any]) -> Response:
    """Terminar de iniciar sesión con el segundo factor

    Un código vale una vez. Los equivocados cuentan como contraseñas equivocadas.
    """
    whose, codigo = tokens.challenged(datos["desafio"]), datos["codigo"]
    id, pair = second_factor.enter(current_actor(), whose, codigo, tokens.pair, agent(), g.deadline)
    return cookies.answered({**pair, "user": user_of(id)})


@blp.get("/oidc/inicio", permiso=Permiso.PUBLICO)
@blp.response(302, unit=False)
@blp.problems("sso_no_configurado", "sso_no_disponible")
def start_sso() -> Response:
    """Iniciar sesión con el emisor de OpenID Connect

    Se navega a esta dirección; lleva al emisor, y de él se vuelve a `/api/auth/oidc/retorno`.
    """
    return oidc.begun()


@blp.get("/oidc/retorno", permiso=Permiso.PUBLICO)
@blp.arguments(RetornoArgs, location="query")
@blp.response(302, unit=False)
@blp.problems(
    *("sso_no_configurado", "sso_no_disponible", "sso_estado_invalido", "sso_rechazado"),
    "sso_token_invalido",
    *("sso_sin_rol", "sso_correo_sin_verificar", "sso_cuenta_de_otra_identidad", "credenciales_invalidas"),
    *("ultimo_administrador", "servicio_ocupado"),
)
def return_from_sso(args: dict[str, Any]) -> Response:
    """Volver del emisor de OpenID Connect

    Lleva al frontend con `?codigo=…`, que vale una vez, durante un minuto y en el mismo navegador. La cuenta
    es la que ya entró con esa identidad, o la de su correo verificado, o una nueva; los grupos dan el rol.
    """
    return oidc.returned(args)


@blp.post("/oidc/canje", permiso=Permiso.PUBLICO)
@blp.arguments(CanjeArgs, example={"codigo": "WzEsIjRmMmEi.aGVsbG8.x"})
@blp.response(200, SesionSchema, unit=False)
@blp.problems("sso_codigo_invalido", "credenciales_invalidas", "segundo_factor_requerido")
def finish_sso(datos: dict[str, Any]) -> Response:
    """Terminar de iniciar sesión con el emisor de OpenID Connect

    El código con el que se volvió al frontend, y la cookie que vino con él, a cambio de lo mismo que en
    `/api/auth/login`.
    """
    whose, of_session = oidc.redeemed(datos["codigo"]), (tokens.pair, tokens.challenge, agent())
    id, pair = oidc_service.enter(current_actor(), whose, *of_session, g.deadline)
    return cookies.answered({**pair, "user": user_of(id)})


@blp.post("/recuperar", permiso=Permiso.PUBLICO)
@blp.arguments(RecuperarArgs, example={"email": "jadmin@gmail.com"})
@blp.response(202, RecuperacionSchema, unit=False)
@blp.problems("correo_desactivado")
def recover(datos: dict[str, Any]) -> Response:
    """Pedir otra contraseña por correo

    La respuesta es la misma para todo correo, sea o no de una cuenta. A la cuenta le llega un enlace que vale
    una vez y durante quince minutos; el último que se pidió. De un correo, tres por hora como mucho.
    """
    recovery.ask(current_actor(), datos["email"], g.deadline)
    return listed({"minutos": recovery.MINUTOS}, 202)


@blp.post("/restablecer", permiso=Permiso.PUBLICO)
@blp.arguments(
    RestablecerArgs,
    example={"token": "lo-que-llego-por-correo", "password": "tres tigres en el trigal"},
)
@blp.response(204, unit=False)
@blp.problems("recuperacion_invalida", "servicio_ocupado")
def reset_password(datos: dict[str, Any]) -> Response:
    """Elegir otra contraseña con lo que llegó por correo

    Cierra todas las sesiones de la cuenta y la desbloquea; el segundo factor se sigue pidiendo.
    """
    recovery.reset(current_actor(), datos["token"], datos["password"], g.deadline)
    return Response(status=204)


@blp.post("/refresh", permiso=Permiso.PUBLICO)
@blp.by_cookie
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(200, SesionSchema, unit=False)
@blp.doc(security=[{"refresco": []}])
@blp.problems("refresco_reutilizado")
def refresh(_datos: dict[str, Any]) -> Response:
    """Renovar la sesión

    Con `Authorization: Bearer <refresh_token>`, o con la cookie y su `X-CSRF-TOKEN`: un par nuevo, por donde
    vino el anterior. Si llegan los dos, cuenta la cookie cuando viene `X-CSRF-TOKEN`. Un token ya usado
    termina la sesión.
    """
    actor, old = current_actor(), cookies.refresh_token()
    claims = tokens.claims(old, "refresh")
    pair = tokens.pair(int(claims["sub"]), claims["sid"])
    whose = run(lambda: sessions.renew(actor, claims["sid"], old, pair["refresh_token"]), deadline=g.deadline)
    return cookies.answered({**pair, "user": user_of(whose)}, in_body=not cookies.by_cookie())


@blp.post("/logout", permiso=Permiso.PROPIO, galleta=True)
@blp.by_cookie
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(204)
def logout(_datos: dict[str, Any]) -> Response:
    """Cerrar la sesión

    Los tokens de esta sesión dejan de valer al momento. Si el de acceso caducó, basta la cookie con su
    `X-CSRF-TOKEN`.
    """
    sessions.sign_out(current_actor())
    return cookies.cleared(Response(status=204))


@blp.post("/logout-todas", permiso=Permiso.PROPIO)
@blp.arguments(VacioArgs, required=False, example={})
@blp.response(204)
def logout_everywhere(_datos: dict[str, Any]) -> Response:
    """Cerrar todas las sesiones propias

    También la de esta petición; sus tokens dejan de valer al momento.
    """
    sessions.sign_out_everywhere(current_actor())
    return cookies.cleared(Response(status=204))


@blp.get("/sesiones", permiso=Permiso.PROPIO)
@blp.arguments(PaginaArgs, location="query")
@blp.response(200, pagina_de(SesionAbiertaSchema))
def list_sessions(args: dict[str, Any]) -> Response:
    """Listar las sesiones propias

    Las que siguen abiertas, la más reciente primero.
    """
    pagina = queries.page(current_actor(), args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.get("/sesiones/<sesion:id>", permiso=Permiso.PROPIO)
@blp.response(200, SesionAbiertaSchema)
@blp.problems("sesion_no_encontrada")
def get_session(id: str) -> Response:
    """Ver una sesión propia"""
    found = queries.get(current_actor(), id)
    if found is None:
        raise NotFound("sesion_no_encontrada")
    return listed(found)


@blp.delete("/sesiones/<sesion:id>", permiso=Permiso.PROPIO)
@blp.response(204)
@blp.problems("sesion_no_encontrada")
def end_session(id: str) -> Response:
    """Cerrar una sesión propia

    Sus tokens dejan de valer al momento. Puede ser la de esta petición.
    """
    sessions.end_one(current_actor(), id)
    return Response(status=204)


@blp.get("/segundo-factor", permiso=Permiso.PROPIO)
@blp.response(200, SegundoFactorSchema)
def get_second_factor() -> Response:
    """Ver si se tiene un segundo factor"""
    return listed(second_factor_queries.state(current_actor().id or 0))


@blp.post("/segundo-factor", permiso=Permiso.PROPIO)
@blp.arguments(ClaveActualArgs, example={"password": "secret123"})
@prepare(second_factor.confirm_password)
@blp.response(200, SegundoFactorNuevoSchema)
@blp.problems("clave_actual_incorrecta", "segundo_factor_activo", "cuenta_bloqueada", "servicio_ocupado")
def start_second_factor(_datos: dict[str, Any]) -> Response:
    """Empezar un segundo factor

    Códigos de un solo uso que hace una aplicación del teléfono (TOTP). No se pide hasta que se confirma;
    empezar otra vez antes de confirmarlo da otro secreto y otros códigos.
    """
    return listed(second_factor.start(current_actor()))


@blp.post("/segundo-factor/confirmar", permiso=Permiso.PROPIO)
@blp.arguments(CodigoArgs, example={"codigo": "123456"})
@blp.response(200, SegundoFactorSchema)
@blp.problems("segundo_factor_no_encontrado")
def confirm_second_factor(datos: dict[str, Any]) -> Response:
    """Confirmar el segundo factor

    Con un código del teléfono; desde entonces se pide al iniciar sesión.
    """
    return listed(second_factor.confirm(current_actor(), datos["codigo"]))


@blp.delete("/segundo-factor", permiso=Permiso.PROPIO)
@blp.arguments(ClaveActualArgs, example={"password": "secret123"})
@prepare(second_factor.confirm_password)
@blp.response(204)
@blp.problems(
    "clave_actual_incorrecta", "segundo_factor_no_encontrado", "cuenta_bloqueada", "servicio_ocupado"
)
def remove_second_factor(_datos: dict[str, Any]) -> Response:
    """Quitar el segundo factor propio

    Pide la contraseña. Sus códigos de recuperación dejan de valer.
    """
    second_factor.give_up(current_actor())
    return Response(status=204)


@blp.get("/tokens", permiso=Permiso.ADMINISTRAR_TOKEN)
@blp.arguments(PaginaArgs, location="query")
@blp.response(200, TokensPaginaSchema)
def list_tokens(args: dict[str, Any]) -> Response:
    """Listar los tokens de servicio propios

    El más reciente primero; también los vencidos.
    """
    pagina = token_queries.page(current_actor(), args["limite"], cursors.read(args.get("cursor")))
    return listed(cursors.envelope(pagina, args["limite"]))


@blp.post("/tokens", permiso=Permiso.ADMINISTRAR_TOKEN)
@blp.arguments(
    TokenCreateArgs, example={"nombre": "Panel de la entrada", "alcances": ["tickets:leer", "catalogos:leer"]}
)
@blp.response(201, TokenNuevoSchema)
def create_token(datos: dict[str, Any]) -> Response:
    """Crear un token de servicio

    Con él, otro programa hace lo que permiten sus `alcances` de lo que puede hacer su dueño, y nada de
    `/api/auth/*`. El `token` solo se muestra en esta respuesta.
    """
    actor = current_actor()
    id, secret = service_tokens.create(actor, datos)
    address = url_for("auth.get_token", id=id)
    return shown(service_tokens.shown(actor, id) | {"token": secret}, status=201, location=address)


@blp.get("/tokens/<id:id>", permiso=Permiso.ADMINISTRAR_TOKEN)
@blp.response(200, TokenSchema)
@blp.tagged
@blp.problems("token_no_encontrado")
def get_token(id: int) -> Response:
    """Ver un token de servicio propio"""
    return shown(service_tokens.shown(current_actor(), id))


@blp.delete("/tokens/<id:id>", permiso=Permiso.ADMINISTRAR_TOKEN)
@blp.response(204)
@blp.problems("token_no_encontrado", "version_obsoleta")
def revoke_token(id: int) -> Response:
    """Revocar un token de servicio propio

    Deja de valer al momento. No hay vuelta atrás.
    """
    service_tokens.revoke(current_actor(), id, if_match())
    return Response(status=204)


@blp.get("/me", permiso=Permiso.PROPIO)
@blp.response(200, PerfilSchema)
@blp.tagged
def me() -> Response:
    """Ver el propio usuario

    Con los permisos que da su rol.
    """
    return shown(users.own_profile(current_actor()))


@blp.put("/me", permiso=Permiso.PROPIO)
@blp.arguments(PerfilUpdateArgs, example={"telefono": "555 0101", "idioma": "es"})
@blp.response(200, PerfilSchema)
@blp.problems("version_obsoleta", "persona_anonimizada")
def update_me(cambios: dict[str, Any]) -> Response:
    """Cambiar el propio perfil

    Nombre, apellido, teléfono, idioma y preferencias; lo demás lo cambia un Administrador.
    """
    actor = current_actor()
    users.update_own(actor, cambios, if_match())
    return shown(users.own_profile(actor))


@blp.patch("/me", permiso=Permiso.PROPIO)
@blp.arguments(PerfilUpdateArgs, example={"preferencias": {"tema": "oscuro"}})
@blp.response(200, PerfilSchema)
@blp.problems("version_obsoleta", "persona_anonimizada")
def patch_me(cambios: dict[str, Any]) -> Response:
    """Cambiar parte del propio perfil

    Lo mismo que PUT.
    """
    actor = current_actor()
    users.update_own(actor, cambios, if_match())
    return shown(users.own_profile(actor))


@blp.post("/me/password", permiso=Permiso.PROPIO)
@blp.arguments(
    ClavePropiaArgs,
    example={"password_actual": "secret123", "password_nuevo": "tres tigres en el trigal"},
)
@prepare(users.hash_for_own)
@blp.response(204)
@blp.problems("clave_actual_incorrecta", "conflicto", "cuenta_bloqueada", "servicio_ocupado")
def change_password(datos: dict[str, Any]) -> Response:
    """Cambiar la propia contraseña

    Pide la actual; tras diez que no lo son, la respuesta es 429 durante diez minutos. Las demás sesiones
    terminan al momento; esta sigue.
    """
    users.change_own_password(current_actor(), **datos)
    return Response(status=204)


def agent() -> str | None:
    """How the caller's program presents itself."""
    return (request.user_agent.string or "")[:200] or None


def user_of(id: int) -> dict[str, Any]:
    """The user as sign-in answers it."""
    found = read(lambda: users.profile(id), g.deadline)
    return {key: found[key] for key in USER_KEYS}
