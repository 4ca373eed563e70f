"""What the log tells of a ticket's past, and the names of what it pointed at then."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import ENTIDADES, LogTransaccional

PIECE = 200  # events that are read at once
ABIERTO = ("tiquet.creado", "tiquet.importado")  # Before one of these a ticket was not here.


def backwards(id_tiquet: int) -> Iterator[Any]:
    """The events of the ticket itself, the newest first, as far as they are asked for."""
    log = LogTransaccional
    columns = (log.id, log.fecha, log.accion, log.version_resultante, log.cambios)
    own = select(*columns).where(log.id_tiquet == id_tiquet, log.entidad == "tiquet")
    # Near the end of the log MariaDB may take all that is before the last, whosever it is.
    newest = own.order_by(log.id.desc()).limit(PIECE)
    newest = newest.with_hint(log, "FORCE INDEX (ix_Log_transaccional_id_tiquet_id)", "mysql")
    rows = db.session.execute(newest).all()
    while rows:
        yield from rows
        rows = db.session.execute(newest.where(log.id < rows[-1].id)).all() if len(rows) == PIECE else []


def erased_row(catalogo: str, id: int) -> dict[str, Any] | None:
    """What a row of a catalog said that is no longer there."""
    log, entidad = LogTransaccional, ENTIDADES[catalogo]
    found = select(log.cambios).where(
        log.entidad == entidad, log.id_entidad == id, log.accion == f"{entidad}.eliminado"
    )
    cambios = db.session.scalar(found.order_by(log.id.desc()).limit(1))
    return {cambio["campo"]: cambio["anterior"] for cambio in cambios} if cambios else None
