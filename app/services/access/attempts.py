"""Passwords and sign-ins that were tried, counted in the database: exact over all workers and machines.

A try is counted before the password is looked at, and forgotten when it was right: of any number that come
at once, no more than the limit get to guess.
"""

import hmac
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from math import ceil

from sqlalchemy import delete

from app import database
from app.errors import TooMany
from app.extensions import db, settings
from app.models import Intento, utcnow
from app.queries.access import attempts

CLAVES = 10  # that may be wrong, one after the other …
BLOQUEO = timedelta(minutes=10)  # … before none is looked at for so long; fewer are forgotten after as long.
INICIOS = 30  # sign-ins, good or bad, from one network …
MINUTO = timedelta(minutes=1)  # … in so long
RECUPERACIONES = 3  # mails to one e-mail, known or not, to choose a password anew …
HORA = timedelta(hours=1)  # … in so long
PREFIX = 64  # bits of an IPv6 address that a client cannot choose


def of_email(email: str) -> str:
    return key("correo", email)


def of_user(id: int) -> str:
    """For the present password, which whoever holds a session may be asked for."""
    return key("usuario", str(id))


def key(kind: str, value: str) -> str:
    return hmac.digest(settings().secret_key.encode(), f"{kind}:{value}".encode(), "sha256").hex()


def network_of(ip: str | None) -> str:
    """Whom an address stands for: an IPv6 client has all of its network to choose one from."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ip or ""
    return str(ip_network((address, PREFIX), strict=False)) if address.version == 6 else str(address)


def count_sign_in(ip: str | None) -> None:
    """Count a sign-in of this client's network, or refuse it."""
    row = claimed(key("red", network_of(ip)))
    if row.cuenta >= INICIOS:
        raise TooMany(retry_after=seconds_until(row.vence))
    row.vence = row.vence if row.cuenta else utcnow() + MINUTO
    row.cuenta += 1


def count_recovery(email: str) -> None:
    """Count a mail to choose a password anew, or refuse it: nobody's mailbox is flooded."""
    row = claimed(key("recuperacion", email))
    if row.cuenta >= RECUPERACIONES:
        raise TooMany(retry_after=seconds_until(row.vence))
    row.vence = row.vence if row.cuenta else utcnow() + HORA
    row.cuenta += 1


def count_password(clave: str) -> None:
    """Count a password as wrong before it is looked at, or refuse to look."""
    row = claimed(clave)
    if row.cuenta >= CLAVES:
        raise TooMany("cuenta_bloqueada", retry_after=seconds_until(row.vence))
    row.cuenta += 1
    row.vence = utcnow() + BLOQUEO


def is_first(clave: str, life: timedelta) -> bool:
    """Whether this key comes for the first time within its ``life``: of any number at once, one does."""
    row = claimed(clave)
    if row.cuenta:
        return False
    row.cuenta, row.vence = 1, utcnow() + life
    return True


def forget(*claves: str) -> bool:
    """Count anew, because a password was right or an Administrador says so; answers whether it matters."""
    gone = db.session.execute(delete(Intento).where(Intento.clave.in_(claves), Intento.vence > utcnow()))
    return bool(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def claimed(clave: str) -> Intento:
    """The count of a key, nobody else's until the unit of work ends; 0 when it is new or was forgotten."""
    now = utcnow()
    # First an INSERT: of many that meet a missing row, an UPDATE would let each into the other's way.
    db.session.execute(
        database.insert_missing(db.session.get_bind(), Intento, clave=clave, cuenta=0, vence=now)
    )
    row = attempts.locked(clave)
    if row.vence <= now:
        row.cuenta = 0
    return row


def seconds_until(instant: datetime) -> int:
    return max(1, ceil((instant - utcnow()).total_seconds()))
