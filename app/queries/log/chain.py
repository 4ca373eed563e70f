"""Reading the log by its numbers: what has none yet, and what the chain goes through."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select, true, type_coerce

from app.extensions import db
from app.models import BASE_ID, CABEZA_ID, LogCabeza, LogTransaccional
from app.models.base import LONG_TEXT
from app.transaction import read

# What never changes of a numbered event, and is hashed; ``cambios`` by its digest.
INMUTABLES = (
    *("id", "id_evento", "fecha", "tipo_actor", "id_usuario", "accion", "entidad", "id_entidad"),
    *("id_tiquet", "version_resultante", "origen", "id_solicitud", "ip", "digesto"),
)
CHUNK = 1000  # rows of a short read

EVENTO = select(
    *(getattr(LogTransaccional, name) for name in INMUTABLES),
    LogTransaccional.secuencia,
    LogTransaccional.hash_anterior,
    LogTransaccional.hash,
    LogTransaccional.sal,
    # As it is kept, byte by byte, not as what it says.
    type_coerce(LogTransaccional.cambios, LONG_TEXT).label("texto"),
)
SIN_NUMERO = LogTransaccional.secuencia.is_(None)
CABEZA = select(LogCabeza.secuencia, LogCabeza.hash).where(LogCabeza.id == CABEZA_ID)
BASE = select(LogCabeza.secuencia, LogCabeza.hash).where(LogCabeza.id == BASE_ID)


def is_waiting() -> bool:
    """Whether there is a committed event without a number."""
    return db.session.scalar(select(LogTransaccional.id).where(SIN_NUMERO).limit(1)) is not None


def waiting(limit: int) -> Sequence[Any]:
    """The oldest events without a number. A plain read: a locking one would stop every writer."""
    return db.session.execute(EVENTO.where(SIN_NUMERO).order_by(LogTransaccional.id).limit(limit)).all()


def locked_head() -> Any:
    """Number and hash of the last event that has them; whoever wants to go on from it too waits here."""
    return db.session.execute(CABEZA.with_for_update()).one()


def locked_base() -> Any:
    """How far the log was purged; whoever wants to purge more waits here."""
    return db.session.execute(BASE.with_for_update()).one()


def ends() -> Any:
    """Head and base in one snapshot, and what is none of ours.

    ``ajeno`` is the first number beyond the head, ``resto`` the first that should have been purged.
    """
    base = BASE.subquery()
    number = LogTransaccional.secuencia
    beyond = select(func.min(number)).where(number > LogCabeza.secuencia)
    left = select(func.min(number)).where(number <= base.c.secuencia)
    columns = (
        base.c.secuencia.label("base"),
        base.c.hash.label("hash_base"),
        beyond.scalar_subquery().label("ajeno"),
        left.scalar_subquery().label("resto"),
    )
    return db.session.execute(CABEZA.add_columns(*columns).join(base, true())).one()


def at(secuencia: int) -> Any:
    """The event of this number."""
    return db.session.execute(EVENTO.where(LogTransaccional.secuencia == secuencia)).one_or_none()


def numbered(desde: int, hasta: int) -> Iterator[Any]:
    """The events from one number to another, in chunks: each a short read of its own, none kept."""

    def chunk() -> Sequence[Any]:
        found = db.session.execute(
            EVENTO.where(LogTransaccional.secuencia.between(desde, hasta))
            .order_by(LogTransaccional.secuencia)
            .limit(CHUNK)
        ).all()
        db.session.rollback()  # Nothing is held while the chunk is looked at.
        return found

    while rows := read(chunk):
        yield from rows
        desde = rows[-1].secuencia + 1
