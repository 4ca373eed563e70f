"""Service tokens: making and revoking them, and noting that they were used."""

import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import update

from app.errors import Falla, Invalid, NotFound, Unavailable
from app.extensions import db
from app.models import TokenServicio, utcnow
from app.permissions import Actor, Permiso, require
from app.queries.access import tokens as queries
from app.services.access.sessions import digest
from app.services.log import audit
from app.services.versions import Precondicion, check_version
from app.transaction import run

PREFIJO = "spt_"  # So that people and scanners of secrets know one when they see it.
FORMA = re.compile(rf"{PREFIJO}[A-Za-z0-9_-]{{43}}", re.ASCII)
VIDA, MAX_VIDA = timedelta(days=365), timedelta(days=730)
ENTRE_USOS = timedelta(minutes=1)
PACIENCIA = 0.05  # seconds that noting a use may wait for the one writer of SQLite


def create(actor: Actor, datos: dict[str, Any]) -> tuple[int, str]:
    """Make a token of the actor's; answers its id and the token, which is known only now."""
    require(Permiso.ADMINISTRAR_TOKEN, actor)
    now = utcnow()
    vence = datos.get("vence") or now + VIDA
    if not now < vence <= now + MAX_VIDA:
        raise Invalid({"vence": [Falla("fuera_de_plazo", dias=MAX_VIDA.days)]})
    secret = PREFIJO + secrets.token_urlsafe(32)
    about = {"nombre": datos["nombre"], "alcances": datos["alcances"], "fecha_creacion": now, "vence": vence}
    token = TokenServicio(id_usuario=actor.id, huella=digest(secret), **about)
    db.session.add(token)
    audit.record("token.creado", actor, token, {})
    return token.id, secret


def revoke(actor: Actor, id: int, precondicion: Precondicion) -> None:
    """Erase one of the actor's tokens: every worker refuses it from now on."""
    token = queries.locked(actor, id)
    if token is None:
        raise NotFound("token_no_encontrado")
    check_version("token", token, precondicion)
    audit.record_erasure("token.revocado", actor, token)


def shown(actor: Actor, id: int) -> dict[str, Any]:
    """One of the actor's tokens as a client gets it, or 404."""
    found = queries.get(actor, id)
    if found is None:
        raise NotFound("token_no_encontrado")
    return found


def note_use(id: int, last: datetime | None) -> None:
    """Write down that a token was used, once a minute, and only if nobody has to wait for that."""
    now = utcnow()
    if last and now - last < ENTRE_USOS:
        return

    def unit() -> None:
        if queries.unused_since(id, now - ENTRE_USOS):
            # Not through the ORM: to be used is no change of a token, its version stays.
            used = update(TokenServicio).where(TokenServicio.id == id)
            db.session.execute(used.values(ultimo_uso=now))

    with suppress(Unavailable):  # The next request notes it.
        run(unit, deadline=monotonic() + PACIENCIA)
