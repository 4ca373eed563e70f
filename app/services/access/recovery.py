"""Choosing a password anew without the old one: by what is sent to the account's e-mail, once.

Whoever asks learns nothing: for each e-mail, known or not, the same row is written and the same said. Only
when the mail is made is it looked at whose e-mail that is.
"""

import secrets
from dataclasses import replace
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from sqlalchemy import delete

from app.errors import Unauthorized, Unavailable
from app.extensions import db, settings
from app.models import RECUPERACION, Correos, Recuperacion, utcnow
from app.permissions import SISTEMA, Actor
from app.queries.access import recovery as queries
from app.queries.access import users as users_queries
from app.queries.access.oidc import is_known
from app.services.access import attempts, passwords, sessions, users
from app.services.log import audit
from app.services.mail.letters import Carta
from app.services.mail.texts import ASUNTO_DE_RECUPERACION, ENLACES, PARRAFOS, PIES, TITULOS, said
from app.transaction import event_id, read, run

MINUTOS = 15  # that what is sent is worth something
ESPERA = timedelta(hours=1)  # that a mail is tried to be sent; whoever waits for longer asks again
SIN_CORREO = 3600  # seconds after which a service without mail may be asked again


def ask(actor: Actor, email: str, deadline: float) -> None:
    """Let mail be sent to an e-mail, if it is an account's. Nothing here depends on whether it is."""
    if not settings().sends_mail:
        raise Unavailable("correo_desactivado", retry_after=SIN_CORREO)
    if settings().ratelimit_enabled:
        run(lambda: attempts.count_sign_in(actor.ip), deadline=deadline)
    run(lambda: note(actor, email), deadline=deadline)


def note(actor: Actor, email: str) -> None:
    attempts.count_recovery(email)
    now, id_evento = utcnow(), event_id()
    audit.append("usuario.recuperacion_pedida", actor, id_evento=id_evento)
    due = {"proximo": now, "vence": now + ESPERA, "fecha_creacion": now}
    db.session.add(Correos(id_evento=id_evento, tipo=RECUPERACION, direccion=email, **due))


def letter(email: str) -> Carta | None:
    """The mail to whom this e-mail belongs, with a new token; what was sent before is worth nothing then."""
    token = secrets.token_urlsafe(32)
    user = run(lambda: issue(email, sessions.digest(token)))
    if user is None:
        return None
    idioma, site = user["idioma"], settings().url_publica
    datos = {"email": user["email"], "minutos": MINUTOS}
    # Behind «#» it is sent to no server and stands in no log.
    url = {"texto": said(ENLACES["recuperacion"], idioma), "url": f"{site}/restablecer#token={token}"}
    code = {"texto": said(ENLACES["token"], idioma), "valor": token}
    return Carta(
        direccion=user["email"],
        nombre=f"{user['nombre']} {user['apellido']}".strip(),
        idioma=idioma,
        asunto=said(ASUNTO_DE_RECUPERACION, idioma),
        titulo=said(TITULOS["recuperacion"], idioma),
        parrafos=[said(PARRAFOS["recuperacion"], idioma, **datos)],
        enlace=url if site else None,
        codigo=None if site else code,
        despues=[said(PARRAFOS["no_fue_usted"], idioma)],
        pie=said(PIES["recuperacion"], idioma),
    )


def issue(email: str, huella: str) -> dict[str, Any] | None:
    """Let a user choose a password by what has this digest, and by nothing else. A unit of work."""
    user = users_queries.by_email(email)
    if user is None or not user.activo or is_known(user.id, settings().oidc_emisor):
        return None  # Whom the issuer vouches for gets in by the issuer, as long as it does.
    vence = utcnow() + timedelta(minutes=MINUTOS)
    db.session.merge(Recuperacion(id_usuario=user.id, huella=huella, marca=mark_of(user), vence=vence))
    audit.append("usuario.recuperacion_enviada", SISTEMA, id_entidad=user.id)
    return {name: getattr(user, name) for name in (*users_queries.IDENTIDAD, "idioma")}


def mark_of(user: Any) -> str:
    """Of the account as it is now: a token is worth nothing once its e-mail or password is another."""
    return attempts.key("recuperacion", f"{user.email}:{user.password_hash}")


def reset(actor: Actor, token: str, password: str, deadline: float) -> None:
    """Give whose token it is this password, end all its sessions and unlock it; the second factor stays."""
    if settings().ratelimit_enabled:
        run(lambda: attempts.count_sign_in(actor.ip), deadline=deadline)
    huella = sessions.digest(token)
    holder = read(lambda: valid(huella), deadline)
    db.session.remove()  # No connection is held while the hash is computed.
    users.check_new_password(password, [getattr(holder, name) for name in users_queries.IDENTIDAD])
    with passwords.turn():
        password_hash = passwords.hash_password(password)
    run(lambda: redeem(actor, huella, password_hash), deadline=deadline)


def valid(huella: str) -> Any:
    """Whose a token is; one answer for all that are worth nothing."""
    holder = queries.holder(huella)
    if holder is None or not compare_digest(holder.marca, mark_of(holder)):
        raise Unauthorized("recuperacion_invalida")
    return holder


def redeem(actor: Actor, huella: str, password_hash: str) -> None:
    """Of any number that come at once with the same token, one gets through. A unit of work."""
    holder = valid(huella)
    spent = db.session.execute(delete(Recuperacion).where(Recuperacion.huella == huella))
    if not spent.rowcount:  # type: ignore[attr-defined]  # a DELETE's result has it
        raise Unauthorized("recuperacion_invalida")
    user = users.find(holder.id)
    before = audit.snapshot(user)
    user.password_hash, user.debe_cambiar_clave = password_hash, False
    who = replace(actor, id=user.id, tipo="usuario")  # What was sent to its e-mail has just said so.
    audit.record("usuario.clave_recuperada", who, user, before, always=True)
    sessions.end_all(user.id)
    attempts.forget(attempts.of_email(user.email), attempts.of_user(user.id))
