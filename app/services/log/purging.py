"""Letting go of the beginning of the log, by an operator who has kept the head that it had come to."""

from typing import Any

from sqlalchemy import delete, update

from app import transaction
from app.errors import Conflict
from app.extensions import db
from app.models import BASE_ID, LogCabeza, LogTransaccional
from app.permissions import SISTEMA
from app.queries import mail
from app.queries.log import chain as queries
from app.queries.log import webhooks
from app.services.log import audit, chain

BATCH = 500  # events that are erased in one transaction


def purge(secuencia: int, hash: str) -> int:
    """Erase the events up to an exported head, if all of them are as they were written; answers how many.

    409 when webhooks or mail have not been made of all of them yet.
    In batches, each of which leaves a log that verifies: whoever is stopped in the middle begins again.
    """
    error = chain.matches(secuencia, hash) or chain.verify(hasta=secuencia).get("primer_error")
    if error:
        raise Conflict("registro_alterado", **error)
    places = [transaction.read(webhooks.needed), transaction.read(mail.needed)]
    needed = min((place for place in places if place is not None), default=secuencia)
    if needed < secuencia:
        raise Conflict("eventos_sin_enviar", hasta=needed)
    cambios = audit.differences({}, {"secuencia": secuencia, "hash": hash})
    transaction.run(lambda: audit.append("auditoria.purgada", SISTEMA, cambios=cambios))
    count = 0
    while found := transaction.run(lambda: batch(secuencia)):
        count += found
    return count


def batch(secuencia: int) -> int:
    """Erase the oldest events, none behind this number, and let the chain begin behind them."""
    base = queries.locked_base()
    last = min(base.secuencia + BATCH, secuencia)
    if last <= base.secuencia:
        return 0
    head = update(LogCabeza).where(LogCabeza.id == BASE_ID, LogCabeza.secuencia == base.secuencia)
    # First, because the database lets go only of what lies behind the base.
    moved: Any = db.session.execute(head.values(secuencia=last, hash=queries.at(last).hash))
    if moved.rowcount != 1:
        raise transaction.TryAgain  # The nodes of a cluster do not see each other's locks.
    between = LogTransaccional.secuencia > base.secuencia, LogTransaccional.secuencia <= last
    db.session.execute(delete(LogTransaccional).where(*between))
    return int(last - base.secuencia)
