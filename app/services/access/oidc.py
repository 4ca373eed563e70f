"""Signing in through an issuer of OpenID Connect: whose account it is, and which role its groups give."""

import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn
from uuid import uuid4

from app import patterns
from app.errors import Forbidden, NotFound, Unauthorized
from app.extensions import db, settings
from app.models import ROLES, SOLICITANTE, IdentidadExterna, Usuario
from app.permissions import Actor
from app.queries.access import oidc as queries
from app.queries.access import users as users_queries
from app.services import locks
from app.services.access import attempts, passwords, sessions, users
from app.services.access.sessions import SignIn
from app.services.log import audit
from app.services.references import SOLICITANTE_DE
from app.services.versions import Precondicion
from app.transaction import read, run

FLOW_LIFE, CODE_LIFE = timedelta(minutes=10), timedelta(seconds=60)
EMAIL = patterns.around(patterns.EMAIL, optional=False)


@dataclass(frozen=True)
class Identity:
    """Who came back from the issuer, and as what."""

    sujeto: str
    email: str | None  # None unless the issuer has verified it
    nombre: str
    apellido: str
    rol: str


def require_configured() -> None:
    if not settings().oidc_emisor:
        raise NotFound("sso_no_configurado")


def begin(redirect_uri: str) -> tuple[str, dict[str, str]]:
    """Where the browser is to sign in, and what it has to bring back."""
    from app.services.access.issuer import Flow, Issuer  # Only here: it is slow to load.

    require_configured()
    flow = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    return Issuer(redirect_uri).address_for(Flow(**flow)), flow


def come_back(
    actor: Actor, redirect_uri: str, datos: dict[str, Any], flow: dict[str, str], deadline: float
) -> int:
    """The account of who comes back from the issuer, made or changed to what the issuer says of it; its id.

    Not one unit of work but one for each step: no transaction is open while the issuer is asked.
    """
    if settings().ratelimit_enabled:
        run(lambda: attempts.count_sign_in(actor.ip), deadline=deadline)
    spend("sso_estado_invalido", flow["state"], FLOW_LIFE, deadline)
    claims = answered(actor, redirect_uri, datos, flow, deadline)
    role = role_of(groups_in(claims))
    identity = Identity(claims["sub"], verified_email(claims), *names_of(claims), role)
    password_hash = hash_for_new(identity, deadline)
    return run(lambda: settle(actor, identity, password_hash), deadline=deadline)


def hash_for_new(identity: Identity, deadline: float) -> str:
    """Of a password that nobody knows, and any other takes as long to be refused; slow, if it is needed."""
    if read(lambda: queries.account_of(settings().oidc_emisor, identity.sujeto), deadline) is not None:
        return ""
    db.session.remove()  # No connection is held while the hash is computed.
    with passwords.turn():
        return passwords.hash_password(secrets.token_urlsafe(32))


def answered(
    actor: Actor, redirect_uri: str, datos: dict[str, Any], flow: dict[str, str], deadline: float
) -> dict[str, Any]:
    """What the issuer says of who comes back; that it says nothing good is remembered."""
    from app.services.access.issuer import Flow, Issuer

    # Behind an answer of another issuer is whoever wants our code sent to the wrong one.
    ours = datos.get("iss", settings().oidc_emisor) == settings().oidc_emisor
    try:
        if "error" in datos or "code" not in datos or not ours:
            raise Unauthorized("sso_rechazado")
        return Issuer(redirect_uri).identify(datos["code"], Flow(**flow))
    except Unauthorized as error:
        codigo = error.codigo
    return run(lambda: refuse(actor, codigo), deadline=deadline)


def refuse(actor: Actor, codigo: str) -> NoReturn:
    audit.append("sesion.rechazada", actor)
    raise Unauthorized(codigo, conserva=True)


def spend(codigo: str, secret: str, life: timedelta, deadline: float) -> None:
    """Refuse with ``codigo`` what was here before within its ``life``."""
    if not run(lambda: attempts.is_first(attempts.key(codigo, secret), life), deadline=deadline):
        raise Unauthorized(codigo)


def role_of(groups: set[str]) -> str:
    """The highest role that any of the groups gives."""
    given = {role for group, role in settings().oidc_roles if group in groups}
    if not given:
        raise Forbidden("sso_sin_rol")
    return min(given, key=ROLES.index)


