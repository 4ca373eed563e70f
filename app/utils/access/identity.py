"""From token to ``Actor``: who is calling, by one statement."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from flask import Response, after_this_request, g, request
from sqlalchemy import Row

from app.errors import Unauthorized
from app.models import TECNICO
from app.permissions import Actor
from app.queries.access import sessions
from app.queries.access import tokens as service_tokens
from app.queries.along import Along
from app.services.access.sessions import digest
from app.services.access.tokens import FORMA, PREFIJO, note_use
from app.transaction import read
from app.utils.access import tokens


def nobody() -> Actor:
    """Whoever has not signed in."""
    return Actor(
        id=None, tipo_usuario=None, tipo="anonimo", id_solicitud=g.id_solicitud, ip=request.remote_addr
    )


def authenticate(alone: Along | bool = False) -> Actor:
    """The holder of the request's token or pass: of a session that is alive now, or of a service token.

    Read in the transaction of what is read then, or ``alone``, in none, with what may be asked for along.
    """
    if "sesion" in g:
        sid, sub = g.sesion
        return of_session(sid, sub, alone)
    token = tokens.bearer()
    if token.startswith(PREFIJO):
        return of_program(token)
    found = tokens.access()
    return of_session(found["sid"], int(found["sub"]), alone)


@dataclass
class Visto:
    """Who held a session when this process read it last; None while that was always staff, who asks most."""

    actor: Actor | None = None


@lru_cache(maxsize=4096)
def seen(_sid: str) -> Visto:
    return Visto()


def presumed() -> Actor:
    """Whose token of a session it is, as it was here last or else as a technician; or ``Unauthorized``.

    For what may be planned, but not given, before it is known who asks.
    """
    found = tokens.access()
    return seen(found["sid"]).actor or Actor(id=int(found["sub"]), tipo_usuario=TECNICO)


def note(actor: Actor) -> None:
    """Let this holder of a session be presumed to be who it is now."""
    visto = seen(str(actor.id_sesion))
    if visto.actor or not actor.es_personal:
        visto.actor = Actor(
            id=actor.id,
            tipo_usuario=actor.tipo_usuario,
            id_cliente=actor.id_cliente,
            id_empleado=actor.id_empleado,
        )


def of_session(sid: str, sub: int, alone: Along | bool) -> Actor:
    leido = None
    if alone:
        more = alone if isinstance(alone, Along) else None
        holder, leido = read(lambda: sessions.holder_alone(sid, sub, more), g.deadline)
    else:
        holder = read(lambda: sessions.holder(sid, sub), g.deadline)
    if holder is None:
        raise Unauthorized("sesion_terminada")
    actor = actor_of(holder, id_sesion=sid, along=leido)
    note(actor)
    return actor


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
