"""From token to ``Actor``: who is calling, by one statement."""

from typing import Any, cast

from flask import Response, after_this_request, g, request
from sqlalchemy import Row

from app.errors import Unauthorized
from app.permissions import Actor
from app.queries.access import sessions
from app.queries.access import tokens as service_tokens
from app.services.access.sessions import digest
from app.services.access.tokens import FORMA, PREFIJO, note_use
from app.transaction import read
from app.utils.access import tokens


def nobody() -> Actor:
    """Whoever has not signed in."""
    return Actor(
        id=None, tipo_usuario=None, tipo="anonimo", id_solicitud=g.id_solicitud, ip=request.remote_addr
    )


def authenticate() -> Actor:
    """The holder of the request's token or pass: of a session that is alive now, or of a service token."""
    if "sesion" in g:
        return of_session(*g.sesion)
    token = tokens.bearer()
    if token.startswith(PREFIJO):
        return of_program(token)
    found = tokens.claims(token, "access")
    return of_session(found["sid"], int(found["sub"]))


def of_session(sid: str, sub: int) -> Actor:
    holder = read(lambda: sessions.holder(sid, sub, g.pop("along", None)), g.deadline)
    if holder is None:
        raise Unauthorized("sesion_terminada")
    return actor_of(holder, id_sesion=sid)


def of_program(token: str) -> Actor:
    """The owner of a service token, less what the token leaves out; its use is noted behind the answer."""
    holder = service_holder(token)
    id, last = holder.id_token, holder.ultimo_uso

    @after_this_request
    def used(response: Response) -> Response:
        note_use(id, last)
        return response

    return actor_of(holder, tipo="token", origen=f"token {id}", alcances=frozenset(holder.alcances))


def service_holder(token: str) -> Row[Any]:
    """Whose service token it is; asked once in a request, however many want to know."""
    if "service_holder" not in g:
        good = FORMA.fullmatch(token)
        g.service_holder = good and read(lambda: service_tokens.holder(digest(token)), g.deadline)
    if g.service_holder is None:
        raise Unauthorized
    return cast("Row[Any]", g.service_holder)


def actor_of(holder: Any, **more: Any) -> Actor:
    return Actor(
        id=holder.id,
        tipo_usuario=holder.tipo_usuario,
        id_solicitud=g.id_solicitud,
        ip=request.remote_addr,
        epoca=holder.epoca,
        debe_cambiar_clave=holder.debe_cambiar_clave,
        segundo_factor=holder.segundo_factor,
        id_cliente=holder.id_cliente,
        id_empleado=holder.id_empleado,
        **more,
    )


def current_actor() -> Actor:
    return cast(Actor, g.actor)
