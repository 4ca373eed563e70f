"""The second factor: one-time codes that a telephone makes (TOTP, RFC 6238), and recovery codes."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC
from hmac import compare_digest
from time import monotonic
from typing import Any
from uuid import uuid4

import pyotp

from app import transaction
from app.errors import Conflict, Falla, Invalid, NotFound, Unauthorized
from app.extensions import db, settings
from app.models import SegundoFactor, Usuario, utcnow
from app.permissions import Actor
from app.queries.access import second_factor as queries
from app.queries.access import users as users_queries
from app.services.access import attempts, passwords, sessions, users
from app.services.access.sessions import SignIn, digest
from app.services.log import audit
from app.transaction import read, run

EMISOR = "SoportePlus"
CODIGOS = 10
VENTANA = (-1, 0, 1)  # time steps that the clock of a telephone may be off


def confirm_password(actor: Actor, datos: dict[str, Any]) -> dict[str, Any]:
    """Refuse whoever does not know the actor's password; slow. Answers nothing that goes on."""
    id, deadline = actor.id or 0, monotonic() + transaction.LIMIT
    stored = users_queries.hash_of(id)
    db.session.remove()  # No connection is held while the hash is computed.
    with passwords.turn():
        users.check_own_password(id, stored, datos["password"], deadline)
    return {}


def start(actor: Actor) -> dict[str, Any]:
    """Make a secret and recovery codes for the actor, who is told them only now and has to confirm them."""
    user = users.find(actor.id or 0)
    factor = queries.locked(user.id)
    if factor is None:
        factor = SegundoFactor(id_usuario=user.id)
        db.session.add(factor)
    elif factor.activo:
        raise Conflict("segundo_factor_activo")
    codes = [new_code() for _ in range(CODIGOS)]
    factor.secreto, factor.codigos = pyotp.random_base32(), [digest(plain(code)) for code in codes]
    audit.record("usuario.segundo_factor_iniciado", actor, user, audit.snapshot(user), always=True)
    uri = pyotp.TOTP(factor.secreto).provisioning_uri(name=user.email, issuer_name=EMISOR)
    return {"secreto": factor.secreto, "uri": uri, "codigos_recuperacion": codes}


def confirm(actor: Actor, codigo: str) -> dict[str, Any]:
    """Ask for it from now on, since the actor's telephone makes the right codes; answers its state."""
    user = users.find(actor.id or 0)
    factor = queries.locked(user.id)
    if factor is None or factor.activo:
        raise NotFound("segundo_factor_no_encontrado")
    if not spend_step(factor, codigo):
        raise Invalid({"codigo": [Falla("codigo_incorrecto")]})
    before = audit.snapshot(user)
    factor.activo = user.segundo_factor = True
    audit.record("usuario.segundo_factor_activado", actor, user, before)
    return queries.state(user.id)


def give_up(actor: Actor) -> None:
    """Do without it from now on, or 404."""
    if not drop(actor, users.find(actor.id or 0)):
        raise NotFound("segundo_factor_no_encontrado")


def switch_off(actor: Actor, id: int) -> int:
    """Let somebody else, whose telephone is lost, sign in without it; answers its id."""
    user = users.find_to_administer(actor, id, {})
    if user.id == actor.id:
        raise Conflict("segundo_factor_propio")
    drop(actor, user)
    return id


def drop(actor: Actor, user: Usuario) -> bool:
    """Erase a user's second factor, whether it was confirmed or not; answers whether there was one."""
    factor = queries.locked(user.id)
    if factor is None:
        return False
    before = audit.snapshot(user)
    db.session.delete(factor)
    user.segundo_factor = False
    audit.record("usuario.segundo_factor_desactivado", actor, user, before, always=True)
    return True


def enter(
    actor: Actor,
    whose: tuple[int, str],
    codigo: str,
    tokens_for: Callable[[int, str], dict[str, Any]],
    agent: str | None,
    deadline: float,
) -> tuple[int, dict[str, Any]]:
    """Open a session for ``whose`` password was right by its mark, when the code is too.

    Answers as sign-in does. A code counts as a wrong password before it is looked at: both together are
    guessed no more often than either.
    """
    id, mark = whose
    if settings().ratelimit_enabled:
        run(lambda: attempts.count_sign_in(actor.ip), deadline=deadline)
    email, *_ = read(lambda: users_queries.identity_of(id), deadline) or ("",)
    run(lambda: attempts.count_password(attempts.of_email(email)), deadline=deadline)
    checked = SignIn(id, "", None, uuid4().hex)
    pair = tokens_for(id, checked.sid)
    run(lambda: finish(actor, checked, mark, codigo, pair["refresh_token"], agent), deadline=deadline)
    return id, pair


def finish(
    actor: Actor, checked: SignIn, mark: str, codigo: str, refresh_token: str, agent: str | None
) -> None:
    """Take the code and open the session, unless the account changed since its password was right."""
    user, factor = users_queries.locked(checked.id_usuario), queries.locked(checked.id_usuario)
    if user is None or not user.activo or factor is None or not factor.activo:
        raise Unauthorized("desafio_invalido")
    if not compare_digest(mark, sessions.mark_of(user.password_hash)):
        raise Unauthorized("desafio_invalido")
    if not (spend_step(factor, codigo) or spend_code(factor, codigo)):
        audit.append("sesion.rechazada", actor, id_entidad=user.id)
        raise Unauthorized("segundo_factor_incorrecto", conserva=True)
    same = SignIn(user.id, user.password_hash, None, checked.sid)
    sessions.sign_in(actor, same, user.email, refresh_token, agent)


def spend_step(factor: SegundoFactor, codigo: str) -> bool:
    """Whether it is the code of a time step around now, none that was taken before; then it is taken."""
    totp = pyotp.TOTP(factor.secreto)
    codigo = "".join(codigo.split())  # Telephones show it in two halves.
    now = totp.timecode(utcnow().replace(tzinfo=UTC))
    for step in (now + off for off in VENTANA):
        if compare_digest(totp.generate_otp(step).encode(), codigo.encode()):
            fresh = factor.ultimo_paso is None or step > factor.ultimo_paso
            factor.ultimo_paso = step if fresh else factor.ultimo_paso
            return fresh
    return False


def spend_code(factor: SegundoFactor, codigo: str) -> bool:
    """Whether it is a recovery code that is left; then it is so no more."""
    known = digest(plain(codigo))
    left = [one for one in factor.codigos if not compare_digest(one, known)]
    spent = len(left) < len(factor.codigos)
    factor.codigos = left
    return spent


def new_code() -> str:
    """80 random bits, in groups that can be read out."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def plain(code: str) -> str:
    """A recovery code as it is compared, however it was typed."""
    return code.lower().replace("-", "").replace(" ", "")
