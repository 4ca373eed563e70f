"""Signing in, going on and signing out."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hmac import compare_digest
from typing import Any, NoReturn
from uuid import uuid4

from sqlalchemy import update

from app.errors import NotFound, Unauthorized
from app.extensions import db, settings
from app.models import Sesion, Usuario, utcnow
from app.permissions import Actor
from app.queries.access import sessions, users
from app.services.access import attempts, passwords
from app.services.log import audit
from app.transaction import read, run

ABSOLUTE_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class SignIn:
    """A password that was right: whose, in which stored form, and what the session is to be called."""

    id_usuario: int
    stored_hash: str
    new_hash: str | None
    sid: str
    segundo_factor: bool = False  # It is not all that is asked for.


def enter(
    actor: Actor,
    datos: dict[str, Any],
    tokens_for: Callable[[int, str], dict[str, Any]],
    challenge_for: Callable[[int, str], str],
    agent: str | None,
    deadline: float,
) -> tuple[int, dict[str, Any]]:
    """Open a session for whoever knows the password; answers whose, and its tokens.

    Of who has a second factor it counts as a try until that is right too: else it would forget wrong codes.

    Not one unit of work but one for each step: a try counts whatever comes of it, and no transaction is open
    while the password is hashed.
    """
    email, password = datos["email"], datos["password"]
    if settings().ratelimit_enabled:
        run(lambda: attempts.count_sign_in(actor.ip), deadline=deadline)
    with passwords.turn():
        run(lambda: attempts.count_password(attempts.of_email(email)), deadline=deadline)
        checked, whose = read(lambda: check_password(email, password), deadline)
        if checked is None:
            return run(lambda: refuse(actor, whose), deadline=deadline)
        if checked.segundo_factor:
            challenge = challenge_for(checked.id_usuario, mark_of(checked.stored_hash))
            raise Unauthorized("segundo_factor_requerido", miembros={"desafio": challenge})
        pair = tokens_for(checked.id_usuario, checked.sid)
        run(lambda: sign_in(actor, checked, email, pair["refresh_token"], agent), deadline=deadline)
    return checked.id_usuario, pair


def check_password(email: str, password: str) -> tuple[SignIn | None, int | None]:
    """Look up and verify, outside any transaction: it takes as long for a stranger as for a friend.

    Answers the sign-in, if the password is right and the account active, and whose e-mail it was.
    """
    user = users.by_email(email)
    found = (user.id, user.password_hash, user.activo) if user else (None, None, False)
    second = user is not None and user.segundo_factor
    db.session.remove()  # No connection is held while the hash is computed.
    id, stored, active = found
    right, new_hash = passwords.verify(stored, password)
    if id is None or stored is None or not (right and active):
        return None, id
    return SignIn(id, stored, new_hash, uuid4().hex, second), id


def sign_in(actor: Actor, checked: SignIn, email: str, refresh_token: str, agent: str | None) -> None:
    """Open the session that ``checked`` allows, unless the account changed meanwhile."""
    now = utcnow()
    same = update(Usuario).where(
        Usuario.id == checked.id_usuario,
        Usuario.activo.is_(True),
        Usuario.password_hash == checked.stored_hash,
    )
    # Not through the ORM: a sign-in is no change of the user, its version stays.
    touched = db.session.execute(
        same.values(ultimo_acceso=now, password_hash=checked.new_hash or checked.stored_hash)
    )
    if not touched.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
        refuse(actor, checked.id_usuario)
    attempts.forget(attempts.of_email(email))
    db.session.add(
        Sesion(
            id=checked.sid,
            id_usuario=checked.id_usuario,
            refresco=digest(refresh_token),
            fecha_creacion=now,
            ultimo_uso=now,
            vence=now + ABSOLUTE_LIFE,
            agente=agent,
            ip=actor.ip,
        )
    )
    who = replace(actor, id=checked.id_usuario, tipo="usuario")  # Its password has just said so.
    audit.append("sesion.iniciada", who, id_entidad=checked.id_usuario)


def mark_of(stored_hash: str) -> str:
    """What a challenge says of the password that was right: it is worth nothing once that is changed."""
    return attempts.key("clave", stored_hash)


def refuse(actor: Actor, id_usuario: int | None) -> NoReturn:
    """The one answer to a sign-in that fails, whatever the reason; it is remembered all the same."""
    audit.append("sesion.rechazada", actor, id_entidad=id_usuario)
    raise Unauthorized("credenciales_invalidas", conserva=True)


def renew(actor: Actor, sid: str, old_token: str, new_token: str) -> int:
    """Exchange the refresh token; answers whose session it is. An old one again ends the whole family."""
    sesion = sessions.locked(sid)
    if sesion is None or sessions.holder(sid, sesion.id_usuario) is None:
        raise Unauthorized("sesion_terminada")
    if compare_digest(sesion.refresco, digest(new_token)):
        return sesion.id_usuario  # An earlier try of this very exchange was committed.
    if not compare_digest(sesion.refresco, digest(old_token)):
        end(actor, sesion, "sesion.refresco_reutilizado")
        raise Unauthorized("refresco_reutilizado", conserva=True)
    sesion.refresco = digest(new_token)
    sesion.ultimo_uso = utcnow()
    return sesion.id_usuario


def sign_out(actor: Actor) -> None:
    """End the session that the request came with; every worker refuses its tokens from now on."""
    sesion = sessions.locked(actor.id_sesion or "")
    if sesion and not sesion.fin:
        end(actor, sesion, "sesion.cerrada")


def sign_out_everywhere(actor: Actor) -> None:
    """End all sessions of the actor, the present one too."""
    end_all(actor.id or 0)
    audit.append("sesion.todas_cerradas", actor, id_entidad=actor.id)


def end_one(actor: Actor, sid: str) -> None:
    """End one of the actor's own sessions, or 404."""
    sesion = sessions.own_locked(actor, sid)
    if sesion is None:
        raise NotFound("sesion_no_encontrada")
    end(actor, sesion, "sesion.cerrada")


def end_all(id_usuario: int, but: str | None = None) -> None:
    """End the sessions of a user, ``but`` one; the event of what made them end tells of it."""
    alive = update(Sesion).where(Sesion.id_usuario == id_usuario, Sesion.fin.is_(None))
    db.session.execute((alive.where(Sesion.id != but) if but else alive).values(fin=utcnow()))


def end(actor: Actor, sesion: Sesion, accion: str) -> None:
    sesion.fin = utcnow()
    audit.append(accion, actor, id_entidad=sesion.id_usuario)


def digest(token: str) -> str:
    """What is stored of a token; it is random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