def groups_in(claims: dict[str, Any]) -> set[str]:
    said = claims.get(settings().oidc_grupos_claim)
    some = said if isinstance(said, list) else [said]
    return {one for one in some if isinstance(one, str)}


def verified_email(claims: dict[str, Any]) -> str | None:
    said = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(said, str):
        return None
    email = users.normalize_email(said)
    good = len(email) <= 254 and patterns.found(EMAIL, email)
    return email if good else None


def names_of(claims: dict[str, Any]) -> tuple[str, str]:
    """First name and surname; an issuer may say neither, or both in one."""
    whole = plain(claims.get("name")) or plain(claims.get("preferred_username")) or plain(claims["sub"])
    first, _, rest = whole.partition(" ")
    return plain(claims.get("given_name")) or first or "–", plain(claims.get("family_name")) or rest or "–"


def plain(said: Any) -> str:
    """A text as our own fields would take it."""
    text = unicodedata.normalize("NFC", said) if isinstance(said, str) else ""
    shown = "".join(one for one in text if unicodedata.category(one)[0] != "C")
    return " ".join(shown.split())[:120].strip()


def settle(actor: Actor, identity: Identity, password_hash: str) -> int:
    """The account of an identity, with the role that its groups give; its id."""
    locks.hold("administradores")  # Who signs in may be one no longer.
    emisor = settings().oidc_emisor
    by = replace(actor, tipo="sistema", origen="oidc")  # The issuer says so, not who signs in.
    id = queries.account_of(emisor, identity.sujeto)
    user = of_email(by, identity, password_hash) if id is None else users.find(id)
    if not user.activo:
        sessions.refuse(actor, user.id)
    if id is None:
        link(by, user, emisor, identity.sujeto)
    beside = {"categorias": []} if identity.rol == SOLICITANTE else dict.fromkeys(SOLICITANTE_DE)
    if user.tipo_usuario != identity.rol:
        users.change(by, user, {"tipo_usuario": identity.rol, **beside}, Precondicion())
    return user.id


def of_email(by: Actor, identity: Identity, password_hash: str) -> Usuario:
    """The account that has the e-mail of a new identity, or a new one."""
    if identity.email is None:
        raise Forbidden("sso_correo_sin_verificar")
    found = users_queries.by_email(identity.email)
    if found is None:
        new = {"email": identity.email, "nombre": identity.nombre, "apellido": identity.apellido}
        return users.find(
            users.add(by, {**new, "tipo_usuario": identity.rol, "password_hash": password_hash})
        )
    return users.find(found.id)


def link(by: Actor, user: Usuario, emisor: str, sujeto: str) -> None:
    """Let a subject of the issuer sign in to an account that no other subject of it has."""
    if queries.is_known(user.id, emisor):
        raise Forbidden("sso_cuenta_de_otra_identidad")
    db.session.add(IdentidadExterna(emisor=emisor, sujeto=sujeto, id_usuario=user.id))
    cambios = audit.differences({}, {"emisor": emisor, "sujeto": sujeto})
    audit.append("usuario.identidad_vinculada", by, id_entidad=user.id, cambios=cambios)


def enter(
    actor: Actor,
    whose: tuple[int, str],
    tokens_for: Callable[[int, str], dict[str, Any]],
    challenge_for: Callable[[int, str], str],
    agent: str | None,
    deadline: float,
) -> tuple[int, dict[str, Any]]:
    """Open a session for who came back, by a code that is good once; answers as sign-in does.

    Whoever has a second factor here is asked for it as after a password: what an issuer calls one, differs.
    """
    id, nonce = whose
    spend("sso_codigo_invalido", nonce, CODE_LIFE, deadline)
    user = read(lambda: users_queries.signing_in(id), deadline)
    if user is None or not user.activo:
        return run(lambda: sessions.refuse(actor, id), deadline=deadline)
    if user.segundo_factor:
        challenge = challenge_for(id, sessions.mark_of(user.password_hash))
        raise Unauthorized("segundo_factor_requerido", miembros={"desafio": challenge})
    checked = SignIn(id, user.password_hash, None, uuid4().hex)
    pair = tokens_for(id, checked.sid)
    token = pair["refresh_token"]
    run(lambda: sessions.sign_in(actor, checked, user.email, token, agent), deadline=deadline)
    return id, pair
