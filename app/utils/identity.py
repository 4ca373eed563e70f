"""From token to ``Actor``: who is calling, by one statement."""

from typing import cast

from flask import g, request

from app.errors import Unauthorized
from app.permissions import Actor
from app.queries import sessions
from app.transaction import read
from app.utils import tokens


def nobody() -> Actor:
    """Whoever has not signed in."""
    return Actor(
        id=None, tipo_usuario=None, tipo="anonimo", id_solicitud=g.id_solicitud, ip=request.remote_addr
    )


def authenticate() -> Actor:
    """The holder of the request's access token or pass, whose session is alive at this moment."""
    sid, sub = g.sesion if "sesion" in g else session_of_token()
    holder = read(lambda: sessions.holder(sid, sub), g.deadline)
    if holder is None:
        raise Unauthorized("sesion_terminada")
    return Actor(
        id=holder.id,
        tipo_usuario=holder.tipo_usuario,
        id_sesion=sid,
        id_solicitud=g.id_solicitud,
        ip=request.remote_addr,
        epoca=holder.epoca,
        debe_cambiar_clave=holder.debe_cambiar_clave,
        id_cliente=holder.id_cliente,
        id_empleado=holder.id_empleado,
    )


def session_of_token() -> tuple[str, int]:
    found = tokens.claims(tokens.bearer(), "access")
    return found["sid"], int(found["sub"])


def current_actor() -> Actor:
    return cast(Actor, g.actor)
